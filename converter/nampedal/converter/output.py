"""Output files: never overwritten silently, never half written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nampedal.board.errors import NampedalError
from nampedal.converter.errors import OutputExistsError, OutputUnwritableError


@contextmanager
def replacing(path: Path, force: bool) -> Iterator[Path]:
    """A path beside `path` to write to; becomes `path` when the block ends well, goes away when it does not.

    Raises OutputExistsError when `path` is there and not `force`; OutputUnwritableError for what the system refuses.
    """
    if path.exists() and not force:
        raise OutputExistsError(f"{path}: is there already; --force overwrites it")
    if not path.parent.is_dir():
        raise OutputUnwritableError(f"{path}: can't be written: {path.parent} is no folder")
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        os.replace(partial, path)
    except OSError as error:
        if isinstance(error, NampedalError):
            raise
        reason = (error.strerror or str(error)).lower()
        raise OutputUnwritableError(f"{path}: can't be written: {reason}") from error
    finally:
        partial.unlink(missing_ok=True)
