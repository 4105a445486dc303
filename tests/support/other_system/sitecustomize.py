"""Lets nampedal's modules see the Python of another system: NAMPEDAL_TEST_PLATFORM is its sys.platform.

Python imports this module at its start, also in the processes that a command starts, if its folder is on PYTHONPATH.
What Python lacks on that system can't be imported by modules of nampedal, or is no name of what they import. Other
packages see this system. So this tests what nampedal's modules use, and says nothing about the other system itself.
"""

from __future__ import annotations

import builtins
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

# Modules that are missing. All: those of what plays live, which are installed on Linux alone.
LIVE = {"jack", "lgpio", "serial", "spidev"}
MODULES = {
    "darwin": LIVE,
    "win32": {
        *LIVE,
        "curses",
        "fcntl",
        "grp",
        "posix",
        "pty",
        "pwd",
        "readline",
        "resource",
        "syslog",
        "termios",
        "tty",
    },
}
# Names that are missing, by module: of macOS and Windows, then of Windows alone.
OF_LINUX = {
    "os": (
        *("O_DIRECT", "O_PATH", "O_TMPFILE", "MFD_CLOEXEC", "memfd_create", "eventfd", "pipe2", "posix_fadvise"),
        *("posix_fallocate", "copy_file_range", "getrandom", "sched_getaffinity", "sched_setaffinity", "setns"),
        *("sched_setscheduler", "splice", "unshare"),
    ),
    "select": ("epoll",),
    "selectors": ("EpollSelector",),
    "signal": ("SIGPWR", "sigtimedwait"),
    "socket": ("AF_NETLINK", "AF_PACKET", "sethostname"),
    "time": ("CLOCK_BOOTTIME",),
}
OF_UNIX = {
    "os": (
        *("O_CLOEXEC", "O_DIRECTORY", "O_NOCTTY", "O_NOFOLLOW", "O_NONBLOCK", "O_SYNC", "WIFEXITED", "chown", "chroot"),
        *("fchmod", "fchown", "fork", "forkpty", "fwalk", "geteuid", "getgid", "getgroups", "getloadavg", "getpgid"),
        *("getuid", "initgroups", "killpg", "lchown", "mkfifo", "nice", "pread", "pwrite", "sendfile", "setgid"),
        *("setsid", "setuid", "statvfs", "fstatvfs", "sync", "sysconf", "uname", "wait4", "waitid"),
    ),
    "select": ("poll",),
    "selectors": ("PollSelector",),
    "signal": ("SIGALRM", "SIGCHLD", "SIGHUP", "SIGKILL", "SIGUSR1", "SIGXCPU", "alarm", "pause", "pthread_sigmask"),
    "socket": ("AF_UNIX", "SO_REUSEPORT", "send_fds"),
    "time": ("CLOCK_MONOTONIC", "CLOCK_THREAD_CPUTIME_ID", "clock_gettime", "tzset"),
}


class SeenModule(ModuleType):
    """A module without some names, and with other values of some."""

    def __init__(self, seen: ModuleType, missing: Sequence[str], other: Mapping[str, object]) -> None:
        super().__init__(seen.__name__)
        self._seen, self._missing = seen, frozenset(missing)
        self.__dict__.update(other)

    def __getattr__(self, name: str) -> Any:
        if name in self._missing:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r} on the other system")
        return getattr(self._seen, name)


def see(platform: str) -> None:
    """Let nampedal's modules see that system from now on."""
    missing = {name: list(names) for name, names in OF_LINUX.items()}
    if platform == "win32":
        for name, names in OF_UNIX.items():
            missing[name] += names
    values: dict[str, dict[str, object]] = {"sys": {"platform": platform}, "os": {}}
    if platform == "win32":
        values["os"]["O_BINARY"] = 0
    seen = {
        name: SeenModule(importlib.import_module(name), missing.get(name, ()), values.get(name, {}))
        for name in {*missing, *values}
    }
    imports = builtins.__import__

    def importing(name: str, *others: Any, **named: Any) -> ModuleType:
        importer = (others[0] if others else named.get("globals")) or {}
        if str(importer.get("__name__", "")).startswith("nampedal."):
            if name.partition(".")[0] in MODULES[platform]:
                raise ModuleNotFoundError(f"No module named {name!r} on the other system", name=name)
            if name in seen:
                return seen[name]
        return imports(name, *others, **named)

    builtins.__import__ = importing


if os.environ.get("NAMPEDAL_TEST_PLATFORM"):
    see(os.environ["NAMPEDAL_TEST_PLATFORM"])
    assert sys.platform == "linux"
