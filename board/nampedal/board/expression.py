"""An expression pedal, and whether there is one: an input that floats never moves its parameter.

What tells a foot from an input that nothing is plugged into:
- A foot goes there and back a few times a second. Hum of the mains and noise turn around dozens of times.
- A foot passes all positions in between, within a twentieth of a second or more. What leaps is no foot.
- A foot that moves the pedal does so at a speed. What creeps is drift.
- A pedal stays between its two ends. With 1 kohm in series with its supply they are not the converter's, and 1 Mohm
  from the input to that supply tells an empty jack at once: this is how a pedal should be wired.

What can't be told: an input that falls to a rail which is one of the pedal's own ends, and then stays there, is a heel
or a toe: one movement. Where a pedal was before, an open input is followed as long as it leaps less than once or twice
a second, or drifts from 2 % of the travel a second on; and it may follow the input that is converted before it.
"""

from __future__ import annotations

from collections import deque

from nampedal.board.knob import Knob, KnobSpec
from nampedal.board.swings import Swings

# Raw, beyond the ends: no pedal. What its stops give when somebody stands on them is less.
OUT = 0.04
# Of the travel, and at least two bands: what is shorter is no way to or fro.
SWING = 0.01
# Of the swing: what rests has to move so far within REST_S to be moving. Drift does not.
WAKE_SWINGS = 2.0
REST_S = 1.0
# So many turns in that time make no foot; six strokes to and fro a second make seven at most.
TURNS = 8
TURNS_S = 0.5
# While it moves, positions have to come at least so often. A way this long, of the travel, in one step after a longer
# time is a leap. A driver that looks seldom at what rests makes a leap of a fast foot's first one, but not again until
# it has rested: so many within that time are no foot.
GAP_S = 0.03
LEAP = 0.25
LEAPS = 4
LEAPS_S = 3.0
# A pedal is there when a foot has moved it: so far, of the travel, within REST_S, in so many steps or more, one way and
# without a leap, and after so long without a sign of none; for that, half the turns and leaps are one.
GLIDE = 0.3
GLIDE_STEPS = 4
QUIET_S = 1.0

_Heard = deque[tuple[float, float]]


class Expression:
    """What Knob is, for an expression pedal, which may be plugged in or not.

    present: a foot has been seen, and no sign of an empty jack since. At first it is not: a pedal that stands still
    can't be told from an input that does, and the parameter stays where the preset has it until the foot moves.
    The driver has to tell of a moving pedal every 30 ms or more often.
    """

    def __init__(self, spec: KnobSpec) -> None:
        self.spec = spec
        self.present = False
        self._swing = max(SWING * spec.travel, 2.0 * spec.band)
        self._knob = Knob(spec)
        self._swings = Swings(self._swing)
        # Positions of the last REST_S, and the one before, which stood when it began.
        self._heard: _Heard = deque()
        # What was told, as far back as it may have to be taken back.
        self._told: _Heard = deque()
        self._turns: deque[float] = deque()
        self._leaps: deque[float] = deque()
        self._trouble_s: float | None = None

    def feed(self, time_s: float, raw: float) -> float | None:
        """Where the pedal stands now; None: nothing moved. time_s: seconds that only grow.

        When a floating input shows itself by what it did, the position from before it did so is told.
        """
        # What is out is so until something else is heard.
        if self._trouble_s is None or self._out(self._heard[-1][1]):
            self._trouble_s = time_s
        self._hear(time_s, raw)
        back_s = self._trouble(time_s, raw)
        if back_s is not None:
            self._trouble_s = time_s
            return self._lose(time_s - back_s)
        if not self.present:
            self.present = time_s - self._trouble_s >= QUIET_S and self._glides()
        if not self.present or not (self._moves() or self._ends(raw)):
            return None
        return self._tell(time_s, self._knob.feed(raw))

    def _hear(self, time_s: float, raw: float) -> None:
        if self._swings.feed(raw) is not None:
            self._turns.append(time_s)
        if self._heard:
            before_s, before = self._heard[-1]
            if time_s - before_s > GAP_S and abs(raw - before) >= LEAP * self.spec.travel:
                self._leaps.append(time_s)
        self._heard.append((time_s, raw))
        _forget(self._heard, time_s - REST_S)
        _forget(self._told, time_s - LEAPS_S)
        for signs, window_s in ((self._turns, TURNS_S), (self._leaps, LEAPS_S)):
            while signs and signs[0] < time_s - window_s:
                signs.popleft()

    def _trouble(self, time_s: float, raw: float) -> float | None:
        """A sign of an empty jack: how many seconds ago it may have begun."""
        if self._out(raw):
            return TURNS_S
        # Who is believed already may do twice of what those may who are not yet.
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
        # Whatever the next pedal's position is, it is news.
        self._knob = Knob(self.spec)
        told = [position for told_s, position in self._told if told_s <= since_s] or [self._told[0][1]]
        now = self._told[-1][1]
        self._told.clear()
        return told[-1] if told[-1] != now else None

    def _moves(self) -> bool:
        positions = [raw for _, raw in self._heard]
        return max(positions) - min(positions) >= WAKE_SWINGS * self._swing

    def _ends(self, raw: float) -> bool:
        """Whether it arrives at an end, however slowly: off is off."""
        position = self.spec.at(raw)
        return position in (0.0, 1.0) and position != self._told[-1][1]

    def _glides(self) -> bool:
        return self._glides_by(1.0) or self._glides_by(-1.0)

    def _glides_by(self, way: float) -> bool:
        (later_s, later), *earlier = reversed(self._heard)
        last = later
        for steps, (time_s, raw) in enumerate(earlier, 1):
            step = way * (later - raw)
            if later_s - time_s > GAP_S or not -self._swing < step < LEAP * self.spec.travel:
                return False
            if steps >= GLIDE_STEPS and way * (last - raw) >= GLIDE * self.spec.travel:
                return True
            later_s, later = time_s, raw
        return False

    def _tell(self, time_s: float, position: float | None) -> float | None:
        if position is not None:
            self._told.append((time_s, position))
        return position


def _forget(heard: _Heard, before_s: float) -> None:
    """All but what still stood at that time."""
    while len(heard) > 1 and heard[1][0] <= before_s:
        heard.popleft()
