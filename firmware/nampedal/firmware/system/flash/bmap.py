"""Reads block maps: which blocks of an image are used, and their checksums (bmap-tools' XML, format 2.0)."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from xml.etree import ElementTree

from nampedal.firmware.base.errors import FlashImageError

_BLOCKS = re.compile(r"\s*(\d{1,15})\s*(?:-\s*(\d{1,15})\s*)?")
_CHECKSUM = re.compile(r"\s*([0-9a-f]{64})\s*")
_OWN = re.compile(rb"<BmapFileChecksum>\s*([0-9a-f]{64})\s*</BmapFileChecksum>")


@dataclass(frozen=True, slots=True)
class BlockRange:
    """A range of an image's bytes, from start up to but not including end. checksum: SHA-256 in hexadecimal."""

    start: int
    end: int
    checksum: str = ""


@dataclass(frozen=True, slots=True)
class Bmap:
    """A block map.

    size: of the image, in bytes.
    ranges: in order; all bytes outside of them are zero.
    """

    path: Path
    size: int
    ranges: tuple[BlockRange, ...]


def parse_bmap(path: Path, data: bytes) -> Bmap:
    """Parse the content of a block map. Raises FlashImageError."""
    try:
        root = ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        raise FlashImageError(f"{path}: is no block map: {error}; make it again, or remove it") from error
    version = root.get("version", "none")
    if root.tag != "bmap" or not version.startswith("2."):
        raise FlashImageError(f"{path}: has format {version}; 2.0 is read here: make it again, or remove it")
    _check_own(path, data)
    kind = (root.findtext("ChecksumType") or "").strip()
    if kind != "sha256":
        raise FlashImageError(
            f"{path}: has checksums of type '{kind}'; sha256 is read here: make it again, or remove it"
        )
    size, block, blocks, mapped = (
        _number(path, root, tag) for tag in ("ImageSize", "BlockSize", "BlocksCount", "MappedBlocksCount")
    )
    ranges = tuple(_ranges(path, root, block, size))
    if block == 0 or blocks != -(-size // block) or mapped != sum(-(-(one.end - one.start) // block) for one in ranges):
        raise _wrong(path, "its counts of blocks do not fit together")
    return Bmap(path, size, ranges)


def split_at_ranges(
    ranges: tuple[BlockRange, ...], offset: int, data: bytes
) -> Iterator[tuple[BlockRange | None, int, bytes]]:
    """Split a piece of an image at the boundaries of ranges.

    Yields for each part: its range (None: in no range), its offset in the image, and its bytes.
    """
    at, end = offset, offset + len(data)
    for number in range(bisect_right(ranges, at, key=lambda one: one.end), len(ranges)):
        one = ranges[number]
        if one.start >= end:
            break
        if one.start > at:
            yield None, at, data[at - offset : one.start - offset]
            at = one.start
        stop = min(one.end, end)
        yield one, at, data[at - offset : stop - offset]
        at = stop
    if at < end:
        yield None, at, data[at - offset :]


class BmapVerifier:
    """Checks that an image, given in consecutive pieces, is the one that a block map was made of."""

    def __init__(self, bmap: Bmap) -> None:
        self._bmap = bmap
        self._hash = sha256()
        self._at = 0

    def update(self, data: bytes) -> None:
        """Check the next piece. Raises FlashImageError."""
        for one, start, part in split_at_ranges(self._bmap.ranges, self._at, data):
            if one is None:
                if part.strip(b"\0"):
                    raise self._differs(start, "there is something where the map has nothing")
                continue
            self._hash.update(part)
            if start + len(part) == one.end:
                if self._hash.hexdigest() != one.checksum:
                    raise self._differs(one.start, "the checksum is another one")
                self._hash = sha256()
        self._at += len(data)

    def end(self) -> None:
        """Check that the image is complete. Raises FlashImageError."""
        if self._at != self._bmap.size:
            raise self._differs(
                min(self._at, self._bmap.size), f"the image has {self._at} bytes, not {self._bmap.size}"
            )

    def _differs(self, at: int, what: str) -> FlashImageError:
        return FlashImageError(
            f"{self._bmap.path}: does not fit the image from byte {at} on: {what}; one of them is damaged, or from "
            "another build: get both again"
        )


def _check_own(path: Path, data: bytes) -> None:
    """Check the checksum of the block map itself, which is computed with zeros in its place."""
    own = _OWN.search(data)
    if own is None:
        raise FlashImageError(f"{path}: has no checksum of its own; make it again, or remove it")
    zeroed = data[: own.start(1)] + b"0" * 64 + data[own.end(1) :]
    if sha256(zeroed).hexdigest() != own[1].decode():
        raise FlashImageError(f"{path}: is not what its own checksum says; get it again")


def _ranges(path: Path, root: ElementTree.Element, block: int, size: int) -> Iterator[BlockRange]:
    before = -1
    for element in root.findall("BlockMap/Range"):
        found = _BLOCKS.fullmatch(element.text or "")
        checksum = _CHECKSUM.fullmatch(element.get("chksum", ""))
        if found is None or checksum is None:
            raise _wrong(path, f"'{(element.text or '').strip()}' is no range of blocks with a checksum")
        first, last = int(found[1]), int(found[2] or found[1])
        if not before < first <= last or last * block >= size:
            raise _wrong(path, f"blocks {first}-{last} are out of order, or behind the image's end")
        before = last
        yield BlockRange(first * block, min((last + 1) * block, size), checksum[1])


def _number(path: Path, root: ElementTree.Element, tag: str) -> int:
    text = (root.findtext(tag) or "").strip()
    if re.fullmatch(r"\d{1,15}", text, re.ASCII) is None:
        raise _wrong(path, f"{tag} is '{text}', no number")
    return int(text)


def _wrong(path: Path, what: str) -> FlashImageError:
    return FlashImageError(f"{path}: is no block map that is read here: {what}; make it again, or remove it")
