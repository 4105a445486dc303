"""Measures the share of one of this machine's cores that a capture takes, for several block lengths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from nampedal.converter.listening import test_signals
from nampedal.firmware.engine import litert_engine
from nampedal.firmware.engine.capture import Capture
from nampedal.firmware.engine.inference import Engine
from nampedal.firmware.engine.tflite_artifact import TfliteFile

BLOCKS = (16, 32, 64, 128)
REPEATS = 5


@dataclass(frozen=True, slots=True)
class BlockCost:
    """Measured cost of one block length.

    cpu_share: CPU seconds per second of audio, median of the repeats.
    block_us, worst_us: wall time of the median block and of the slowest block of all repeats.
    deadline_us: the duration of one block.
    """

    frames: int
    cpu_share: float
    block_us: float
    max_us: float
    deadline_us: float


def capture_engines(capture: Capture, tier: int, exact: bool, isa: str) -> dict[int, Engine]:
    """Return an engine for each of BLOCKS."""
    return {n: Engine.prepare(capture, tier=tier, exact=exact, isa=isa, max_frames=n) for n in BLOCKS}


def tflite_engines(file: TfliteFile) -> dict[int, Engine]:
    """Return the engines of a .tflite in LiteRT: one for each of BLOCKS, or only one if the file has a fixed block."""
    return {n: litert_engine.open_tflite(file.path, n) for n in (BLOCKS if file.any_block else (file.block,))}


def measure(engines: dict[int, Engine], seconds: float) -> tuple[str, list[BlockCost]]:
    """Return the kernels that ran, and the cost at each block length.

    The repeats of the block lengths are interleaved, so that a slow moment of the machine affects all of them.
    """
    engine = next(iter(engines.values()))
    rate = engine.sample_rate
    audio = np.repeat(test_signals.plucks(rate, seconds)[:, None], engine.in_channels, axis=1)
    shares: dict[int, list[float]] = {n: [] for n in engines}
    walls: dict[int, list[np.ndarray[tuple[int], np.dtype[np.float64]]]] = {n: [] for n in engines}
    for repeat in range(REPEATS + 1):
        for frames, timed in engines.items():
            cpu_s, wall_s = timed.time_blocks(audio, frames)
            # The first round only warms up the caches and the clock frequency.
            if repeat > 0:
                shares[frames].append(cpu_s * rate / (len(wall_s) * frames))
                walls[frames].append(wall_s)
    costs = []
    for frames in engines:
        wall_us = 1e6 * np.concatenate(walls[frames])
        costs.append(
            BlockCost(
                frames=frames,
                cpu_share=float(np.median(shares[frames])),
                block_us=float(np.median(wall_us)),
                max_us=float(np.max(wall_us)),
                deadline_us=1e6 * frames / rate,
            )
        )
    return engine.isa, costs
