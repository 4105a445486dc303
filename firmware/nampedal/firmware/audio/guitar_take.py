"""A recording of a guitar that lasts until enough has been played."""

from __future__ import annotations

import numpy as np
from nampedal.firmware.engine.inference import Audio

STEP_S = 0.1
# Minimum RMS of a step that counts as playing. A quiet guitar is far above it, an input's noise far below.
PLAYED_DBFS = -50.0
# Minimum RMS of a signal that is audible, though too quiet to count.
HEARD_DBFS = -70.0
# Maximum length, whatever was played.
MAX_S = 120.0


class GuitarTake:
    """A recording that grows while audio comes in. Call add() in one thread; read in another.

    played_s: seconds that count as playing.
    level_dbfs: RMS of the last step.
    """

    def __init__(self, sample_rate: float, wanted_s: float) -> None:
        """Begin a recording.

        sample_rate: Hz.
        wanted_s: seconds of playing that are needed.
        """
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
        """Return True if enough was played, or the maximum length is reached."""
        return self.enough or self._steps * STEP_S >= MAX_S

    @property
    def enough(self) -> bool:
        return self.played_s >= self.wanted_s

    def add(self, audio: Audio) -> None:
        """Add the audio since the last call, (frames,)."""
        audio = np.concatenate([self._rest, audio])
        while len(audio) >= self._step and not self.over:
            step, audio = audio[: self._step], audio[self._step :]
            rms = float(np.sqrt(np.mean(np.square(step, dtype=np.float64))))
            self.level_dbfs = 20.0 * float(np.log10(rms)) if rms > 0.0 else -np.inf
            self._steps += 1
            played = self.level_dbfs >= PLAYED_DBFS
            self._played += played
            # Pauses are dropped: each preset would have to play them.
            if played or (self._kept and not self._pause()):
                self._kept.append(step.copy())
            self._since_played = 0 if played else self._since_played + 1
        self._rest = audio.copy()

    def _pause(self) -> bool:
        """Return True if nothing was played for a second. This second is kept."""
        return self._since_played >= round(1.0 / STEP_S)

    def audio(self) -> Audio:
        """Return the audio that was kept, (frames,)."""
        return np.concatenate(self._kept) if self._kept else np.zeros(0, np.float32)
