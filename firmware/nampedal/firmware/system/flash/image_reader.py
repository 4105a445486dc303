"""Reads disk images, packed or not, with the checksum file and the block map beside them.

An image is read to its end before a card is written, to check that it unpacks and fits its checksum and block map.
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

from nampedal.firmware.base.errors import FileAccessError, FlashImageError, NampedalError, ProgramError
from nampedal.firmware.base.files.bounded_file import read_bounded
from nampedal.firmware.base.files.toml_schema import os_error_text
from nampedal.firmware.system.flash.bmap import BlockRange, Bmap, BmapVerifier, parse_bmap, split_at_ranges

# Bytes that are read and written at once.
CHUNK = 4 << 20
# The first page of the image, which contains the partition table.
HEAD = 4096
# Progress callback: (done, total), in bytes.
ProgressCallback = Callable[[int, int], None]
# Context manager for a named stage of the work; it gives the stage's progress callback.
Stage = Callable[[str], AbstractContextManager[ProgressCallback]]
# Maximum size of a checksum file or a block map.
_MAX_BESIDE_BYTES = 16 << 20
_LINE = re.compile(r"\\?([0-9a-fA-F]{64})(?: [ *](.+))?")


@dataclass(frozen=True, slots=True)
class Image:
    """An image that was read to its end and checked.

    size: unpacked, in bytes.
    head: the first HEAD bytes.
    checksum: SHA-256 of the unpacked image, in hexadecimal.
    ranges: what has to be written; the rest is zero.
    beside: the files that it was checked with.
    """

    path: Path
    size: int
    head: bytes
    checksum: str
    ranges: tuple[BlockRange, ...]
    beside: tuple[Path, ...]

    @property
    def used(self) -> int:
        """Return the number of bytes that have to be written."""
        return sum(one.end - one.start for one in self.ranges)

    def pieces(self) -> Iterator[tuple[int, bytes]]:
        """Yield offset and bytes of all that has to be written, CHUNK bytes at most each.

        Raises FlashImageError at the end if the image has changed since it was checked.
        """
        digest, offset = sha256(), 0
        for chunk in _chunks(self.path, lambda done, total: None):
            digest.update(chunk)
            yield from ((at, part) for one, at, part in split_at_ranges(self.ranges, offset, chunk) if one is not None)
            offset += len(chunk)
        if digest.hexdigest() != self.checksum:
            raise FlashImageError(f"{self.path}: is not what it was when it was checked")


def read_image(path: Path, stage: Stage) -> Image:
    """Read an image to its end, and check it with the files beside it.

    Raises FlashImageError, FileAccessError, ProgramError; and the errors of `parse_bmap` and `BmapVerifier`.
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
    # The signature of a boot sector and of a partition table.
    if head[510:512] != b"\x55\xaa":
        raise FlashImageError(f"{path}: holds no partition table; the image of a whole disk is needed")
    if bmap is not None:
        return Image(path, size, head, checksum, bmap.ranges, (*beside, bmap.path))
    return Image(path, size, head, checksum, (BlockRange(0, size),), beside)


def _read_through(path: Path, bmap: Bmap | None, show: ProgressCallback) -> tuple[bytes, str, int]:
    """Return the first bytes, the SHA-256 of all bytes, and their number."""
    fits = BmapVerifier(bmap) if bmap is not None else None
    head, digest, size = b"", sha256(), 0
    for chunk in _chunks(path, show):
        head = head or chunk[:HEAD]
        digest.update(chunk)
        size += len(chunk)
        if fits is not None:
            fits.update(chunk)
    if fits is not None:
        fits.end()
    return head, digest.hexdigest(), size


def _unpacked_name(path: Path) -> str:
    for packing in _PACKINGS:
        if path.name.endswith(f".img{packing}"):
            return path.name.removesuffix(packing)
    raise FlashImageError(f"{path}: is no image by its name; .img, .img.zst and .img.xz are written")


def _checksums(path: Path, unpacked: str) -> tuple[tuple[Path, ...], dict[str, str]]:
    """Return the checksum files, and the checksum of each file name in them.

    A file has the format of sha256sum, or contains only a checksum.
    """
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
            raise FlashImageError(f"{file}: has no SHA-256 of {path.name}; get it again, or remove it")
        found |= sums
        files.append(file)
    return tuple(files), found


def _bmap(path: Path) -> Bmap | None:
    """Return the block map beside the image, or None.

    bmaptool's rule: the image's name with .bmap, then the same with one suffix less each time.
    """
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
        return read_bounded(file, _MAX_BESIDE_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(file, error) from error


def _packed_sum(path: Path) -> str:
    with _open(path) as file:
        return file_digest(file, "sha256").hexdigest()


def _check_sum(path: Path, expected: str, found: str) -> None:
    if found != expected:
        raise FlashImageError(
            f"{path}: is damaged or another one: its SHA-256 begins with {found[:8]}, not {expected[:8]}; get it again"
        )


def _open(path: Path) -> BufferedReader:
    try:
        return path.open("rb")
    except OSError as error:
        raise _unreadable(path, error) from error


def _chunks(path: Path, show: ProgressCallback) -> Iterator[bytes]:
    """Yield the unpacked image in pieces of CHUNK bytes; the last may be shorter. show: progress in the packed file."""
    unpack = next(unpack for packing, unpack in _PACKINGS.items() if path.name.endswith(f".img{packing}"))
    with _open(path) as packed:
        total = os.fstat(packed.fileno()).st_size
        try:
            for chunk in unpack(path, packed):
                yield chunk
                # zstd shares this descriptor's file position, so this is the progress for all formats.
                show(os.lseek(packed.fileno(), 0, os.SEEK_CUR), total)
        except NampedalError:
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
            # In its own process group, so that Ctrl-C interrupts only this program.
            process = subprocess.Popen(
                ["zstd", "-dcq"], stdin=packed, stdout=subprocess.PIPE, stderr=said, process_group=0
            )
        except FileNotFoundError as error:
            raise ProgramError(
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


def _unreadable(path: Path, error: OSError) -> FileAccessError:
    return FileAccessError(f"{path}: can't be read: {os_error_text(error)}")


def _damaged(path: Path, said: str) -> FlashImageError:
    words = " ".join(said.split()).rstrip(". ") or "it can't be unpacked"
    return FlashImageError(f"{path}: is damaged or cut off: {words}; get it again")


_PACKINGS: dict[str, Callable[[Path, BufferedReader], Iterator[bytes]]] = {"": _plain, ".zst": _zst, ".xz": _xz}
