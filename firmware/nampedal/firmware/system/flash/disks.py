"""Decides which disk may be written: a whole one that is a card or plugged in, and that nobody uses.

The information comes from files of Linux: sysfs-block in Documentation/ABI, and proc_pid_mountinfo(5). They do not tell
everything, for example mounts in another container; the kernel knows those: card_writer opens a disk only if nobody
else has it open.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nampedal.firmware.base.errors import DeployError

# /sys counts in sectors of this size, whatever the disk's own sector size is.
SECTOR = 512
# Maximum bytes for each GB of a card's nominal size: a card of 128 GB may have more than 128e9 bytes.
LARGEST_GB_BYTES = 1 << 30
SYSTEM = ("/", "/usr", "/var", "/home", "/boot", "/efi")
_USB = re.compile(r"/usb\d+/")
_ESCAPED = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Disk:
    """A whole disk.

    number: MAJOR:MINOR.
    size: in bytes.
    kind: how it is attached; empty: built in.
    sequence: differs for another disk under the same name; empty if Linux is older than 5.15.
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
    """Return a size in the units that are printed on cards. size: in bytes."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def find_disk(path: Path) -> Disk:
    """Return the whole disk of a device file, or of a link to one.

    Raises DeployError, and the errors of `read_disk`.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise DeployError(f"{path}: there is no such device; 'lsblk' lists those that are there") from error
    if not stat.S_ISBLK(status.st_mode):
        raise DeployError(f"{path}: is no disk; a whole one is needed, such as /dev/sdb; 'lsblk' lists them")
    return read_disk(f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}")


def read_disk(number: str, root: Path = Path("/")) -> Disk:
    """Return the disk with a device number. number: MAJOR:MINOR.

    Raises DeployError.
    """
    numbers = root / "sys" / "dev" / "block"
    if not numbers.is_dir():
        raise DeployError(
            f"{numbers}: is not there, so nobody tells which disk may be written; only Linux does: write the image "
            "with Raspberry Pi Imager or balenaEtcher"
        )
    folder = (numbers / number).resolve()
    if not folder.is_dir():
        raise DeployError(f"device {number}: is gone; plug it in again")
    name = folder.name.replace("!", "/")
    if (folder / "partition").exists():
        whole = folder.parent.name
        raise DeployError(f"/dev/{name}: is a partition; the whole disk is needed: /dev/{whole}")
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
    """Check that a disk may be written. max_gb: maximum size.

    Raises DeployError.
    """
    folder = (root / "sys" / "dev" / "block" / disk.number).resolve()
    _check_unused(disk, folder, root)
    if disk.size == 0:
        raise DeployError(f"{disk.path}: is an empty reader; put a card into it")
    if disk.read_only:
        raise DeployError(f"{disk.path}: can't be written; an SD card, or its adapter, has a lock at its side")
    if not disk.kind:
        raise DeployError(
            f"{disk.path}: is built in ({disk.model or 'no model known'}); only SD cards and what is plugged in by USB "
            "are written: take the card's name; 'lsblk' lists all"
        )
    if disk.size > max_gb * LARGEST_GB_BYTES:
        raise DeployError(
            f"{disk.path}: has {size_text(disk.size)}; up to {max_gb} GB are written, so that no backup is lost; if "
            "this is the card, say so with --max-gb"
        )


def _check_unused(disk: Disk, folder: Path, root: Path) -> None:
    parts, made = dict(map(_named, _parts(folder))), dict(map(_named, _made_of(folder)))
    # Sources that are not a device and disks without a device mapper name give an empty name.
    names = {*parts, *made, *map(_mapped, _made_of(folder))} - {""}
    numbers = {*parts.values(), *made.values()}
    mounted = [
        (source, point)
        for number, source, point in _mounts(root)
        if number in numbers or _device(source, root) in names
    ]
    for _, point in mounted:
        if point in SYSTEM or point.startswith("/boot/"):
            raise DeployError(f"{disk.path}: holds {point} of this system, and is never written; take the card's name")
    if mounted:
        places = ", ".join(f"{source} at {point}" for source, point in mounted)
        points = " ".join(dict.fromkeys(shlex.quote(point) for _, point in mounted))
        raise DeployError(f"{disk.path}: is mounted: {places}; unmount it: sudo umount {points}")
    for source in _swaps(root):
        if _device(source, root) in names:
            raise DeployError(f"{disk.path}: is used as swap: {source}; end that: sudo swapoff {source}")
    if made:
        raise DeployError(
            f"{disk.path}: other devices are made of it: {', '.join(made)}; it is no card, or LVM, RAID or encryption "
            "has to let it go first"
        )


def _parts(folder: Path) -> Iterator[Path]:
    """Yield the folders of a device and its partitions."""
    yield folder
    yield from (part.parent for part in sorted(folder.glob("*/partition")))


def _made_of(folder: Path) -> Iterator[Path]:
    """Yield the devices that are built on a device, such as LVM, and those that are built on them."""
    for part in _parts(folder):
        for holder in sorted(part.glob("holders/*")):
            yield from _parts(holder.resolve())
            yield from _made_of(holder.resolve())


def _named(folder: Path) -> tuple[str, str]:
    return folder.name, _read(folder / "dev")


def _mapped(folder: Path) -> str:
    """Return the device mapper's name of a device; empty if it has none."""
    return _read(folder / "dm" / "name")


def _mounts(root: Path) -> Iterator[tuple[str, str, str]]:
    """Yield MAJOR:MINOR, device and mount point of each mount.

    The number of a btrfs mount is not that of a disk, because btrfs can span many disks.
    """
    for line in _read(root / "proc" / "self" / "mountinfo").splitlines():
        fields = line.split(" ")
        # The optional fields end with a dash; then follow type and source.
        yield fields[2], _plain(fields[fields.index("-") + 2]), _plain(fields[4])


def _swaps(root: Path) -> Iterator[str]:
    for line in _read(root / "proc" / "swaps").splitlines()[1:]:
        yield _plain(line.split()[0])


def _device(source: str, root: Path) -> str:
    """Return the name of the device behind a device file or link, such as /dev/mapper/root; empty if it is not one."""
    return Path(os.path.realpath(root / source[1:])).name if source.startswith("/dev/") else ""


def _plain(text: str) -> str:
    """Decode the octal escapes, which stand for blanks and similar characters."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), text)


def _model(folder: Path) -> str:
    """Return the model as its maker wrote it; for a loop device, the file behind it."""
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
    """Return a file's text; empty if it can't be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
