"""The result of a check."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class FindingState(StrEnum):
    """The state of a finding. UNKNOWN: can't be checked here.  NOT_APPLICABLE: this pedal does not need it."""

    OK = "ok"
    WRONG = "wrong"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    result: in one line.  repair: how to repair it, in one line; empty: nothing has to be done.
    name: the name of the check.
    """

    state: FindingState
    result: str
    repair: str = ""
    name: str = ""


def ok(result: str) -> Finding:
    return Finding(FindingState.OK, result)


def wrong(result: str, repair: str) -> Finding:
    return Finding(FindingState.WRONG, result, repair)


def unknown(result: str, repair: str = "") -> Finding:
    return Finding(FindingState.UNKNOWN, result, repair)


def comma_list(names: Iterable[object]) -> str:
    """Return the names as one text, separated by commas; "none" if there are none."""
    return ", ".join(map(str, names)) or "none"
