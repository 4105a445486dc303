"""Converts raw knob positions to parameter positions: calibration, dead zones, hysteresis, curve, soft take-over.

All positions are 0 to 1. Raw positions come from a driver (`control_events.Position`); the others go to a parameter.
There is no smoothing here: the audio engine smooths parameter changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nampedal.board.errors import ControlsError

# Allowed range of a spec's numbers, both ends included. Dead zones are shares of the travel, the rest raw positions.
LIMITS: Mapping[str, tuple[float, float]] = {
    "low": (0.0, 1.0),
    "high": (0.0, 1.0),
    "dead_low": (0.0, 0.25),
    "dead_high": (0.0, 0.25),
    "band": (0.0, 0.02),
}
# Minimum distance from low to high. In a shorter travel, dead zones and bands would take too much.
MIN_TRAVEL = 0.1
# A knob takes over when it is this close to the parameter's position.
NEAR = 0.02

# An audio taper gives a tenth at half of the travel: (b^x - 1) / (b - 1) does this with b = (1 / 0.1 - 1)^2.
_BASE = 81.0


def _audio(x: float) -> float:
    return float((_BASE**x - 1.0) / (_BASE - 1.0))


def _reverse(x: float) -> float:
    return math.log1p((_BASE - 1.0) * x) / math.log1p(_BASE - 1.0)


# audio: slow at first, 0.1 at half of the travel.  reverse: the inverse of audio, fast at first, 0.5 at a tenth of it.
CURVES: Mapping[str, Callable[[float], float]] = {"linear": lambda x: x, "audio": _audio, "reverse": _reverse}


@dataclass(frozen=True, slots=True)
class KnobSpec:
    """The calibration of a knob or an expression pedal.

    low, high: the raw positions of its two ends.
    inverted: the high end is 0.
    curve: one of CURVES.
    dead_low, dead_high: the shares of the travel next to each end that count as that end.
    band: raw size of noise that is ignored, see `Knob`. The default is three codes of a 10-bit converter.

    Raises ControlsError.
    """

    low: float = 0.0
    high: float = 1.0
    inverted: bool = False
    curve: str = "linear"
    dead_low: float = 0.01
    dead_high: float = 0.01
    band: float = 0.003

    def __post_init__(self) -> None:
        for name, (least, most) in LIMITS.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise ControlsError(f"knob: {name} is {value}; {least:g} to {most:g} is allowed")
        if self.travel < MIN_TRAVEL:
            raise ControlsError(
                f"knob: goes from low {self.low} to high {self.high}; high has to be at least {MIN_TRAVEL} above low:"
                " learn its ends again"
            )
        if self.curve not in CURVES:
            raise ControlsError(f"knob: curve is {self.curve!r}; known are {', '.join(CURVES)}")

    @property
    def travel(self) -> float:
        """The raw distance from end to end."""
        return self.high - self.low

    def position_of(self, raw: float) -> float:
        """Convert a raw position, without hysteresis. The result is exactly 0 or 1 at the ends and in dead zones."""
        # The dead zones include the band, because the held position of `Knob` lags behind by one band.
        low = self.low + self.band + self.dead_low * self.travel
        high = self.high - self.band - self.dead_high * self.travel
        x = min(max((raw - low) / (high - low), 0.0), 1.0)
        return CURVES[self.curve](1.0 - x if self.inverted else x)


class Knob:
    """Detects the movements of a knob and ignores noise, with hysteresis.

    The held position changes only when the raw position is more than a band away from it, and then only until it is one
    band away. So both ends are reached exactly, every code counts while the knob turns, and a change of direction needs
    two bands. Noise of one band peak to peak never moves a resting knob. Noise of two bands does not move it any more
    after it has reached both of its peaks.
    """

    def __init__(self, spec: KnobSpec) -> None:
        self.spec = spec
        self._held: float | None = None
        self._position: float | None = None

    def feed(self, raw: float) -> float | None:
        """Take a raw position. Return the new position, or None if it did not change. The first call returns one."""
        band = self.spec.band
        self._held = raw if self._held is None else min(max(self._held, raw - band), raw + band)
        position = self.spec.position_of(self._held)
        if position == self._position:
            return None
        self._position = position
        return position


class Pickup:
    """Soft take-over: after a preset change, a knob has no effect until it reaches or passes the parameter's position.

    jump: the knob takes over at its first movement, at any position.
    """

    def __init__(self, jump: bool = False) -> None:
        self._jump = jump
        self._last: float | None = None
        self._pickup_position: float | None = None

    def set_parameter_position(self, position: float) -> None:
        """Set the position of the parameter after something other than the knob has changed it."""
        near = self._last is not None and abs(self._last - position) <= NEAR
        self._pickup_position = None if self._jump or near else position

    def feed(self, position: float) -> float | None:
        """Take a position of the knob. Return the new position of the parameter; None before the take-over."""
        last, self._last = self._last, position
        if self._pickup_position is not None:
            passed = last is not None and min(last, position) <= self._pickup_position <= max(last, position)
            if not passed and abs(position - self._pickup_position) > NEAR:
                return None
            self._pickup_position = None
        return position
