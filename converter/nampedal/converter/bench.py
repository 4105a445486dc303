"""How much of this machine's core a capture takes, block by block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from nampedal.converter import material
from nampedal.firmware.capture import Capture
from nampedal.firmware.engine import Engine

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


def measure(capture: Capture, tier: int, exact: bool, isa: str, seconds: float) -> tuple[str, list[BlockCost]]:
    """The kernels that ran, and the cost at each of BLOCKS; repeats interleaved, so that a slow moment strikes all."""
    engines = {n: Engine.prepare(capture, tier=tier, exact=exact, isa=isa, max_frames=n) for n in BLOCKS}
    engine = engines[BLOCKS[0]]
    audio = np.repeat(material.plucks(capture.sample_rate, seconds)[:, None], engine.in_channels, axis=1)
    shares: dict[int, list[float]] = {n: [] for n in BLOCKS}
    walls: dict[int, list[np.ndarray[tuple[int], np.dtype[np.float64]]]] = {n: [] for n in BLOCKS}
    for repeat in range(REPEATS + 1):
        for frames in BLOCKS:
            cpu_s, wall_s = engines[frames].time_blocks(audio, frames)
            # The first round warms caches and clock.
            if repeat > 0:
                shares[frames].append(cpu_s * capture.sample_rate / (len(wall_s) * frames))
                walls[frames].append(wall_s)
    costs = []
    for frames in BLOCKS:
        wall_us = 1e6 * np.concatenate(walls[frames])
        costs.append(
            BlockCost(
                frames=frames,
                cpu_share=float(np.median(shares[frames])),
                block_us=float(np.median(wall_us)),
                worst_us=float(np.max(wall_us)),
                deadline_us=1e6 * frames / capture.sample_rate,
            )
        )
    return engine.isa, costs
