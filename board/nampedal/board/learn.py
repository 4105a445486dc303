"""Learn mode: the ends of a knob or an expression pedal, from a player who moves it to and fro."""

from __future__ import annotations

from dataclasses import replace

from nampedal.board.errors import (
    LearnEndsError,
    LearnHeelError,
    LearnSpeedError,
    LearnStrokesError,
    LearnTravelError,
)
from nampedal.board.knob import KnobSpec
from nampedal.board.swings import Swings

# How far it has to be moved, raw: more than a spec's least.
TRAVEL = 0.15
# How often it has to be at each end.
STROKES = 3
# What an end may differ from one stroke to the next, of the travel: pedals have stops.
ENDS = 0.02
# From end to end, a second: what changes more often is no foot.
FASTEST_PER_S = 16.0
# Of the travel: so near to an end the first position has to be if it is to tell where the heel is.
HEEL = 0.25


class Learner:
    """Fed with raw positions while the player moves from heel to toe and back, three times or more, to the stops."""

    def __init__(self) -> None:
        self._readings: list[float] = []
        self._first_s = self._last_s = 0.0

    def feed(self, time_s: float, raw: float) -> None:
        """Where it stands now; seconds that only grow."""
        if not self._readings:
            self._first_s = time_s
        self._last_s = time_s
        self._readings.append(raw)

    def learn(self, spec: KnobSpec, heel_first: bool = False) -> KnobSpec:
        """The spec, but with the ends that every stroke has reached.

        heel_first: it began at the heel, which is to be 0: `inverted` is learnt too, and otherwise left.
        Raises LearnTravelError, LearnStrokesError, LearnSpeedError, LearnEndsError, LearnHeelError.
        """
        least, most = min(self._readings, default=0.0), max(self._readings, default=0.0)
        if most - least < TRAVEL:
            raise LearnTravelError(
                f"knob: was moved from {least:.3f} to {most:.3f} only; {TRAVEL} of its range is needed: move it "
                "from one end to the other, and see that it is plugged in"
            )
        lows, highs = self._ends(least, most)
        low, high = max(lows), min(highs)
        self._check_ends(lows, highs)
        return replace(spec, low=low, high=high, inverted=self._inverted(low, high) if heel_first else spec.inverted)

    def _ends(self, least: float, most: float) -> tuple[list[float], list[float]]:
        """Low ones and high ones. It may begin and end anywhere: what lies between is no end then."""
        swings = Swings((most - least) / 2.0)
        first, *ends = [end for raw in self._readings if (end := swings.feed(raw)) is not None]
        near = ENDS * (most - least)
        ends += [end for end in (first, swings.end) if end is not None and min(end - least, most - end) <= near]
        middle = (least + most) / 2.0
        lows, highs = [end for end in ends if end < middle], [end for end in ends if end >= middle]
        if min(len(lows), len(highs)) < STROKES:
            raise LearnStrokesError(
                f"knob: was {len(lows)} times at its low end and {len(highs)} times at its high end; {STROKES} times "
                "at each are needed: move it to and fro more often"
            )
        per_s = len(ends) / max(self._last_s - self._first_s, 1e-3)
        if per_s > FASTEST_PER_S:
            raise LearnSpeedError(
                f"knob: went to and fro {per_s:.0f} times a second; a foot does at most {FASTEST_PER_S:.0f}: is it "
                "plugged in?"
            )
        return lows, highs

    def _check_ends(self, lows: list[float], highs: list[float]) -> None:
        allowed = ENDS * (max(highs) - min(lows))
        for which, ends in (("low", lows), ("high", highs)):
            if max(ends) - min(ends) > allowed:
                raise LearnEndsError(
                    f"knob: its {which} end was anywhere from {min(ends):.3f} to {max(ends):.3f}; {allowed:.3f} apart "
                    "is allowed: move it to the stops every time"
                )

    def _inverted(self, low: float, high: float) -> bool:
        stood = (self._readings[0] - low) / (high - low)
        if HEEL < stood < 1.0 - HEEL:
            raise LearnHeelError(
                f"knob: began at {self._readings[0]:.3f}, between its ends {low:.3f} and {high:.3f}; its heel has to "
                "be down first: learn again from there"
            )
        return stood > 0.5
