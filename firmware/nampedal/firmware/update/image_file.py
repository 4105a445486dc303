"""An image, read from its beginning to its end, packed or not: partitions, and the first one's files."""

from __future__ import annotations

import hashlib
import lzma
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import IO, Protocol

from nampedal.board import image_facts, mbr
from nampedal.board.errors import NampedalError
from nampedal.board.mbr import Partition
from nampedal.board.settings import reason
from nampedal.firmware.update.errors import (
    ImageChecksumError,
    NotAnImageError,
    ProgramFailedError,
    UpdateUnreadableError,
    UpdateUnwritableError,
)
from nampedal.firmware.update.pinned import PIECE_BYTES, PinnedFile, PinnedReader
from nampedal.firmware.update.system import System

SUFFIXES = (".img", ".img.xz", ".img.zst")
CHUNK_BYTES = 1 << 20
# Where an image's own system is.
SLOT = image_facts.SLOTS[0]
_FAT32 = (mbr.FAT32_CHS, mbr.FAT32_LBA)
# Squashfs's first bytes (Linux, fs/squashfs/squashfs_fs.h).
_SQUASHFS = b"hsqs"
_SUM = re.compile(r"([0-9a-fA-F]{64})\b")


class Source(Protocol):
    """What bytes come from."""

    def read(self, size: int, /) -> bytes:
        """At most so many; none at the end."""


def parse_partitions(where: str, sector: bytes) -> tuple[Partition, ...]:
    """Those of a card. Raises NotAnImageError where they are not those of our images: FAT, two of Linux, one more."""
    found = mbr.unpack(sector)
    if found is None:
        raise NotAnImageError(f"{where}: has no partitions; it is no image of a card, or only a part of one")
    card, *roots, _ = found
    ends = card.start + card.sectors <= roots[0].start
    if card.type not in _FAT32 or any(root.type != mbr.LINUX for root in roots) or card.start < 1 or not ends:
        kinds = ", ".join(f"{one.type:#04x}" for one in found)
        raise NotAnImageError(
            f"{where}: has partitions {kinds}; those of an image of nampedal are 0x0c, 0x83, 0x83, 0x83"
        )
    return found


class ImageReader:
    """Goes forward only."""

    def __init__(self, where: str, source: Source) -> None:
        self._where, self._source, self._at = where, source, 0

    def go_to(self, start: int) -> None:
        """Raises NotAnImageError where the image ends before, as `read` does."""
        for _ in self.read(start - self._at):
            pass

    def read(self, size: int) -> Iterator[bytes]:
        """The next so many bytes, in parts."""
        left = size
        while left:
            try:
                data = self._source.read(min(left, CHUNK_BYTES))
            except (lzma.LZMAError, EOFError) as error:
                raise NotAnImageError(f"{self._where}: can't be unpacked: it is damaged; copy it again") from error
            except UpdateUnreadableError:
                raise
            except OSError as error:
                raise UpdateUnreadableError(f"{self._where}: can't be read: {reason(error)}") from error
            if not data:
                raise NotAnImageError(f"{self._where}: ends after {self._at} bytes; copy it again")
            left -= len(data)
            self._at += len(data)
            yield data


@contextmanager
def open_image(pinned: PinnedFile) -> Iterator[ImageReader]:
    """Raises UpdateUnreadableError, NotAnImageError; UpdateChangedError while it is read."""
    path = pinned.path
    with pinned.second_pass() as file:
        if path.suffix == ".xz":
            with lzma.LZMAFile(file) as unpacked:  # type: ignore[arg-type]  # It only reads.
                yield ImageReader(str(path), unpacked)
        elif path.suffix == ".zst":
            with _zstd(path, file) as unpacked:
                yield ImageReader(str(path), unpacked)
        else:
            yield ImageReader(str(path), file)


def check_sum(pinned: PinnedFile) -> bool:
    """Against PATH.sha256, as sha256sum writes it; False: there is none. Raises ImageChecksumError."""
    path = pinned.path
    beside = path.with_name(path.name + ".sha256")
    if not beside.exists():
        return False
    try:
        said = _SUM.search(beside.read_text(errors="replace"))
    except OSError as error:
        raise UpdateUnreadableError(f"{beside}: can't be read: {reason(error)}") from error
    if said is None or said[1].lower() != pinned.sha256:
        wanted = said[1] if said else "nothing"
        raise ImageChecksumError(
            f"{path}: has the SHA-256 {pinned.sha256}; {beside.name} says {wanted}: copy both again"
        )
    return True


def copy_card(reader: ImageReader, card: Partition, target: Path) -> None:
    """The first partition, without room for what is empty in it."""
    reader.go_to(card.start_bytes)
    try:
        with target.open("wb") as file:
            for data in reader.read(card.size_bytes):
                if data.count(0) == len(data):
                    file.seek(len(data), os.SEEK_CUR)
                else:
                    file.write(data)
            file.truncate(card.size_bytes)
    except UpdateUnreadableError:
        raise
    except OSError as error:
        raise UpdateUnwritableError(f"{target}: can't be written: {reason(error)}") from error


def unpack_card(system: System, where: Path, card: Path, target: Path) -> Path:
    """The folder of an image's own system, out of a copy of its first partition. Raises NotAnImageError."""
    try:
        # mtools: "::" is the image; -s: with all that is below; -m: as old as it is.
        system.run(["mcopy", "-s", "-n", "-m", "-i", str(card), f"::{SLOT}", str(target)])
    except ProgramFailedError as error:
        raise NotAnImageError(f"{where}: has no folder {SLOT} that can be read: {error}") from error
    return target / SLOT


def write_root(reader: ImageReader, root: Partition, facts: image_facts.ImageFacts, target: Path) -> None:
    """Onto the disk, and read back from there. Raises ImageChecksumError, NotAnImageError, UpdateUnwritableError."""
    reader.go_to(root.start_bytes)
    summed = hashlib.sha256()
    first = b""
    try:
        # Linux opens no disk that is in use like that.
        with open(os.open(target, os.O_RDWR | os.O_EXCL), "r+b", buffering=0) as file:
            for data in reader.read(facts.root_bytes):
                first = first or data
                summed.update(data)
                left = memoryview(data)
                while left:
                    left = left[file.write(left) :]
            os.fsync(file.fileno())
            if first[:4] != _SQUASHFS or summed.hexdigest() != facts.root_sha256:
                raise ImageChecksumError("update: the image's root is not what the image says of it; copy it again")
            if sum_of(file, facts.root_bytes) != facts.root_sha256:
                raise ImageChecksumError(
                    f"{target}: reads otherwise than it was written; the card is worn out: replace it"
                )
    except UpdateUnreadableError:
        raise
    except OSError as error:
        raise UpdateUnwritableError(f"{target}: can't be written: {reason(error)}") from error


def sum_of(file: FileIO, size: int) -> str:
    """SHA-256 of its first bytes, as they are on the disk."""
    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    file.seek(0)
    summed, left = hashlib.sha256(), size
    while left and (data := file.read(min(left, CHUNK_BYTES))):
        summed.update(data)
        left -= len(data)
    return summed.hexdigest()


@contextmanager
def _zstd(path: Path, file: PinnedReader) -> Iterator[Source]:
    """Unpacked by the program of that name. Its end is the stream's."""
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(["zstd", "-dc"], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
    except OSError as error:
        raise UpdateUnreadableError(f"{path}: can't be unpacked: zstd: {reason(error)}; install zstd") from error
    assert process.stdin is not None
    assert process.stdout is not None
    feeder = _Feeder(file, process.stdin)
    feeder.start()
    try:
        yield _Unpacked(process.stdout, feeder)
    finally:
        process.kill()
        process.stdout.close()
        feeder.join()
        process.wait()


class _Feeder(threading.Thread):
    """Gives a program what a file holds. problem: why it stopped before the file's end."""

    def __init__(self, file: PinnedReader, pipe: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self._file, self._pipe = file, pipe
        self.problem: NampedalError | None = None

    def run(self) -> None:
        # The program has ended, or was ended.
        with suppress(BrokenPipeError), self._pipe:
            try:
                while data := self._file.read(PIECE_BYTES):
                    self._pipe.write(data)
            except NampedalError as error:
                self.problem = error


class _Unpacked:
    def __init__(self, pipe: IO[bytes], feeder: _Feeder) -> None:
        self._pipe, self._feeder = pipe, feeder

    def read(self, size: int, /) -> bytes:
        """As `Source`. Raises what ended the feeding."""
        data = self._pipe.read(size)
        if not data:
            self._feeder.join()
            if self._feeder.problem is not None:
                raise self._feeder.problem
        return data
