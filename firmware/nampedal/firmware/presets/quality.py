"""Chooses the quality level by the time that is left: down before the deadline, up when there is room.

The quality level belongs to the device: all presets play at the same one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

# Share of the period: a block that takes more is near the deadline.
NEAR = 0.85
# This many near blocks within the window cause a step down. One late block, or one xrun, is enough alone.
NEAR_BLOCKS = 2
WINDOW_S = 0.05
# An xrun is ignored if no block took this share of its period: less work would not have prevented it.
OURS = 0.25
# Measurements are ignored this long after a step, because the crossfade itself costs time.
SETTLE_S = 0.03
# A step up needs this long without a block above ROOM.
ROOM = 0.55
ROOM_S = 10.0
# If a step up lasts less than this, the wait before the next one doubles, up to MAX_WAIT_S.
LASTING_S = 60.0
MAX_WAIT_S = 640.0


@dataclass(frozen=True, slots=True)
class QualityLevel:
    """A quality level of a chain.

    tier: of every capture; a capture with fewer tiers plays its last one.
    tail: the cabinet plays with its tail.
    dry: only the dry guitar is heard.
    """

    tier: int
    tail: bool = True
    dry: bool = False

    def __str__(self) -> str:
        if self.dry:
            return "dry"
        return f"tier {self.tier}" + ("" if self.tail else ", cabinet without its tail")

    def within(self, tiers: int) -> QualityLevel:
        """Return this level for a preset with so many tiers: a tier above its last becomes its last."""
        return replace(self, tier=min(self.tier, tiers - 1))


def steps(tiers: int) -> list[QualityLevel]:
    """Return all quality levels from the best to the cheapest."""
    last = tiers - 1
    return [
        *(QualityLevel(tier) for tier in range(tiers)),
        QualityLevel(last, tail=False),
        QualityLevel(last, tail=False, dry=True),
    ]


@dataclass(frozen=True, slots=True)
class QualityChange:
    """A change of the quality level.

    down: True for a step down, False for a step up.
    reason: for the log.
    """

    down: bool
    reason: str


class QualityControl:
    """Decides when the quality level changes.

    It has no clock: every call passes the time in seconds, which must never go back.
    """

    def __init__(self, step: int = 0) -> None:
        self.step = step
        self._near: deque[float] = deque()
        self._settled_s = 0.0
        self._room_since_s: float | None = None
        self._went_up_s: float | None = None
        self._wait_s = ROOM_S

    def update(self, now_s: float, loads: Sequence[float], xruns: int, last_step: int) -> QualityChange | None:
        """Process the measurements since the last call. Return the change of `step`, if there is one.

        loads: of the blocks since then, as share of their period.
        xruns: count since then.
        last_step: index of the cheapest level.
        """
        worst = max(loads, default=0.0)
        if worst <= OURS:
            xruns = 0
        if worst > ROOM or xruns:
            self._room_since_s = None
        elif self._room_since_s is None:
            self._room_since_s = now_s
        if now_s < self._settled_s:
            return None
        self._near.extend([now_s] * sum(load > NEAR for load in loads))
        while self._near and self._near[0] < now_s - WINDOW_S:
            self._near.popleft()
        reason = self._trouble(worst, xruns)
        if reason and self.step < last_step:
            return self._down(now_s, reason)
        if self.step > 0 and self._room_since_s is not None and now_s - self._room_since_s >= self._wait_s:
            return self._up(now_s)
        return None

    def _trouble(self, worst: float, xruns: int) -> str:
        if xruns:
            return f"{xruns} xrun" + ("s" if xruns > 1 else "")
        if worst >= 1.0:
            return f"a block took {100 * worst:.0f} % of its period"
        if len(self._near) >= NEAR_BLOCKS:
            return f"{len(self._near)} blocks took more than {100 * NEAR:.0f} % of their period"
        return ""

    def _down(self, now_s: float, reason: str) -> QualityChange:
        if self._went_up_s is not None:
            lasted = now_s - self._went_up_s >= LASTING_S
            self._wait_s = ROOM_S if lasted else min(2.0 * self._wait_s, MAX_WAIT_S)
        self._went_up_s = None
        return self._go(now_s, 1, reason)

    def _up(self, now_s: float) -> QualityChange:
        self._went_up_s = now_s
        return self._go(now_s, -1, f"no block took more than {100 * ROOM:.0f} % of its period for {self._wait_s:.0f} s")

    def _go(self, now_s: float, by: int, reason: str) -> QualityChange:
        self.step += by
        self._settled_s = now_s + SETTLE_S
        self._room_since_s = None
        self._near.clear()
        return QualityChange(by > 0, reason)
