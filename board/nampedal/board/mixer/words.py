"""The words behind the control in `amixer sset CONTROL`.

They are those that amixer of alsa-utils 1.2.8 takes: tests/board/mixer/test_amixer.py has it set every HAT's mixer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# A negative number, a fraction, a percentage or dB; a number of each channel where there are commas.
_AMOUNT = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)(%|dB)?")
PLAYBACK_WORDS = {"on": True, "unmute": True, "off": False, "mute": False}
CAPTURE_WORDS = {"cap": True, "nocap": False}


@dataclass(frozen=True, slots=True)
class Amount:
    """unit: % or dB; empty: a plain number, as the driver counts."""

    value: float
    unit: str


def amounts_in(word: str) -> tuple[Amount, ...]:
    """Return the amount that a word gives each channel, or the one for all; nothing if it is none."""
    found = [_AMOUNT.fullmatch(part) for part in word.split(",")]
    return tuple(Amount(float(one[1]), one[2] or "") for one in found if one) if all(found) else ()


def switch_words(capture: bool) -> dict[str, bool]:
    """Return the words that a switch takes; every other one is an error of amixer's."""
    return CAPTURE_WORDS if capture else PLAYBACK_WORDS


def number_of_percent(percent: float, most: int) -> int:
    """Return the number that amixer makes of a percentage of a range that begins at 0: rounded half up."""
    return int(percent * most / 100 + 0.5)
