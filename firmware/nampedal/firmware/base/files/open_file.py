"""Opens, writes and syncs files in the same way on Linux, macOS and Windows."""

from __future__ import annotations

import os
import sys
from pathlib import Path

if sys.platform == "win32":
    # Windows would change line ends otherwise. It has no pipes in its folders.
    _AS_IT_IS, _WITHOUT_WAITING = os.O_BINARY, 0
else:
    # Without O_NONBLOCK, opening a pipe would block until it has a writer.
    _AS_IT_IS, _WITHOUT_WAITING = 0, os.O_NONBLOCK


def open_to_read(path: Path) -> int:
    """Return a descriptor to read a file with; it does not block if the file is a pipe. Raises OSError."""
    return os.open(path, os.O_RDONLY | _WITHOUT_WAITING | _AS_IT_IS)


def open_to_write(path: Path, permissions: int = 0o666) -> int:
    """Return a descriptor to write a new or emptied file with. permissions: of a new file. Raises OSError."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _AS_IT_IS, permissions)


def set_permissions(file: int, permissions: int) -> None:
    """Set the permissions of an open file. Windows has others, which a folder hands down to its files."""
    if sys.platform != "win32":
        os.fchmod(file, permissions)


def sync(path: Path) -> None:
    """Sync a file or a folder to the disk. Raises OSError.

    Windows opens no folders, and syncs only files that are open for writing.
    """
    if sys.platform == "win32" and path.is_dir():
        return
    opened = os.open(path, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
