"""How much of this machine's core a capture takes, block by block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from nampedal.converter import material
from nampedal.firmware import litert
from nampedal.firmware.capture import Capture
from nampedal.firmware.engine import Engine
from nampedal.firmware.tflite import TfliteFile

BLOCKS = (16, 32, 64, 128)
REPEATS = 5


@dataclass(frozen=True, slots=True)
class BlockCost:
    """Measured. cpu_share: CPU seconds per second of audio, median of the repeats.

    block_us, worst_us: wall time of the median and the worst block of all.  deadline_us: the block's own length.
    """

    frames: int
    cpu_share: float
    block_us: float
    worst_us: float
    deadline_us: float


def capture_engines(capture: Capture, tier: int, exact: bool, isa: str) -> dict[int, Engine]:
    """An engine for each of BLOCKS."""
    return {n: Engine.prepare(capture, tier=tier, exact=exact, isa=isa, max_frames=n) for n in BLOCKS}


def tflite_engines(file: TfliteFile) -> dict[int, Engine]:
    """The same of a .tflite, through LiteRT; one alone where the file has its own block."""
    return {n: litert.open_tflite(file.path, n) for n in (BLOCKS if file.any_block else (file.block,))}


def measure(engines: dict[int, Engine], seconds: float) -> tuple[str, list[BlockCost]]:
    """The kernels that ran, and the cost at each block; repeats interleaved, so that a slow moment strikes all."""
    engine = next(iter(engines.values()))
    rate = engine.sample_rate
    audio = np.repeat(material.plucks(rate, seconds)[:, None], engine.in_channels, axis=1)
    shares: dict[int, list[float]] = {n: [] for n in engines}
    walls: dict[int, list[np.ndarray[tuple[int], np.dtype[np.float64]]]] = {n: [] for n in engines}
    for repeat in range(REPEATS + 1):
        for frames, timed in engines.items():
            cpu_s, wall_s = timed.time_blocks(audio, frames)
            # The first round warms caches and clock.
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
                worst_us=float(np.max(wall_us)),
                deadline_us=1e6 * frames / rate,
            )
        )
    return engine.isa, costs
