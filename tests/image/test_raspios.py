"""Images with Raspberry Pi's kernel, from a stand-in of its archive on this computer: signed, and laid out as it is.

What the firmware of each board looks for is asked of the card as the firmware would. One image of each release is built
through the command; the cards of all boards are filled from the same packages. NAMPEDAL_ALL_BOARDS=1 ('make
test-raspios') builds an image of every board of both releases instead, which takes about a minute each.

Trixie's wheel is made here of the one that is in dist/, and only called one for its Python: it is installed, and could
not run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import ROOT
from nampedal.board.profiles.boards import board_keys
from nampedal.board.profiles.hats import hat_keys, read_hat
from nampedal.board.profiles.pedals import read_pedal
from nampedal.firmware.system.image import boot_partition
from nampedal.firmware.system.image.disk_layout import layout
from nampedal.firmware.system.image.image_manifest import ImageManifest
from nampedal.firmware.system.image.sources.boot_firmware import check
from nampedal.firmware.system.image.sources.kernel_files import Kernel
from nampedal.firmware.system.image.sources.suites import BASES
from nampedal.firmware.system.install.boot_config import config_block
from nampedal.firmware.system.install.steps.target import InstallTarget
from support.machines.emulated_machine import CARD_AT_BYTES, Machine, firmware, overlay, running
from support.machines.emulated_pedal import BOOT_S, WORDS, Pedal, prepare
from support.makers.pi_archive import LAYOUTS, make_archive, served, sign
from support.makers.wheel_maker import wheel_for

Command = Callable[..., subprocess.CompletedProcess[str]]
TAGS = {"bookworm": "cp311", "trixie": "cp313"}
# One that is booted, and one whose firmware looks for other names.
PEDALS = {"bookworm": "virtual", "trixie": "pi-5-serial"}
# The address is a part of what packages are kept under: the same one each time keeps the root from the last run.
PORTS = {"bookworm": 18765, "trixie": 18766}
ALL_BOARDS = os.environ.get("NAMPEDAL_ALL_BOARDS") == "1"
KERNEL_8 = ("A/kernel8.img", "A/initramfs8")
KERNEL_2712 = ("A/kernel_2712.img", "A/initramfs_2712")
OF_3, OF_4 = ("bootcode.bin", "start.elf", "fixup.dat"), ("start4.elf", "fixup4.dat")
# raspberrypi/documentation, documentation/asciidoc/computers/configuration/boot_folder.adoc at 044dfa2 and
# config_txt/boot.adoc at f6839a6; device trees: raspberrypi/linux, arch/arm64/boot/dts/broadcom.
LOOKED_FOR = {
    "zero-2-w": (*OF_3, *KERNEL_8, "A/bcm2710-rpi-zero-2-w.dtb"),
    "3b-plus": (*OF_3, *KERNEL_8, "A/bcm2710-rpi-3-b-plus.dtb"),
    "4b-1.5ghz": (*OF_4, *KERNEL_8, "A/bcm2711-rpi-4-b.dtb"),
    "4b-1.8ghz": (*OF_4, *KERNEL_8, "A/bcm2711-rpi-4-b.dtb"),
    "400": (*OF_4, *KERNEL_8, "A/bcm2711-rpi-400.dtb"),
    "cm4": (*OF_4, *KERNEL_8, "A/bcm2711-rpi-cm4.dtb"),
    "5": (*KERNEL_2712, "A/bcm2712-rpi-5-b.dtb", "A/overlays/bcm2712d0.dtbo"),
    "500": (*KERNEL_2712, "A/bcm2712-rpi-500.dtb", "A/overlays/bcm2712d0.dtbo"),
}
# Overlays that a Raspberry Pi 5 has its own of, among those that are used here: overlay_map.dts at e30c123.
OF_5 = ("disable-bt", "disable-wifi", "pisound")
ALWAYS = ("config.txt", "A/cmdline.txt", "A/nampedal-image.toml", "A/overlays/README", "A/overlays/overlay_map.dtb")


@dataclass(frozen=True)
class Built:
    """What was built of one release. options: that it was built with, but for the pedal and the image's name."""

    release: str
    image: Path
    options: tuple[str | Path, ...]
    kernel: Path


def order(*words: str | Path) -> tuple[str | Path, ...]:
    return ("image", "build", *words)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """As the fixture `nampedal`, for all tests of a release."""
    folder = tmp_path_factory.mktemp("command")

    def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "nampedal.firmware.cli", *map(str, arguments)]
        return subprocess.run(line, capture_output=True, text=True, cwd=folder, check=False, timeout=1200)

    return command


@pytest.fixture(scope="module", params=LAYOUTS)
def built(
    image: Path, run: Command, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Built]:
    release = str(request.param)
    folder = tmp_path_factory.mktemp(release)
    (debian,) = (image.parent / "cache").glob("kernel-debian-*")
    key = make_archive(folder / "archive", release, debian)
    cache = image.parent / "cache-raspios" / release
    # The kernel is fetched each time; the root, which takes minutes, is kept.
    for kept in cache.glob("kernel-*"):
        shutil.rmtree(kept)
    (wheel,) = (ROOT / "dist").glob("nampedal-*aarch64.whl")
    with served(folder / "archive", PORTS[release]) as url:
        options: tuple[str | Path, ...] = ("--radio", "on", "--wheel", wheel_for(wheel, folder, TAGS[release]))
        options += ("--pi-mirror", url, "--pi-key", key, "--cache", cache, "--for-emulator")
        made = folder / "pedal.img"
        done = run(*order("--pedal", PEDALS[release], "-o", made, *options))
        assert done.returncode == 0, done.stderr
        (kernel,) = cache.glob("kernel-raspios-*")
        yield Built(release, made, options, kernel)


def on_card(image: Path) -> dict[str, bytes]:
    """The files of a card's first partition, by name; the overlays' and the kernels' contents are left out."""
    listed = subprocess.run(
        ["mdir", "-/", "-b", "-i", f"{image}@@{CARD_AT_BYTES}", "::/"], capture_output=True, text=True, check=True
    )
    names = [line.removeprefix("::/") for line in listed.stdout.splitlines() if line.startswith("::/")]
    return {name: b"" for name in names if not name.endswith("/")} | {"config.txt": read(image, "config.txt")}


def read(image: Path, name: str) -> bytes:
    where = f"{image}@@{CARD_AT_BYTES}"
    return subprocess.run(["mtype", "-i", where, f"::/{name}"], capture_output=True, check=True).stdout


def missing(files: dict[str, bytes], board: str) -> set[str]:
    """What a board's firmware does not find."""
    lines = files["config.txt"].decode().splitlines()
    assert "os_prefix=A/" in lines
    assert "auto_initramfs=1" in lines
    assert "arm_64bit=1" in lines
    wanted = {*ALWAYS, *LOOKED_FOR[board]}
    for line in lines:
        name = line.removeprefix("dtoverlay=").partition(",")[0]
        if line.startswith("dtoverlay=") and name:
            of_5 = f"A/overlays/{name}-pi5.dtbo"
            wanted.add(of_5 if board in ("5", "500") and name in OF_5 else f"A/overlays/{name}.dtbo")
    return wanted - set(files)


def pedal_of(board: str, folder: Path) -> Path:
    """A profile of a board with one of the HATs, another one for each board."""
    path = folder / f"{board.replace('.', '-')}.toml"
    hats = [key for key in hat_keys() if read_hat(key).overlay and key != "loopback"]
    hat = hats[board_keys().index(board) % len(hats)]
    path.write_text(f'name = "{board}"\nboard = "{board}"\nhat = "{hat}"\n')
    return path


def test_a_card_has_what_its_boards_firmware_looks_for(built: Built) -> None:
    board = {"virtual": "3b-plus", "pi-5-serial": "5"}[PEDALS[built.release]]
    lost = missing(on_card(built.image), board)
    # That HAT is the emulator's.
    assert lost == ({"A/overlays/none-here.dtbo"} if PEDALS[built.release] == "virtual" else set())


def unpacked(image: Path, name: str, folder: Path) -> Path:
    """A root with one folder of that in an image."""
    start = str(layout().partitions[1].start_bytes)
    command = ["unsquashfs", "-q", "-n", "-o", start, "-d", str(folder / "root"), str(image), name]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "root"


def test_the_radios_firmware_is_whole(built: Built, tmp_path: Path) -> None:
    firmware_folder = unpacked(built.image, "usr/lib/firmware", tmp_path) / "usr/lib/firmware"
    links = [path for path in firmware_folder.rglob("*") if path.is_symlink()]
    assert len(links) > 5
    assert [path for path in links if not path.exists()] == []
    chosen = firmware_folder / "brcm/brcmfmac43455-sdio.raspberrypi,4-model-b.bin"
    assert chosen.read_text() == "cyfmac43455-sdio-standard.bin"


@pytest.fixture(scope="module")
def modules(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with the kernels' modules."""
    return unpacked(built.image, "usr/lib/modules", tmp_path_factory.mktemp("modules"))


@pytest.mark.parametrize("radio", [False, True])
@pytest.mark.parametrize("board", LOOKED_FOR)
def test_every_boards_card_has_what_its_firmware_looks_for(
    built: Built, modules: Path, board: str, radio: bool, tmp_path: Path
) -> None:
    """All of a build that depends on the board, from the packages that were fetched for another."""
    pedal, kernel = read_pedal(pedal_of(board, tmp_path)), Kernel(built.kernel)
    lines = config_block(pedal, InstallTarget(image=True, radio=radio))
    check(kernel, BASES["raspios"], pedal, lines)
    facts = ImageManifest("1.0", "raspios", "aarch64", pedal.key, root_bytes=4096, root_sha256="0" * 64)
    card = tmp_path / "card"
    boot_partition.fill(card, kernel, modules, BASES["raspios"], 1, lines, [], facts)
    files = {str(path.relative_to(card)): b"" for path in card.rglob("*") if path.is_file()}
    files["config.txt"] = (card / "config.txt").read_bytes()
    assert f"dtoverlay={pedal.hat.overlay}" in files["config.txt"].decode()
    assert ("dtoverlay=disable-wifi" in files["config.txt"].decode()) is not radio
    assert missing(files, board) == set()


@pytest.mark.skipif(not ALL_BOARDS, reason="a minute for each board: 'make test-raspios' builds them all")
@pytest.mark.parametrize("board", LOOKED_FOR)
def test_every_boards_image_has_what_its_firmware_looks_for(
    built: Built, run: Command, board: str, tmp_path: Path
) -> None:
    options = [word for word in built.options if word != "--for-emulator"]
    done = run(*order("--pedal", pedal_of(board, tmp_path), "-o", tmp_path / "pedal.img", *options))
    assert done.returncode == 0, done.stderr
    assert "fetching" not in done.stdout
    assert missing(on_card(tmp_path / "pedal.img"), board) == set()


def refused(run: Command, built: Built, folder: Path, board: str) -> str:
    """The one line that a build of a board's image ends in."""
    options = [word for word in built.options if word != "--for-emulator"]
    done = run(*order("--pedal", pedal_of(board, folder), "-o", folder / "pedal.img", *options))
    assert done.returncode == 2, done.stdout + done.stderr
    assert not (folder / "pedal.img").exists()
    (line,) = done.stderr.splitlines()
    return line


@pytest.mark.parametrize(
    ("board", "lost"),
    [
        ("4b-1.8ghz", "usr/lib/raspi-firmware/start4.elf"),
        ("cm4", "usr/lib/linux-image-*-v8/broadcom/bcm2711-rpi-cm4.dtb"),
        ("3b-plus", "usr/lib/linux-image-*-v8/overlays/README"),
        ("5", "usr/lib/linux-image-*-2712/overlays/overlay_map.dtb"),
        ("500", "usr/lib/linux-image-*-2712/overlays/bcm2712d0.dtbo"),
        ("zero-2-w", "*bin/busybox"),
        ("400", "*/vmlinuz*-v8"),
    ],
)
def test_what_is_missing_is_named_in_one_line(
    built: Built, run: Command, board: str, lost: str, tmp_path: Path
) -> None:
    found = [path for pattern in (lost, f"usr/{lost}") for path in built.kernel.glob(pattern) if path.is_file()]
    if lost == "*/vmlinuz*-v8":
        found = [*built.kernel.glob("boot/vmlinuz-*-v8"), *built.kernel.glob("usr/lib/modules/*-v8/vmlinuz")]
    (path,) = found
    away = tmp_path / "away"
    shutil.move(path, away)
    try:
        line = refused(run, built, tmp_path, board)
    finally:
        shutil.move(away, path)
    assert path.name in line
    assert "--fresh" in line


def test_a_dangling_link_of_the_radio_is_told_in_one_line(built: Built, run: Command, tmp_path: Path) -> None:
    (path,) = built.kernel.glob("**/cypress/cyfmac43455-sdio-standard.bin")
    away = tmp_path / "away"
    shutil.move(path, away)
    try:
        line = refused(run, built, tmp_path, "4b-1.8ghz")
    finally:
        shutil.move(away, path)
    assert "firmware of the radio: brcm/brcmfmac43455-sdio" in line
    assert line.endswith(
        "leads to ../cypress/cyfmac43455-sdio.bin, which is not there; try --fresh, or leave out --radio"
    )


@pytest.mark.parametrize("options", [("--pi-key", "wrong.gpg"), ()])
def test_an_archive_is_taken_only_with_its_key(
    built: Built, run: Command, options: tuple[str, ...], tmp_path: Path
) -> None:
    words = list(built.options)
    where = words.index("--pi-key")
    release = Path(str(words[where + 1])).parent / "dists" / built.release / "Release"
    del words[where : where + 2]
    words[words.index("--cache") + 1] = tmp_path / "cache"
    if options:
        (tmp_path / "Release").write_bytes(release.read_bytes())
        words += ["--pi-key", sign(tmp_path, tmp_path / "Release")]
    # The root's packages are asked for first: from the archive as well.
    done = run(*order("--pedal", "pi-4-dac-adc", "-o", tmp_path / "pedal.img", *words))
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("nampedal: image: packages can't be fetched: GPG error: http://127.0.0.1:")
    assert "NO_PUBKEY" in line
    assert "name a file with it by --pi-key FILE" in line


def test_it_boots_as_far_as_an_emulator_can(
    built: Built, ssh_key: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if PEDALS[built.release] != "virtual":
        pytest.skip("what is compiled in the stand-in of trixie's wheel is for another Python: it could not play")
    folder = tmp_path_factory.mktemp("raspios")
    card = prepare(built.image, ssh_key, folder)
    started = firmware(card, folder / "firmware", "virt")
    with running(Machine("virt", started, overlay(card, folder / "card.qcow2"), folder, WORDS)) as machine:
        machine.wait_for_ssh(BOOT_S)
        pedal = Pedal(machine, ssh_key)
        pedal.wait_for(lambda: pedal.status().get("preset"), BOOT_S)
        assert pedal.run("uname -r").endswith("+rpt-rpi-v8")
        assert pedal.run("findmnt -no FSTYPE /") == "squashfs"
        # The bank on the card is imported behind the first sound.
        pedal.wait_for(lambda: pedal.status().get("bank") == "rock", BOOT_S)
        assert pedal.run("modinfo -F filename squashfs").startswith("/lib/modules/")
