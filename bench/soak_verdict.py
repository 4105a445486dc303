"""The criteria of the soak: silence has a reason, and memory is steady."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from soak_rig import Vitals

# Allowed growth: memory by the larger of the two values, threads and files by these numbers.
STEADY_MIB, STEADY_PART = 24.0, 0.1
STEADY_THREADS, STEADY_FILES = 2, 6
# Settings that cause silence: levels with a sum below QUIET_DB, a gate above CLOSED_DB, a high cut below DEEP_HZ.
QUIET_DB, CLOSED_DB, DEEP_HZ = -30.0, -40.0, 60.0
# Texts in the calibration part of the status that do not mean an error.
ORDINARY = ("does not say its input level", "its output level in dBu is not known", "dBu at 0 dBFS into")


def reason_for_silence(status: Mapping[str, Any]) -> str:
    """Return the reason for silence in a status, or an empty string."""
    if not status["playing"]:
        return "there is no server"
    for key in ("muted", "tuning", "wanted", "refused", "error", "silent"):
        if status.get(key):
            return f"{key}: {status[key]}"
    for one in status["calibrated"]:
        if not any(words in one["reason"] for words in ORDINARY):
            return str(one["reason"])
    numbers = status["numbers"]
    if sum(value for name, value in numbers.items() if name.endswith(("level_db", "gain_db"))) < QUIET_DB:
        return "levels"
    if any(name.endswith("threshold_db") and value > CLOSED_DB for name, value in numbers.items()):
        return "gate"
    if any(name.endswith("high_cut_hz") and 0.0 < value < DEEP_HZ for name, value in numbers.items()):
        return "high cut"
    return ""


@dataclass(frozen=True, slots=True)
class Rest:
    """What was measured when the pedal was back at the reference preset. rms_db: None if the machine was too busy."""

    rms_db: float | None
    vitals: Vitals


def unsteady(rests: Sequence[Rest]) -> Iterator[str]:
    """Compare the last quarter with the second one, and yield a text for each resource that grew more than allowed."""
    quarter = max((len(rests) - 1) // 4, 1)
    second, last = rests[quarter : 2 * quarter + 1], rests[-quarter:]
    for what in ("memory_mib", "threads", "files"):
        before, now = (statistics.median(getattr(rest.vitals, what) for rest in some) for some in (second, last))
        room = {"memory_mib": max(STEADY_MIB, STEADY_PART * before), "threads": STEADY_THREADS, "files": STEADY_FILES}
        more = room[what]
        if now > before + more:
            yield f"{what} grew from {before:g} to {now:g}; up to {more:g} more are steady"
