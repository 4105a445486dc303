"""A file that is read twice with the same content: first to check it, then to install it.

A user who may write to the file's folder could replace the file between the two passes. So the first pass keeps a
checksum of each piece, and the second pass returns no piece with another checksum. The file is not copied: there may be
no room for a second copy of an image.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from nampedal.firmware.base.errors import DeployError, FileAccessError
from nampedal.firmware.base.files.toml_schema import os_error_text

PIECE_BYTES = 1 << 20


class PinnedFile:
    """A file whose checksums are known. `first_pass` has to be read to its end before `second_pass`.

    size: in bytes.  sha256: the whole file's checksum, as 64 hexadecimal digits.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self.sha256 = ""
        self._pieces: list[bytes] = []

    def check_readable(self) -> None:
        """Check that the file can be opened. Raises FileAccessError, DeployError."""
        with _opened(self.path):
            pass

    def first_pass(self) -> Iterator[bytes]:
        """Yield the file's bytes and keep their checksums. Raises FileAccessError, DeployError."""
        whole = hashlib.sha256()
        with _opened(self.path) as file:
            while piece := _read(self.path, file):
                whole.update(piece)
                self._pieces.append(hashlib.sha256(piece).digest())
                self.size += len(piece)
                yield piece
        self.sha256 = whole.hexdigest()

    @contextmanager
    def second_pass(self) -> Iterator[PinnedReader]:
        """Open the file again, for a reader of the same bytes. Raises FileAccessError, DeployError."""
        with _opened(self.path) as file:
            yield PinnedReader(self.path, file, self._pieces)


class PinnedReader:
    """Reads a file forward only and verifies the checksum of each piece."""

    def __init__(self, path: Path, file: BinaryIO, pieces: list[bytes]) -> None:
        self._path, self._file, self._left = path, file, iter(pieces)
        self._piece = b""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes, empty at the end; all remaining bytes if `size` is negative.

        Raises DeployError, FileAccessError.
        """
        if size < 0:
            return b"".join(iter(lambda: self.read(PIECE_BYTES), b""))
        if not self._piece:
            self._piece = self._next()
        data, self._piece = self._piece[:size], self._piece[size:]
        return data

    def _next(self) -> bytes:
        """Return the next piece. Bytes that were appended after the first pass are ignored."""
        wanted = next(self._left, None)
        if wanted is None:
            return b""
        piece = _read(self._path, self._file)
        if hashlib.sha256(piece).digest() != wanted:
            raise DeployError(f"{self._path}: has changed since it was checked; let nobody write it meanwhile")
        return piece


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        # O_NONBLOCK: opening a pipe without a writer must not block.
        file = open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")  # noqa: SIM115
    except OSError as error:
        raise FileAccessError(f"{path}: can't be read: {os_error_text(error)}") from error
    with file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise DeployError(f"{path}: is no plain file; name the file itself")
        yield file


def _read(path: Path, file: BinaryIO) -> bytes:
    try:
        return file.read(PIECE_BYTES)
    except OSError as error:
        raise FileAccessError(f"{path}: can't be read: {os_error_text(error)}") from error
