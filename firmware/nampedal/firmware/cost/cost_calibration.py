"""Measures calibration networks on this machine, and fits the prices of the cost model's terms to the times."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from nampedal.firmware.cost.calibration_networks import draw_networks
from nampedal.firmware.cost.cost_model import TERMS, counts
from nampedal.firmware.engine.capture import Capture, CaptureSource, Tier
from nampedal.firmware.engine.inference import Engine
from nampedal.firmware.engine.network import Network
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]

BLOCKS = (16, 32, 64, 128)
PASSES = 16
SAMPLE_RATE = 48_000.0
# For one network and block size in one pass: seconds of measuring, and the minimum and maximum number of blocks.
TURN_S = 3e-3
TURN_BLOCKS = (40, 400)
# Quantile over the passes that is used as the time. It is low because noise only makes times longer.
QUANTILE = 0.2
FOLDS = 10
# Share of the blocks in the cross-validation that must be predicted within the stated error.
COVERED = 0.95


@dataclass(frozen=True, slots=True)
class Timing:
    """One measured time.

    network: index of the network among the measured ones.
    frames: frames of a block.
    block_us: time of one block in microseconds.
    """

    network: int
    frames: int
    block_us: float


@dataclass(frozen=True, slots=True)
class Prices:
    """Fitted prices.

    kernels: name of the kernels that were measured.
    nanoseconds: price of one unit of each of TERMS.
    error_percent: 95 of 100 blocks were predicted within this error, for networks that were left out of the fit.
    """

    kernels: str
    nanoseconds: dict[str, float]
    error_percent: float


def calibrate(
    isa: str = "", *, progress: Progress = lambda done, total: None, passes: int = PASSES, every: int = 1
) -> Prices:
    """Measure the calibration networks and fit the prices. Takes about a minute on a PC.

    isa: one of `isas()`; '' is the value of NAMPEDAL_ISA, or the best.
    progress(done, total): progress callback.
    passes: number of measurements of each network and block size.
    every: use only each `every`-th calibration network.

    Raises ArgumentError.
    """
    networks = draw_networks()[::every]
    kernels, timings = measure(networks, isa, passes, progress)
    rows = [counts(networks[timing.network], timing.frames, kernels) for timing in timings]
    return fit(kernels, rows, timings)


def measure(networks: Sequence[Network], isa: str, passes: int, progress: Progress) -> tuple[str, list[Timing]]:
    """Measure each network at each block size of BLOCKS. Return (kernels that ran, timings).

    Every pass prepares all networks again, so that a slow moment or an unlucky memory layout affects only one pass, and
    not all measurements of one network.
    """
    rng = np.random.default_rng(1)
    audio = np.asarray(rng.uniform(-0.5, 0.5, (BLOCKS[-1] * TURN_BLOCKS[1], 1)), np.float32)
    kernels = ""
    found: dict[tuple[int, int], list[float]] = {}
    with _on_one_core():
        for turn in range(passes):
            for number, network in enumerate(networks):
                capture = Capture(CaptureSource("probe", "", "", ""), SAMPLE_RATE, (Tier(network, 0),))
                for frames in BLOCKS:
                    engine = Engine.prepare(capture, max_frames=frames, isa=isa)
                    kernels = engine.isa
                    found.setdefault((number, frames), []).append(_block_s(engine, frames, audio))
                progress(turn * len(networks) + number + 1, passes * len(networks))
    timings = [Timing(*place, 1e6 * float(np.quantile(times, QUANTILE))) for place, times in found.items()]
    return kernels, timings


def fit(kernels: str, rows: Sequence[dict[str, float]], timings: Sequence[Timing]) -> Prices:
    """Fit prices that are not negative, by least squares of the relative error.

    rows: for each timing, the `counts()` of its network and block size.
    """
    times_ns = np.array([1e3 * timing.block_us for timing in timings])
    shares = np.array([[row[term] for term in TERMS] for row in rows]) / times_ns[:, None]
    folds = np.array([timing.network % FOLDS for timing in timings])
    errors = np.concatenate(
        [shares[folds == f] @ _solve(shares[folds != f]) - 1.0 for f in range(FOLDS) if np.any(folds == f)]
    )
    prices = _solve(shares)
    error = 100.0 * float(np.quantile(np.abs(errors), COVERED))
    return Prices(kernels, dict(zip(TERMS, map(float, prices), strict=True)), error)


def _solve(shares: Floats) -> Floats:
    sizes = np.linalg.norm(shares, axis=0)
    sizes[sizes == 0.0] = 1.0
    scaled: Floats = shares / sizes
    return np.asarray(nonnegative_least_squares(scaled, np.ones(len(shares))) / sizes)


def nonnegative_least_squares(matrix: Floats, target: Floats) -> Floats:
    """Return the x >= 0 that minimises |matrix @ x - target|, by the active-set method of Lawson and Hanson (1974).

    matrix: (rows, columns); the columns must have similar norms.
    target: (rows,).
    """
    columns = matrix.shape[1]
    x = np.zeros(columns)
    inside = np.zeros(columns, bool)
    for _ in range(3 * columns):
        gain = np.where(inside, -np.inf, matrix.T @ (target - matrix @ x))
        best = int(np.argmax(gain))
        if gain[best] <= 1e-9:
            break
        inside[best] = True
        while True:
            wanted = np.zeros(columns)
            wanted[inside] = np.linalg.lstsq(matrix[:, inside], target, rcond=None)[0]
            below = inside & (wanted <= 0.0)
            if not below.any():
                break
            # Go only until the first value reaches zero, and remove that column.
            step = float(np.min(x[below] / (x[below] - wanted[below])))
            x = x + step * (wanted - x)
            inside &= x > 1e-12
            x[~inside] = 0.0
        x = wanted
    return x


def _block_s(engine: Engine, frames: int, audio: NDArray[np.float32]) -> float:
    least, most = TURN_BLOCKS
    warm = float(np.median(engine.time_blocks(audio[: least * frames], frames)[1]))
    blocks = min(max(int(TURN_S / max(warm, 1e-9)), least), most)
    return float(np.median(engine.time_blocks(audio[: blocks * frames], frames)[1]))


@contextmanager
def _on_one_core() -> Iterator[None]:
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)
