"""Decodes rotary encoders: two contacts close one after the other, and the order gives the direction."""

from __future__ import annotations

# States of both contacts as the number 2a + b, in the order of clockwise turning: a Gray code.
_CIRCLE = (0b00, 0b10, 0b11, 0b01)
# Steps by (old state, new state): 1 clockwise, -1 counter-clockwise, 0 none.
_STEPS = {(was, _CIRCLE[(place + by) % 4]): by for place, was in enumerate(_CIRCLE) for by in (-1, 0, 1)}
# If both contacts change at once, one reading was missed. If the last step is at most this old, assume its direction.
_RECENT_S = 0.05


class Quadrature:
    """Counts the clicks of an encoder.

    steps: changes of the contacts from one detent to the next: 4 (both open in every detent) or 2 (both open or both
    closed). Bounces cancel out, because clicks are counted only when a detent is reached.
    Clockwise means that contact a closes before b.
    """

    def __init__(self, steps: int = 4) -> None:
        self._steps = steps
        self._rests = (0b00,) if steps == 4 else (0b00, 0b11)
        self._was: int | None = None
        self._turned = 0
        self._last_step, self._last_s = 0, 0.0

    def feed(self, time_s: float, a: bool, b: bool) -> int:
        """Return the clicks that are completed; clockwise is positive. a, b: True if the contact is closed."""
        now = 2 * a + b
        was = now if self._was is None else self._was
        self._was = now
        if now == was:
            return 0
        self._turned += self._step(time_s, was, now)
        if now not in self._rests:
            return 0
        # Half of the steps are enough for a click, because readings may have been missed.
        clicks = (abs(self._turned) + self._steps // 2) // self._steps
        clicks = clicks if self._turned > 0 else -clicks
        self._turned = 0
        return clicks

    def _step(self, time_s: float, was: int, now: int) -> int:
        if (was, now) not in _STEPS:
            return 2 * self._last_step if time_s - self._last_s <= _RECENT_S else 0
        self._last_step, self._last_s = _STEPS[was, now], time_s
        return self._last_step
