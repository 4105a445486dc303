"""How two sounds differ. Everything that judges sound asks here."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def esr(reference: NDArray[np.float32], test: NDArray[np.float32]) -> float:
    """Error-to-signal ratio, sum((test - reference)^2) / sum(reference^2), in float64. Shapes must be equal.

    0 for equal signals, inf where the reference alone is silent.  Wright et al. 2020.
    """
    if reference.shape != test.shape:
        raise ValueError(f"shapes differ: {reference.shape} and {test.shape}")
    wanted = reference.astype(np.float64)
    error = float(np.sum((test.astype(np.float64) - wanted) ** 2))
    signal = float(np.sum(wanted**2))
    if error == 0.0:
        return 0.0
    return error / signal if signal > 0.0 else float("inf")
