"""How what may be taken over is read: nothing but plain files is opened, no link is followed, every size has an end."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path, PurePosixPath

from nampedal.board.errors import NampedalError
from nampedal.board.settings import reason
from nampedal.firmware import file_names, preset
from nampedal.firmware.card.errors import ImportFileError, ImportTooLargeError
from nampedal.firmware.card.found import ARTIFACT, BANK, Found, plain_files, shown
from nampedal.firmware.file_names import MOST_BYTES
from nampedal.firmware.store import unsealed

# As the artifact's own reader.
MOST_ARTIFACT_BYTES = 64 << 20
# A bank's files, and what a zip says about each.
MOST_BANK_FILE_BYTES = MOST_BYTES + (2 << 20)
MOST_PRESET_BYTES = 1 << 20
_PIECE = 1 << 20


@contextmanager
def opened(folder: Path, name: str = "") -> Iterator[int]:
    """A plain file in a folder, which no link leads to; of no name, the path itself. Raises ImportFileError."""
    parts = PurePosixPath(name).parts if name else (folder.name,)
    start = folder if name else folder.parent
    files: list[int] = []
    try:
        try:
            files.append(os.open(start, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
            for number, part in enumerate(parts, 1):
                # What is no file does not have us wait for who is at its other end.
                kind = os.O_NONBLOCK if number == len(parts) else os.O_DIRECTORY
                flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | kind
                files.append(os.open(part, flags, dir_fd=files[-1]))
            if not stat.S_ISREG(os.fstat(files[-1]).st_mode):
                raise ImportFileError(f"{shown(folder / name)}: is no plain file; put the file itself there")
        except OSError as error:
            if isinstance(error, NampedalError):
                raise
            raise ImportFileError(f"{shown(folder / name)}: can't be read: {reason(error)}") from error
        yield files[-1]
    finally:
        for file in reversed(files):
            os.close(file)


def read(folder: Path, name: str = "", most: int = MOST_BYTES) -> bytes:
    """Raises ImportFileError, ImportTooLargeError."""
    return b"".join(pieces(folder, name, most))


def pieces(folder: Path, name: str, most: int) -> Iterator[bytes]:
    """Of a file, up to so many bytes. Raises ImportFileError, ImportTooLargeError."""
    with opened(folder, name) as file:
        left = most
        while True:
            try:
                piece = os.read(file, min(_PIECE, left + 1))
            except OSError as error:
                raise ImportFileError(f"{shown(folder / name)}: can't be read: {reason(error)}") from error
            if not piece:
                return
            left -= len(piece)
            if left < 0:
                raise ImportTooLargeError(f"{shown(folder / name)}: is longer than {most:,} bytes, which are allowed")
            yield piece


def files_of_bank(folder: Path) -> list[str]:
    """What of a folder is the bank's: presets, bank.toml, and what the presets name. Raises as `read`, and OSError."""
    names = plain_files(folder)
    texts = [name for name in names if name.endswith(file_names.PRESET)]
    named: set[str] = set()
    for name in texts:
        data = read(folder, name, MOST_PRESET_BYTES)
        try:
            if name != file_names.BANK:
                named |= set(preset.files_of(preset.parse(data, name)))
        except NampedalError:
            # It is tried once more where it is told what is wrong.
            continue
    there = [name for name in sorted(named) if _is_there(folder, name)]
    return [*texts, *there]


def _is_there(folder: Path, name: str) -> bool:
    try:
        with opened(folder, name):
            return True
    except ImportFileError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return False
        raise


def digest(found: Found) -> str:
    """Of its contents, wherever it is and whatever it is called. Raises ImportFileError, ImportTooLargeError."""
    if found.kind != BANK:
        most = MOST_ARTIFACT_BYTES if found.kind == ARTIFACT else MOST_BANK_FILE_BYTES
        whole = sha256()
        for piece in pieces(found.path, "", most):
            whole.update(piece)
        return whole.hexdigest()
    lines, left = [], MOST_BYTES
    try:
        names = files_of_bank(found.path)
    except OSError as error:
        if isinstance(error, NampedalError):
            raise
        raise ImportFileError(f"{shown(found.path)}: can't be read: {reason(error)}") from error
    for name in names:
        data = read(found.path, name, left)
        left -= len(data)
        lines.append(f"{name!r} {sha256(unsealed(data) if name.endswith(file_names.PRESET) else data).hexdigest()}")
    return sha256("\n".join(lines).encode()).hexdigest()
