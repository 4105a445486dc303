"""Is the pedal sound? It is if it has played for a while, without a break in the sound or a new start."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from nampedal.firmware.update.errors import ProgramFailedError
from nampedal.firmware.update.last import ask, plays_presets, read_last
from nampedal.firmware.update.system import System

SOUND_S = 30.0
# Presets are prepared, and a card may be slow: so long until there have been such 30 s.
PATIENCE_S = 150.0
LOOK_S = 1.0
Progress = Callable[[float, str], None]


def silent(share: float, doing: str) -> None:
    """Where nobody looks on."""


@dataclass(frozen=True, slots=True)
class Look:
    """at a time, in seconds.  pid: of the daemon; 0: it does not run.  xruns: so far; None: it does not play.

    dry: no preset plays, and one should.
    """

    at_s: float
    pid: int
    xruns: int | None
    dry: bool = False

    @property
    def plays(self) -> bool:
        return self.pid != 0 and self.xruns is not None and not self.dry


def sound_since(since: Look | None, now: Look) -> Look | None:
    """From which look on everything was well; None: it is not.  since: the same, by the look before this one."""
    if not now.plays:
        return None
    if since is None or (since.pid, since.xruns) != (now.pid, now.xruns):
        return now
    return since


def look(system: System, *, presets: bool = False) -> Look:
    """At the pedal. What does not answer does not play, and what systemd does not know of does not run.

    presets: whether it has to play presets.
    """
    pid = 0
    with suppress(ProgramFailedError):
        pid = system.daemon_pid()
    status = ask(system)
    xruns = status.get("xruns") if status.get("playing") is True else None
    dry = presets and not plays_presets(status)
    return Look(system.now(), pid, xruns if isinstance(xruns, int) else None, dry)


def watch(system: System, over: Callable[[], bool], told: Progress = silent) -> str:
    """Why the pedal is not sound; empty: it is.

    over: whether what is to be judged has ended already.  told: how much of `SOUND_S` there has been, and what is seen.
    """
    expected = read_last(system)
    presets = expected is not None and expected.presets
    now = look(system, presets=presets)
    began_s, since, restarts, pid = now.at_s, sound_since(None, now), 0, now.pid
    while True:
        if over():
            return "it stopped"
        if since is not None and now.at_s - since.at_s >= SOUND_S:
            return ""
        if now.at_s - began_s >= PATIENCE_S:
            return _why(now, since, restarts)
        told((now.at_s - since.at_s) / SOUND_S if since is not None else 0.0, "plays" if now.plays else "does not play")
        system.pause(LOOK_S)
        now = look(system, presets=presets)
        restarts += now.pid not in (0, pid)
        pid = now.pid or pid
        since = sound_since(since, now)


def _why(now: Look, since: Look | None, restarts: int) -> str:
    """Of a pedal that is not sound."""
    if restarts:
        return f"it started again {restarts} times"
    if since is None:
        if now.pid == 0:
            return "it does not run"
        return "it does not play" if now.xruns is None else "it plays no preset"
    return f"the sound broke up {now.xruns} times"
