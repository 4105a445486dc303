"""What the real-time side may call, and what an object file does call."""

from __future__ import annotations

import subprocess
from pathlib import Path

# What the real-time objects may call. Keep it short, and say why.
ALLOWED = {
    "memcpy",  # histories
    "memmove",
    "memset",
    "tanhf",  # exact activations
    "kiss_fftr",  # cabinets: in memory that setup gave it
    "kiss_fftri",
    "clock_gettime",  # how long blocks take; no system call where the kernel maps its clock (vdso(7))
    "expf",
    "__cxa_pure_virtual",  # the table of an interface; never called
    "_GLOBAL_OFFSET_TABLE_",  # position-independent code
    "__stack_chk_fail",  # where the distribution's compiler guards the stack
}
OURS = "nampedal"


def undefined_symbols(path: Path, nm: str = "nm") -> set[str]:
    out = subprocess.run([nm, "--undefined-only", "--format=posix", path], check=True, capture_output=True, text=True)
    return {line.split()[0] for line in out.stdout.splitlines() if line}


def foreign_symbols(path: Path, nm: str = "nm") -> set[str]:
    """Undefined symbols that are neither ours nor allowed."""
    return {name for name in undefined_symbols(path, nm) if OURS not in name} - ALLOWED


def realtime_objects(build: Path) -> list[Path]:
    """Object files of the real-time side in a CMake build."""
    return [path for part in ("kernels", "rt", "jack") for path in build.glob(f"CMakeFiles/nampedal_{part}.dir/**/*.o")]
