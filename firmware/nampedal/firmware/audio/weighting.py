"""Frequency weighting for loudness."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]


def k_weighting(hz: Float64) -> Float64:
    """Return the gain of K-weighting: the response of the filters that ITU-R BS.1770-4 gives for 48 kHz.

    Above 24 kHz, where they define nothing, the gain is that at 24 kHz.
    """
    delay = np.exp(-2j * np.pi * np.minimum(hz, 24_000.0) / 48_000.0)
    shelf = _polynomial(delay, 1.53512485958697, -2.69169618940638, 1.19839281085285)
    shelf /= _polynomial(delay, 1.0, -1.69065929318241, 0.73248077421585)
    high_pass = _polynomial(delay, 1.0, -2.0, 1.0) / _polynomial(delay, 1.0, -1.99004745483398, 0.99007225036621)
    return np.asarray(np.abs(shelf * high_pass), np.float64)


def _polynomial(x: NDArray[np.complex128], a: float, b: float, c: float) -> NDArray[np.complex128]:
    return a + x * (b + x * c)
