"""Compares the worst block of a capture with its median, without the noise of the machine.

The same audio is played from the same state repeatedly. The cost of each block is its minimum over all repeats, so that
what is left belongs to the engine. The first block is left out: its memory is as reset() left it.

    python bench/worst_block.py captures/*.nam
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
from nampedal.converter.listening import test_signals
from nampedal.converter.nam.open_capture import open_capture
from nampedal.firmware.engine.inference import Engine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--repeats", type=int, default=25)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print(f"{'model':32} {'block':>5} {'median':>9} {'worst':>9}   worst / median")
    for model in arguments.models:
        for frames in (16, 64):
            engine = Engine.prepare(open_capture(model).capture, max_frames=frames)
            audio = np.repeat(test_signals.plucks(engine.sample_rate, 1.0)[:, None], engine.in_channels, axis=1)
            runs = []
            for _ in range(arguments.repeats):
                engine.reset()
                runs.append(engine.time_blocks(audio, frames)[1])
            block_us = 1e6 * np.min(runs, axis=0)[1:]
            median, worst = float(np.median(block_us)), float(np.max(block_us))
            print(f"{model.stem:32} {frames:5} {median:6.1f} us {worst:6.1f} us   {worst / median:.2f}", flush=True)


if __name__ == "__main__":
    main()
