"""Rounds a matrix to int8 with the least change of its output for given inputs (GPTQ, Frantar et al. 2022).

The cost of an error e of a row is the quadratic form e H e', where H is the matrix of the inputs' second moments.
"""

from __future__ import annotations

import numpy as np
from nampedal.firmware.engine.network import FloatArray, Int8Weights
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

LARGEST = 127
# Factors of the scale at which a row's largest weight is 127. Each gives another rounding, and each row uses its best.
SCALES = np.linspace(0.85, 1.3, 96)
MAX_DESCENTS = 20


def scales(largest: Matrix) -> Matrix:
    """Return the scale per row at which the row's largest weight is 127 or slightly less; 1 for zero rows.

    Scales are rounded up to a bfloat16.
    """
    # Subnormal scales would lose the weights themselves.
    kept = largest > np.finfo(np.float32).tiny * LARGEST
    exact = np.where(kept, largest / LARGEST, 1.0).astype(np.float32)
    # Round up to the next number with 8 bits of mantissa, so that the largest weight stays in range.
    upper = (exact.view(np.uint32) + np.uint32(0xFFFF)) & np.uint32(0xFFFF0000)
    return upper.view(np.float32).astype(np.float64)


def to_float16(values: Matrix) -> NDArray[np.float32]:
    """Return the values rounded to float16, as float32.

    They stay unchanged if float16 would lose more than its 11 bits of precision relative to the largest value.
    """
    exact = values.astype(np.float32)
    with np.errstate(over="ignore"):
        halves = exact.astype(np.float16).astype(np.float32)
    lost = np.max(np.abs(halves - exact), initial=0.0)
    return halves if lost <= 2.0**-11 * np.max(np.abs(exact), initial=0.0) else exact


def nearest(rows: Matrix, scale: Matrix) -> Matrix:
    """Return rows / scale, rounded to whole numbers within +-127. The shapes must broadcast."""
    return np.asarray(np.clip(np.rint(rows / scale), -LARGEST, LARGEST), np.float64)


def round_to_nearest(weight: FloatArray) -> Int8Weights:
    """Round weights (out, ...) to nearest, without regard to their inputs."""
    rows = weight.astype(np.float64).reshape(len(weight), -1)
    scale = scales(np.max(np.abs(rows), axis=1))
    return Int8Weights(nearest(rows, scale[:, None]).astype(np.int8).reshape(weight.shape), scale.astype(np.float32))


def round_rows(rows: Matrix, moments: Matrix) -> tuple[Matrix, Matrix]:
    """Round rows (m, n) for inputs with the second moments (n, n), positive definite.

    Returns whole numbers (m, n) within +-127, and scales (m,).
    """
    largest = np.max(np.abs(rows), axis=1)
    # All rows with all their scales are computed at once: (factors * m, n). Rounding to nearest is one of the starting
    # points, so that no row ends worse than that: GPTQ compensates errors only forwards, and may end worse.
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
    """Round column by column, the most excited first. Later columns compensate each column's error."""
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
    """Change one weight at a time to its best whole number, until no weight changes or MAX_DESCENTS is reached."""
    slopes = (rows - values * scale[:, None]) @ moments
    for _ in range(MAX_DESCENTS):
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
