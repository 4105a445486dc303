"""How long blocks took, in parts of their period: percentiles of the last seconds, from counts that only grow."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from nampedal.firmware import _engine
from numpy.typing import NDArray

WINDOW_S = 10.0
# Snapshots that percentiles are taken between; no more are kept.
SNAPSHOT_S = 0.5


@dataclass(frozen=True, slots=True)
class Load:
    """Parts of the period: so many blocks of the last seconds took no longer. blocks: how many there were."""

    p50: float
    p99: float
    p999: float
    blocks: int


class Peaks:
    """The largest samples of input and output, since each of those who ask did so last."""

    def __init__(self) -> None:
        self._since: dict[str, tuple[float, float]] = {}

    def hear(self, into: float, out: float) -> None:
        for who, (most_in, most_out) in self._since.items():
            self._since[who] = max(most_in, into), max(most_out, out)

    def take(self, who: str) -> tuple[float, float]:
        """The first time: silence."""
        found = self._since.get(who, (0.0, 0.0))
        self._since[who] = 0.0, 0.0
        return found


class LoadMeter:
    """Hears counts by bins, of `LOAD_BINS_OF_PERIOD` bins a period, and what time it is."""

    def __init__(self) -> None:
        self._last: NDArray[np.int64] | None = None
        self._snapshots: deque[tuple[float, NDArray[np.int64]]] = deque()

    def restart(self) -> None:
        """The counts begin again at nothing."""
        self._last = None
        self._snapshots.clear()

    def hear(self, now_s: float, bins: Sequence[int]) -> list[float]:
        """The loads since the last call, each in the middle of its bin."""
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
        """Of the window; what a bin holds counts as its upper edge."""
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
