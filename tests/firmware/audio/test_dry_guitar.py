"""The guitar that presets are measured with is like those that it stands for."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from nampedal.firmware.audio import dry_guitar
from nampedal.firmware.audio.loudness import loudness_lufs

RATE = 48_000.0


def octaves_db(audio: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> list[float]:
    """The share of the power in octaves from 40 Hz on."""
    power = np.abs(np.fft.rfft(audio.astype(np.float64))) ** 2
    hz = np.fft.rfftfreq(len(audio), 1.0 / RATE)
    return [
        10 * np.log10(np.sum(power[(hz >= low) & (hz < 2 * low)]) / np.sum(power)) for low in 40.0 * 2.0 ** np.arange(8)
    ]


def test_level_crest_factor_and_spectrum_are_those_of_dry_recordings() -> None:
    audio = dry_guitar.guitar(RATE)
    assert loudness_lufs(audio, RATE) == pytest.approx(dry_guitar.LOUDNESS_LUFS, abs=0.2)
    crest_db = 20 * np.log10(np.max(np.abs(audio))) - 10 * np.log10(np.mean(audio.astype(np.float64) ** 2))
    assert 15.0 < crest_db < 22.0
    # The mean of the recordings that the module names, and how far they are apart.
    assert octaves_db(audio) == pytest.approx([-24, -12, -5, -5, -9, -17, -32, -49], abs=7.0)


@pytest.mark.parametrize("rate", [44_100.0, 48_000.0, 96_000.0])
def test_it_is_the_same_each_time_and_as_long_and_as_loud_at_any_rate(rate: float) -> None:
    first = dry_guitar.guitar(rate)
    dry_guitar.guitar.cache_clear()
    assert np.array_equal(first, dry_guitar.guitar(rate))
    assert len(first) == round(2 * dry_guitar.PASSAGE_S * rate)
    assert loudness_lufs(first, rate) == pytest.approx(dry_guitar.LOUDNESS_LUFS, abs=0.3)


def test_a_change_of_the_sound_is_a_change_of_its_version() -> None:
    rough = np.round(dry_guitar.guitar(RATE)[::100].astype(np.float64), 3).tobytes()
    assert (dry_guitar.VERSION, hashlib.sha256(rough).hexdigest()[:16]) == (1, "3a27c3e067cb3721")
