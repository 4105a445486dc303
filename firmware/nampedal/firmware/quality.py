"""How well the pedal plays, by how much time it has left: tiers down before the deadline, up again when there is room.

Quality belongs to the device: all presets play at the same step.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

# Of the period: a block above that is near the deadline.
NEAR = 0.85
# So many near ones within the window make a step down; one late one, or an xrun, does so by itself.
NEAR_BLOCKS = 2
WINDOW_S = 0.05
# An xrun is not ours where no block of ours took that much: less work would not have helped.
OURS = 0.25
# After a step nothing is held against the new one for so long: its crossfade costs.
SETTLE_S = 0.03
# A step up wants so long without a block above ROOM.
ROOM = 0.55
ROOM_S = 10.0
# A step up that does not last this long makes the next one wait twice as long, up to MOST_WAIT_S.
LASTING_S = 60.0
MOST_WAIT_S = 640.0


@dataclass(frozen=True, slots=True)
class Step:
    """What a chain plays. tier: of every capture; above a capture's last it is the last."""

    tier: int
    tail: bool = True
    dry: bool = False

    def __str__(self) -> str:
        if self.dry:
            return "dry"
        return f"tier {self.tier}" + ("" if self.tail else ", cabinet without its tail")


def steps(tiers: int) -> list[Step]:
    """From the best to the last resort."""
    last = tiers - 1
    return [*(Step(tier) for tier in range(tiers)), Step(last, tail=False), Step(last, tail=False, dry=True)]


@dataclass(frozen=True, slots=True)
class Change:
    """down: or up.  reason: for the log."""

    down: bool
    reason: str


class Quality:
    """Decides about steps. It knows no clock: every call says what time it is, in seconds that only grow."""

    def __init__(self, step: int = 0) -> None:
        self.step = step
        self._near: deque[float] = deque()
        self._settled_s = 0.0
        self._room_since_s: float | None = None
        self._went_up_s: float | None = None
        self._wait_s = ROOM_S

    def hear(self, now_s: float, loads: Sequence[float], xruns: int, last_step: int) -> Change | None:
        """What has come to pass since the last call; the change of `step` that follows from it.

        loads: of the blocks since then, in parts of their period.  xruns: since then.  last_step: the last resort's.
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

    def _down(self, now_s: float, reason: str) -> Change:
        if self._went_up_s is not None:
            lasted = now_s - self._went_up_s >= LASTING_S
            self._wait_s = ROOM_S if lasted else min(2.0 * self._wait_s, MOST_WAIT_S)
        self._went_up_s = None
        return self._go(now_s, 1, reason)

    def _up(self, now_s: float) -> Change:
        self._went_up_s = now_s
        return self._go(now_s, -1, f"no block took more than {100 * ROOM:.0f} % of its period for {self._wait_s:.0f} s")

    def _go(self, now_s: float, by: int, reason: str) -> Change:
        self.step += by
        self._settled_s = now_s + SETTLE_S
        self._room_since_s = None
        self._near.clear()
        return Change(by > 0, reason)
