"""Learns the ends of a knob or an expression pedal while a player moves it back and forth."""

from __future__ import annotations

from dataclasses import replace

from nampedal.board.errors import LearnError
from nampedal.board.inputs.knob import KnobSpec
from nampedal.board.inputs.reversals import ReversalDetector

# Minimum raw distance of the movement; more than knob.MIN_TRAVEL.
TRAVEL = 0.15
# Minimum number of visits to each end.
STROKES = 3
# Maximum difference of an end between strokes, as a share of the travel. It is small because pedals have stops.
ENDS = 0.02
# Maximum number of movements from end to end in a second. A foot is not faster.
FASTEST_PER_S = 16.0
# The first position has to be this close to an end (share of the travel) to show which end is the heel.
HEEL = 0.25


class KnobCalibrator:
    """Collects raw positions while the player moves from heel to toe and back, to the stops, three times or more."""

    def __init__(self) -> None:
        self._readings: list[float] = []
        self._first_s = self._last_s = 0.0

    def feed(self, time_s: float, raw: float) -> None:
        """Take a raw position. time_s: seconds of a monotonic clock."""
        if not self._readings:
            self._first_s = time_s
        self._last_s = time_s
        self._readings.append(raw)

    def learn(self, spec: KnobSpec, heel_first: bool = False) -> KnobSpec:
        """Return the spec with new ends: positions that every stroke has reached.

        heel_first: the movement started at the heel, which becomes 0; so `inverted` is learned too. Otherwise
        `inverted` does not change.
        Raises LearnError.
        """
        least, most = min(self._readings, default=0.0), max(self._readings, default=0.0)
        if most - least < TRAVEL:
            raise LearnError(
                f"knob: was moved from {least:.3f} to {most:.3f} only; {TRAVEL} of its range is needed: move it "
                "from one end to the other, and see that it is plugged in"
            )
        lows, highs = self._ends(least, most)
        low, high = max(lows), min(highs)
        self._check_ends(lows, highs)
        return replace(spec, low=low, high=high, inverted=self._inverted(low, high) if heel_first else spec.inverted)

    def _ends(self, least: float, most: float) -> tuple[list[float], list[float]]:
        """Return the low ends and the high ends of all strokes.

        The movement may start and stop anywhere: its first and last positions count only if they are close to an end.
        """
        swings = ReversalDetector((most - least) / 2.0)
        first, *ends = [end for raw in self._readings if (end := swings.feed(raw)) is not None]
        near = ENDS * (most - least)
        ends += [end for end in (first, swings.end) if end is not None and min(end - least, most - end) <= near]
        middle = (least + most) / 2.0
        lows, highs = [end for end in ends if end < middle], [end for end in ends if end >= middle]
        if min(len(lows), len(highs)) < STROKES:
            raise LearnError(
                f"knob: was {len(lows)} times at its low end and {len(highs)} times at its high end; {STROKES} times "
                "at each are needed: move it to and fro more often"
            )
        per_s = len(ends) / max(self._last_s - self._first_s, 1e-3)
        if per_s > FASTEST_PER_S:
            raise LearnError(
                f"knob: went to and fro {per_s:.0f} times a second; a foot does at most {FASTEST_PER_S:.0f}: is it "
                "plugged in?"
            )
        return lows, highs

    def _check_ends(self, lows: list[float], highs: list[float]) -> None:
        allowed = ENDS * (max(highs) - min(lows))
        for which, ends in (("low", lows), ("high", highs)):
            if max(ends) - min(ends) > allowed:
                raise LearnError(
                    f"knob: its {which} end was anywhere from {min(ends):.3f} to {max(ends):.3f}; {allowed:.3f} apart "
                    "is allowed: move it to the stops every time"
                )

    def _inverted(self, low: float, high: float) -> bool:
        stood = (self._readings[0] - low) / (high - low)
        if HEEL < stood < 1.0 - HEEL:
            raise LearnError(
                f"knob: began at {self._readings[0]:.3f}, between its ends {low:.3f} and {high:.3f}; its heel has to "
                "be down first: learn again from there"
            )
        return stood > 0.5
