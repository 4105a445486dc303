"""Rounding a matrix to int8 so that what it does to given inputs changes least (GPTQ, Frantar et al. 2022).

Costs are quadratic forms: for an error e of a row, e H e', H = the second moments of the inputs.
"""

from __future__ import annotations

import numpy as np
from nampedal.firmware.network import FloatArray, Int8Weights
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

LARGEST = 127
# Of the scale that makes a row's largest weight 127: each gives other roundings, and a row takes the best.
SCALES = np.linspace(0.85, 1.3, 96)
MOST_DESCENTS = 20


def scales(largest: Matrix) -> Matrix:
    """What makes each row's largest weight 127, or a little less, as a bfloat16 holds it; 1 for rows of nothing."""
    # A subnormal scale would lose the weights themselves.
    kept = largest > np.finfo(np.float32).tiny * LARGEST
    exact = np.where(kept, largest / LARGEST, 1.0).astype(np.float32)
    # Upwards to the next number with 8 bits of mantissa: the largest stays within reach.
    upper = (exact.view(np.uint32) + np.uint32(0xFFFF)) & np.uint32(0xFFFF0000)
    return upper.view(np.float32).astype(np.float64)


def to_float16(values: Matrix) -> NDArray[np.float32]:
    """The nearest float16 of each, as float32; unchanged where float16 would lose more than its 11 bits of them all."""
    exact = values.astype(np.float32)
    with np.errstate(over="ignore"):
        halves = exact.astype(np.float16).astype(np.float32)
    lost = np.max(np.abs(halves - exact), initial=0.0)
    return halves if lost <= 2.0**-11 * np.max(np.abs(exact), initial=0.0) else exact


def nearest(rows: Matrix, scale: Matrix) -> Matrix:
    """Whole numbers within +-127, of the same shape as rows (or columns, with the scales to match)."""
    return np.asarray(np.clip(np.rint(rows / scale), -LARGEST, LARGEST), np.float64)


def round_to_nearest(weight: FloatArray) -> Int8Weights:
    """Weights (out, ...) by themselves, whatever they see."""
    rows = weight.astype(np.float64).reshape(len(weight), -1)
    scale = scales(np.max(np.abs(rows), axis=1))
    return Int8Weights(nearest(rows, scale[:, None]).astype(np.int8).reshape(weight.shape), scale.astype(np.float32))


def round_rows(rows: Matrix, moments: Matrix) -> tuple[Matrix, Matrix]:
    """Rows (m, n), moments (n, n) positive definite -> whole numbers (m, n) within +-127, scales (m,)."""
    largest = np.max(np.abs(rows), axis=1)
    # All rows with all their scales at once: (factors * m, n); and from where rounding to nearest ends, so that no row
    # comes out worse than that: making up for errors goes forward only, and may lead astray.
    tried = np.tile(rows, (len(SCALES) + 1, 1))
    plain = scales(largest)
    scale = np.concatenate([scales(np.outer(SCALES, largest).reshape(-1)), plain])
    count = len(SCALES) * len(rows)
    begun = [_compensate(tried[:count], moments, scale[:count]), nearest(rows, plain[:, None])]
    values = _descend(tried, moments, scale, np.concatenate(begun))
    best = np.argmin(_costs(tried - values * scale[:, None], moments).reshape(len(SCALES) + 1, -1), axis=0)
    chosen = best * len(rows) + np.arange(len(rows))
    return values[chosen], scale[chosen]


def _costs(errors: Matrix, moments: Matrix) -> Matrix:
    return np.asarray(np.sum(errors @ moments * errors, axis=1))


def _compensate(rows: Matrix, moments: Matrix, scale: Matrix) -> Matrix:
    """Column by column, the most excited first, each column's error made up for by those that are still to come."""
    order = np.argsort(-np.diag(moments), kind="stable")
    left = rows[:, order]
    upper = np.linalg.cholesky(np.linalg.inv(moments[np.ix_(order, order)])).T
    values = np.empty_like(rows)
    for j, column in enumerate(order):
        values[:, column] = nearest(left[:, j], scale)
        error = (left[:, j] - values[:, column] * scale) / upper[j, j]
        left[:, j + 1 :] -= np.outer(error, upper[j, j + 1 :])
    return values


def _descend(rows: Matrix, moments: Matrix, scale: Matrix, values: Matrix) -> Matrix:
    """One weight at a time to its best whole number, until none moves."""
    slopes = (rows - values * scale[:, None]) @ moments
    for _ in range(MOST_DESCENTS):
        moved = False
        for j in range(rows.shape[1]):
            wanted = np.clip(values[:, j] + np.rint(slopes[:, j] / moments[j, j] / scale), -LARGEST, LARGEST)
            change = wanted - values[:, j]
            if change.any():
                moved = True
                values[:, j] = wanted
                slopes -= np.outer(change * scale, moments[j])
        if not moved:
            break
    return values
