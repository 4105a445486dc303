from __future__ import annotations

import numpy as np
from nampedal.converter.listening.synthetic_guitar import BROADBAND_SHARE, synthetic_playing

RATE = 48_000.0


def test_it_is_always_the_same_and_as_long_as_asked() -> None:
    audio = synthetic_playing(RATE, 6.0)
    assert audio.dtype == np.float32
    assert len(audio) == 288_000
    assert np.array_equal(audio, synthetic_playing(RATE, 6.0))
    assert 0.1 < np.max(np.abs(audio)) <= 1.0


def test_its_energy_lies_where_a_guitars_does() -> None:
    audio = synthetic_playing(RATE, 40.0)[: round((1.0 - BROADBAND_SHARE) * 40.0 * RATE)].astype(np.float64)
    power = np.abs(np.fft.rfft(audio)) ** 2
    hz = np.fft.rfftfreq(len(audio), 1.0 / RATE)
    share = {
        low: np.sum(power[(hz >= low) & (hz < high)]) / np.sum(power) for low, high in ((80, 1280), (5120, 24_000))
    }
    assert share[80] > 0.7
    assert share[5120] < 1e-3


def test_it_plays_at_many_levels() -> None:
    audio = synthetic_playing(RATE, 40.0)
    loud = 20 * np.log10(np.sqrt(np.mean(audio[: 48_000 * 32].reshape(-1, 4800) ** 2, axis=1)) + 1e-9)
    assert np.percentile(loud, 90) - np.percentile(loud, 10) > 15.0
