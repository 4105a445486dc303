"""Reads an image file (.img, .img.xz, .img.zst) once from start to end: its partitions and the first one's files."""

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

from nampedal.firmware.base.errors import DeployError, FileAccessError, NampedalError, ProgramError
from nampedal.firmware.base.files.toml_schema import os_error_text, read_text_file
from nampedal.firmware.base.listing import suffix_of
from nampedal.firmware.system.image import image_manifest, mbr
from nampedal.firmware.system.image.mbr import Partition
from nampedal.firmware.system.update.pinned_file import PIECE_BYTES, PinnedFile, PinnedReader
from nampedal.firmware.system.update.update_host import UpdateHost

CHUNK_BYTES = 1 << 20
# The slot of the system in an image.
SLOT = image_manifest.SLOTS[0]
_FAT32 = (mbr.FAT32_CHS, mbr.FAT32_LBA)
# Squashfs's magic number (Linux, fs/squashfs/squashfs_fs.h).
_SQUASHFS = b"hsqs"
_SUM = re.compile(r"([0-9a-fA-F]{64})\b")


class ImageSource(Protocol):
    """A source of bytes, such as a file."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; empty at the end."""


def parse_partitions(where: str, sector: bytes) -> tuple[Partition, ...]:
    """Return the partitions in the first sector of an image.

    Raises DeployError if they are not those of nampedal's images: FAT32, two of Linux, one more.
    """
    found = mbr.unpack(sector)
    if found is None:
        raise DeployError(f"{where}: has no partitions; it is no image of a card, or only a part of one")
    card, *roots, _ = found
    ends = card.start + card.sectors <= roots[0].start
    if card.type not in _FAT32 or any(root.type != mbr.LINUX for root in roots) or card.start < 1 or not ends:
        kinds = ", ".join(f"{one.type:#04x}" for one in found)
        raise DeployError(f"{where}: has partitions {kinds}; those of an image of nampedal are 0x0c, 0x83, 0x83, 0x83")
    return found


class ImageReader:
    """Reads an image forward only. where: its name, for error messages."""

    def __init__(self, where: str, source: ImageSource) -> None:
        self._where, self._source, self._at = where, source, 0

    def go_to(self, start: int) -> None:
        """Skip to this byte of the image. Raises as `read`."""
        for _ in self.read(start - self._at):
            pass

    def read(self, size: int) -> Iterator[bytes]:
        """Yield the next `size` bytes in parts.

        Raises DeployError, also if the image is damaged or ends earlier; FileAccessError.
        """
        left = size
        while left:
            try:
                data = self._source.read(min(left, CHUNK_BYTES))
            except (lzma.LZMAError, EOFError) as error:
                raise DeployError(f"{self._where}: can't be unpacked: it is damaged; copy it again") from error
            except FileAccessError:
                raise
            except OSError as error:
                raise FileAccessError(f"{self._where}: can't be read: {os_error_text(error)}") from error
            if not data:
                raise DeployError(f"{self._where}: ends after {self._at} bytes; copy it again")
            left -= len(data)
            self._at += len(data)
            yield data


@contextmanager
def open_image(pinned: PinnedFile) -> Iterator[ImageReader]:
    """Open an image and unpack it while it is read.

    Raises FileAccessError; DeployError, also while it is read.
    """
    path = pinned.path
    with pinned.second_pass() as file:
        if suffix_of(path) == ".xz":
            with lzma.LZMAFile(file) as unpacked:  # type: ignore[arg-type]  # It only reads.
                yield ImageReader(str(path), unpacked)
        elif suffix_of(path) == ".zst":
            with _zstd(path, file) as unpacked:
                yield ImageReader(str(path), unpacked)
        else:
            yield ImageReader(str(path), file)


def check_sum(pinned: PinnedFile) -> bool:
    """Compare the file's checksum with PATH.sha256, as written by sha256sum. Return False if there is no such file.

    Raises DeployError, FileAccessError.
    """
    path = pinned.path
    beside = path.with_name(path.name + ".sha256")
    if not beside.exists():
        return False
    try:
        said = _SUM.search(read_text_file(beside).decode(errors="replace"))
    except OSError as error:
        raise FileAccessError(f"{beside}: can't be read: {os_error_text(error)}") from error
    if said is None or said[1].lower() != pinned.sha256:
        wanted = said[1] if said else "nothing"
        raise DeployError(f"{path}: has the SHA-256 {pinned.sha256}; {beside.name} says {wanted}: copy both again")
    return True


def copy_card(reader: ImageReader, card: Partition, target: Path) -> None:
    """Copy the first partition to a sparse file. Raises as `ImageReader.read`, and FileAccessError."""
    reader.go_to(card.start_bytes)
    try:
        with target.open("wb") as file:
            for data in reader.read(card.size_bytes):
                if data.count(0) == len(data):
                    file.seek(len(data), os.SEEK_CUR)
                else:
                    file.write(data)
            file.truncate(card.size_bytes)
    except FileAccessError:
        raise
    except OSError as error:
        raise FileAccessError(f"{target}: can't be written: {os_error_text(error)}") from error


def unpack_card(system: UpdateHost, where: Path, card: Path, target: Path) -> Path:
    """Unpack the folder of an image's system from a copy of its first partition. Return the folder.

    where: the image's name, for error messages. Raises DeployError.
    """
    try:
        # mtools: "::" is the image; -s: recursive; -n: overwrite without asking; -m: keep the modification times.
        system.run(["mcopy", "-s", "-n", "-m", "-i", str(card), f"::{SLOT}", str(target)])
    except ProgramError as error:
        raise DeployError(f"{where}: has no folder {SLOT} that can be read: {error}") from error
    return target / SLOT


def write_root(reader: ImageReader, root: Partition, facts: image_manifest.ImageManifest, target: Path) -> None:
    """Write the root file system to a partition and verify it by reading it back.

    Raises DeployError, FileAccessError.
    """
    reader.go_to(root.start_bytes)
    summed = hashlib.sha256()
    first = b""
    try:
        # With O_EXCL, Linux refuses to open a block device that is in use.
        with open(os.open(target, os.O_RDWR | os.O_EXCL), "r+b", buffering=0) as file:
            for data in reader.read(facts.root_bytes):
                first = first or data
                summed.update(data)
                left = memoryview(data)
                while left:
                    left = left[file.write(left) :]
            os.fsync(file.fileno())
            if first[:4] != _SQUASHFS or summed.hexdigest() != facts.root_sha256:
                raise DeployError("update: the image's root is not what the image says of it; copy it again")
            if sha256_on_disk(file, facts.root_bytes) != facts.root_sha256:
                raise DeployError(f"{target}: reads otherwise than it was written; the card is worn out: replace it")
    except FileAccessError:
        raise
    except OSError as error:
        raise FileAccessError(f"{target}: can't be written: {os_error_text(error)}") from error


def sha256_on_disk(file: FileIO, size: int) -> str:
    """Return the SHA-256 of the first `size` bytes of a file, read from the disk and not from the page cache."""
    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    file.seek(0)
    summed, left = hashlib.sha256(), size
    while left and (data := file.read(min(left, CHUNK_BYTES))):
        summed.update(data)
        left -= len(data)
    return summed.hexdigest()


@contextmanager
def _zstd(path: Path, file: PinnedReader) -> Iterator[ImageSource]:
    """Unpack a file with the program zstd. Yields its output."""
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(["zstd", "-dc"], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
    except OSError as error:
        raise FileAccessError(f"{path}: can't be unpacked: zstd: {os_error_text(error)}; install zstd") from error
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
    """A thread that writes a file into a program's stdin. problem: the error that stopped it before the file's end."""

    def __init__(self, file: PinnedReader, pipe: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self._file, self._pipe = file, pipe
        self.problem: NampedalError | None = None

    def run(self) -> None:
        # The program has ended, or was killed.
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
        """Read as `ImageSource`. Raises the error that stopped the feeder."""
        data = self._pipe.read(size)
        if not data:
            self._feeder.join()
            if self._feeder.problem is not None:
                raise self._feeder.problem
        return data
