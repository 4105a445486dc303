from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from nampedal.converter.rounding.round_weights import LARGEST, Matrix, nearest, round_rows, scales, to_float16


def inputs(seed: int, channels: int, frames: int = 400) -> Matrix:
    """Correlated, as audio is: (frames, channels)."""
    rng = np.random.default_rng(seed)
    return np.asarray(rng.standard_normal((frames, channels)) @ rng.standard_normal((channels, channels)))


def error(rows: Matrix, values: Matrix, scale: Matrix, seen: Matrix) -> Matrix:
    """Of each row, what rounding does to its sums."""
    return np.asarray(np.sum((seen @ (rows - values * scale[:, None]).T) ** 2, axis=0))


# The example is one whose errors, made up for column by column, end further off.
@given(st.integers(0, 10_000), st.integers(1, 24))
@example(329, 16)
@settings(max_examples=30, deadline=None)
def test_no_row_is_rounded_worse_than_to_the_nearest(seed: int, channels: int) -> None:
    rng = np.random.default_rng(seed)
    rows, seen = rng.standard_normal((5, channels)), inputs(seed, channels)
    values, scale = round_rows(rows, seen.T @ seen + 1e-6 * np.eye(channels))
    plain = scales(np.max(np.abs(rows), axis=1))
    ours, theirs = error(rows, values, scale, seen), error(rows, nearest(rows, plain[:, None]), plain, seen)
    assert (ours <= theirs * (1 + 1e-6)).all()
    assert np.array_equal(values, np.rint(values))
    assert np.max(np.abs(values)) <= LARGEST


def test_correlated_inputs_make_up_for_each_other() -> None:
    rng = np.random.default_rng(1)
    rows, seen = rng.standard_normal((16, 32)), inputs(2, 32)
    values, scale = round_rows(rows, seen.T @ seen)
    plain = scales(np.max(np.abs(rows), axis=1))
    gain = error(rows, nearest(rows, plain[:, None]), plain, seen).sum() / error(rows, values, scale, seen).sum()
    assert gain > 2.0


def test_the_best_rounding_of_two_weights_is_found() -> None:
    # Two inputs that are always equal: only the sum counts, 100.4 + 60.4 + 0.2 = 161 steps of 127 / 127.
    rows = np.array([[127.0, 60.4, 100.4, 0.2]])
    seen = np.array([[1.0, 1.0, 1.0, 1.0], [1.0, 0.0, 0.0, 0.0]])
    values, scale = round_rows(rows, seen.T @ seen + 1e-9 * np.eye(4))
    assert abs(float(values[0] @ np.ones(4)) * scale[0] - 288.0) < 0.05


def test_rows_of_nothing_have_scale_one_and_stay_nothing() -> None:
    values, scale = round_rows(np.zeros((2, 3)), np.eye(3))
    assert not values.any()
    assert scale.tolist() == [1.0, 1.0]


@given(st.floats(1e-30, 1e30))
def test_scales_reach_the_largest_weight_in_sixteen_bits(largest: float) -> None:
    scale = scales(np.array([largest]))
    assert scale[0] * LARGEST >= largest * (1 - 1e-6)
    assert scale[0] * LARGEST <= largest * 1.01
    assert not np.any(scale.astype(np.float32).view(np.uint32) & 0xFFFF)


def test_float16_is_taken_where_it_keeps_eleven_bits() -> None:
    assert to_float16(np.array([1.0, 1 / 3])).tolist() == [1.0, float(np.float16(1 / 3))]
    for values in (np.array([1e-9, 1.234e-9]), np.array([7e4, 1.0])):
        assert to_float16(values).tolist() == values.astype(np.float32).tolist()
    assert to_float16(np.zeros(0)).shape == (0,)
