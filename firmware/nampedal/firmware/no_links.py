"""Opening files in folders that somebody else may write: no symbolic link is followed, nothing but a file is opened."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath


@contextmanager
def opened(folder: Path, name: str) -> Iterator[int]:
    """A descriptor of a regular file below a folder, for reading. folder: may be reached by links.  name: may not.

    Raises OSError; errno EINVAL where it is no regular file.
    """
    parts = PurePosixPath(name).parts
    files: list[int] = []
    try:
        files.append(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        for number, part in enumerate(parts, 1):
            # A pipe would have us wait for its other end.
            kind = os.O_NONBLOCK if number == len(parts) else os.O_DIRECTORY
            files.append(os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | kind, dir_fd=files[-1]))
        if not stat.S_ISREG(os.fstat(files[-1]).st_mode):
            raise OSError(errno.EINVAL, "is no file")
        yield files[-1]
    finally:
        for file in reversed(files):
            os.close(file)
