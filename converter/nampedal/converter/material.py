"""Audio that the converter makes itself, to measure with where none is given."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PLUCKS = "built-in plucks, 4 s"
PLUCKS_S = 4.0

_NOTES_HZ = (82.4, 110.0, 146.8, 196.0, 246.9, 329.6, 164.8, 98.0)
_LEVELS_DB = (-6.0, -12.0, -18.0, -3.0, -24.0, -9.0, -15.0, -30.0)


def plucks(sample_rate: float, seconds: float = PLUCKS_S) -> NDArray[np.float32]:
    """Eight plucked notes at levels from -30 to -3 dBFS, one behind the other, repeated. (frames,), always the same."""
    rng = np.random.default_rng(2026)
    frames = round(seconds * sample_rate)
    length = round(PLUCKS_S / len(_NOTES_HZ) * sample_rate)
    notes = [
        _string(rng, hz, length, sample_rate) * 10 ** (level / 20)
        for hz, level in zip(_NOTES_HZ, _LEVELS_DB, strict=True)
    ]
    return np.asarray(np.resize(np.concatenate(notes), frames), np.float32)


def _string(rng: np.random.Generator, hz: float, frames: int, sample_rate: float) -> NDArray[np.float64]:
    """A noise burst in a damped delay line (Karplus and Strong 1983), peak 1, a period at a time."""
    period = round(sample_rate / hz)
    out = np.zeros(frames + 2 * period)
    burst = rng.uniform(-1.0, 1.0, period)
    out[:period] = burst - np.roll(burst, period // 7)
    for at in range(period, frames, period):
        before = out[at - period : at]
        out[at : at + period] = 0.498 * (
            before + np.concatenate([[out[at - period - 1] if at > period else 0.0], before[:-1]])
        )
    return np.asarray(out[:frames] / np.max(np.abs(out)), np.float64)
