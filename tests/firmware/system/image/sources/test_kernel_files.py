from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from nampedal.firmware.base.errors import DeployError
from nampedal.firmware.system.image.sources.kernel_files import Kernel, copy_radio
from support.makers.pi_archive import LAYOUTS
from support.makers.unpacked_kernel import PI_VERSIONS, unpack

needs_dtc = pytest.mark.skipif(shutil.which("dtc") is None, reason="dtc is not installed")
RADIO = "brcm/brcmfmac43455-sdio.bin"
VERSION = PI_VERSIONS[1]


@needs_dtc
@pytest.mark.parametrize("release", LAYOUTS)
def test_each_releases_files_are_found(tmp_path: Path, release: str) -> None:
    kernel, layout = unpack(tmp_path, release), LAYOUTS[release]
    assert kernel.versions() == list(PI_VERSIONS)
    assert kernel.modules(VERSION) == tmp_path / layout.modules.format(v=VERSION)
    assert kernel.image(VERSION) == tmp_path / layout.kernel.format(v=VERSION)
    assert kernel.config(VERSION) == tmp_path / layout.config.format(v=VERSION)
    assert kernel.busybox() == tmp_path / ("bin/busybox" if release == "bookworm" else "usr/bin/busybox")


def test_a_folder_without_a_kernel_is_refused(tmp_path: Path) -> None:
    (tmp_path / "usr/lib/modules/5.0-removed").mkdir(parents=True)
    expected = (
        f"{tmp_path}: holds no kernel's modules in usr/lib/modules or lib/modules; fetch the packages with --fresh"
    )
    with pytest.raises(DeployError, match=f"^{re.escape(expected)}$"):
        Kernel(tmp_path).versions()


@needs_dtc
@pytest.mark.parametrize(
    ("release", "lost", "expected"),
    [
        (
            "bookworm",
            "boot/vmlinuz-{v}",
            r"packages: kernel 6\.12\S+-v8 is not there, neither as usr/lib/\S+/vmlinuz nor",
        ),
        ("trixie", "usr/bin/busybox", r"packages: busybox is not there, neither as usr/bin/busybox nor as bin/b"),
    ],
)
def test_a_file_that_is_missing_is_named(tmp_path: Path, release: str, lost: str, expected: str) -> None:
    kernel = unpack(tmp_path / "packages", release)
    (kernel.folder / lost.format(v=VERSION)).unlink()
    with pytest.raises(DeployError, match=expected):
        (kernel.image(VERSION), kernel.busybox())


def radio_packages(folder: Path, top: str) -> Kernel:
    """As RPi-Distro/firmware-nonfree lays them out at 223ccf3; top: where."""
    for name in ("cypress/cyfmac43455-sdio-standard.bin", "cypress/cyfmac43455-sdio-minimal.bin", "brcm/other.bin"):
        (folder / top / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / top / name).write_text(name)
    (folder / top / RADIO).symlink_to("../cypress/cyfmac43455-sdio.bin")
    return Kernel(folder)


@pytest.mark.parametrize("top", ["lib/firmware", "usr/lib/firmware"])
def test_the_radios_firmware_is_what_its_package_would_choose(tmp_path: Path, top: str) -> None:
    target = tmp_path / "root/usr/lib/firmware"
    copy_radio(radio_packages(tmp_path / "packages", top), target, [RADIO])
    assert os.readlink(target / "cypress/cyfmac43455-sdio.bin") == "cyfmac43455-sdio-standard.bin"
    assert (target / RADIO).read_text() == "cypress/cyfmac43455-sdio-standard.bin"


def test_debians_own_firmware_stays_as_it_is(tmp_path: Path) -> None:
    kernel = radio_packages(tmp_path / "packages", "usr/lib/firmware")
    (kernel.folder / "usr/lib/firmware/cypress/cyfmac43455-sdio.bin").write_text("Debian's")
    copy_radio(kernel, tmp_path / "root", [RADIO])
    assert (tmp_path / "root" / RADIO).read_text() == "Debian's"


def test_two_packages_with_different_places_are_both_taken(tmp_path: Path) -> None:
    kernel = radio_packages(tmp_path / "packages", "lib/firmware")
    (kernel.folder / "usr/lib/firmware/brcm").mkdir(parents=True)
    (kernel.folder / "usr/lib/firmware/brcm/brcmfmac43455-sdio.txt").write_text("numbers")
    copy_radio(kernel, tmp_path / "root", [RADIO, "brcm/brcmfmac43455-sdio.txt"])


def test_a_link_to_nowhere_is_refused_if_a_raspberry_pi_follows_it(tmp_path: Path) -> None:
    kernel = radio_packages(tmp_path / "packages", "lib/firmware")
    (kernel.folder / "lib/firmware/brcm/brcmfmac43362-sdio.cubietech,cubietruck.txt").symlink_to("nowhere")
    copy_radio(kernel, tmp_path / "root")
    assert [path for path in (tmp_path / "root").rglob("*") if path.is_symlink() and not path.exists()] == []
    name = "brcmfmac43455-sdio.raspberrypi,4-model-b.txt"
    (kernel.folder / "lib/firmware/brcm" / name).symlink_to("nowhere.txt")
    expected = (
        f"packages: firmware of the radio: brcm/{name} leads to nowhere.txt, which is not there; try --fresh, or leave "
        "out --radio"
    )
    with pytest.raises(DeployError, match=f"{re.escape(expected)}$"):
        copy_radio(kernel, tmp_path / "second")


def test_a_radio_without_its_firmware_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        DeployError, match=rf"has no firmware of this board's radio: {RADIO} is needed; try --fresh, or"
    ):
        copy_radio(Kernel(tmp_path), tmp_path / "root", [RADIO])
