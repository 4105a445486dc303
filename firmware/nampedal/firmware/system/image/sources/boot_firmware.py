"""Lists the files that each board's firmware needs on a card, and checks that a kernel's packages have them.

Sources, for the tables below:
- files beside config.txt: raspberrypi/documentation, documentation/asciidoc/computers/configuration/boot_folder.adoc
  at 044dfa2: bootcode.bin is not used on a Raspberry Pi 4, which has start4.elf and fixup4.dat, like the 400 and the
  CM4. The firmware of a Raspberry Pi 5, 500 and 500+ is in its EEPROM (the same repository, pull request 4194).
- kernels: RPi-Distro/firmware, debian/kernel/postinst.d/z50-raspi-firmware at 100c81b.
- device trees: raspberrypi/linux, arch/arm64/boot/dts/broadcom: bcm2710-rpi-zero-2-w.dts at 885d404,
  bcm2710-rpi-3-b-plus.dts at 59525ba, bcm2711-rpi-4-b.dts at 57df5e6, bcm2711-rpi-400.dts at 318118c,
  bcm2711-rpi-cm4.dts at e437091, bcm2712-rpi-5-b.dts at 9ac6cb2, bcm2712-rpi-500.dts at 9ac0e38. Debian's kernel has
  other names for some of them (its package linux-image-7.3.4+deb13-rt-arm64); the firmware prefers those names if
  config.txt has upstream_kernel=1 (raspberrypi/documentation,
  documentation/asciidoc/computers/config_txt/boot.adoc at f6839a6).
- overlays: the same page: without overlays/README, the overlays below os_prefix are ignored. overlay_map.dtb tells
  which overlay the firmware loads instead, by board (raspberrypi/linux, arch/arm/boot/dts/overlays/overlay_map.dts at
  e30c123, and pull request 3527); without it a Raspberry Pi 5 loads the overlays for a 4
  (home-assistant/operating-system, pull request 3335). Newer Raspberry Pi 5s load bcm2712d0 although config.txt does
  not name it, and do not boot without it (agherzan/meta-raspberrypi, pull request 1412).
- radio: RPi-Distro/firmware-nonfree, debian/config/brcm80211/defines at 223ccf3; the driver takes the file without a
  board's name if there is none with it (Linux, drivers/net/wireless/broadcom/brcm80211/brcmfmac/firmware.c).
- zstd in squashfs: raspberrypi/linux, pull request 6400, merged on 4 October 2024; Linux 6.6.55 is newer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nampedal.board.profiles.boards import Board
from nampedal.board.profiles.pedals import PedalProfile
from nampedal.firmware.base.errors import DeployError
from nampedal.firmware.system.image.sources import build_tools
from nampedal.firmware.system.image.sources.kernel_files import Kernel
from nampedal.firmware.system.image.sources.suites import Base


@dataclass(frozen=True, slots=True)
class Family:
    """Boards with the same kind of chip.

    files: needed beside config.txt.
    flavour: of Raspberry Pi's kernel.
    platform: the family's name in overlay_map.dts.
    trees: prefixes of the device trees' file names.
    overlays: loaded although config.txt does not name them.
    """

    files: tuple[str, ...]
    flavour: str
    platform: str
    trees: tuple[str, ...]
    overlays: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BoardFiles:
    """The files of one board.

    trees: name of the device tree in Raspberry Pi's kernel, and in Debian's if that is another one.
    radio: firmware of its radio, relative to /usr/lib/firmware.
    """

    trees: tuple[str, ...]
    radio: str = "brcm/brcmfmac43455-sdio.bin"


# Key: the board's CPU.
FAMILIES = {
    "Cortex-A53": Family(("bootcode.bin", "start.elf", "fixup.dat"), "v8", "bcm2835", ("bcm2710-rpi-", "bcm2837-rpi-")),
    "Cortex-A72": Family(("start4.elf", "fixup4.dat"), "v8", "bcm2711", ("bcm2711-rpi-",)),
    "Cortex-A76": Family((), "2712", "bcm2712", ("bcm2712-rpi-",), ("bcm2712d0",)),
}
# Key: the board's key.
BOARDS = {
    "zero-2-w": BoardFiles(("bcm2710-rpi-zero-2-w.dtb", "bcm2837-rpi-zero-2-w.dtb"), "brcm/brcmfmac43430-sdio.bin"),
    "3b-plus": BoardFiles(("bcm2710-rpi-3-b-plus.dtb", "bcm2837-rpi-3-b-plus.dtb")),
    "4b-1.5ghz": BoardFiles(("bcm2711-rpi-4-b.dtb",)),
    "4b-1.8ghz": BoardFiles(("bcm2711-rpi-4-b.dtb",)),
    "400": BoardFiles(("bcm2711-rpi-400.dtb",)),
    "cm4": BoardFiles(("bcm2711-rpi-cm4.dtb", "bcm2711-rpi-cm4-io.dtb")),
    "5": BoardFiles(("bcm2712-rpi-5-b.dtb",)),
    "500": BoardFiles(("bcm2712-rpi-500.dtb",)),
}
# File names of kernel and initramfs on the card, by the kernel's flavour; auto_initramfs=1 requires the second name.
PI_NAMES = {"v8": ("kernel8.img", "initramfs8"), "2712": ("kernel_2712.img", "initramfs_2712")}
PLAIN_NAMES = ("vmlinuz", "initrd.img")
README, MAP = "README", "overlay_map.dtb"
_ZSTD, _ZSTD_SINCE = "CONFIG_SQUASHFS_ZSTD=y", (6, 6, 55)
# A pedal plays without these two as well: if they are missing, the radio stays on, but nothing configures it.
_NOT_NEEDED = ("disable-wifi", "disable-bt")
_FRESH = "fetch the packages again with --fresh"


def flavour_of(version: str) -> str:
    """Return the flavour of a Raspberry Pi kernel's version; empty for any other kernel.

    Examples: v8 for 6.12.34+rpt-rpi-v8, v8-rt for 6.12.34+rpt-rpi-v8-rt.
    """
    return version.partition("-rpi-")[2]


def overlays_in(lines: Sequence[str]) -> list[str]:
    """Return the names of the overlays that lines of config.txt load, without parameters."""
    found = (line.partition("=")[2].partition(",")[0].strip() for line in lines if line.startswith("dtoverlay="))
    return [name for name in dict.fromkeys(found) if name]


def radio_files(board: Board) -> tuple[str, ...]:
    """Return the firmware files of a board's radio, relative to /usr/lib/firmware; empty if unknown."""
    return (BOARDS[board.key].radio,) if board.key in BOARDS else ()


def check_audio_support(pedal: PedalProfile, base: Base, lines: Sequence[str]) -> None:
    """Check that the base has the overlays that a pedal needs. lines: of config.txt. Raises DeployError."""
    if base.pi:
        return
    advice = "take --base raspios, or add --for-emulator for a card that only an emulator starts"
    if pedal.hat.overlay:
        raise DeployError(
            f"pedal {pedal.key!r}: its HAT, {pedal.hat.name}, needs the overlay {pedal.hat.overlay}, which Debian's "
            f"kernel does not have: this card could never sound; {advice}"
        )
    for name in overlays_in(lines):
        if name not in _NOT_NEEDED:
            raise DeployError(
                f"pedal {pedal.key!r}: its controls need the overlay {name}, which Debian's kernel does not have; "
                f"{advice}"
            )


def check(kernel: Kernel, base: Base, pedal: PedalProfile, lines: Sequence[str], *, emulator: bool = False) -> None:
    """Check that the packages have all files that the firmware of the pedal's board needs.

    lines: of config.txt.
    emulator: the HAT's overlay may be missing.
    Raises DeployError, ProgramError.
    """
    family = FAMILIES.get(pedal.board.cpu)
    if family is None:
        raise DeployError(
            f"board {pedal.board.key!r}: has a {pedal.board.cpu}, for which no card is made, only for "
            f"{_listed(FAMILIES)}"
        )

    for name in family.files:
        _need(kernel.boot_files() / name, f"a {pedal.board.name} does not start without it; {_FRESH}")
    version = _version(kernel, base, pedal.board, family)
    kernel.image(version)
    kernel.busybox()
    _check_zstd(kernel, version)
    _check_tree(kernel.trees(version), pedal.board, family)
    if base.pi:
        _check_overlays(kernel.overlays(version), pedal, family, lines, emulator)


def _version(kernel: Kernel, base: Base, board: Board, family: Family) -> str:
    """Return the version of the kernel that this board boots."""
    there = kernel.versions()
    found = [version for version in there if not base.pi or flavour_of(version) == family.flavour]
    if not found:
        raise DeployError(
            f"{kernel.folder}: has no kernel for a {board.name}: one whose name ends in -rpi-{family.flavour} is "
            f"needed, there is {', '.join(there)}; {_FRESH}"
        )
    return found[-1]


def _check_zstd(kernel: Kernel, version: str) -> None:
    config = kernel.config(version)
    since = f"Raspberry Pi's have it from October 2024 on; {_FRESH}"
    if config is not None:
        if _ZSTD not in config.read_text(errors="replace").splitlines():
            raise DeployError(f"{config}: lacks {_ZSTD}: this kernel can't read the root that is made; {since}")
        return
    numbers = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", version)
    if numbers is None or tuple(int(each or 0) for each in numbers.groups()) < _ZSTD_SINCE:
        oldest = ".".join(map(str, _ZSTD_SINCE))
        raise DeployError(
            f"{kernel.folder}: kernel {version}: is older than {oldest} and has no config, so it may be unable to read "
            f"the root that is made; {since}"
        )


def _check_tree(trees: Path, board: Board, family: Family) -> None:
    if board.key in BOARDS:
        names = BOARDS[board.key].trees
    else:
        # A user's own board: its device tree is not known.
        if any(path.name.startswith(family.trees) for path in trees.glob("*.dtb")):
            return
        names = tuple(f"{start}*.dtb" for start in family.trees)
    if not any((trees / name).is_file() for name in names):
        raise DeployError(
            f"{trees}: has no device tree for a {board.name}: {_listed(names)} is needed; {_FRESH}, or take another "
            "--base"
        )


def _check_overlays(overlays: Path, pedal: PedalProfile, family: Family, lines: Sequence[str], emulator: bool) -> None:
    _need(overlays / README, f"without it a Raspberry Pi ignores the overlays beside it; {_FRESH}")
    _need(overlays / MAP, f"without it a Raspberry Pi takes overlays for another board; {_FRESH}")
    for name in (*family.overlays, *overlays_in(lines)):
        if emulator and name == pedal.hat.overlay:
            continue
        what = "the HAT" if name == pedal.hat.overlay else f"dtoverlay={name}"
        mapped = _mapped(overlays / MAP, name, pedal.board, family)
        _need(
            overlays / f"{mapped}.dtbo",
            f"{what} does not work without it; correct the name in the profile, or {_FRESH}",
        )


def _mapped(path: Path, name: str, board: Board, family: Family) -> str:
    """Return the overlay that a board's firmware loads for this name. Raises DeployError, ProgramError."""
    tried = [name]
    while tried[-1] in build_tools.run(["fdtget", "-l", str(path), "/"]).split():
        node = f"/{tried[-1]}"
        there = build_tools.run(["fdtget", "-p", str(path), node]).split()
        key = next((each for each in ("deprecated", "renamed", family.platform) if each in there), None)
        value = build_tools.run(["fdtget", str(path), node, key]).strip() if key else ""
        if key is None:
            raise DeployError(f"{path}: dtoverlay={name}: is not for a {board.name}; correct the profile")
        if key == "deprecated":
            raise DeployError(f"{path}: dtoverlay={name}: is no longer there: {value}; correct the profile")
        if not value or value in tried:
            break
        tried.append(value)
    return tried[-1]


def _need(path: Path, otherwise: str) -> None:
    if not path.is_file():
        raise DeployError(f"{path}: is not there; {otherwise}")


def _listed(names: Iterable[str]) -> str:
    return " or ".join(names)
