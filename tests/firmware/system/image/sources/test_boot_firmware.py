from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from nampedal.board.profiles.boards import board_keys
from nampedal.board.profiles.hats import hat_keys, read_hat
from nampedal.board.profiles.pedals import PedalProfile, pedal_keys, read_pedal
from nampedal.firmware.base.errors import DeployError
from nampedal.firmware.system.image.sources import boot_firmware
from nampedal.firmware.system.image.sources.boot_firmware import (
    BOARDS,
    FAMILIES,
    check,
    check_audio_support,
    overlays_in,
)
from nampedal.firmware.system.image.sources.kernel_files import Kernel
from nampedal.firmware.system.image.sources.suites import BASES
from nampedal.firmware.system.install.boot_config import config_block
from nampedal.firmware.system.install.steps.target import InstallTarget
from support.makers.pi_archive import OVERLAYS, TREES
from support.makers.unpacked_kernel import DEBIANS, PI_VERSIONS, unpack

pytestmark = pytest.mark.skipif(shutil.which("dtc") is None, reason="dtc is not installed")
RASPIOS, DEBIAN = BASES["raspios"], BASES["debian"]
V8, V2712 = (f"usr/lib/linux-image-{version}" for version in reversed(PI_VERSIONS))


def lines(pedal: PedalProfile, *, radio: bool = False) -> list[str]:
    return config_block(pedal, InstallTarget(image=True, radio=radio))


def checked(kernel: Kernel, pedal: str, *, emulator: bool = False) -> None:
    check(kernel, RASPIOS, read_pedal(pedal), lines(read_pedal(pedal)), emulator=emulator)


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return unpack(tmp_path / "packages")


def test_the_tables_know_every_board_and_every_name_in_them_is_in_the_kernel() -> None:
    # TREES and OVERLAYS are from the kernel's own sources; the table and the profiles are held against them.
    for key in set(board_keys()) & set(BOARDS):
        assert {name.removesuffix(".dtb") for name in BOARDS[key].trees} & set(TREES), key
    assert {f"{path.stem}" for path in (Path(__file__).parents[5] / "hw-profiles/boards").glob("*.toml")} == set(BOARDS)
    assert {name for family in FAMILIES.values() for name in family.overlays} <= set(OVERLAYS)
    assert {read_hat(key).overlay for key in hat_keys()} - {None} <= set(OVERLAYS)


@pytest.mark.parametrize("key", pedal_keys())
@pytest.mark.parametrize("radio", [False, True])
def test_all_that_our_pedals_need_is_there(kernel: Kernel, key: str, radio: bool) -> None:
    pedal = read_pedal(key)
    check(kernel, RASPIOS, pedal, lines(pedal, radio=radio))


LOST = [
    ("pi-4-dac-adc", "usr/lib/raspi-firmware/start4.elf", "is not there; a Raspberry Pi 4 Model B, 1.8 GHz does not"),
    ("pi-4-dac-adc", "usr/lib/raspi-firmware/fixup4.dat", "is not there; a Raspberry Pi 4 Model B, 1.8 GHz does not"),
    ("zero-2-w-codec-zero", "usr/lib/raspi-firmware/bootcode.bin", "is not there; a Raspberry Pi Zero 2 W does not"),
    ("zero-2-w-codec-zero", "usr/lib/raspi-firmware/start.elf", "is not there; a Raspberry Pi Zero 2 W does not start"),
    (
        "pi-4-dac-adc",
        f"{V8}/overlays/README",
        "is not there; without it a Raspberry Pi ignores the overlays beside it;",
    ),
    ("pi-4-dac-adc", f"{V8}/overlays/overlay_map.dtb", "is not there; without it a Raspberry Pi takes overlays for"),
    (
        "pi-4-dac-adc",
        f"{V8}/overlays/hifiberry-dacplusadc.dtbo",
        "is not there; the HAT does not work without it; corr",
    ),
    ("pi-4-dac-adc", f"{V8}/overlays/disable-bt.dtbo", "is not there; dtoverlay=disable-bt does not work without it;"),
    (
        "pi-5-serial",
        f"{V2712}/overlays/disable-wifi-pi5.dtbo",
        "is not there; dtoverlay=disable-wifi does not work with",
    ),
    ("pi-5-serial", f"{V2712}/overlays/bcm2712d0.dtbo", "is not there; dtoverlay=bcm2712d0 does not work without it;"),
]


@pytest.mark.parametrize(("pedal", "lost", "expected"), LOST)
def test_what_a_board_looks_for_is_missed_by_name(kernel: Kernel, pedal: str, lost: str, expected: str) -> None:
    (kernel.folder / lost).unlink()
    with pytest.raises(DeployError, match=f"^{re.escape(f'{kernel.folder / lost}: {expected}')}.*--fresh$"):
        checked(kernel, pedal)


def test_another_boards_files_are_not_missed(kernel: Kernel) -> None:
    # A Raspberry Pi 5 has its firmware on board, and overlays of its own.
    shutil.rmtree(kernel.folder / "usr/lib/raspi-firmware")
    (kernel.folder / V2712 / "overlays/disable-wifi.dtbo").unlink()
    shutil.rmtree(kernel.folder / V8)
    checked(kernel, "pi-5-serial")


def test_a_device_tree_and_a_kernel_are_the_boards_own(kernel: Kernel) -> None:
    trees = kernel.folder / V8 / "broadcom"
    (trees / "bcm2711-rpi-4-b.dtb").unlink()
    expected = (
        f"{trees}: has no device tree for a Raspberry Pi 4 Model B, 1.8 GHz: bcm2711-rpi-4-b.dtb is needed; fetch"
    )
    with pytest.raises(DeployError, match=f"^{re.escape(expected)}"):
        checked(kernel, "pi-4-dac-adc")
    shutil.rmtree(kernel.folder / f"usr/lib/modules/{PI_VERSIONS[0]}")
    expected = (
        f"{kernel.folder}: has no kernel for a Raspberry Pi 5: one whose name ends in -rpi-2712 is needed, there is "
        f"{PI_VERSIONS[1]}; fetch the packages again with --fresh"
    )
    with pytest.raises(DeployError, match=f"^{re.escape(expected)}$"):
        checked(kernel, "pi-5-serial")


def test_somebodys_own_board_needs_a_tree_of_its_kind(kernel: Kernel) -> None:
    pedal = read_pedal("pi-4-dac-adc")
    own = replace(pedal, board=replace(pedal.board, key="mine", name="Raspberry Pi 4S"))
    check(kernel, RASPIOS, own, lines(own))
    for path in (kernel.folder / V8 / "broadcom").glob("bcm2711-*"):
        path.unlink()
    with pytest.raises(DeployError, match=r"has no device tree for a Raspberry Pi 4S: bcm2711-rpi-\*\.dtb is needed"):
        check(kernel, RASPIOS, own, lines(own))
    other = replace(own, board=replace(own.board, cpu="Cortex-A55"))
    with pytest.raises(
        DeployError, match=r"^board 'mine': has a Cortex-A55, for which no card is made, only for Cortex-A"
    ):
        check(kernel, RASPIOS, other, [])


@pytest.mark.parametrize(
    ("version", "config", "refused"),
    [
        (
            "6.6.20+rpt-rpi-v8",
            "CONFIG_SQUASHFS_ZSTD is not set",
            "lacks CONFIG_SQUASHFS_ZSTD=y: this kernel can't read",
        ),
        ("6.6.20+rpt-rpi-v8", "CONFIG_SQUASHFS_ZSTD=y", None),
        ("6.6.51+rpt-rpi-v8", None, r"kernel 6\.6\.51\+rpt-rpi-v8: is older than 6\.6\.55 and has no config"),
        ("6.6.55+rpt-rpi-v8", None, None),
        ("6.12+rpt-rpi-v8", None, None),
    ],
)
def test_a_kernel_that_cant_read_the_root_is_refused(
    tmp_path: Path, version: str, config: str | None, refused: str | None
) -> None:
    kernel = unpack(tmp_path, "bookworm", [version])
    path = tmp_path / f"boot/config-{version}"
    path.unlink()
    if config is not None:
        path.write_text(f"CONFIG_SQUASHFS=m\n{config}\n")
    if refused is None:
        checked(kernel, "pi-4-dac-adc")
        return
    with pytest.raises(
        DeployError, match=rf"{refused}.*Raspberry Pi's have it from October 2024 on; fetch the packages"
    ):
        checked(kernel, "pi-4-dac-adc")


@pytest.mark.parametrize(
    ("pedal", "name", "expected"),
    [
        ("pi-5-serial", "miniuart-bt", "dtoverlay=miniuart-bt: is not for a Raspberry Pi 5; correct the profile"),
        ("pi-4-dac-adc", "spi0-hw-cs", "dtoverlay=spi0-hw-cs: is no longer there: no longer necessary; correct the"),
    ],
)
def test_what_the_map_forbids_is_refused(kernel: Kernel, pedal: str, name: str, expected: str) -> None:
    with pytest.raises(DeployError, match=expected):
        check(kernel, RASPIOS, read_pedal(pedal), [f"dtoverlay={name}"])


def test_an_overlay_is_found_under_its_new_name(kernel: Kernel) -> None:
    pedal = read_pedal("pi-5-serial")
    check(kernel, RASPIOS, pedal, ["dtoverlay=pi3-disable-bt"])
    (kernel.folder / V2712 / "overlays/disable-bt-pi5.dtbo").unlink()
    with pytest.raises(
        DeployError, match=r"overlays/disable-bt-pi5\.dtbo: is not there; dtoverlay=pi3-disable-bt does"
    ):
        check(kernel, RASPIOS, pedal, ["dtoverlay=pi3-disable-bt"])


def test_only_an_emulator_does_without_the_hats_overlay(kernel: Kernel) -> None:
    lost = kernel.folder / V8 / "overlays/hifiberry-dacplusadc.dtbo"
    lost.unlink()
    checked(kernel, "pi-4-dac-adc", emulator=True)
    with pytest.raises(DeployError, match=re.escape(f"{lost}: is not there; the HAT does not work without it")):
        checked(kernel, "pi-4-dac-adc")


def test_overlays_are_read_from_lines_of_config_txt() -> None:
    written = [
        "[all]",
        "dtoverlay=",
        "dtparam=spi=on",
        "dtoverlay=hat,reset=5",
        "dtoverlay=disable-bt",
        "dtoverlay=hat",
    ]
    assert overlays_in(written) == ["hat", "disable-bt"]


def without_hat(pedal: PedalProfile) -> PedalProfile:
    """As if its sound came from elsewhere: what a HAT's profile may say by naming no overlay."""
    return replace(pedal, hat=replace(pedal.hat, overlay=""))


@pytest.mark.parametrize("key", ["pi-4-dac-adc", "pi-5-serial", "zero-2-w-codec-zero"])
def test_debians_kernel_can_make_no_hat_sound(key: str) -> None:
    pedal = read_pedal(key)
    expected = (
        f"pedal '{key}': its HAT, {pedal.hat.name}, needs the overlay {pedal.hat.overlay}, which Debian's kernel does "
        "not have: this card could never sound; take --base raspios, or add --for-emulator for a card that only an "
        "emulator starts"
    )
    with pytest.raises(DeployError, match=f"^{re.escape(expected)}$"):
        check_audio_support(pedal, DEBIAN, lines(pedal))
    check_audio_support(pedal, RASPIOS, lines(pedal))


def test_what_needs_no_overlay_may_have_debians_kernel(tmp_path: Path) -> None:
    pedal = without_hat(read_pedal("pi-4-dac-adc"))
    written = [line for line in lines(pedal) if line != "dtoverlay="]
    assert "dtoverlay=disable-wifi" in written
    check_audio_support(pedal, DEBIAN, written)
    kernel = unpack(tmp_path, versions=DEBIANS)
    check(kernel, DEBIAN, pedal, written)
    with pytest.raises(DeployError, match=r"^pedal 'pi-4-dac-adc': its controls need the overlay spi1-1cs, which Deb"):
        check_audio_support(pedal, DEBIAN, [*written, "dtoverlay=spi1-1cs"])


def test_debians_device_trees_have_other_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = unpack(tmp_path, versions=DEBIANS)
    pedal = without_hat(read_pedal("zero-2-w-codec-zero"))
    check(kernel, DEBIAN, pedal, [])
    monkeypatch.setattr(boot_firmware, "BOARDS", {"zero-2-w": boot_firmware.BoardFiles(("bcm2710-rpi-zero-2-w.dtb",))})
    with pytest.raises(DeployError, match="has no device tree for a Raspberry Pi Zero 2 W"):
        check(kernel, DEBIAN, pedal, [])


def test_a_radios_firmware_is_named_for_every_board() -> None:
    names: Callable[[str], tuple[str, ...]] = lambda key: boot_firmware.radio_files(read_pedal(key).board)  # noqa: E731
    assert names("pi-4-dac-adc") == names("pi-5-serial") == ("brcm/brcmfmac43455-sdio.bin",)
    assert names("zero-2-w-codec-zero") == ("brcm/brcmfmac43430-sdio.bin",)
