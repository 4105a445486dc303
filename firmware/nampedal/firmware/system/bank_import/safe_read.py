"""Reads files of an import safely: opens only plain files, follows no symbolic link, limits every size."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path

from nampedal.firmware.base.errors import CardError, FileAccessError, NampedalError
from nampedal.firmware.base.files import file_names, no_links
from nampedal.firmware.base.files.durable_toml import strip_checksum
from nampedal.firmware.base.files.file_names import MAX_BYTES, MAX_PRESET_BYTES
from nampedal.firmware.base.files.toml_schema import os_error_text
from nampedal.firmware.base.listing import suffix_of
from nampedal.firmware.presets import preset
from nampedal.firmware.system.bank_import.import_scan import ARTIFACT, BANK, Candidate, plain_files, shown

# The limit of the artifact reader, too.
MAX_ARTIFACT_BYTES = 64 << 20
MAX_BANK_FILE_BYTES = file_names.MAX_BANK_FILE_BYTES
_PIECE = 1 << 20


@contextmanager
def opened(folder: Path, name: str = "") -> Iterator[int]:
    """Open a plain file in a folder without following symbolic links. Yields the file descriptor.

    name: below the folder; empty: `folder` is the file itself. Raises FileAccessError.
    """
    with ExitStack() as stack:
        start, path = (folder, name) if name else (folder.parent, folder.name)
        try:
            file = stack.enter_context(no_links.opened(start, path))
        except OSError as error:
            if error.errno == errno.EINVAL:
                raise FileAccessError(f"{shown(folder / name)}: is no plain file; put the file itself there") from error
            raise FileAccessError(f"{shown(folder / name)}: can't be read: {os_error_text(error)}") from error
        yield file


def read(folder: Path, name: str = "", most: int = MAX_BYTES) -> bytes:
    """Return a file's content. most: the maximum size, in bytes.  folder, name: see `opened`.

    Raises FileAccessError, CardError.
    """
    return b"".join(pieces(folder, name, most))


def pieces(folder: Path, name: str, most: int) -> Iterator[bytes]:
    """Yield a file's content in pieces. most: the maximum size, in bytes.  folder, name: see `opened`.

    Raises FileAccessError, CardError.
    """
    with opened(folder, name) as file:
        left = most
        if os.fstat(file).st_size > most:
            raise _too_long(folder / name, most)
        while True:
            try:
                piece = os.read(file, min(_PIECE, left + 1))
            except OSError as error:
                raise FileAccessError(f"{shown(folder / name)}: can't be read: {os_error_text(error)}") from error
            if not piece:
                return
            left -= len(piece)
            if left < 0:
                raise _too_long(folder / name, most)
            yield piece


def _too_long(path: Path, most: int) -> CardError:
    return CardError(f"{shown(path)}: is longer than {most:,} bytes, which are allowed")


def files_of_bank(folder: Path) -> list[str]:
    """Return the names of the bank's files in a folder: presets, bank.toml, and the files that the presets name.

    Raises as `read`; CardError, OSError.
    """
    names = plain_files(folder)
    texts = [name for name in names if suffix_of(name) == file_names.PRESET]
    named: set[str] = set()
    for name in texts:
        data = read(folder, name, MAX_PRESET_BYTES)
        try:
            if not file_names.is_bank_toml(name):
                named |= set(preset.files_of(preset.parse(data, name)))
        except NampedalError:
            # The error is reported later, when the bank is read.
            continue
    there = [name for name in sorted({file_names.find(folder, name) for name in named}) if _is_there(folder, name)]
    _check_clash(folder, [*texts, *there])
    return [*texts, *there]


def _check_clash(folder: Path, names: Sequence[str]) -> None:
    """Raise CardError if two of the names are the same on some file systems."""
    clash = file_names.clash(names)
    # On FAT, presets may name one file in two ways (upper and lower case).
    if clash is not None and not os.path.samefile(folder / clash[0], folder / clash[1]):
        raise CardError(
            f"{shown(folder)}: {shown(clash[0])} and {shown(clash[1])} can't both be there on every computer; rename "
            "one of them"
        )


def _is_there(folder: Path, name: str) -> bool:
    try:
        with opened(folder, name):
            return True
    except FileAccessError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return False
        raise


def digest(found: Candidate) -> str:
    """Return the SHA-256 of a candidate's content, independent of its name and place.

    Raises FileAccessError, CardError.
    """
    if found.kind != BANK:
        most = MAX_ARTIFACT_BYTES if found.kind == ARTIFACT else MAX_BANK_FILE_BYTES
        whole = sha256()
        for piece in pieces(found.path, "", most):
            whole.update(piece)
        return whole.hexdigest()
    lines: list[str] = []
    left = MAX_BYTES
    try:
        names = files_of_bank(found.path)
    except OSError as error:
        if isinstance(error, NampedalError):
            raise
        raise FileAccessError(f"{shown(found.path)}: can't be read: {os_error_text(error)}") from error
    for name in names:
        if suffix_of(name) == file_names.PRESET:
            data = read(found.path, name, MAX_PRESET_BYTES)
            left -= len(data)
            if left < 0:
                raise _too_long(found.path, MAX_BYTES)
            lines.append(f"{name!r} {sha256(strip_checksum(data)).hexdigest()}")
            continue
        one = sha256()
        for piece in pieces(found.path, name, left):
            left -= len(piece)
            one.update(piece)
        lines.append(f"{name!r} {one.hexdigest()}")
    return sha256("\n".join(lines).encode()).hexdigest()
