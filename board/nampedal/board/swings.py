"""Where a reading that goes to and fro turns around."""

from __future__ import annotations

import math


class Swings:
    """least: what is shorter is no way, but noise.

    end: the farthest that it was on the way that it is on; None before the first way.
    """

    def __init__(self, least: float) -> None:
        self.end: float | None = None
        self._least = least
        # 1 up, -1 down.
        self._way = 0.0
        self._low, self._high = math.inf, -math.inf

    def feed(self, raw: float) -> float | None:
        """The end that it left, as soon as it is sure that it did; where it began counts as one."""
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
