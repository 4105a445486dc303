"""Checks that an updated pedal is healthy: one process has played for 30 s without an xrun."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from nampedal.firmware.base.errors import ProgramError
from nampedal.firmware.system.update.last_result import plays_presets, read_last, status_or_empty
from nampedal.firmware.system.update.update_host import UpdateHost

HEALTHY_S = 30.0
# Timeout for reaching HEALTHY_S: preparing presets takes time, and a card may be slow.
TIMEOUT_S = 150.0
POLL_S = 1.0
Progress = Callable[[float, str], None]


def ignore_progress(share: float, doing: str) -> None:
    """Ignore the progress: the default callback."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One observation of the pedal.

    at_s: its time, in seconds of a monotonic clock.  pid: the daemon's process id; 0: it does not run.
    xruns: their number so far; None: the pedal does not play.  dry: no preset plays, although one should.
    """

    at_s: float
    pid: int
    xruns: int | None
    dry: bool = False

    @property
    def plays(self) -> bool:
        return self.pid != 0 and self.xruns is not None and not self.dry


def healthy_since(since: Observation | None, now: Observation) -> Observation | None:
    """Return the observation since which the pedal is healthy; None if it is not healthy now.

    since: the result of the previous call.
    """
    if not now.plays:
        return None
    if since is None or (since.pid, since.xruns) != (now.pid, now.xruns):
        return now
    return since


def observe(system: UpdateHost, *, presets: bool = False) -> Observation:
    """Observe the pedal. A pedal that does not answer does not play; a daemon unknown to systemd does not run.

    presets: the pedal has to play presets.
    """
    pid = 0
    with suppress(ProgramError):
        pid = system.daemon_pid()
    status = status_or_empty(system)
    xruns = status.get("xruns") if status.get("playing") is True else None
    dry = presets and not plays_presets(status)
    return Observation(system.now(), pid, xruns if isinstance(xruns, int) else None, dry)


def watch(system: UpdateHost, over: Callable[[], bool], told: Progress = ignore_progress) -> str:
    """Watch the pedal until it is healthy or the timeout is over. Return the reason if it is not healthy, else "".

    over: returns True if the trial has ended already.
    told: called with the completed share of `HEALTHY_S` (0 to 1) and the current state.
    """
    expected = read_last(system)
    presets = expected is not None and expected.presets
    now = observe(system, presets=presets)
    began_s, since, restarts, pid = now.at_s, healthy_since(None, now), 0, now.pid
    while True:
        if over():
            return "it stopped"
        if since is not None and now.at_s - since.at_s >= HEALTHY_S:
            return ""
        if now.at_s - began_s >= TIMEOUT_S:
            return _why(now, since, restarts)
        told(
            (now.at_s - since.at_s) / HEALTHY_S if since is not None else 0.0, "plays" if now.plays else "does not play"
        )
        system.pause(POLL_S)
        now = observe(system, presets=presets)
        restarts += now.pid not in (0, pid)
        pid = now.pid or pid
        since = healthy_since(since, now)


def _why(now: Observation, since: Observation | None, restarts: int) -> str:
    """Return the reason why the pedal is not healthy."""
    if restarts:
        return f"it started again {restarts} times"
    if since is None:
        if now.pid == 0:
            return "it does not run"
        return "it does not play" if now.xruns is None else "it plays no preset"
    return f"the sound broke up {now.xruns} times"
