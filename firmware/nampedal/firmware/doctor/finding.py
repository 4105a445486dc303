"""What a check found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """unknown: it can't be told here.  not_applicable: this pedal needs no such thing."""

    OK = "ok"
    WRONG = "wrong"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Finding:
    """name: of the check.  found: one line.  mend: one line of what to do about it; empty: nothing is to be done."""

    state: State
    found: str
    mend: str = ""
    name: str = ""


def ok(found: str) -> Finding:
    return Finding(State.OK, found)


def wrong(found: str, mend: str) -> Finding:
    return Finding(State.WRONG, found, mend)


def unknown(found: str, mend: str = "") -> Finding:
    return Finding(State.UNKNOWN, found, mend)


def listed(names: Iterable[object]) -> str:
    """Things one after another."""
    return ", ".join(map(str, names)) or "none"
