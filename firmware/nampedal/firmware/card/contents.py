"""How what may be taken over is read: nothing but plain files is opened, no link is followed, every size has an end."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path

from nampedal.board.errors import NampedalError
from nampedal.board.settings import reason
from nampedal.firmware import file_names, no_links, preset
from nampedal.firmware.card.errors import ImportFileError, ImportRefusedError, ImportTooLargeError
from nampedal.firmware.card.found import ARTIFACT, BANK, Found, plain_files, shown
from nampedal.firmware.file_names import MOST_BYTES, MOST_PRESET_BYTES
from nampedal.firmware.store import unsealed

# As the artifact's own reader.
MOST_ARTIFACT_BYTES = 64 << 20
MOST_BANK_FILE_BYTES = file_names.MOST_BANK_FILE_BYTES
_PIECE = 1 << 20


@contextmanager
def opened(folder: Path, name: str = "") -> Iterator[int]:
    """A plain file in a folder, which no link leads to; of no name, the path itself. Raises ImportFileError."""
    with ExitStack() as stack:
        start, path = (folder, name) if name else (folder.parent, folder.name)
        try:
            file = stack.enter_context(no_links.opened(start, path))
        except OSError as error:
            if error.errno == errno.EINVAL:
                raise ImportFileError(f"{shown(folder / name)}: is no plain file; put the file itself there") from error
            raise ImportFileError(f"{shown(folder / name)}: can't be read: {reason(error)}") from error
        yield file


def read(folder: Path, name: str = "", most: int = MOST_BYTES) -> bytes:
    """Raises ImportFileError, ImportTooLargeError."""
    return b"".join(pieces(folder, name, most))


def pieces(folder: Path, name: str, most: int) -> Iterator[bytes]:
    """Of a file, up to so many bytes. Raises ImportFileError, ImportTooLargeError."""
    with opened(folder, name) as file:
        left = most
        if os.fstat(file).st_size > most:
            raise _too_long(folder / name, most)
        while True:
            try:
                piece = os.read(file, min(_PIECE, left + 1))
            except OSError as error:
                raise ImportFileError(f"{shown(folder / name)}: can't be read: {reason(error)}") from error
            if not piece:
                return
            left -= len(piece)
            if left < 0:
                raise _too_long(folder / name, most)
            yield piece


def _too_long(path: Path, most: int) -> ImportTooLargeError:
    return ImportTooLargeError(f"{shown(path)}: is longer than {most:,} bytes, which are allowed")


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
    _check_clash(folder, [*texts, *there])
    return [*texts, *there]


def _check_clash(folder: Path, names: Sequence[str]) -> None:
    """Raises ImportRefusedError where two of the files can't be there on every computer."""
    clash = file_names.clash(names)
    # On FAT one file may be named in two ways.
    if clash is not None and not os.path.samefile(folder / clash[0], folder / clash[1]):
        raise ImportRefusedError(
            f"{shown(folder)}: {shown(clash[0])} and {shown(clash[1])} can't both be there on every computer; rename "
            "one of them"
        )


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
    lines: list[str] = []
    left = MOST_BYTES
    try:
        names = files_of_bank(found.path)
    except OSError as error:
        if isinstance(error, NampedalError):
            raise
        raise ImportFileError(f"{shown(found.path)}: can't be read: {reason(error)}") from error
    for name in names:
        if name.endswith(file_names.PRESET):
            data = read(found.path, name, MOST_PRESET_BYTES)
            left -= len(data)
            if left < 0:
                raise _too_long(found.path, MOST_BYTES)
            lines.append(f"{name!r} {sha256(unsealed(data)).hexdigest()}")
            continue
        one = sha256()
        for piece in pieces(found.path, name, left):
            left -= len(piece)
            one.update(piece)
        lines.append(f"{name!r} {one.hexdigest()}")
    return sha256("\n".join(lines).encode()).hexdigest()
