"""Runs commands in a user namespace, in which a root can be unpacked and configured.

Files in the root get their proper owners there, and the computer's own files stay protected from the user who builds.
Programs for the Raspberry Pi run there with QEMU. If the computer has not registered QEMU for all users, it is
registered in that namespace alone (binfmt_misc is separate for each user namespace since Linux 6.7).

`python -m nampedal.firmware.system.image.sources.user_namespace COMMAND...` runs a command there, as root.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from pathlib import Path

from nampedal.firmware.base.errors import DeployError
from nampedal.firmware.system.image.sources import build_tools

# linux/sched.h.
_CLONE_NEWUSER, _CLONE_NEWNS, _CLONE_NEWPID = 0x10000000, 0x00020000, 0x20000000
# Number of user ids: as many as Debian reserves for each user.
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


def run_in_namespace(
    *command: str, text: str | None = None, explain: Callable[[str], DeployError | None] | None = None
) -> str:
    """Run a command in the namespace and return its output.

    text, explain: as for `build_tools.run`. Raises ProgramError, or the error that `explain` returns.
    """
    wrapped = ("sh", "-c", _EMULATE, "sh", *command)
    if os.geteuid() != 0:
        own = ("--user", "--map-root-user", "--map-auto", "--mount", "--pid", "--fork")
        return build_tools.run(["unshare", *own, "--", *wrapped], text=text, explain=explain)
    return build_tools.run(
        [sys.executable, "-m", "nampedal.firmware.system.image.sources.user_namespace", *wrapped],
        text=text,
        explain=explain,
    )


def enter(command: list[str]) -> int:
    """Run a command in a new user namespace, and return its exit code.

    For root, which has no reserved range of ids of other users: each id is mapped to itself.
    """
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
        # The child of this process becomes the first process of the new process namespace; this process stays outside.
        inner = os.fork()
        if inner == 0:
            os.execvp(command[0], command)
        os._exit(_code(os.waitpid(inner, 0)[1]))
    os.close(child_to_parent[1])
    if os.read(child_to_parent[0], 1):
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{child}/{name}").write_text(f"0 0 {_USERS}\n", encoding="utf-8")
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
