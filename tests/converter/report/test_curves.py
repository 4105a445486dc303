from __future__ import annotations

import numpy as np
import pytest
from nampedal.converter.report.curves import FLOOR_DBFS, band_levels, envelope, level_over_time
from numpy.typing import NDArray

RATE = 48_000


def sine(hz: float, seconds: float = 1.0) -> NDArray[np.float64]:
    return np.asarray(np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE), np.float64)


def test_an_envelope_holds_every_extreme_once() -> None:
    low, high = envelope(np.array([0.0, 3.0, -1.0, 2.0, 5.0, -7.0, 1.0], np.float32), 3)
    assert low.tolist() == [0.0, -1.0, -7.0]
    assert high.tolist() == [3.0, 2.0, 5.0]


def test_a_full_scale_sine_has_0_dbfs_and_silence_the_floor() -> None:
    times, db = level_over_time(np.concatenate([sine(1000.0, 0.1), np.zeros(4800)]), RATE, 0.05)
    assert times == pytest.approx([0.025, 0.075, 0.125, 0.175])
    assert db[:2] == pytest.approx([0.0, 0.0], abs=1e-9)
    assert db[2:].tolist() == [FLOOR_DBFS, FLOOR_DBFS]


def test_a_sine_is_in_its_own_band_alone() -> None:
    hz, db = band_levels(0.1 * sine(1000.0), RATE)
    loudest = int(np.argmax(db))
    assert hz[loudest] == pytest.approx(1000.0, rel=0.06)
    assert db[loudest] == pytest.approx(-20.0, abs=1e-6)
    assert np.delete(db, loudest).max() == FLOOR_DBFS


@pytest.mark.parametrize("rate", [8000, 44_100, 192_000])
def test_bands_end_at_20_khz_or_half_the_rate(rate: int) -> None:
    hz, db = band_levels(np.ones(rate), rate)
    assert len(hz) == len(db)
    end, highest = hz[-1] * 2 ** (1 / 12), min(20_000, rate / 2)
    assert highest / 2 ** (1 / 6) < end <= highest
