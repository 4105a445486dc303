"""How much memory files from strangers may make nampedal take when they are tried."""

from __future__ import annotations

import re
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nampedal.firmware.errors import TooMuchMemoryError

# Two models of the largest size that the engine prepares (firmware/dsp/setup/bounds.h). A Zero 2 W has 512 MB for
# everything, and plays meanwhile.
MOST_BYTES = 128 << 20
_STATUS = Path("/proc/self/status")


@contextmanager
def limited(what: object) -> Iterator[None]:
    """Let this process have MOST_BYTES more than it has now, and no more. what: begins the message.

    It is RLIMIT_DATA, which counts every private page that can be written, also of mmap (getrlimit(2), since Linux
    4.7), and makes an allocation fail. Where there is no /proc, there is no limit.
    Raises TooMuchMemoryError.
    """
    before = resource.getrlimit(resource.RLIMIT_DATA)
    try:
        found = re.search(r"^VmData:\s+(\d+) kB$", _STATUS.read_text(), re.MULTILINE)
    except OSError:
        found = None
    if found:
        set_limit(resource.RLIMIT_DATA, (int(found[1]) << 10) + MOST_BYTES)
    try:
        yield
    except MemoryError as error:
        raise TooMuchMemoryError(f"{what}: needs more than {MOST_BYTES >> 20} MiB of memory") from error
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def set_limit(which: int, most: int) -> None:
    """which: as resource.RLIMIT_DATA. A lower limit that is set already stays."""
    soft, hard = resource.getrlimit(which)
    limits = [limit for limit in (most, soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(which, (min(limits), hard))
