"""Gated loudness by ITU-R BS.1770-4. The converter's figures (test_metrics.py) come from here, too."""

from __future__ import annotations

import math

import numpy as np
import pytest
from nampedal.firmware.audio.loudness import loudness_lufs
from numpy.typing import NDArray

RATE = 48_000.0


def sine(dbfs: float, seconds: float) -> NDArray[np.float64]:
    return np.asarray(10 ** (dbfs / 20) * np.sin(2 * np.pi * 997.0 * np.arange(round(seconds * RATE)) / RATE))


def test_a_full_scale_sine_of_997_hz_is_3_01_lufs_below_0() -> None:
    assert loudness_lufs(sine(0.0, 5.0), RATE) == pytest.approx(-3.01, abs=0.01)


@pytest.mark.parametrize(
    "levels",
    [
        # EBU Tech 3341, cases 3 and 4, for one channel: what is quieter than the gates does not count.
        ((-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)),
        ((-72.0, 10.0), (-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0), (-72.0, 10.0)),
    ],
)
def test_pauses_do_not_count(levels: tuple[tuple[float, float], ...]) -> None:
    audio = np.concatenate([sine(dbfs, seconds) for dbfs, seconds in levels])
    assert loudness_lufs(audio, RATE) == pytest.approx(-23.0 - 3.01, abs=0.1)


@pytest.mark.parametrize("audio", [np.zeros(96_000), sine(0.0, 0.3), np.zeros(0)])
def test_silence_and_less_than_a_block_have_no_loudness(audio: NDArray[np.float64]) -> None:
    assert loudness_lufs(audio, RATE) == -math.inf
