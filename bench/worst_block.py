"""The worst block of a capture against its median, the machine's own noise taken out.

The same audio is played from the same state again and again; each block's cost is the smallest it ever had. What is
left belongs to the engine. The first block is left out: it finds the memory as reset() left it.

    python bench/worst_block.py captures/*.nam
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
from nampedal.converter import material
from nampedal.converter.facts import open_capture
from nampedal.firmware.engine import Engine


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
            audio = np.repeat(material.plucks(engine.sample_rate, 1.0)[:, None], engine.in_channels, axis=1)
            runs = []
            for _ in range(arguments.repeats):
                engine.reset()
                runs.append(engine.time_blocks(audio, frames)[1])
            block_us = 1e6 * np.min(runs, axis=0)[1:]
            median, worst = float(np.median(block_us)), float(np.max(block_us))
            print(f"{model.stem:32} {frames:5} {median:6.1f} us {worst:6.1f} us   {worst / median:.2f}", flush=True)


if __name__ == "__main__":
    main()
