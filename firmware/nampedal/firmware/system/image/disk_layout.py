"""Builds the disk image of a card: a partition table and four partitions. Mounts nothing, and does not need root."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nampedal.firmware.system.image import mbr
from nampedal.firmware.system.image.mbr import Partition
from nampedal.firmware.system.image.sources import build_tools

MIB = 1 << 20
CARD_LABEL, DATA_LABEL = "NAMPEDAL", "NAMPEDAL-DATA"
# Partitions are aligned to the erase blocks of a card.
ALIGN_MIB = 4
CARD_MIB, ROOT_MIB, DATA_MIB = 256, 640, 64
_CHUNK = 4 * MIB


@dataclass(frozen=True, slots=True)
class Layout:
    """The partitions in order: boot partition (FAT), two root partitions, data partition."""

    partitions: tuple[Partition, ...]

    @property
    def bytes(self) -> int:
        last = self.partitions[-1]
        return last.start_bytes + last.size_bytes


def layout() -> Layout:
    """Return the partition layout, which is the same in all images: an update relies on it to find the other root."""
    partitions: list[Partition] = []
    start = ALIGN_MIB
    for size, kind in ((CARD_MIB, mbr.FAT32_LBA), (ROOT_MIB, mbr.LINUX), (ROOT_MIB, mbr.LINUX), (DATA_MIB, mbr.LINUX)):
        partitions.append(Partition(_sectors(start), _sectors(size), kind, bootable=not partitions))
        start += size
    return Layout(tuple(partitions))


def assemble(out: Path, disk_id: int, card: Path, root: Path, data: Path) -> None:
    """Write the disk image from the contents of its partitions."""
    made = layout()
    with out.open("wb") as image:
        image.truncate(made.bytes)
        image.write(mbr.pack(disk_id, made.partitions))
        # The second root partition stays empty until the first update.
        for part, content in ((made.partitions[0], card), (made.partitions[1], root), (made.partitions[3], data)):
            image.seek(part.start_bytes)
            for chunk in _chunks(content):
                # Zeros become holes, which use no space and are not written to a card. The data partition is written
                # completely, so that no journal of an earlier file system stays on the card.
                if content == data or any(chunk):
                    image.write(chunk)
                else:
                    image.seek(len(chunk), os.SEEK_CUR)


def make_boot_partition(folder: Path, out: Path, epoch: int) -> None:
    """Make a FAT file system with the contents of a folder; the same folder gives the same bytes.

    epoch: the date of all files, in seconds since 1970.
    """
    for path in sorted(folder.rglob("*")):
        os.utime(path, (epoch, epoch))
    _blank(out, CARD_MIB)
    build_tools.run(["mkfs.vfat", "-F", "32", "-n", CARD_LABEL, "--invariant", str(out)])
    names = sorted(str(path) for path in folder.iterdir())
    build_tools.run(["mcopy", "-s", "-m", "-Q", "-i", str(out), *names, "::/"], {"SOURCE_DATE_EPOCH": str(epoch)})


def make_data_partition(out: Path, uuid: str, epoch: int) -> None:
    """Make an empty ext4 file system with its journal."""
    _blank(out, DATA_MIB)
    same = ("-U", uuid, "-E", f"hash_seed={uuid},lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0")
    build_tools.run(
        ["mke2fs", "-q", "-t", "ext4", "-L", DATA_LABEL, *same, str(out)], {"E2FSPROGS_FAKE_TIME": str(epoch)}
    )


def compress(image: Path) -> list[Path]:
    """Compress the image; return the files written beside it: .zst, .bmap (its used blocks), and two SHA-256 files."""
    bmap, packed = image.with_name(f"{image.name}.bmap"), image.with_name(f"{image.name}.zst")
    build_tools.run(["bmaptool", "--quiet", "create", "-o", str(bmap), str(image)])
    build_tools.run(["zstd", "-q", "-f", "-9", "-T0", str(image), "-o", str(packed)])
    sums = [path.with_name(f"{path.name}.sha256") for path in (image, packed)]
    for path, written in zip((image, packed), sums, strict=True):
        written.write_text(f"{sha256(path)}  {path.name}\n")
    return [packed, bmap, *sums]


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _blank(path: Path, mib: int) -> None:
    with path.open("wb") as file:
        file.truncate(mib * MIB)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _sectors(mib: int) -> int:
    return mib * MIB // mbr.SECTOR_BYTES
