"""Images of disks, as they lie in a folder: packed or not, with a checksum and a block map beside them.

An image is read to its end before a card is touched: whether it unpacks, and is what its checksum and its map say.
"""

from __future__ import annotations

import lzma
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from hashlib import file_digest, sha256
from io import BufferedReader
from pathlib import Path

from nampedal.board.flash.bmap import Bmap, Fits, Range, cut, parse_bmap
from nampedal.board.flash.errors import (
    ChecksumFileError,
    ImageChangedError,
    ImageChecksumError,
    ImageDamagedError,
    ImageError,
    ImageNameError,
    ImageUnreadableError,
    NotADiskImageError,
    ZstdMissingError,
)
from nampedal.board.settings import reason

# What is read, and written, at once.
CHUNK = 4 << 20
# What holds the partition table: the first page.
HEAD = 4096
# (done, total), as often as there is something to tell.
Show = Callable[[int, int], None]
# What is done for as long as it is open.
Stage = Callable[[str], AbstractContextManager[Show]]
_LINE = re.compile(r"\\?([0-9a-fA-F]{64})(?: [ *](.+))?")


@dataclass(frozen=True, slots=True)
class Image:
    """One that was read to its end.

    size: unpacked, bytes.  head: the first HEAD bytes.  checksum: SHA-256 of all, unpacked, hexadecimal.
    ranges: what has to be written; the rest is zero.  beside: the files that it was checked with.
    """

    path: Path
    size: int
    head: bytes
    checksum: str
    ranges: tuple[Range, ...]
    beside: tuple[Path, ...]

    @property
    def used(self) -> int:
        """Bytes that have to be written."""
        return sum(one.end - one.start for one in self.ranges)

    def pieces(self) -> Iterator[tuple[int, bytes]]:
        """What has to be written, and where; CHUNK bytes at most. Raises ImageChangedError at the latest at the end."""
        digest, offset = sha256(), 0
        for chunk in _chunks(self.path, lambda done, total: None):
            digest.update(chunk)
            yield from ((at, part) for one, at, part in cut(self.ranges, offset, chunk) if one is not None)
            offset += len(chunk)
        if digest.hexdigest() != self.checksum:
            raise ImageChangedError(f"{self.path}: is not what it was when it was checked")


def read_image(path: Path, stage: Stage) -> Image:
    """Read to the end, and checked with what stands beside it.

    Raises ImageNameError, ImageUnreadableError, ZstdMissingError, ImageDamagedError, NotADiskImageError,
    ChecksumFileError, ImageChecksumError; what `parse_bmap` and `Fits` raise.
    """
    unpacked = _unpacked_name(path)
    beside, expected = _checksums(path, unpacked)
    bmap = _bmap(path)
    with stage("checking the image") as show:
        if path.name in expected:
            _check_sum(path, expected[path.name], _packed_sum(path))
        head, checksum, size = _read_through(path, bmap, show)
    if unpacked in expected:
        _check_sum(path.with_name(unpacked), expected[unpacked], checksum)
    # The mark of a boot sector, and of a partition table.
    if head[510:512] != b"\x55\xaa":
        raise NotADiskImageError(f"{path}: holds no partition table; the image of a whole disk is needed")
    if bmap is not None:
        return Image(path, size, head, checksum, bmap.ranges, (*beside, bmap.path))
    return Image(path, size, head, checksum, (Range(0, size),), beside)


def _read_through(path: Path, bmap: Bmap | None, show: Show) -> tuple[bytes, str, int]:
    """The first bytes, the checksum of all, and how many there are."""
    fits = Fits(bmap) if bmap is not None else None
    head, digest, size = b"", sha256(), 0
    for chunk in _chunks(path, show):
        head = head or chunk[:HEAD]
        digest.update(chunk)
        size += len(chunk)
        if fits is not None:
            fits.take(chunk)
    if fits is not None:
        fits.end()
    return head, digest.hexdigest(), size


def _unpacked_name(path: Path) -> str:
    for packing in _PACKINGS:
        if path.name.endswith(f".img{packing}"):
            return path.name.removesuffix(packing)
    raise ImageNameError(f"{path}: is no image by its name; .img, .img.zst and .img.xz are written")


def _checksums(path: Path, unpacked: str) -> tuple[tuple[Path, ...], dict[str, str]]:
    """The files that hold them, and what they say of which name; as sha256sum writes it, or a checksum alone."""
    found: dict[str, str] = {}
    files = []
    for file in dict.fromkeys(path.with_name(f"{name}.sha256") for name in (path.name, unpacked)):
        text = _beside(file)
        if text is None:
            continue
        lines = [
            match for line in text.decode(errors="replace").splitlines() if (match := _LINE.fullmatch(line.strip()))
        ]
        sums = {Path(match[2] or file.stem).name: match[1].lower() for match in lines}
        if not sums.keys() & {path.name, unpacked}:
            raise ChecksumFileError(f"{file}: has no SHA-256 of {path.name}; get it again, or remove it")
        found |= sums
        files.append(file)
    return tuple(files), found


def _bmap(path: Path) -> Bmap | None:
    """Named as the image, or as what is left of that from the end on; as bmaptool looks for it."""
    name = path.name
    while True:
        file = path.with_name(f"{name}.bmap")
        data = _beside(file)
        if data is not None:
            return parse_bmap(file, data)
        if not Path(name).suffix:
            return None
        name = Path(name).stem


def _beside(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(file, error) from error


def _packed_sum(path: Path) -> str:
    with _open(path) as file:
        return file_digest(file, "sha256").hexdigest()


def _check_sum(path: Path, expected: str, found: str) -> None:
    if found != expected:
        raise ImageChecksumError(
            f"{path}: is damaged or another one: its SHA-256 begins with {found[:8]}, not {expected[:8]}; get it again"
        )


def _open(path: Path) -> BufferedReader:
    try:
        return path.open("rb")
    except OSError as error:
        raise _unreadable(path, error) from error


def _chunks(path: Path, show: Show) -> Iterator[bytes]:
    """Unpacked, CHUNK bytes at a time, the last may be less; show: of the packed file."""
    unpack = next(unpack for packing, unpack in _PACKINGS.items() if path.name.endswith(f".img{packing}"))
    with _open(path) as packed:
        total = os.fstat(packed.fileno()).st_size
        try:
            for chunk in unpack(path, packed):
                yield chunk
                # The program that unpacks it reads with the same place in the file.
                show(os.lseek(packed.fileno(), 0, os.SEEK_CUR), total)
        except ImageError:
            raise
        except OSError as error:
            raise _unreadable(path, error) from error


def _plain(path: Path, packed: BufferedReader) -> Iterator[bytes]:
    while chunk := packed.read(CHUNK):
        yield chunk


def _xz(path: Path, packed: BufferedReader) -> Iterator[bytes]:
    try:
        with lzma.open(packed) as file:
            while chunk := file.read(CHUNK):
                yield chunk
    except (lzma.LZMAError, EOFError) as error:
        raise _damaged(path, str(error)) from error


def _zst(path: Path, packed: BufferedReader) -> Iterator[bytes]:
    with tempfile.TemporaryFile() as said:
        try:
            # In a group of its own: Ctrl-C is for us.
            process = subprocess.Popen(
                ["zstd", "-dcq"], stdin=packed, stdout=subprocess.PIPE, stderr=said, process_group=0
            )
        except FileNotFoundError as error:
            raise ZstdMissingError(
                f"{path}: the program zstd, which unpacks it, is not installed: sudo apt install zstd"
            ) from error
        assert process.stdout is not None
        with process:
            try:
                while chunk := process.stdout.read(CHUNK):
                    yield chunk
                code = process.wait()
            finally:
                process.kill()
        if code != 0:
            said.seek(0)
            raise _damaged(path, said.read().decode(errors="replace"))


def _unreadable(path: Path, error: OSError) -> ImageUnreadableError:
    return ImageUnreadableError(f"{path}: can't be read: {reason(error)}")


def _damaged(path: Path, said: str) -> ImageDamagedError:
    words = " ".join(said.split()).rstrip(". ") or "it can't be unpacked"
    return ImageDamagedError(f"{path}: is damaged or cut off: {words}; get it again")


_PACKINGS: dict[str, Callable[[Path, BufferedReader], Iterator[bytes]]] = {"": _plain, ".zst": _zst, ".xz": _xz}
