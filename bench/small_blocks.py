"""Measures what the small blocks of a chain cost: the guard after each block, a gain, and the DC blocker after a
capture.

python bench/small_blocks.py
"""

from __future__ import annotations

import time

import numpy as np
from nampedal.firmware.engine import _engine

RATE_HZ = 48_000.0
BLOCKS = 2000
TURNS = 30
MANY = 64


def block_ns(chain: _engine.Chain, frames: int) -> float:
    """Return the CPU time of one block in ns, the minimum of several turns."""
    audio = np.random.default_rng(0).normal(0.0, 0.1, frames * BLOCKS).astype(np.float32)
    out = np.empty_like(audio)
    least = float("inf")
    for _ in range(TURNS):
        begin_s = time.thread_time()
        chain.process(audio, out)
        least = min(least, time.thread_time() - begin_s)
    return 1e9 * least / BLOCKS


def new_chain(frames: int) -> _engine.Chain:
    return _engine.Chain(RATE_HZ, frames, "")


def main() -> None:
    for frames in (64, 128):
        empty = block_ns(new_chain(frames), frames)
        costs = {"input's guard, and a copy": empty}
        for name, add in (
            ("gain and its guard", lambda chain: chain.add_gain(0.999)),
            ("blocker of DC and its guard", lambda chain: chain.add_dc_blocker()),
        ):
            chain = new_chain(frames)
            for _ in range(MANY):
                add(chain)
            costs[name] = (block_ns(chain, frames) - empty) / MANY
        period_ns = 1e9 * frames / RATE_HZ
        for name, ns in costs.items():
            print(f"{frames:4} frames  {name:28} {ns:6.0f} ns  {100 * ns / period_ns:.4f} % of the period")


if __name__ == "__main__":
    main()
