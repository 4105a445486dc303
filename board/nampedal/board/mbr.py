"""The table of a card's four partitions: the master boot record, which every Raspberry Pi starts from."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

SECTOR_BYTES = 512
# Counted in cylinders, which do not count, and in sectors.
FAT32_CHS, FAT32_LBA = 0x0B, 0x0C
# And FAT16, as well.
FATS = frozenset((0x04, 0x06, FAT32_CHS, FAT32_LBA, 0x0E))
LINUX = 0x83
_SIGNATURE = b"\x55\xaa"
_ID_AT, _TABLE_AT = 440, 446
# No cylinders, heads and sectors: 0xFFFFFE says that the sector number counts (UEFI specification, 5.2.1).
_ENTRY = struct.Struct("<B3sB3sII")
_NO_CHS = b"\xfe\xff\xff"


@dataclass(frozen=True, slots=True)
class Partition:
    """start, sectors: in sectors of 512 bytes.  type: of partition, as in the table."""

    start: int
    sectors: int
    type: int
    bootable: bool = False

    @property
    def start_bytes(self) -> int:
        return self.start * SECTOR_BYTES

    @property
    def size_bytes(self) -> int:
        return self.sectors * SECTOR_BYTES


def pack(disk_id: int, partitions: Sequence[Partition]) -> bytes:
    """The first sector."""
    entries = [
        _ENTRY.pack(0x80 if part.bootable else 0, _NO_CHS, part.type, _NO_CHS, part.start, part.sectors)
        for part in partitions
    ]
    table = b"".join(entries).ljust(4 * _ENTRY.size, b"\0")
    return bytes(_ID_AT) + struct.pack("<IH", disk_id, 0) + table + _SIGNATURE


def unpack(sector: bytes) -> tuple[Partition, ...] | None:
    """The four of a first sector, those that are not there of type 0; None: it is no table."""
    if len(sector) != SECTOR_BYTES or sector[-2:] != _SIGNATURE:
        return None
    found = _ENTRY.iter_unpack(sector[_TABLE_AT : _TABLE_AT + 4 * _ENTRY.size])
    return tuple(Partition(start, sectors, kind, flag == 0x80) for flag, _, kind, _, start, sectors in found)


def partuuid(disk_id: int, number: int) -> str:
    """What Linux calls a partition, counted from 1 (block/partitions/msdos.c)."""
    return f"{disk_id:08x}-{number:02x}"
