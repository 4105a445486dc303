"""Writes output files atomically: none is overwritten without permission, none is left half written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nampedal.firmware.base.errors import AlreadyExistsError, FileAccessError, NampedalError
from nampedal.firmware.base.files.atomic_write import move_into_place


def partial_path(path: Path, process: int) -> Path:
    """Return the path that a process writes to until `path` is complete. process: its process id."""
    return path.with_name(f".{path.name}.{process}.partial")


@contextmanager
def atomic_output(path: Path, force: bool) -> Iterator[Path]:
    """Yield a temporary path beside `path`. It replaces `path` if the block succeeds and is deleted if it fails.

    Raises AlreadyExistsError if `path` exists and `force` is False; FileAccessError if the system refuses to
    write.
    """
    if path.exists() and not force:
        raise AlreadyExistsError(f"{path}: is there already; --force overwrites it")
    if path.is_dir():
        raise FileAccessError(f"{path}: can't be written: is a directory")
    if not path.parent.is_dir():
        raise FileAccessError(f"{path}: can't be written: {path.parent} is no folder")
    partial = partial_path(path, os.getpid())
    try:
        yield partial
        move_into_place(partial, path)
    except OSError as error:
        if isinstance(error, NampedalError):
            raise
        reason = (error.strerror or str(error)).lower()
        raise FileAccessError(f"{path}: can't be written: {reason}") from error
    finally:
        partial.unlink(missing_ok=True)
