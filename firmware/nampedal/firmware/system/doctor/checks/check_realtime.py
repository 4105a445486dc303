"""Checks of real-time playing: thread priorities, locked memory, interrupts, the isolated core, the kernel."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nampedal.firmware.base import system_paths
from nampedal.firmware.system.doctor.checks.check_hardware import CONFIG
from nampedal.firmware.system.doctor.context import JACK, CheckContext, check
from nampedal.firmware.system.doctor.errors import NotApplicableError, UnknownResultError
from nampedal.firmware.system.doctor.finding import Finding, comma_list, ok, wrong
from nampedal.firmware.system.doctor.jack_settings import parse_config, parse_cpus

# SCHED_FIFO and SCHED_RR (sched(7)).
REALTIME = (1, 2)

_PROC = Path("/proc")
_CPUS = Path("/sys/devices/system/cpu")
_ISOLATED = _CPUS / "isolated"
# The interrupt threads that wake jackd: the codec's driver, the DMA of a Raspberry Pi up to the 4 (name in
# drivers/dma/bcm2835-dma.c) or of the 5's I/O chip (dw_axi_dmac_platform); the host controller of a USB sound card.
_INTERRUPTS = re.compile(r"irq/\d+-.*(?:snd|DMA IRQ|dw_axi|i2s)")
_USB_INTERRUPTS = re.compile(r"irq/\d+-.*(?:snd|xhci|dwc)")
# File names of real-time kernels, such as kernel8_rt.img and vmlinuz-6.12.0-rt-arm64.
_RT_FILE = re.compile(r"(?:kernel|vmlinuz).*[-_]rt\b.*")


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread's scheduling. policy, priority: see sched(7).  cpus: the CPUs on which it may run."""

    policy: int
    priority: int
    cpus: set[int]


@check("real time")
def check_real_time(case: CheckContext) -> Finding:
    """Check that jackd and nampedal have real-time threads."""
    if not case.jack.realtime:
        if case.jack.driver == "dummy":
            raise NotApplicableError("jackd is told to use no card, and to do without real time (-r)")
        return wrong(f"{system_paths.SETTINGS} has jackd do without real time (-r)", case.reinstall_advice())
    found = []
    for who, pid in _processes(case):
        highest = max((thread.priority for thread in _threads(case, pid) if thread.policy in REALTIME), default=0)
        if highest == 0:
            limit = _limit(case, pid, "Max realtime priority")
            return wrong(f"{who} has no real-time thread (its rtprio limit: {limit})", case.reinstall_advice())
        found.append(f"{who} {highest}")
    return ok(f"priorities: {comma_list(found)}")


@check("locked memory")
def check_memory(case: CheckContext) -> Finding:
    """Check that jackd has locked its memory, so that the memory it shares with nampedal is never paged out."""
    if not (case.jack.realtime and case.jack.locks_memory):
        raise NotApplicableError("jackd is told not to lock its memory")
    pid = case.process(JACK)
    locked = re.search(r"^VmLck:\s*(\d+) kB", case.machine.text(_PROC / str(pid) / "status") or "", re.MULTILINE)
    if locked is None:
        raise UnknownResultError("nobody tells what memory jackd locked")
    if int(locked[1]) == 0:
        limit = _limit(case, pid, "Max locked memory")
        return wrong(f"jackd could lock no memory (its memlock limit: {limit} bytes)", case.reinstall_advice())
    return ok(f"{int(locked[1]) / 1024:.0f} MiB of jackd's")


@check("interrupts")
def check_interrupts(case: CheckContext) -> Finding:
    """Check that the sound card's interrupt threads have a higher priority than jackd, if interrupts are threads."""
    if not _is_realtime_kernel(case) and "threadirqs" not in (case.machine.text(_PROC / "cmdline") or "").split():
        raise NotApplicableError("in this kernel interrupts are no threads")
    wanted = _INTERRUPTS
    if case.jack.card and "usbid" in case.machine.names(_PROC / "asound" / case.jack.card):
        wanted = _USB_INTERRUPTS
    found = _kernel_threads(case, lambda name: wanted.match(name) is not None)
    if not found:
        raise UnknownResultError("none of this machine's interrupts is known to be a sound card's")
    name, highest = max(found.items(), key=lambda one: one[1])
    if highest <= case.jack.priority:
        return wrong(
            f"{name} has priority {highest}, and jackd, which waits for it, has {case.jack.priority}",
            "run 'sudo systemctl restart nampedal-tune'",
        )
    return ok(f"{name} has priority {highest}, jackd {case.jack.priority}")


@check("audio core")
def check_core(case: CheckContext) -> Finding:
    """Check that the audio core is isolated and that nampedal's audio threads run on it."""
    wanted = case.settings.get("NAMPEDAL_AUDIO_CPU", "")
    if not wanted.isdecimal():
        raise NotApplicableError("no core of this board is set aside for the sound")
    isolated = case.machine.text(_ISOLATED)
    if isolated is None:
        raise UnknownResultError(f"{_ISOLATED} is not there")
    if f"cpu{wanted}" not in case.machine.names(_CPUS):
        raise UnknownResultError(
            f"this machine has no core {wanted}, which {system_paths.SETTINGS} sets aside for the sound"
        )
    if int(wanted) not in parse_cpus(isolated):
        return wrong(
            f"core {wanted} is not set aside for the sound (isolated: {isolated or 'none'})",
            case.reinstall_advice()
            if case.is_image
            else f"{case.reinstall_advice()}: it puts isolcpus= into cmdline.txt",
        )
    audio = [thread for thread in _threads(case, case.process(case.player())) if thread.policy in REALTIME]
    if not audio:
        raise UnknownResultError(f"core {wanted} is set aside; nampedal has no audio thread that could be looked at")
    elsewhere = [thread for thread in audio if thread.cpus != {int(wanted)}]
    if elsewhere:
        return wrong(
            f"the sound may run on cores {comma_list(sorted(elsewhere[0].cpus))}, and core {wanted} is set aside "
            "for it",
            "run 'sudo systemctl restart nampedal'; if it stays so, read 'journalctl -b -u nampedal'",
        )
    return ok(f"the sound has core {wanted} for itself")


@check("kernel")
def check_kernel(case: CheckContext) -> Finding:
    """Check that a real-time kernel runs if the card has one."""
    release = case.machine.text(_PROC / "sys" / "kernel" / "osrelease")
    if release is None:
        raise UnknownResultError("/proc/sys/kernel/osrelease is not there")
    if _is_realtime_kernel(case):
        return ok(f"{release}, a real-time one")
    prefix = parse_config(case.machine.text(CONFIG) or "").prefix
    there = [name for name in case.machine.names(system_paths.CARD / prefix) if _RT_FILE.fullmatch(name)]
    if there:
        return wrong(
            f"{release} runs, and the real-time kernel {there[0]} beside it does not",
            f"write 'kernel={there[0]}' at the end of {CONFIG}, below a line [all], then 'sudo reboot'",
        )
    return ok(f"{release}; there is no real-time one on the card, which matters only if the sound has gaps")


def _is_realtime_kernel(case: CheckContext) -> bool:
    """Return True if `uname -v` names PREEMPT_RT. Kernels before 6.12 with the RT patches have a file in /sys, too."""
    version = case.machine.text(_PROC / "sys" / "kernel" / "version") or ""
    return "PREEMPT_RT" in version.split() or case.machine.text(Path("/sys/kernel/realtime")) == "1"


def _processes(case: CheckContext) -> list[tuple[str, int]]:
    return [("jackd", case.process(JACK)), ("nampedal", case.process(case.player()))]


def _threads(case: CheckContext, pid: int) -> list[Thread]:
    """Return the threads of a process. Raises UnknownResultError."""
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
        raise UnknownResultError(f"the threads of process {pid} can't be looked at")
    return found


def _kernel_threads(case: CheckContext, wanted: Callable[[str], bool]) -> dict[str, int]:
    """Return the real-time priorities of the kernel threads with a wanted name, by name; 0: not real-time."""
    found = {}
    for pid in filter(str.isdecimal, case.machine.names(_PROC)):
        name = case.machine.text(_PROC / pid / "comm") or ""
        scheduled = _scheduled(case.machine.text(_PROC / pid / "stat")) if wanted(name) else None
        if scheduled is not None:
            found[name] = scheduled[1] if scheduled[0] in REALTIME else 0
    return found


def _scheduled(stat: str | None) -> tuple[int, int] | None:
    """Return policy and priority: fields 41 and 40 of proc_pid_stat(5). Field 2 may hold blanks, and ends with a )."""
    fields = (stat or "").rpartition(")")[2].split()
    return (int(fields[41 - 3]), int(fields[40 - 3])) if len(fields) > 41 - 3 else None


def _limit(case: CheckContext, pid: int, name: str) -> str:
    """Return a soft limit of a process, as in proc_pid_limits(5)."""
    found = re.search(rf"^{name}\s+(\S+)", case.machine.text(_PROC / str(pid) / "limits") or "", re.MULTILINE)
    return found[1] if found else "not known"
