from __future__ import annotations

import os

import numpy as np
import pytest
from nampedal.firmware.cost.calibration_networks import draw_networks
from nampedal.firmware.cost.cost_calibration import BLOCKS, Timing, calibrate, fit, nonnegative_least_squares
from nampedal.firmware.cost.cost_model import TERMS, counts, predict_us
from nampedal.firmware.engine.inference import isas


def synthetic(kernels: str, prices: dict[str, float]) -> tuple[list[dict[str, float]], list[Timing]]:
    rows, timings = [], []
    for number, network in enumerate(draw_networks()):
        for frames in BLOCKS:
            rows.append(counts(network, frames, kernels))
            timings.append(Timing(number, frames, predict_us(network, frames, kernels, prices)))
    return rows, timings


# Prices of terms that always come together can't be told apart. With AVX2 a step has eight sums, or waits as long; with
# NEON every tile of a FIR has four multiply-adds for each tap, in blocks of whole tiles.
@pytest.mark.parametrize(
    ("kernels", "together"), [("avx512", set()), ("avx2", set(TERMS)), ("neon", {"fir_macs", "fir_chain"})]
)
def test_known_prices_are_found_again(kernels: str, together: set[str]) -> None:
    rng = np.random.default_rng(3)
    prices = {term: float(rng.uniform(0.05, 5.0)) for term in TERMS}
    rows, timings = synthetic(kernels, prices)
    found = fit(kernels, rows, timings)
    met = [term for term in TERMS if any(row[term] for row in rows)]
    assert len(met) > 30
    for term in set(met) - together:
        assert found.nanoseconds[term] == pytest.approx(prices[term], rel=1e-3), term
    assert all(found.nanoseconds[term] == 0.0 for term in TERMS if term not in met)
    again = [sum(row[term] * found.nanoseconds[term] for term in TERMS) / 1e3 for row in rows]
    assert again == pytest.approx([timing.block_us for timing in timings], rel=1e-4)
    assert found.error_percent < 0.01


def test_the_error_is_that_of_networks_left_out() -> None:
    rows, timings = synthetic("avx2", dict.fromkeys(TERMS, 1.0))
    rng = np.random.default_rng(4)
    noisy = [Timing(t.network, t.frames, t.block_us * float(rng.uniform(0.8, 1.2))) for t in timings]
    # 95 of 100 draws from within 20 % are within 19 %.
    assert 17.0 < fit("avx2", rows, noisy).error_percent < 25.0


def test_no_price_is_below_zero() -> None:
    matrix = np.array([[1.0, 0.9], [0.9, 1.0], [0.5, 0.1]])
    target = matrix @ np.array([2.0, -0.5])
    found = nonnegative_least_squares(matrix, target)
    assert found[1] == 0.0
    assert found[0] == pytest.approx(float(matrix[:, 0] @ target / (matrix[:, 0] @ matrix[:, 0])))


def test_a_column_that_was_let_in_too_early_is_put_out_again() -> None:
    # The first column fits best alone; with both others it is not needed.
    matrix = np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.3, 0.0, 0.0]])
    found = nonnegative_least_squares(matrix, np.array([1.0, 1.0, 0.0]))
    assert found == pytest.approx([0.0, 1.0, 1.0], abs=1e-9)


def test_a_short_calibration_prices_every_term() -> None:
    steps: list[tuple[int, int]] = []
    allowed = os.sched_getaffinity(0)
    found = calibrate(progress=lambda done, total: steps.append((done, total)), passes=1, every=12)
    assert os.sched_getaffinity(0) == allowed
    assert found.kernels == isas()[0] or found.kernels == os.environ.get("NAMPEDAL_ISA")
    assert found.nanoseconds.keys() == TERMS.keys()
    assert min(found.nanoseconds.values()) >= 0.0
    assert predict_us(draw_networks()[0], 64, found.kernels, found.nanoseconds) > 0.0
    assert steps == [(n + 1, len(steps)) for n in range(len(steps))]
