"""Builds a board profile of this machine from what Linux reports."""

from __future__ import annotations

import os
import re
from pathlib import Path

from nampedal.board.profiles.boards import Board, Cost, Fact

KEY = "this-machine"
PERIOD_FRAMES = 64
BUDGET_PERCENT = 50
# The CPU features that decide which kernels (SIMD routines) the engine uses.
SIMD = ("avx2", "fma", "avx512f", "avx512dq", "avx512vl", "neon", "asimd", "asimdhp", "asimddp")
# Part numbers of the CPU cores of the known boards: arch/arm64/include/asm/cputype.h of Linux.
PARTS = {"0xd03": "Cortex-A53", "0xd08": "Cortex-A72", "0xd0b": "Cortex-A76"}


def this_machine(cost: Cost, root: Path = Path("/")) -> Board:
    """Return a profile of this machine. cost: measured on it.  root: where /proc and /sys are."""
    about = _read(root / "proc" / "cpuinfo")
    cpu = _field(about, "model name") or PARTS.get(_field(about, "CPU part"), "unknown")
    flags = (_field(about, "flags") or _field(about, "Features")).split()
    # Strings of the device tree end with a zero byte.
    model = _read(root / "proc" / "device-tree" / "model").strip("\0")
    bytes_of_ram = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Board(
        key=KEY,
        name=model or f"this machine, {cpu}",
        cpu=cpu,
        features=tuple(flag for flag in SIMD if flag in flags),
        cores=Fact(os.cpu_count() or 1, "stated", "Linux: the cores that are online"),
        clock_mhz=_clock(about, root),
        ram_mib=Fact(bytes_of_ram >> 20, "stated", "Linux: the memory that it may use"),
        period_frames=Fact(PERIOD_FRAMES, "chosen", "our choice: what our boards have"),
        budget_percent=Fact(BUDGET_PERCENT, "chosen", "our choice: what our boards have"),
        cost=cost,
    )


def _clock(about: str, root: Path) -> Fact[int]:
    highest = _read(root / "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq")
    if highest:
        return Fact(int(highest) // 1000, "stated", "Linux: cpufreq's highest clock")
    now = _field(about, "cpu MHz")
    if now:
        return Fact(round(float(now)), "stated", "Linux: /proc/cpuinfo, the clock while this was written")
    return Fact(1000, "estimated", "a guess: this machine does not tell its clock")


def _field(about: str, name: str) -> str:
    found = re.search(rf"^{name}\s*: *(.*)$", about, re.MULTILINE)
    return found.group(1).strip() if found else ""


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
