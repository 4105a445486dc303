from __future__ import annotations

import math

import numpy as np
import pytest
from nampedal.converter import metrics


def floats(*values: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.array(values, np.float32)


def test_esr_of_hand_computed_cases() -> None:
    assert metrics.esr(floats(3.0, 4.0), floats(3.0, 4.0)) == 0.0
    assert metrics.esr(floats(3.0, 4.0), floats(3.0, 3.5)) == 0.25 / 25.0
    assert metrics.esr(floats(1.0, -1.0), floats(0.0, 0.0)) == 1.0


def test_esr_of_silence() -> None:
    assert metrics.esr(floats(0.0, 0.0), floats(0.0, 0.0)) == 0.0
    assert math.isinf(metrics.esr(floats(0.0, 0.0), floats(0.0, 0.1)))


def test_esr_refuses_different_lengths() -> None:
    with pytest.raises(ValueError, match=r"shapes differ: \(2,\) and \(3,\)"):
        metrics.esr(floats(1.0, 2.0), floats(1.0, 2.0, 3.0))
