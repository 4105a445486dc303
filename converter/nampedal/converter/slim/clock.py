"""Clocks that measure training progress: in wall-clock seconds, or in training steps.

Training by steps gives the same result each time; training by seconds does not.
"""

from __future__ import annotations

import time
from dataclasses import dataclass


class WallClock:
    """A clock whose positions are seconds of `time.monotonic()`."""

    repeats = False

    def now(self) -> float:
        """Return the current time in seconds."""
        return time.monotonic()

    def stepped(self) -> None:
        """Do nothing; this clock does not count steps."""


class StepClock:
    """A clock whose positions are the number of training steps taken."""

    repeats = True

    def __init__(self) -> None:
        self._steps = 0

    def now(self) -> float:
        """Return the number of steps taken."""
        return float(self._steps)

    def stepped(self) -> None:
        """Count one training step."""
        self._steps += 1


@dataclass(frozen=True, slots=True)
class ConversionLimit:
    """Maximum length of a conversion: minutes of wall-clock time in total, or a number of training steps.

    minutes: used only if `steps` is None; 0 means no training.
    """

    minutes: float = 0.0
    steps: int | None = None

    @property
    def trains(self) -> bool:
        """True if there is any time, or any step, for training."""
        return self.minutes > 0.0 if self.steps is None else self.steps > 0
