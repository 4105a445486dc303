"""Which disk may be written: a whole one, a card or plugged in, that nobody uses. Linux's own files are asked.

sysfs-block of Linux's Documentation/ABI and proc_pid_mountinfo(5) say what they hold. What they do not tell, as what is
mounted in another container, the kernel knows: a disk is opened (card.py) only if nobody else has it.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nampedal.board.flash.errors import (
    BuiltInDiskError,
    DiskTooLargeError,
    HeldDiskError,
    MountedDiskError,
    NoDisksToldError,
    NoMediumError,
    NoSuchDiskError,
    NotADiskError,
    PartitionError,
    ReadOnlyDiskError,
    SwapDiskError,
    SystemDiskError,
)

# Whatever a disk's own sectors are: /sys counts in these.
SECTOR = 512
# A card of 128 GB has up to that many bytes more than 128e9.
LARGEST_GB_BYTES = 1 << 30
SYSTEM = ("/", "/usr", "/var", "/home", "/boot", "/efi")
_USB = re.compile(r"/usb\d+/")
_ESCAPED = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Disk:
    """A whole disk.  number: MAJOR:MINOR.  size: bytes.  kind: how it is attached; empty: built in.

    sequence: another disk under the same name has another one; empty where Linux is older than 5.15.
    """

    name: str
    number: str
    size: int
    model: str
    kind: str
    read_only: bool
    sequence: str

    @property
    def path(self) -> Path:
        return Path("/dev") / self.name


def size_text(size: int) -> str:
    """Of bytes, in the units that are printed on cards."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def find_disk(path: Path) -> Disk:
    """The whole disk that a device file, or a link to one, stands for.

    Raises NoSuchDiskError, NotADiskError; what `read_disk` raises.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise NoSuchDiskError(f"{path}: there is no such device; 'lsblk' lists those that are there") from error
    if not stat.S_ISBLK(status.st_mode):
        raise NotADiskError(f"{path}: is no disk; a whole one is needed, such as /dev/sdb; 'lsblk' lists them")
    return read_disk(f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}")


def read_disk(number: str, root: Path = Path("/")) -> Disk:
    """number: MAJOR:MINOR. Raises NoDisksToldError, NoSuchDiskError, PartitionError."""
    numbers = root / "sys" / "dev" / "block"
    if not numbers.is_dir():
        raise NoDisksToldError(
            f"{numbers}: is not there, so nobody tells which disk may be written; only Linux does: write the image "
            "with Raspberry Pi Imager or balenaEtcher"
        )
    folder = (numbers / number).resolve()
    if not folder.is_dir():
        raise NoSuchDiskError(f"device {number}: is gone; plug it in again")
    name = folder.name.replace("!", "/")
    if (folder / "partition").exists():
        whole = folder.parent.name
        raise PartitionError(f"/dev/{name}: is a partition; the whole disk is needed: /dev/{whole}")
    return Disk(
        name,
        number,
        int(_read(folder / "size") or 0) * SECTOR,
        _model(folder),
        _kind(folder),
        _read(folder / "ro") == "1",
        _read(folder / "diskseq"),
    )


def check_disk(disk: Disk, max_gb: int, root: Path = Path("/")) -> None:
    """Whether it may be written.

    Raises SystemDiskError, MountedDiskError, SwapDiskError, HeldDiskError, NoMediumError, ReadOnlyDiskError,
    BuiltInDiskError, DiskTooLargeError.
    """
    folder = (root / "sys" / "dev" / "block" / disk.number).resolve()
    _check_unused(disk, folder, root)
    if disk.size == 0:
        raise NoMediumError(f"{disk.path}: is an empty reader; put a card into it")
    if disk.read_only:
        raise ReadOnlyDiskError(f"{disk.path}: can't be written; an SD card, or its adapter, has a lock at its side")
    if not disk.kind:
        raise BuiltInDiskError(
            f"{disk.path}: is built in ({disk.model or 'no model known'}); only SD cards and what is plugged in by USB "
            "are written: take the card's name; 'lsblk' lists all"
        )
    if disk.size > max_gb * LARGEST_GB_BYTES:
        raise DiskTooLargeError(
            f"{disk.path}: has {size_text(disk.size)}; up to {max_gb} GB are written, so that no backup is lost; if "
            "this is the card, say so with --max-gb"
        )


def _check_unused(disk: Disk, folder: Path, root: Path) -> None:
    parts, made = dict(map(_named, _parts(folder))), dict(map(_named, _made_of(folder)))
    # What is no device, and what has no name of the device mapper's, is empty.
    names = {*parts, *made, *map(_mapped, _made_of(folder))} - {""}
    numbers = {*parts.values(), *made.values()}
    mounted = [
        (source, point)
        for number, source, point in _mounts(root)
        if number in numbers or _device(source, root) in names
    ]
    for _, point in mounted:
        if point in SYSTEM or point.startswith("/boot/"):
            raise SystemDiskError(
                f"{disk.path}: holds {point} of this system, and is never written; take the card's name"
            )
    if mounted:
        places = ", ".join(f"{source} at {point}" for source, point in mounted)
        points = " ".join(dict.fromkeys(shlex.quote(point) for _, point in mounted))
        raise MountedDiskError(f"{disk.path}: is mounted: {places}; unmount it: sudo umount {points}")
    for source in _swaps(root):
        if _device(source, root) in names:
            raise SwapDiskError(f"{disk.path}: is used as swap: {source}; end that: sudo swapoff {source}")
    if made:
        raise HeldDiskError(
            f"{disk.path}: other devices are made of it: {', '.join(made)}; it is no card, or LVM, RAID or encryption "
            "has to let it go first"
        )


def _parts(folder: Path) -> Iterator[Path]:
    """A device and its partitions."""
    yield folder
    yield from (part.parent for part in sorted(folder.glob("*/partition")))


def _made_of(folder: Path) -> Iterator[Path]:
    """All that is made of a device, and of that."""
    for part in _parts(folder):
        for holder in sorted(part.glob("holders/*")):
            yield from _parts(holder.resolve())
            yield from _made_of(holder.resolve())


def _named(folder: Path) -> tuple[str, str]:
    return folder.name, _read(folder / "dev")


def _mapped(folder: Path) -> str:
    """What the device mapper calls it; empty: it is not its."""
    return _read(folder / "dm" / "name")


def _mounts(root: Path) -> Iterator[tuple[str, str, str]]:
    """MAJOR:MINOR, device and place of all that is mounted; btrfs, which can have many disks, has no disk's number."""
    for line in _read(root / "proc" / "self" / "mountinfo").splitlines():
        fields = line.split(" ")
        # Optional fields end with a dash; then type and source.
        yield fields[2], _plain(fields[fields.index("-") + 2]), _plain(fields[4])


def _swaps(root: Path) -> Iterator[str]:
    for line in _read(root / "proc" / "swaps").splitlines()[1:]:
        yield _plain(line.split()[0])


def _device(source: str, root: Path) -> str:
    """The name behind a device file, which may be a link such as /dev/mapper/root; empty: it is none."""
    return Path(os.path.realpath(root / source[1:])).name if source.startswith("/dev/") else ""


def _plain(text: str) -> str:
    """Blanks and the like stand there in octal."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), text)


def _model(folder: Path) -> str:
    """As its maker wrote it; a loop device is what it is made of."""
    told = (_read(folder / "device" / name) for name in ("vendor", "model", "name"))
    return " ".join(part for part in told if part) or _read(folder / "loop" / "backing_file")


def _kind(folder: Path) -> str:
    if folder.name.startswith("mmcblk"):
        return "SD card"
    if _USB.search(str(folder)):
        return "USB"
    if folder.name.startswith("loop"):
        return "a file"
    return "removable" if _read(folder / "removable") == "1" else ""


def _read(path: Path) -> str:
    """Empty where it is not told."""
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
