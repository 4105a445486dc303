"""CPU time of the engine against another engine, in pairs, on one core.

The other engine is a command; its last line of output must end in a number that is, times --scale, its CPU seconds per
second of audio. {model} and {block} in it are replaced. NeuralAmpModelerCore's own benchmodel_bufsize prints the
microseconds of two seconds of audio:

    python bench/compare.py --baseline './benchmodel_bufsize {model} {block} 1' --scale 5e-7 captures/*.nam

Each repeat runs one engine, then the other; the ratio is taken pair by pair, so that a machine that slows down slows
both. Printed: medians, and the smallest and largest ratio.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import statistics
import subprocess
from pathlib import Path

import numpy as np
from nampedal.converter import material
from nampedal.converter.facts import open_capture
from nampedal.firmware.engine import Engine

SECONDS = 2.0


def baseline_share(command: str, scale: float, model: Path, block: int) -> float:
    words = [word.format(model=model, block=block) for word in shlex.split(command)]
    out = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    number = re.search(r"([0-9.]+(?:e[-+]?\d+)?)\D*$", out.strip())
    if number is None:
        raise SystemExit(f"the baseline printed no number: {out[-200:]!r}")
    return float(number.group(1)) * scale


def own_share(engine: Engine, block: int) -> float:
    audio = material.plucks(engine.sample_rate, SECONDS)
    rows = np.repeat(audio[:, None], engine.in_channels, axis=1)
    cpu_s, wall_s = engine.time_blocks(rows, block)
    return cpu_s * engine.sample_rate / (len(wall_s) * block)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--baseline", required=True)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--block", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--isa", default="")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print(f"{'model':32} {'kernels':8} {'ours':>8} {'baseline':>9}   baseline / ours (median, min..max)")
    for model in arguments.models:
        engine = Engine.prepare(open_capture(model).capture, max_frames=arguments.block, isa=arguments.isa)
        own_share(engine, arguments.block)
        pairs = [
            (
                own_share(engine, arguments.block),
                baseline_share(arguments.baseline, arguments.scale, model, arguments.block),
            )
            for _ in range(arguments.repeats)
        ]
        ratios = sorted(theirs / ours for ours, theirs in pairs)
        ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
        spread = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f}..{ratios[-1]:.2f})"
        print(f"{model.stem:32} {engine.isa:8} {ours:8.4f} {theirs:9.4f}   {spread}", flush=True)


if __name__ == "__main__":
    main()
