"""Whether silence after a loud passage costs more than the passage: denormal numbers would make it so.

    python bench/silence.py captures/*.nam

Plays a second of plucks at full scale and three of silence, again and again; each block's cost is the smallest it ever
had. Printed: the median block of the passage, and of the last second of silence.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
from nampedal.converter import material
from nampedal.converter.facts import open_capture
from nampedal.firmware.engine import Engine

BLOCK = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--repeats", type=int, default=9)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print(f"{'model':32} {'loud':>9} {'silence':>9}   silence / loud")
    for model in arguments.models:
        engine = Engine.prepare(open_capture(model).capture, max_frames=BLOCK)
        loud = material.plucks(engine.sample_rate, 1.0)
        loud /= np.max(np.abs(loud))
        audio = np.concatenate([loud, np.zeros(3 * len(loud), np.float32)])
        rows = np.repeat(audio[:, None], engine.in_channels, axis=1)
        runs = []
        for _ in range(arguments.repeats):
            engine.reset()
            runs.append(engine.time_blocks(rows, BLOCK)[1])
        block_us = 1e6 * np.min(runs, axis=0)
        passage, silence = (float(np.median(block_us[part])) for part in (slice(1, 700), slice(-700, None)))
        print(f"{model.stem:32} {passage:6.1f} us {silence:6.1f} us   {silence / passage:.2f}", flush=True)


if __name__ == "__main__":
    main()
