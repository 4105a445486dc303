"""Measures the DSP load: the time of blocks as a part of their period, with percentiles of the last seconds.

The input is a histogram whose counts only grow.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from nampedal.firmware.engine import _engine
from numpy.typing import NDArray

WINDOW_S = 10.0
# The interval of the stored snapshots of the histogram.
SNAPSHOT_S = 0.5


@dataclass(frozen=True, slots=True)
class Load:
    """Percentiles of the load over the last seconds, as parts of the period.

    blocks: the number of blocks.
    """

    p50: float
    p99: float
    p999: float
    blocks: int


class Peaks:
    """The maximum input and output samples since the last call of each reader."""

    def __init__(self) -> None:
        self._since: dict[str, tuple[float, float]] = {}

    def update(self, into: float, out: float) -> None:
        """Add the maximum input and output samples since the last call."""
        for who, (max_in, max_out) in self._since.items():
            self._since[who] = max(max_in, into), max(max_out, out)

    def take(self, who: str) -> tuple[float, float]:
        """Return the input and output peaks since the last call. The first call of a reader returns 0."""
        found = self._since.get(who, (0.0, 0.0))
        self._since[who] = 0.0, 0.0
        return found


class LoadMeter:
    """Measures the load from a histogram with `LOAD_BINS_OF_PERIOD` bins per period. The caller passes the time."""

    def __init__(self) -> None:
        self._last: NDArray[np.int64] | None = None
        self._snapshots: deque[tuple[float, NDArray[np.int64]]] = deque()

    def restart(self) -> None:
        """Reset the meter: the counts of the histogram start again at 0."""
        self._last = None
        self._snapshots.clear()

    def update(self, now_s: float, bins: Sequence[int]) -> list[float]:
        """Return the load of each block since the last call, as the middle of its bin."""
        now = np.array(bins, np.int64)
        fresh = now - (self._last if self._last is not None else now)
        self._last = now
        if not self._snapshots or now_s - self._snapshots[-1][0] >= SNAPSHOT_S:
            self._snapshots.append((now_s, now))
        while len(self._snapshots) > 1 and self._snapshots[0][0] < now_s - WINDOW_S:
            self._snapshots.popleft()
        middles = (np.arange(len(now)) + 0.5) / _engine.LOAD_BINS_OF_PERIOD
        return [float(load) for load in np.repeat(middles, fresh)]

    def load(self) -> Load:
        """Return the percentiles of the window. A block counts as the upper edge of its bin."""
        if self._last is None:
            return Load(0.0, 0.0, 0.0, 0)
        counts = self._last - self._snapshots[0][1]
        total = int(counts.sum())
        if total == 0:
            return Load(0.0, 0.0, 0.0, 0)
        sums = np.cumsum(counts)

        def below(share: float) -> float:
            return float(np.searchsorted(sums, share * total) + 1) / _engine.LOAD_BINS_OF_PERIOD

        return Load(below(0.5), below(0.99), below(0.999), total)
