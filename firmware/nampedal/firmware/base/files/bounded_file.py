"""Reads whole files from strangers with a size limit: a sparse file of any length takes no disk space."""

from __future__ import annotations

import errno
import os
import stat
from importlib.resources.abc import Traversable
from pathlib import Path


def check_regular_file(path: Path) -> None:
    """Check that a path is a regular file.

    Raises OSError if it does not exist, IsADirectoryError for a folder, OSError with EINVAL for anything else.
    """
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "is a directory")
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "is no plain file")


def read_bounded(path: Traversable, most: int) -> bytes:
    """Return all bytes of a regular file of at most `most` bytes.

    Raises OSError as reading does, with EFBIG for a longer file, and EINVAL for what is not a regular file, such as a
    pipe, which may never end.
    """
    if isinstance(path, Path):
        check_regular_file(path)
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        # Read no more than the file needs. Some system files report a size of 0.
        data = file.read((size if 0 < size < most else most) + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"is longer than {most:,} bytes")
    return data
