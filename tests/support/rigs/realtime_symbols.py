"""The symbols that real-time code may use, and those that an object file does use."""

from __future__ import annotations

import subprocess
from pathlib import Path

# The external symbols that real-time object files may use. Keep the list short, with a reason for each.
ALLOWED = {
    "memcpy",  # histories
    "memmove",
    "memset",
    "tanhf",  # exact activations
    "clock_gettime",  # how long blocks take; no system call where the kernel maps its clock (vdso(7))
    "expf",
    "__mulsc3",  # arithmetic: products of complex numbers by clangs without -fcx-limited-range
    "__cxa_pure_virtual",  # the table of an interface; never called
    "_GLOBAL_OFFSET_TABLE_",  # position-independent code
    "__stack_chk_fail",  # where the distribution's compiler guards the stack
}
OURS = "nampedal"


def undefined_symbols(path: Path, nm: str = "nm") -> set[str]:
    out = subprocess.run([nm, "--undefined-only", "--format=posix", path], check=True, capture_output=True, text=True)
    return {line.split()[0] for line in out.stdout.splitlines() if line}


def foreign_symbols(path: Path, nm: str = "nm") -> set[str]:
    """Return undefined symbols that are neither ours nor allowed."""
    return {name for name in undefined_symbols(path, nm) if OURS not in name} - ALLOWED


def realtime_objects(build: Path) -> list[Path]:
    """Return the object files of the real-time code in a CMake build."""
    return [path for part in ("kernels", "rt", "jack") for path in build.glob(f"CMakeFiles/nampedal_{part}.dir/**/*.o")]
