"""A file that is read twice, and is the same both times: first to check it, then to install it.

Whoever may write to the file's folder could exchange it between the two. So the first pass keeps a checksum of each
piece, and the second hands out no piece that has another one. Nothing is copied: an image may not fit beside itself.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from nampedal.board.settings import reason
from nampedal.firmware.update.errors import NotAnUpdateError, UpdateChangedError, UpdateUnreadableError

PIECE_BYTES = 1 << 20


class PinnedFile:
    """Its pieces are known once `first_pass` was read to its end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        # Of the whole, as 64 digits.
        self.sha256 = ""
        self._pieces: list[bytes] = []

    def check_readable(self) -> None:
        """Raises UpdateUnreadableError, NotAnUpdateError."""
        with _opened(self.path):
            pass

    def first_pass(self) -> Iterator[bytes]:
        """The file's bytes, to be checked. Raises UpdateUnreadableError, NotAnUpdateError."""
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
        """The same bytes again. Raises UpdateUnreadableError, NotAnUpdateError."""
        with _opened(self.path) as file:
            yield PinnedReader(self.path, file, self._pieces)


class PinnedReader:
    """Goes forward only."""

    def __init__(self, path: Path, file: BinaryIO, pieces: list[bytes]) -> None:
        self._path, self._file, self._left = path, file, iter(pieces)
        self._piece = b""

    def read(self, size: int = -1, /) -> bytes:
        """At most so many bytes, none at the end; all that are left for -1.

        Raises UpdateChangedError, UpdateUnreadableError.
        """
        if size < 0:
            return b"".join(iter(lambda: self.read(PIECE_BYTES), b""))
        if not self._piece:
            self._piece = self._next()
        data, self._piece = self._piece[:size], self._piece[size:]
        return data

    def _next(self) -> bytes:
        """What was appended meanwhile is not there."""
        wanted = next(self._left, None)
        if wanted is None:
            return b""
        piece = _read(self._path, self._file)
        if hashlib.sha256(piece).digest() != wanted:
            raise UpdateChangedError(f"{self._path}: has changed since it was checked; let nobody write it meanwhile")
        return piece


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        # What has nobody at its other end is not waited for.
        file = open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")  # noqa: SIM115
    except OSError as error:
        raise UpdateUnreadableError(f"{path}: can't be read: {reason(error)}") from error
    with file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise NotAnUpdateError(f"{path}: is no plain file; name the file itself")
        yield file


def _read(path: Path, file: BinaryIO) -> bytes:
    try:
        return file.read(PIECE_BYTES)
    except OSError as error:
        raise UpdateUnreadableError(f"{path}: can't be read: {reason(error)}") from error
