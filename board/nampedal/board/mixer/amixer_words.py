"""Parses the value words of `amixer sset CONTROL VALUE...`.

The accepted words are those of amixer from alsa-utils 1.2.8. tests/board/mixer/test_mixer_state.py checks this: it runs
amixer with the mixer lines of every HAT.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# One number: it may be negative, have a fraction, and end with % or dB. Commas separate the numbers of the channels.
_AMOUNT = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)(%|dB)?")
PLAYBACK_WORDS = {"on": True, "unmute": True, "off": False, "mute": False}
CAPTURE_WORDS = {"cap": True, "nocap": False}


@dataclass(frozen=True, slots=True)
class Amount:
    """A volume value. unit: "%" or "dB"; empty: a plain number in the driver's own steps."""

    value: float
    unit: str


def amounts_in(word: str) -> tuple[Amount, ...]:
    """Return one amount per channel, or a single one for all channels; an empty tuple if the word is not an amount."""
    found = [_AMOUNT.fullmatch(part) for part in word.split(",")]
    return tuple(Amount(float(one[1]), one[2] or "") for one in found if one) if all(found) else ()


def switch_words(capture: bool) -> dict[str, bool]:
    """Return the words that a switch accepts, with their state. amixer rejects all other words."""
    return CAPTURE_WORDS if capture else PLAYBACK_WORDS


def number_of_percent(percent: float, most: int) -> int:
    """Convert a percentage of the range 0 to `most` to a number, as amixer does: round half up."""
    return int(percent * most / 100 + 0.5)
