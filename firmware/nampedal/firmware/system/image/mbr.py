"""Packs and unpacks the master boot record with the table of four partitions; every Raspberry Pi boots from it."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

SECTOR_BYTES = 512
# Partition types of FAT32: addressed by cylinders (which are ignored here), and by sectors.
FAT32_CHS, FAT32_LBA = 0x0B, 0x0C
# All FAT types, with those of FAT16.
FATS = frozenset((0x04, 0x06, FAT32_CHS, FAT32_LBA, 0x0E))
LINUX = 0x83
_SIGNATURE = b"\x55\xaa"
_ID_AT, _TABLE_AT = 440, 446
# 0xFFFFFE in place of cylinder, head and sector: the sector number counts (UEFI specification, 5.2.1).
_ENTRY = struct.Struct("<B3sB3sII")
_NO_CHS = b"\xfe\xff\xff"


@dataclass(frozen=True, slots=True)
class Partition:
    """An entry of the partition table.

    start, sectors: in sectors of 512 bytes.
    type: partition type.
    """

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
    """Return the first sector of a disk."""
    entries = [
        _ENTRY.pack(0x80 if part.bootable else 0, _NO_CHS, part.type, _NO_CHS, part.start, part.sectors)
        for part in partitions
    ]
    table = b"".join(entries).ljust(4 * _ENTRY.size, b"\0")
    return bytes(_ID_AT) + struct.pack("<IH", disk_id, 0) + table + _SIGNATURE


def unpack(sector: bytes) -> tuple[Partition, ...] | None:
    """Return the four entries of a partition table, unused ones with type 0; None if the sector holds no table."""
    if len(sector) != SECTOR_BYTES or sector[-2:] != _SIGNATURE:
        return None
    found = _ENTRY.iter_unpack(sector[_TABLE_AT : _TABLE_AT + 4 * _ENTRY.size])
    return tuple(Partition(start, sectors, kind, flag == 0x80) for flag, _, kind, _, start, sectors in found)


def partuuid(disk_id: int, number: int) -> str:
    """Return Linux's PARTUUID of a partition, whose number is counted from 1 (block/partitions/msdos.c)."""
    return f"{disk_id:08x}-{number:02x}"
