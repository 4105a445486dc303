"""Writes files so that a power cut leaves the old one or the new one, and syncs them to the disk.

Everything that replaces a file or a folder makes it beside its place, and gives it its name with `move_into_place`.
All functions raise OSError.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from nampedal.firmware.base.files.open_file import open_to_write, set_permissions, sync


def write_atomically(data: bytes, path: Path, mode: int | None = None) -> None:
    """Write a file; it is on the disk when this returns. Its folder must exist.

    mode: permissions of the file, also while it is written; None: those of a new file.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        _write(partial, [data], mode)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    sync_folder(path.parent)


def move_into_place(partial: Path, path: Path) -> None:
    """Give a complete file, link or folder its name, in one step and on the disk.

    Of a folder, the names of its files are synced; what is in them must have been synced before.
    partial: on the same file system as `path`. A file or link at `path` is replaced; a folder there must be empty.
    """
    if not partial.is_symlink():
        sync(partial)
    os.replace(partial, path)
    sync_folder(path.parent)


def write_through(data: bytes, path: Path) -> None:
    """Write a file and sync it to the disk; the write is not atomic."""
    write_pieces_through([data], path)


def write_pieces_through(pieces: Iterable[bytes], path: Path) -> None:
    """Write a file as `write_through` does, from pieces, so that it need not be in memory as a whole."""
    _write(path, pieces, None)


def sync_folder(path: Path) -> None:
    """Sync a folder, so that the names of its files are on the disk."""
    sync(path)


def sync_file(path: Path) -> None:
    """Sync a file that another program wrote."""
    sync(path)


def _write(path: Path, pieces: Iterable[bytes], mode: int | None) -> None:
    """Write a file and sync it. mode: as in `write_atomically`."""
    file = open_to_write(path, 0o666 if mode is None else mode)
    try:
        if mode is not None:
            # The umask may have taken permissions away, and an old file keeps its own.
            set_permissions(file, mode)
        for piece in pieces:
            left = memoryview(piece)
            while left:
                left = left[os.write(file, left) :]
        os.fsync(file)
    finally:
        os.close(file)
