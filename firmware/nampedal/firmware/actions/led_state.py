"""The states of the LEDs: they show the real state, and nothing blinks or fades while the pedal plays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from nampedal.board.inputs.control_events import Light

DARK = Light(0.0)
GREEN, RED, BLUE = (0.0, 1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)
# A string is in tune if its deviation is not larger than this.
IN_TUNE_CENTS = 3.0
# The time that the clip LED stays on after a clip.
CLIP_S = 0.5
# Timing of a blink code: as many blinks as its number, then dark.
BLINK_S = 0.3
PAUSE_S = 1.2
# Blink codes for a pedal that is silent or plays the dry input. Switching LEDs can cause audible noise, but there is no
# amplified sound to hear it in.
NO_SERVER, NO_PRESET, SAFE = 1, 2, 3
# Blink codes that are shown while the pedal plays. They are repeated only a few times, because a few seconds of
# blinking can be audible.
CARD_TROUBLE, TAKEN_OVER, NOT_PLAYED, NOT_SAVED = 4, 5, 6, 7
# Codes for a failed footswitch action are shown once: the player is looking at the LEDs.
REPEATS = {CARD_TROUBLE: 2, TAKEN_OVER: 2, NOT_PLAYED: 1, NOT_SAVED: 1}
ANNOUNCED = tuple(REPEATS)
# LEDs that do not belong to a footswitch.
NAMES = ("bypass", "tuner", "clip", "overload", "error")


@dataclass(frozen=True, slots=True)
class LedInputs:
    """The state that the LEDs show.

    lit: footswitches whose LED is on, such as the one of the current preset, or of a bypass that is off.
    cents: the tuning deviation, in cents, while the tuner is on; None: no clear pitch.
    clipped_s: the time of the last clipped input sample.
    overloaded: the quality was reduced because of the load.
    trouble: a blink code; 0: none.
    trouble_since_s: the start time of the blink code.
    """

    lit: frozenset[str] = frozenset()
    bypass: bool = False
    tuning: bool = False
    cents: float | None = None
    clipped_s: float = -math.inf
    overloaded: bool = False
    trouble: int = 0
    trouble_since_s: float = 0.0


def led_states(shown: LedInputs, names: Sequence[str], now_s: float) -> dict[str, Light]:
    """Return the state of each LED in names."""
    switches = sorted(name for name in names if name.isdecimal())
    if shown.trouble:
        # Fallback if there is no error LED: the first footswitch.
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


def _beside(name: str, switches: Sequence[str], shown: LedInputs) -> Light:
    if shown.tuning:
        return _strobe(switches.index(name), len(switches), shown.cents)
    return Light(float(name in shown.lit), RED if shown.bypass else GREEN)


def _strobe(place: int, count: int, cents: float | None) -> Light:
    """Light the left half if the pitch is flat, the right half if it is sharp, and all if it is in tune."""
    if cents is None:
        return DARK
    if abs(cents) <= IN_TUNE_CENTS:
        return Light(1.0, GREEN)
    left, right = 2 * place < count, 2 * (place + 1) > count
    return Light(float(left if cents < 0.0 else right), BLUE)


def _tuner(shown: LedInputs) -> Light:
    if not shown.tuning or shown.cents is None:
        return Light(0.0)
    in_tune = abs(shown.cents) <= IN_TUNE_CENTS
    return Light(1.0 if in_tune else 0.25, GREEN if in_tune else BLUE)


def duration_s(code: int) -> float:
    """Return the duration of one repetition of a code, with its pause, in seconds."""
    return 2 * code * BLINK_S + PAUSE_S


def _blink(code: int, now_s: float) -> Light:
    at_s = now_s % duration_s(code)
    on = at_s < 2 * code * BLINK_S and at_s % (2 * BLINK_S) < BLINK_S
    return Light(float(on), RED)
