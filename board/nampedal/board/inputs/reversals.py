"""Detects the reversals of a reading that moves up and down."""

from __future__ import annotations

import math


class ReversalDetector:
    """Detects reversals of direction. least: shorter reversals are ignored as noise.

    end: the farthest reading in the current direction; None before the first movement.
    """

    def __init__(self, least: float) -> None:
        self.end: float | None = None
        self._least = least
        # The current direction: 1 up, -1 down.
        self._way = 0.0
        self._low, self._high = math.inf, -math.inf

    def feed(self, raw: float) -> float | None:
        """Take a reading. Return the end that it has left, once that is certain; None otherwise.

        The start of the first movement counts as an end.
        """
        if self.end is None:
            return self._begin(raw)
        if (raw - self.end) * self._way > 0.0:
            self.end = raw
        elif abs(raw - self.end) >= self._least:
            left, self.end, self._way = self.end, raw, -self._way
            return left
        return None

    def _begin(self, raw: float) -> float | None:
        self._low, self._high = min(self._low, raw), max(self._high, raw)
        if self._high - self._low < self._least:
            return None
        self._way = 1.0 if raw == self._high else -1.0
        self.end = raw
        return self._low if self._way > 0.0 else self._high
