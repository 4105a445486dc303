"""Limits how much memory nampedal may use while it tries files from strangers."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nampedal.firmware.base.errors import TooMuchMemoryError

if sys.platform != "win32":
    import resource

# Two models of the largest size that the engine prepares (firmware/dsp/setup/bounds.h). A Zero 2 W has 512 MB for
# everything, and plays at the same time.
MAX_BYTES = 128 << 20
_STATUS = Path("/proc/self/status")


@contextmanager
def limit_memory(what: object) -> Iterator[None]:
    """Let this process use at most MAX_BYTES more memory than now. what: beginning of the error message.

    It sets RLIMIT_DATA, which counts every private writable page, also of mmap (getrlimit(2), since Linux 4.7). An
    allocation over the limit fails. Without /proc, as on macOS and Windows, there is no limit.
    Raises TooMuchMemoryError.
    """
    try:
        with _limited_data():
            yield
    except MemoryError as error:
        raise TooMuchMemoryError(f"{what}: needs more than {MAX_BYTES >> 20} MiB of memory") from error


@contextmanager
def _limited_data() -> Iterator[None]:
    if sys.platform == "linux":
        before = resource.getrlimit(resource.RLIMIT_DATA)
        try:
            found = re.search(r"^VmData:\s+(\d+) kB$", _STATUS.read_text(encoding="ascii"), re.MULTILINE)
        except OSError:
            found = None
        if found:
            set_limit(resource.RLIMIT_DATA, (int(found[1]) << 10) + MAX_BYTES)
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_DATA, before)
    else:
        yield


def set_limit(which: int, most: int) -> None:
    """Set a soft resource limit. A lower limit that is already set stays. Windows has no limits of this kind.

    which: such as resource.RLIMIT_DATA.
    most: the new limit.
    """
    if sys.platform != "win32":
        soft, hard = resource.getrlimit(which)
        limits = [limit for limit in (most, soft, hard) if limit != resource.RLIM_INFINITY]
        resource.setrlimit(which, (min(limits), hard))
