"""Encoders: two contacts that close one after the other, and which first tells the direction."""

from __future__ import annotations

# The two contacts as a number, a twice and b once, in the order that clockwise turning goes through: a Gray code.
_CIRCLE = (0b00, 0b10, 0b11, 0b01)
# By what was and what is: one step forth, one back, none.
_STEPS = {(was, _CIRCLE[(place + by) % 4]): by for place, was in enumerate(_CIRCLE) for by in (-1, 0, 1)}
# Both contacts at once: a reading was missed. A hand that has just turned turns on.
_RECENT_S = 0.05


class Quadrature:
    """Clicks of an encoder.

    steps: changes of the contacts from one detent to the next, 4 (both open in every detent) or 2 (both open or both
    closed). A bouncing contact goes to and fro and comes to nothing: clicks are counted where a detent is reached.
    Clockwise is a before b.
    """

    def __init__(self, steps: int = 4) -> None:
        self._steps = steps
        self._rests = (0b00,) if steps == 4 else (0b00, 0b11)
        self._was: int | None = None
        self._turned = 0
        self._last_step, self._last_s = 0, 0.0

    def feed(self, time_s: float, a: bool, b: bool) -> int:
        """Clicks that are completed, clockwise if positive. a, b: closed."""
        now = 2 * a + b
        was = now if self._was is None else self._was
        self._was = now
        if now == was:
            return 0
        self._turned += self._step(time_s, was, now)
        if now not in self._rests:
            return 0
        # Half the way is a click: steps may have been missed.
        clicks = (abs(self._turned) + self._steps // 2) // self._steps
        clicks = clicks if self._turned > 0 else -clicks
        self._turned = 0
        return clicks

    def _step(self, time_s: float, was: int, now: int) -> int:
        if (was, now) not in _STEPS:
            return 2 * self._last_step if time_s - self._last_s <= _RECENT_S else 0
        self._last_step, self._last_s = _STEPS[was, now], time_s
        return self._last_step
