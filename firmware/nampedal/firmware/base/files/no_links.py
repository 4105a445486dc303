"""Opens files in folders that other users may write: follows no symbolic link, opens only regular files."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath


@contextmanager
def opened(folder: Path, name: str) -> Iterator[int]:
    """Yield a read-only file descriptor of a regular file below a folder.

    folder: links in this path are followed.
    name: path below the folder; links in it are refused.

    Raises OSError; errno EINVAL if it is not a regular file, and ENOTSUP on Windows, which has no such way to open one.
    """
    if sys.platform == "win32":
        raise OSError(errno.ENOTSUP, "can't be opened without following links")
    parts = PurePosixPath(name).parts
    files: list[int] = []
    try:
        files.append(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        for number, part in enumerate(parts, 1):
            # Without O_NONBLOCK, opening a pipe would block until it has a writer.
            kind = os.O_NONBLOCK if number == len(parts) else os.O_DIRECTORY
            files.append(os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | kind, dir_fd=files[-1]))
        if not stat.S_ISREG(os.fstat(files[-1]).st_mode):
            raise OSError(errno.EINVAL, "is no file")
        yield files[-1]
    finally:
        for file in reversed(files):
            os.close(file)
