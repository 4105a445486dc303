from __future__ import annotations

import numpy as np
import pytest
from nampedal.firmware.audio.weighting import k_weighting


def gain_db(hz: float) -> float:
    return float(20 * np.log10(k_weighting(np.array([hz]))[0]))


def test_k_weighting_is_0_69_db_at_997_hz() -> None:
    # What the -0.691 of ITU-R BS.1770-4's loudness takes back.
    assert gain_db(997.0) == pytest.approx(0.691, abs=0.01)


def test_k_weighting_lifts_treble_and_drops_bass() -> None:
    # From the analogue shelf and high-pass behind the standard's table: 4.0 dB at the top; -6 dB at 38.1 Hz (Q 1/2).
    assert gain_db(12_000.0) == pytest.approx(4.0, abs=0.05)
    assert gain_db(38.1) == pytest.approx(-6.0, abs=0.1)


def test_k_weighting_blocks_dc_and_stays_what_it_is_above_24_khz() -> None:
    assert k_weighting(np.array([0.0]))[0] == 0.0
    assert gain_db(80_000.0) == gain_db(24_000.0)
