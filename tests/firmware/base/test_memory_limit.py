"""The end of memory, in a process of its own: what others have taken and given back would count, too."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import resource
from nampedal.firmware.base.errors import TooMuchMemoryError
from nampedal.firmware.base.memory_limit import MAX_BYTES, limit_memory

with limit_memory("amp.stomp"):
    assert len(bytearray(MAX_BYTES // 2)) == MAX_BYTES // 2
try:
    with limit_memory("amp.stomp"):
        bytearray(2 * MAX_BYTES)
except TooMuchMemoryError as error:
    print(error)
assert resource.getrlimit(resource.RLIMIT_DATA)[0] == resource.RLIM_INFINITY
bytearray(2 * MAX_BYTES)
"""


def test_what_needs_too_much_memory_is_named_and_the_limit_goes_with_it() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("amp.stomp: needs more than 128 MiB of memory\n", "")
