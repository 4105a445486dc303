"""Reads an expression pedal and detects an unplugged one, so that a floating input does not move its parameter.

These signs show that a foot moves the pedal, and not that the jack is empty:
- A foot reverses a few times a second. Mains hum and noise reverse dozens of times.
- A foot passes all positions in between and takes a twentieth of a second or more. An input that jumps is no foot.
- A foot moves the pedal at some speed. An input that creeps is drift.
- A pedal stays between its two ends. Wire it with 1 kohm in series with its supply and 1 Mohm from the input to that
  supply: then the pedal's ends are not the converter's ends, and an empty jack is detected at once.

Limits of the detection: if a floating input falls to a supply rail that is also one of the pedal's ends, and stays
there, it looks like one movement to heel or toe. After a pedal was present, an open input is still followed while it
jumps less than once or twice a second, or if it drifts by 2 % of the travel a second or more. It may also follow the
input that the converter reads before it.
"""

from __future__ import annotations

from collections import deque

from nampedal.board.inputs.knob import Knob, KnobSpec
from nampedal.board.inputs.reversals import ReversalDetector

# Raw distance beyond an end that means: no pedal. The stops give less than this, even under a player's full weight.
OUT = 0.04
# Minimum length of a movement in one direction (called swing), as a share of the travel; at least two bands. Shorter
# reversals are ignored as noise.
SWING = 0.01
# An input at rest counts as moving after it has moved by this many swings within REST_S. Drift is slower.
WAKE_SWINGS = 2.0
REST_S = 1.0
# This many reversals within TURNS_S cannot come from a foot: six full strokes a second give at most seven.
TURNS = 8
TURNS_S = 0.5
# While the pedal moves, the driver has to send a position at least every GAP_S. A step of LEAP (share of the travel) or
# more after a longer gap is a leap. A driver that polls a resting input seldom makes one leap from the start of a fast
# foot movement, but no second one until the input has rested. So LEAPS leaps within LEAPS_S cannot come from a foot.
GAP_S = 0.03
LEAP = 0.25
LEAPS = 4
LEAPS_S = 3.0
# A pedal counts as present after a foot has moved it: by GLIDE (share of the travel) or more within REST_S, in
# GLIDE_STEPS steps or more, in one direction, without a leap, and after QUIET_S without a sign of an empty jack. Before
# that, half as many reversals or leaps are already such a sign.
GLIDE = 0.3
GLIDE_STEPS = 4
QUIET_S = 1.0

_Readings = deque[tuple[float, float]]


class ExpressionPedal:
    """Reads an expression pedal that may be plugged in or not; it is used like Knob.

    present: True after a foot movement, until a sign of an empty jack. It is False at first: a resting pedal looks the
    same as a quiet open input. So the parameter keeps the preset's value until the foot moves.
    While the pedal moves, the driver has to send a position at least every 30 ms.
    """

    def __init__(self, spec: KnobSpec) -> None:
        self.spec = spec
        self.present = False
        self._swing = max(SWING * spec.travel, 2.0 * spec.band)
        self._knob = Knob(spec)
        self._swings = ReversalDetector(self._swing)
        # Times and raw positions of the last REST_S, and the one before, which was valid when that time started.
        self._readings: _Readings = deque()
        # Times and positions that were returned within the last LEAPS_S, because they may have to be undone.
        self._posted: _Readings = deque()
        self._turns: deque[float] = deque()
        self._leaps: deque[float] = deque()
        self._trouble_s: float | None = None

    def feed(self, time_s: float, raw: float) -> float | None:
        """Process a raw position. Return the new position of the pedal; None if it did not move.

        When an empty jack is detected, return the last position from before its first sign, if it differs.
        time_s: seconds of a monotonic clock.
        """
        # If the last position was out of range, it has been so until now.
        if self._trouble_s is None or self._out(self._readings[-1][1]):
            self._trouble_s = time_s
        self._add_reading(time_s, raw)
        back_s = self._trouble(time_s, raw)
        if back_s is not None:
            self._trouble_s = time_s
            return self._lose(time_s - back_s)
        if not self.present:
            self.present = time_s - self._trouble_s >= QUIET_S and self._glides()
        if not self.present or not (self._moves() or self._ends(raw)):
            return None
        return self._record(time_s, self._knob.feed(raw))

    def _add_reading(self, time_s: float, raw: float) -> None:
        if self._swings.feed(raw) is not None:
            self._turns.append(time_s)
        if self._readings:
            before_s, before = self._readings[-1]
            if time_s - before_s > GAP_S and abs(raw - before) >= LEAP * self.spec.travel:
                self._leaps.append(time_s)
        self._readings.append((time_s, raw))
        _forget(self._readings, time_s - REST_S)
        _forget(self._posted, time_s - LEAPS_S)
        for signs, window_s in ((self._turns, TURNS_S), (self._leaps, LEAPS_S)):
            while signs and signs[0] < time_s - window_s:
                signs.popleft()

    def _trouble(self, time_s: float, raw: float) -> float | None:
        """Return how many seconds ago a sign of an empty jack may have started; None if there is no sign."""
        if self._out(raw):
            return TURNS_S
        # A pedal that is present may have twice as many leaps and reversals as one that is not yet.
        doubt = 1 if self.present else 2
        if len(self._leaps) * doubt >= LEAPS:
            return LEAPS_S
        if len(self._turns) * doubt >= TURNS and self._moves():
            return TURNS_S
        return None

    def _out(self, raw: float) -> bool:
        return not self.spec.low - OUT <= raw <= self.spec.high + OUT

    def _lose(self, since_s: float) -> float | None:
        if not self.present:
            return None
        self.present = False
        # Forget the last position, so that the first one of the next pedal is returned in any case.
        self._knob = Knob(self.spec)
        told = [position for told_s, position in self._posted if told_s <= since_s] or [self._posted[0][1]]
        now = self._posted[-1][1]
        self._posted.clear()
        return told[-1] if told[-1] != now else None

    def _moves(self) -> bool:
        positions = [raw for _, raw in self._readings]
        return max(positions) - min(positions) >= WAKE_SWINGS * self._swing

    def _ends(self, raw: float) -> bool:
        """Return True if the pedal arrives at an end, even slowly, so that both ends are always reached."""
        position = self.spec.position_of(raw)
        return position in (0.0, 1.0) and position != self._posted[-1][1]

    def _glides(self) -> bool:
        return self._glides_by(1.0) or self._glides_by(-1.0)

    def _glides_by(self, way: float) -> bool:
        (later_s, later), *earlier = reversed(self._readings)
        last = later
        for steps, (time_s, raw) in enumerate(earlier, 1):
            step = way * (later - raw)
            if later_s - time_s > GAP_S or not -self._swing < step < LEAP * self.spec.travel:
                return False
            if steps >= GLIDE_STEPS and way * (last - raw) >= GLIDE * self.spec.travel:
                return True
            later_s, later = time_s, raw
        return False

    def _record(self, time_s: float, position: float | None) -> float | None:
        """Store a position that feed() returns. Return it."""
        if position is not None:
            self._posted.append((time_s, position))
        return position


def _forget(heard: _Readings, before_s: float) -> None:
    """Remove entries older than `before_s`, except the one that was still valid at that time."""
    while len(heard) > 1 and heard[1][0] <= before_s:
        heard.popleft()
