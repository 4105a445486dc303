"""Makes disk images for tests: a partition table, FAT on the first partition, and data in a few places."""

from __future__ import annotations

import lzma
import random
import struct
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

MIB = 1 << 20
BLOCK = 4096
FAT_START = MIB
SIZE = 16 * MIB + 512
# Offsets of the data: at the start, after the FAT, in the middle, and in the last block, which is incomplete.
SPOTS = (0, 3 * MIB + 4096, 9 * MIB, SIZE - 512)


def image_bytes(seed: int = 1, fat: bytes = b"") -> bytes:
    """Return a disk image. fat: the contents of the first partition, which is of type FAT."""
    dice = random.Random(seed)
    data = bytearray(SIZE)
    for spot in SPOTS:
        part = dice.randbytes(min(3000 if spot else 440, SIZE - spot))
        data[spot : spot + len(part)] = part
    data[FAT_START : FAT_START + len(fat)] = fat
    # Boot flag, first sector (CHS), type, last sector (CHS), first sector (LBA), number of sectors. CHS is never read.
    data[446:462] = struct.pack("<B3sB3sII", 0, b"", 0x0C, b"", FAT_START // 512, 2 * MIB // 512)
    data[510:512] = b"\x55\xaa"
    return bytes(data)


def fat_bytes(folder: Path) -> bytes:
    """Return an empty FAT filesystem of 2 MiB. Skips the test if mkfs.vfat is not installed."""
    path = folder / "fat"
    path.write_bytes(bytes(2 * MIB))
    try:
        subprocess.run(["mkfs.vfat", str(path)], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("mkfs.vfat is not installed")
    return path.read_bytes()


def write_image(path: Path, data: bytes) -> Path:
    """Write an image, compressed according to its suffix."""
    if path.suffix == ".xz":
        path.write_bytes(lzma.compress(data, preset=0))
    elif path.suffix == ".zst":
        done = subprocess.run(["zstd", "-cq"], input=data, check=True, capture_output=True)
        path.write_bytes(done.stdout)
    else:
        path.write_bytes(data)
    return path


def write_sum(path: Path) -> Path:
    """Write the .sha256 file of an image, like sha256sum."""
    beside = path.with_name(f"{path.name}.sha256")
    beside.write_text(f"{sha256(path.read_bytes()).hexdigest()}  {path.name}\n")
    return beside


def mapped_blocks(data: bytes) -> list[tuple[int, int]]:
    """Return the first and last block of each range that is not zero."""
    found: list[tuple[int, int]] = []
    for block in range(-(-len(data) // BLOCK)):
        if data[block * BLOCK : (block + 1) * BLOCK].strip(b"\0"):
            if found and found[-1][1] == block - 1:
                found[-1] = (found[-1][0], block)
            else:
                found.append((block, block))
    return found


def bmap_bytes(data: bytes, **replaced: str) -> bytes:
    """Return the block map of an image. replaced: other texts by tag; BlockMap is the text of the ranges."""
    ranges = mapped_blocks(data)
    texts = {
        "ImageSize": str(len(data)),
        "BlockSize": str(BLOCK),
        "BlocksCount": str(-(-len(data) // BLOCK)),
        "MappedBlocksCount": str(sum(last - first + 1 for first, last in ranges)),
        "ChecksumType": "sha256",
        "BmapFileChecksum": "0" * 64,
        "BlockMap": "".join(
            f'<Range chksum="{sha256(data[first * BLOCK : (last + 1) * BLOCK]).hexdigest()}"> '
            f"{first if first == last else f'{first}-{last}'} </Range>"
            for first, last in ranges
        ),
    }
    version = replaced.pop("version", "2.0")
    texts |= replaced
    body = "".join(f"<{tag}> {text} </{tag}>" for tag, text in texts.items())
    text = f'<?xml version="1.0" ?>\n<bmap version="{version}">{body}</bmap>\n'.encode()
    return text.replace(b"0" * 64, sha256(text).hexdigest().encode(), 1)
