"""What the lights show: the real state, and nothing that moves by itself while the pedal sounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from nampedal.board.controls import Light

DARK = Light(0.0)
GREEN, RED, BLUE = (0.0, 1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)
# A string is in tune.
IN_TUNE_CENTS = 3.0
# How long a clip stays to be seen.
CLIP_S = 0.5
# Of a trouble's code: so many blinks, then dark.
BLINK_S = 0.3
PAUSE_S = 1.2
# Codes. While one is shown there is no sound, or a dry one, in which nothing makes lights loud enough to be heard.
NO_SERVER, NO_PRESET, SAFE = 1, 2, 3
# Those that are announced while the pedal plays, and how often: that few seconds of blinking may be heard.
CARD_TROUBLE, TAKEN_OVER, NOT_PLAYED, NOT_SAVED = 4, 5, 6, 7
# Who has just pressed a footswitch looks at it: once is enough.
ROUNDS = {CARD_TROUBLE: 2, TAKEN_OVER: 2, NOT_PLAYED: 1, NOT_SAVED: 1}
ANNOUNCED = tuple(ROUNDS)
# Lights that are not beside a footswitch.
NAMES = ("bypass", "tuner", "clip", "overload", "error")


@dataclass(frozen=True, slots=True)
class Shown:
    """lit: footswitches whose action is so, such as the preset that plays, or the sound that is not bypassed.

    cents: of the string, while tuning; None: nothing clear.  clipped_s: when the output last did.
    overloaded: quality was given up.  trouble: a code, 0: none.  trouble_since_s: its blinks are counted from there.
    """

    lit: frozenset[str] = frozenset()
    bypass: bool = False
    tuning: bool = False
    cents: float | None = None
    clipped_s: float = -math.inf
    overloaded: bool = False
    trouble: int = 0
    trouble_since_s: float = 0.0


def lights(shown: Shown, names: Sequence[str], now_s: float) -> dict[str, Light]:
    """Of all that there are."""
    switches = sorted(name for name in names if name.isdecimal())
    if shown.trouble:
        # Whichever light there is.
        where = "error" if "error" in names else switches[0] if switches else ""
        return {name: _blink(shown.trouble, now_s - shown.trouble_since_s) if name == where else DARK for name in names}
    found = {name: _beside(name, switches, shown) for name in switches}
    others = {
        "bypass": Light(float(shown.bypass), RED),
        "tuner": _tuner(shown),
        "clip": Light(float(now_s - shown.clipped_s < CLIP_S), RED),
        "overload": Light(float(shown.overloaded), RED),
    }
    return {**{name: others.get(name, DARK) for name in names}, **found}


def _beside(name: str, switches: Sequence[str], shown: Shown) -> Light:
    if shown.tuning:
        return _strobe(switches.index(name), len(switches), shown.cents)
    return Light(float(name in shown.lit), RED if shown.bypass else GREEN)


def _strobe(place: int, count: int, cents: float | None) -> Light:
    """Flat: the left half; sharp: the right half; in tune: all."""
    if cents is None:
        return DARK
    if abs(cents) <= IN_TUNE_CENTS:
        return Light(1.0, GREEN)
    left, right = 2 * place < count, 2 * (place + 1) > count
    return Light(float(left if cents < 0.0 else right), BLUE)


def _tuner(shown: Shown) -> Light:
    if not shown.tuning or shown.cents is None:
        return Light(0.0)
    in_tune = abs(shown.cents) <= IN_TUNE_CENTS
    return Light(1.0 if in_tune else 0.25, GREEN if in_tune else BLUE)


def round_s(code: int) -> float:
    """How long a code takes, with its pause."""
    return 2 * code * BLINK_S + PAUSE_S


def _blink(code: int, now_s: float) -> Light:
    at_s = now_s % round_s(code)
    on = at_s < 2 * code * BLINK_S and at_s % (2 * BLINK_S) < BLINK_S
    return Light(float(on), RED)
