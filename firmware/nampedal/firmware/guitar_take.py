"""A recording of a guitar that goes on until enough has been played."""

from __future__ import annotations

import numpy as np
from nampedal.firmware.engine import Audio

STEP_S = 0.1
# What counts as playing, RMS of a step. A quiet guitar is far above it, the noise of an input far below.
PLAYED_DBFS = -50.0
# What is heard at all, but too quiet to count.
HEARD_DBFS = -70.0
# It ends then, whatever was played.
MOST_S = 120.0


class Take:
    """hear() in one thread; read in another. played_s: seconds that count.  level_dbfs: RMS of the last step."""

    def __init__(self, sample_rate: float, wanted_s: float) -> None:
        """sample_rate: Hz."""
        self.sample_rate, self.wanted_s = sample_rate, wanted_s
        self.level_dbfs = -np.inf
        self._step = round(STEP_S * sample_rate)
        self._rest = np.zeros(0, np.float32)
        self._kept: list[Audio] = []
        self._steps = self._played = self._since_played = 0

    @property
    def played_s(self) -> float:
        return self._played * STEP_S

    @property
    def over(self) -> bool:
        """Return True if it is long enough, or the patience is over."""
        return self.enough or self._steps * STEP_S >= MOST_S

    @property
    def enough(self) -> bool:
        return self.played_s >= self.wanted_s

    def hear(self, audio: Audio) -> None:
        """(frames,): what came in since the last call."""
        audio = np.concatenate([self._rest, audio])
        while len(audio) >= self._step and not self.over:
            step, audio = audio[: self._step], audio[self._step :]
            rms = float(np.sqrt(np.mean(np.square(step, dtype=np.float64))))
            self.level_dbfs = 20.0 * float(np.log10(rms)) if rms > 0.0 else -np.inf
            self._steps += 1
            played = self.level_dbfs >= PLAYED_DBFS
            self._played += played
            # Of pauses nothing is kept: they would only be played through each preset.
            if played or (self._kept and not self._pause()):
                self._kept.append(step.copy())
            self._since_played = 0 if played else self._since_played + 1
        self._rest = audio.copy()

    def _pause(self) -> bool:
        """Return True if the last note has died away. A second of that is kept."""
        return self._since_played >= round(1.0 / STEP_S)

    def audio(self) -> Audio:
        """What was kept, (frames,)."""
        return np.concatenate(self._kept) if self._kept else np.zeros(0, np.float32)
