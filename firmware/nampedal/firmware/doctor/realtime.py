"""Checks of what keeps the sound in time: priorities, locked memory, interrupts, the core of its own, the kernel."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nampedal.board import places
from nampedal.firmware.doctor.case import JACK, Case, check
from nampedal.firmware.doctor.errors import CantTellError, NotNeededError
from nampedal.firmware.doctor.finding import Finding, listed, ok, wrong
from nampedal.firmware.doctor.hardware import CONFIG
from nampedal.firmware.doctor.settings import parse_config, parse_cpus

# SCHED_FIFO and SCHED_RR (sched(7)).
REALTIME = (1, 2)

_PROC = Path("/proc")
_CPUS = Path("/sys/devices/system/cpu")
_ISOLATED = _CPUS / "isolated"
# What wakes jackd: a codec's driver, the DMA of a Raspberry Pi up to the 4 (drivers/dma/bcm2835-dma.c calls it so), of
# its I/O chip in the 5 (dw_axi_dmac_platform); a USB card's host controller.
_INTERRUPTS = re.compile(r"irq/\d+-.*(?:snd|DMA IRQ|dw_axi|i2s)")
_USB_INTERRUPTS = re.compile(r"irq/\d+-.*(?:snd|xhci|dwc)")
# Names of kernel files that are real-time ones, such as kernel8_rt.img and vmlinuz-6.12.0-rt-arm64.
_RT_FILE = re.compile(r"(?:kernel|vmlinuz).*[-_]rt\b.*")


@dataclass(frozen=True, slots=True)
class Thread:
    """policy, priority: as sched(7) has them.  cpus: on which it may run."""

    policy: int
    priority: int
    cpus: set[int]


@check("real time")
def check_real_time(case: Case) -> Finding:
    """Whether the threads that make the sound come before all others."""
    if not case.jack.realtime:
        if case.jack.driver == "dummy":
            raise NotNeededError("jackd is told to use no card, and to do without real time (-r)")
        return wrong(f"{places.SETTINGS} has jackd do without real time (-r)", case.reinstall())
    found = []
    for who, pid in _processes(case):
        highest = max((thread.priority for thread in _threads(case, pid) if thread.policy in REALTIME), default=0)
        if highest == 0:
            limit = _limit(case, pid, "Max realtime priority")
            return wrong(f"{who} has no real-time thread (its rtprio limit: {limit})", case.reinstall())
        found.append(f"{who} {highest}")
    return ok(f"priorities: {listed(found)}")


@check("locked memory")
def check_memory(case: Case) -> Finding:
    """Whether what jackd shares with nampedal stays in memory, whatever else wants some."""
    if not (case.jack.realtime and case.jack.locks):
        raise NotNeededError("jackd is told not to lock its memory")
    pid = case.process(JACK)
    locked = re.search(r"^VmLck:\s*(\d+) kB", case.machine.text(_PROC / str(pid) / "status") or "", re.MULTILINE)
    if locked is None:
        raise CantTellError("nobody tells what memory jackd locked")
    if int(locked[1]) == 0:
        limit = _limit(case, pid, "Max locked memory")
        return wrong(f"jackd could lock no memory (its memlock limit: {limit} bytes)", case.reinstall())
    return ok(f"{int(locked[1]) / 1024:.0f} MiB of jackd's")


@check("interrupts")
def check_interrupts(case: Case) -> Finding:
    """Whether the sound card's interrupts come before jackd, where they are threads."""
    if not _is_realtime_kernel(case) and "threadirqs" not in (case.machine.text(_PROC / "cmdline") or "").split():
        raise NotNeededError("in this kernel interrupts are no threads")
    wanted = _INTERRUPTS
    if case.jack.card and "usbid" in case.machine.names(_PROC / "asound" / case.jack.card):
        wanted = _USB_INTERRUPTS
    found = _kernel_threads(case, lambda name: wanted.match(name) is not None)
    if not found:
        raise CantTellError("none of this machine's interrupts is known to be a sound card's")
    name, highest = max(found.items(), key=lambda one: one[1])
    if highest <= case.jack.priority:
        return wrong(
            f"{name} has priority {highest}, and jackd, which waits for it, has {case.jack.priority}",
            "run 'sudo systemctl restart nampedal-tune'",
        )
    return ok(f"{name} has priority {highest}, jackd {case.jack.priority}")


@check("audio core")
def check_core(case: Case) -> Finding:
    """Whether the core that is set aside for the sound is, and whether the sound is there."""
    wanted = case.settings.get("NAMPEDAL_AUDIO_CPU", "")
    if not wanted.isdecimal():
        raise NotNeededError("no core of this board is set aside for the sound")
    isolated = case.machine.text(_ISOLATED)
    if isolated is None:
        raise CantTellError(f"{_ISOLATED} is not there")
    if f"cpu{wanted}" not in case.machine.names(_CPUS):
        raise CantTellError(f"this machine has no core {wanted}, which {places.SETTINGS} sets aside for the sound")
    if int(wanted) not in parse_cpus(isolated):
        return wrong(
            f"core {wanted} is not set aside for the sound (isolated: {isolated or 'none'})",
            case.reinstall() if case.is_image else f"{case.reinstall()}: it puts isolcpus= into cmdline.txt",
        )
    audio = [thread for thread in _threads(case, case.process(case.player())) if thread.policy in REALTIME]
    if not audio:
        raise CantTellError(f"core {wanted} is set aside; nampedal has no audio thread that could be looked at")
    elsewhere = [thread for thread in audio if thread.cpus != {int(wanted)}]
    if elsewhere:
        return wrong(
            f"the sound may run on cores {listed(sorted(elsewhere[0].cpus))}, and core {wanted} is set aside for it",
            "run 'sudo systemctl restart nampedal'; if it stays so, read 'journalctl -b -u nampedal'",
        )
    return ok(f"the sound has core {wanted} for itself")


@check("kernel")
def check_kernel(case: Case) -> Finding:
    """Which one, whether it is a real-time one, and whether the card has such a one that does not run."""
    release = case.machine.text(_PROC / "sys" / "kernel" / "osrelease")
    if release is None:
        raise CantTellError("/proc/sys/kernel/osrelease is not there")
    if _is_realtime_kernel(case):
        return ok(f"{release}, a real-time one")
    prefix = parse_config(case.machine.text(CONFIG) or "").prefix
    there = [name for name in case.machine.names(places.CARD / prefix) if _RT_FILE.fullmatch(name)]
    if there:
        return wrong(
            f"{release} runs, and the real-time kernel {there[0]} beside it does not",
            f"write 'kernel={there[0]}' at the end of {CONFIG}, below a line [all], then 'sudo reboot'",
        )
    return ok(f"{release}; there is no real-time one on the card, which matters only if the sound has gaps")


def _is_realtime_kernel(case: Case) -> bool:
    """By what `uname -v` says; kernels with the patches of before 6.12 have a file for it, too."""
    version = case.machine.text(_PROC / "sys" / "kernel" / "version") or ""
    return "PREEMPT_RT" in version.split() or case.machine.text(Path("/sys/kernel/realtime")) == "1"


def _processes(case: Case) -> list[tuple[str, int]]:
    return [("jackd", case.process(JACK)), ("nampedal", case.process(case.player()))]


def _threads(case: Case, pid: int) -> list[Thread]:
    """Raises CantTellError."""
    folder = _PROC / str(pid) / "task"
    found = []
    for task in case.machine.names(folder):
        scheduled = _scheduled(case.machine.text(folder / task / "stat"))
        allowed = re.search(
            r"^Cpus_allowed_list:\s*(\S+)", case.machine.text(folder / task / "status") or "", re.MULTILINE
        )
        if scheduled is not None:
            found.append(Thread(*scheduled, parse_cpus(allowed[1]) if allowed else set()))
    if not found:
        raise CantTellError(f"the threads of process {pid} can't be looked at")
    return found


def _kernel_threads(case: Case, wanted: Callable[[str], bool]) -> dict[str, int]:
    """By name, their priorities."""
    found = {}
    for pid in filter(str.isdecimal, case.machine.names(_PROC)):
        name = case.machine.text(_PROC / pid / "comm") or ""
        scheduled = _scheduled(case.machine.text(_PROC / pid / "stat")) if wanted(name) else None
        if scheduled is not None:
            found[name] = scheduled[1] if scheduled[0] in REALTIME else 0
    return found


def _scheduled(stat: str | None) -> tuple[int, int] | None:
    """Policy and priority: fields 41 and 40 of proc_pid_stat(5). The second may hold blanks, and ends with a )."""
    fields = (stat or "").rpartition(")")[2].split()
    return (int(fields[41 - 3]), int(fields[40 - 3])) if len(fields) > 41 - 3 else None


def _limit(case: Case, pid: int, name: str) -> str:
    """The soft one, of proc_pid_limits(5)."""
    found = re.search(rf"^{name}\s+(\S+)", case.machine.text(_PROC / str(pid) / "limits") or "", re.MULTILINE)
    return found[1] if found else "not known"
