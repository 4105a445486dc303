"""What becomes of where a knob stands: its calibration, dead zones, hysteresis and curve; and soft take-over.

Positions are 0 to 1: raw ones are what a driver tells (`controls.Position`), the others what a parameter gets. Nothing
here smooths: the audio side does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nampedal.board.errors import KnobCurveError, KnobSettingError, KnobTravelError

# What a spec's numbers may be, ends included: parts of the raw range; dead zones: of the travel.
LIMITS: Mapping[str, tuple[float, float]] = {
    "low": (0.0, 1.0),
    "high": (0.0, 1.0),
    "dead_low": (0.0, 0.25),
    "dead_high": (0.0, 0.25),
    "band": (0.0, 0.02),
}
# From low to high. Of a shorter travel, dead zones and bands would leave too little.
LEAST_TRAVEL = 0.1
# How near to the parameter's own position a knob has to come to take over.
NEAR = 0.02

# An audio taper lets a tenth through at half the way: (b^x - 1) / (b - 1) does for b = (1 / 0.1 - 1)^2.
_BASE = 81.0


def _audio(x: float) -> float:
    return float((_BASE**x - 1.0) / (_BASE - 1.0))


def _reverse(x: float) -> float:
    return math.log1p((_BASE - 1.0) * x) / math.log1p(_BASE - 1.0)


# linear.  audio: slow at first, a tenth at half the way.  reverse: undoes audio, fast at first, a half at a tenth.
CURVES: Mapping[str, Callable[[float], float]] = {"linear": lambda x: x, "audio": _audio, "reverse": _reverse}


@dataclass(frozen=True, slots=True)
class KnobSpec:
    """How a knob or an expression pedal is read.

    low, high: the raw positions of its two ends.
    inverted: the high end is 0.
    curve: one of CURVES.
    dead_low, dead_high: how much of the travel counts as low and as high: an end that is reached almost is reached.
    band: raw; noise within it is no movement, see `Knob`. Three codes of a 10-bit converter, if not told.

    Raises KnobSettingError, KnobTravelError, KnobCurveError.
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
                raise KnobSettingError(f"knob: {name} is {value}; {least:g} to {most:g} is allowed")
        if self.travel < LEAST_TRAVEL:
            raise KnobTravelError(
                f"knob: goes from low {self.low} to high {self.high}; high has to be at least {LEAST_TRAVEL} above low:"
                " learn its ends again"
            )
        if self.curve not in CURVES:
            raise KnobCurveError(f"knob: curve is {self.curve!r}; known are {', '.join(CURVES)}")

    @property
    def travel(self) -> float:
        """From end to end, raw."""
        return self.high - self.low

    def at(self, raw: float) -> float:
        """What a raw position means, by itself. Exactly 0 and 1 at the ends and in their dead zones."""
        # The band belongs to the dead zones: coming from the other end, that much is missing.
        low = self.low + self.band + self.dead_low * self.travel
        high = self.high - self.band - self.dead_high * self.travel
        x = min(max((raw - low) / (high - low), 0.0), 1.0)
        return CURVES[self.curve](1.0 - x if self.inverted else x)


class Knob:
    """Tells when a knob moves, and is not moved by noise.

    The position that is held moves only when the raw one is more than a band away from it, and then only so far that it
    is a band away: both ends are reached exactly, every code counts while the knob is turned, and turning back takes
    two bands. Noise of one band from peak to peak never moves a still knob; noise of two bands has done so once it was
    at both its peaks.
    """

    def __init__(self, spec: KnobSpec) -> None:
        self.spec = spec
        self._held: float | None = None
        self._position: float | None = None

    def feed(self, raw: float) -> float | None:
        """Where it stands now; None: nothing moved. The first time it tells where it stands."""
        band = self.spec.band
        self._held = raw if self._held is None else min(max(self._held, raw - band), raw + band)
        position = self.spec.at(self._held)
        if position == self._position:
            return None
        self._position = position
        return position


class Pickup:
    """Soft take-over: after a preset change a knob does nothing until it passes where the parameter stands, or is near.

    jump: it takes over at its first movement, wherever it stands.
    """

    def __init__(self, jump: bool = False) -> None:
        self._jump = jump
        self._last: float | None = None
        self._aim: float | None = None

    def aim(self, position: float) -> None:
        """Something else moved the parameter: it stands at `position` now."""
        near = self._last is not None and abs(self._last - position) <= NEAR
        self._aim = None if self._jump or near else position

    def feed(self, position: float) -> float | None:
        """What the parameter gets of a knob's movement; None: nothing yet."""
        last, self._last = self._last, position
        if self._aim is not None:
            passed = last is not None and min(last, position) <= self._aim <= max(last, position)
            if not passed and abs(position - self._aim) > NEAR:
                return None
            self._aim = None
        return position
