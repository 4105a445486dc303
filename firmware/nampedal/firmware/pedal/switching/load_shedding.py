"""Chooses the quality level of the pedal: the one that the load allows, or a fixed tier."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from nampedal.firmware.pedal.switching.preset_manager import PresetManager
from nampedal.firmware.presets.chain import Chain
from nampedal.firmware.presets.quality import NEAR, QualityControl, QualityLevel, steps

# Levels for up to four tiers: one more than the converter makes at most.
STEPS = steps(4)

_log = logging.getLogger(__name__)


class LoadShedding:
    """Controls the quality level of one pedal, also across servers.

    tier: a fixed tier at any load; None: the load decides.
    down: the number of steps down so far.
    """

    def __init__(self, tier: int | None) -> None:
        self.quality = QualityControl()
        self.down = 0
        self._tier = tier

    @property
    def step(self) -> QualityLevel:
        return STEPS[self.quality.step] if self._tier is None else QualityLevel(self._tier)

    def describe_level(self, manager: PresetManager | None) -> str:
        """Return the current level as text, limited to the tiers of the current preset.

        manager: None: nothing plays yet.
        """
        return str(self.step if manager is None else self.step.within(_chain_of(manager)[0]))

    def carries(self, old: Chain, new: Chain) -> bool:
        """Return True if a period has time for both chains."""
        return old.load(self.step) + new.load(self.step) <= NEAR

    def update(self, loads: Sequence[float], xruns: int, manager: PresetManager) -> bool:
        """Change the level if the load requires or allows it. Return True if it has changed.

        loads: the load of each block since the last call, as a part of its period.
        xruns: the number of xruns since the last call.
        """
        if self._tier is not None:
            return False
        change = self.quality.update(time.monotonic(), loads, xruns, len(STEPS) - 1)
        if change is None:
            return False
        while _changes_nothing(STEPS[self.quality.step], manager):
            self.quality.step += 1 if change.down else -1
        self.down += change.down
        level = self.describe_level(manager)
        _log.log(logging.WARNING if change.down else logging.INFO, "now at %s: %s", level, change.reason)
        return True


def _changes_nothing(step: QualityLevel, manager: PresetManager) -> bool:
    """Return True if the level has no effect on the current preset.

    Then its tier is higher than the last one of the preset, or it shortens cabinets and the preset has none.
    """
    tiers, cabinets = _chain_of(manager)
    if step.dry:
        return False
    return step.tier >= tiers if step.tail else cabinets == 0


def _chain_of(manager: PresetManager) -> tuple[int, int]:
    """Return the numbers of tiers and of cabinets of the current preset."""
    current = manager.current
    chain = current.chain if current is not None else None
    return (chain.tiers, len(chain.cabinets)) if chain is not None else (1, 0)
