"""A card's image: a table, and its four partitions. Nothing is mounted, and nobody has to be root."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nampedal.board import mbr
from nampedal.board.image import tools
from nampedal.board.mbr import Partition

MIB = 1 << 20
CARD_LABEL, DATA_LABEL = "NAMPEDAL", "NAMPEDAL-DATA"
# Each partition begins where a card's erase blocks do.
ALIGN_MIB = 4
CARD_MIB, ROOT_MIB, DATA_MIB = 256, 640, 64
_CHUNK = 4 * MIB


@dataclass(frozen=True, slots=True)
class Layout:
    """The partitions in their order: what is read by the firmware, two roots, data."""

    partitions: tuple[Partition, ...]

    @property
    def bytes(self) -> int:
        last = self.partitions[-1]
        return last.start_bytes + last.size_bytes


def layout() -> Layout:
    """As every image has it: an update finds the other root where it looks for it."""
    partitions: list[Partition] = []
    start = ALIGN_MIB
    for size, kind in ((CARD_MIB, mbr.FAT32_LBA), (ROOT_MIB, mbr.LINUX), (ROOT_MIB, mbr.LINUX), (DATA_MIB, mbr.LINUX)):
        partitions.append(Partition(_sectors(start), _sectors(size), kind, bootable=not partitions))
        start += size
    return Layout(tuple(partitions))


def assemble(out: Path, disk_id: int, card: Path, root: Path, data: Path) -> None:
    """The image from its partitions' contents."""
    made = layout()
    with out.open("wb") as image:
        image.truncate(made.bytes)
        image.write(mbr.pack(disk_id, made.partitions))
        # The second root is for the first update.
        for part, content in ((made.partitions[0], card), (made.partitions[1], root), (made.partitions[3], data)):
            image.seek(part.start_bytes)
            for chunk in _chunks(content):
                # A hole takes no room, and is not written to a card: no journal of an earlier life may stay there.
                if content == data or any(chunk):
                    image.write(chunk)
                else:
                    image.seek(len(chunk), os.SEEK_CUR)


def make_card(folder: Path, out: Path, epoch: int) -> None:
    """A FAT with what is in the folder; the same folder gives the same bytes."""
    for path in sorted(folder.rglob("*")):
        os.utime(path, (epoch, epoch))
    _blank(out, CARD_MIB)
    tools.run(["mkfs.vfat", "-F", "32", "-n", CARD_LABEL, "--invariant", str(out)])
    names = sorted(str(path) for path in folder.iterdir())
    tools.run(["mcopy", "-s", "-m", "-Q", "-i", str(out), *names, "::/"], {"SOURCE_DATE_EPOCH": str(epoch)})


def make_data(out: Path, uuid: str, epoch: int) -> None:
    """An empty ext4, with its journal."""
    _blank(out, DATA_MIB)
    same = ("-U", uuid, "-E", f"hash_seed={uuid},lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0")
    tools.run(["mke2fs", "-q", "-t", "ext4", "-L", DATA_LABEL, *same, str(out)], {"E2FSPROGS_FAKE_TIME": str(epoch)})


def compress(image: Path) -> list[Path]:
    """The image as .zst, what of it to write as .bmap, and its SHA-256, beside it."""
    bmap, packed = image.with_name(f"{image.name}.bmap"), image.with_name(f"{image.name}.zst")
    tools.run(["bmaptool", "--quiet", "create", "-o", str(bmap), str(image)])
    tools.run(["zstd", "-q", "-f", "-9", "-T0", str(image), "-o", str(packed)])
    sums = [path.with_name(f"{path.name}.sha256") for path in (image, packed)]
    for path, written in zip((image, packed), sums, strict=True):
        written.write_text(f"{sha256(path)}  {path.name}\n")
    return [packed, bmap, *sums]


def sha256(path: Path) -> str:
    """Of a file's bytes."""
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
