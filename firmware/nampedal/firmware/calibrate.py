"""What this machine asks for each term of the cost model: probe networks measured, prices fitted to their times."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from nampedal.firmware.capture import Capture, Source, Tier
from nampedal.firmware.cost import TERMS, counts
from nampedal.firmware.cost_probes import probes
from nampedal.firmware.engine import Engine
from nampedal.firmware.network import Network
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]

BLOCKS = (16, 32, 64, 128)
PASSES = 16
SAMPLE_RATE = 48_000.0
# Of one network at one block size in one pass: seconds, and blocks at least and at most.
TURN_S = 3e-3
TURN_BLOCKS = (40, 400)
# Of the passes, where a time is taken: noise only ever adds to it.
QUANTILE = 0.2
FOLDS = 10
# Of networks left out, how many are predicted within the error that is stated.
COVERED = 0.95


@dataclass(frozen=True, slots=True)
class Timing:
    """block_us: of a block of so many frames.  network: its place among the probes."""

    network: int
    frames: int
    block_us: float


@dataclass(frozen=True, slots=True)
class Prices:
    """nanoseconds: of one of each of TERMS.

    error_percent: within it 95 of 100 blocks were predicted, of networks that the prices were not fitted to.
    """

    kernels: str
    nanoseconds: dict[str, float]
    error_percent: float


def calibrate(
    isa: str = "", *, progress: Progress = lambda done, total: None, passes: int = PASSES, every: int = 1
) -> Prices:
    """Measure and fit; about a minute on a PC.

    isa: one of `isas()`; '' is what NAMPEDAL_ISA says, or the best.  every: of the probes, how many are gone through to
    take one.  Raises IsaError.
    """
    networks = probes()[::every]
    kernels, timings = measure(networks, isa, passes, progress)
    rows = [counts(networks[timing.network], timing.frames, kernels) for timing in timings]
    return fit(kernels, rows, timings)


def measure(networks: Sequence[Network], isa: str, passes: int, progress: Progress) -> tuple[str, list[Timing]]:
    """The kernels that ran, and the time of a block of each network at each of BLOCKS.

    Every pass prepares all anew: a slow moment, or memory that falls badly, strikes one pass and not one network.
    """
    rng = np.random.default_rng(1)
    audio = np.asarray(rng.uniform(-0.5, 0.5, (BLOCKS[-1] * TURN_BLOCKS[1], 1)), np.float32)
    kernels = ""
    found: dict[tuple[int, int], list[float]] = {}
    with _on_one_core():
        for turn in range(passes):
            for number, network in enumerate(networks):
                capture = Capture(Source("probe", "", "", ""), SAMPLE_RATE, (Tier(network, 0),))
                for frames in BLOCKS:
                    engine = Engine.prepare(capture, max_frames=frames, isa=isa)
                    kernels = engine.isa
                    found.setdefault((number, frames), []).append(_block_s(engine, frames, audio))
                progress(turn * len(networks) + number + 1, passes * len(networks))
    timings = [Timing(*place, 1e6 * float(np.quantile(times, QUANTILE))) for place, times in found.items()]
    return kernels, timings


def fit(kernels: str, rows: Sequence[dict[str, float]], timings: Sequence[Timing]) -> Prices:
    """Prices, none below zero, with the least squares of the relative error.

    rows: `counts()` of each timing's network.
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
    """The x >= 0 with the least |matrix @ x - target|. Lawson and Hanson 1974: columns are let in one by one.

    matrix: (rows, columns), columns of about one length.  target: (rows,).
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
            # As far as all stay above zero; what reaches it is put out.
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
