"""A user namespace in which a root is unpacked and configured: its files belong to whom they should, and what this
computer has is as safe as from the user who builds.

Programs of the Raspberry Pi's run there through QEMU, registered in that namespace alone (binfmt_misc is kept by user
namespace since Linux 6.7) where the computer has not registered it for all.

python -m nampedal.board.image.namespace COMMAND... runs one there, as root.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from pathlib import Path

from nampedal.board.image import tools
from nampedal.board.image.errors import ImageError

# linux/sched.h.
_CLONE_NEWUSER, _CLONE_NEWNS, _CLONE_NEWPID = 0x10000000, 0x00020000, 0x20000000
# As many users as Debian gives out.
_USERS = 65536
_EMULATE = """
set -e
mount -t proc proc /proc
binfmt=/proc/sys/fs/binfmt_misc
if [ "$(uname -m)" != aarch64 ] && [ ! -e $binfmt/qemu-aarch64 ]; then
  mount -t binfmt_misc none $binfmt
  [ -e $binfmt/qemu-aarch64 ] || cat /usr/lib/binfmt.d/qemu-aarch64.conf > $binfmt/register
fi
exec "$@"
"""


def run_inside(
    *command: str, text: str | None = None, explain: Callable[[str], ImageError | None] | None = None
) -> str:
    """What a command prints there. text, explain: as `tools.run` takes them. Raises BuildToolError, or that error."""
    wrapped = ("sh", "-c", _EMULATE, "sh", *command)
    if os.geteuid() != 0:
        own = ("--user", "--map-root-user", "--map-auto", "--mount", "--pid", "--fork")
        return tools.run(["unshare", *own, "--", *wrapped], text=text, explain=explain)
    return tools.run([sys.executable, "-m", "nampedal.board.image.namespace", *wrapped], text=text, explain=explain)


def enter(command: list[str]) -> int:
    """As root, for whom nobody has set numbers of other users aside: maps every one onto itself. Its exit code."""
    child_to_parent, parent_to_child = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.close(child_to_parent[0])
        os.close(parent_to_child[1])
        _unshare()
        os.write(child_to_parent[1], b".")
        os.read(parent_to_child[0], 1)
        os.setgid(0)
        os.setuid(0)
        # The first process of the new process namespace is a child, not who made it.
        inner = os.fork()
        if inner == 0:
            os.execvp(command[0], command)
        os._exit(_code(os.waitpid(inner, 0)[1]))
    os.close(child_to_parent[1])
    if os.read(child_to_parent[0], 1):
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{child}/{name}").write_text(f"0 0 {_USERS}\n")
        os.write(parent_to_child[1], b".")
    return _code(os.waitpid(child, 0)[1])


def _unshare() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNS | _CLONE_NEWPID) != 0:
        sys.stderr.write(f"no user namespace: {os.strerror(ctypes.get_errno())}\n")
        os._exit(1)


def _code(status: int) -> int:
    return os.waitstatus_to_exitcode(status) & 0xFF


if __name__ == "__main__":
    sys.exit(enter(sys.argv[1:]))
