"""Fit the rational tanh of kernels_impl.h; prints its coefficients, its limit and its largest error.

tanh(x) ~ x P(x^2) / Q(x^2) on [-limit, limit], clamped outside, with P and Q of degree 3 (a "7/6" rational):
minimax by Lawson's iteratively reweighted least squares (C. L. Lawson 1961) on the linearised form
x P - tanh(x) (Q - 1) = tanh(x). Printed scaled so that the highest coefficient of Q is 1.

    python firmware/dsp/kernels/fit_tanh.py
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DEGREE = 3
POINTS = 4000
ITERATIONS = 120


def fit(limit: float) -> tuple[float, NDArray[np.float64]]:
    """Largest absolute error over all x, and the coefficients [p0..p3, q1..q3], q0 = 1."""
    x = limit * np.sin(np.linspace(0.0, np.pi / 2, POINTS + 1)[1:])
    y = np.tanh(x)
    powers = (x**2)[:, None] ** np.arange(DEGREE + 1)
    columns = np.hstack([x[:, None] * powers, -y[:, None] * powers[:, 1:]])
    weight = np.ones_like(x)
    denominator = np.ones_like(x)
    best: tuple[float, NDArray[np.float64]] = (np.inf, np.zeros(2 * DEGREE + 1))
    for _ in range(ITERATIONS):
        row_scale = np.sqrt(weight) / denominator
        rows = columns * row_scale[:, None]
        column_scale = np.max(np.abs(rows), axis=0)
        c = np.linalg.lstsq(rows / column_scale, y * row_scale, rcond=None)[0] / column_scale
        denominator = 1.0 + powers[:, 1:] @ c[DEGREE + 1 :]
        error = np.abs(x * (powers @ c[: DEGREE + 1]) / denominator - y)
        total = max(float(error.max()), 1.0 - float(np.tanh(limit)))
        if total < best[0]:
            best = (total, c)
        weight *= error / error.max() + 1e-3
        weight /= weight.mean()
    return best


def main() -> None:
    error, coefficients, limit = min((*fit(limit), limit) for limit in np.arange(6.0, 9.01, 0.0625))
    print(f"limit {limit:g}, largest error {error:.3g}")
    scaled = np.insert(coefficients, DEGREE + 1, 1.0) / coefficients[-1]
    print("P", *(f"{c:.9e}f" for c in scaled[: DEGREE + 1]))
    print("Q", *(f"{c:.9e}f" for c in scaled[DEGREE + 1 :]))


if __name__ == "__main__":
    main()
