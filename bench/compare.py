"""Compares the CPU time of the engine by capture and block size, optionally with another engine, on one core.

    python bench/compare.py captures/*.nam
    python bench/compare.py --baseline './benchmodel_bufsize {model} {block} 1' --scale 5e-7 captures/*.nam

The baseline is a command. Its last line of output must end in a number that, times --scale, is its CPU seconds per
second of audio. {model} and {block} in the command are replaced. NeuralAmpModelerCore's own benchmodel_bufsize prints
the microseconds of two seconds of audio.

Each repeat runs every block size of one engine, then of the other. Ratios are taken within a repeat, so that a machine
that slows down slows both. Prints medians, and for ratios also the smallest and the largest.
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
from nampedal.converter.listening import test_signals
from nampedal.converter.nam.open_capture import open_capture
from nampedal.firmware.engine.inference import Engine

SECONDS = 2.0


def baseline_share(command: str, scale: float, model: Path, block: int) -> float:
    words = [word.format(model=model, block=block) for word in shlex.split(command)]
    out = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    number = re.search(r"([0-9.]+(?:e[-+]?\d+)?)\D*$", out.strip())
    if number is None:
        raise SystemExit(f"the baseline printed no number: {out[-200:]!r}")
    return float(number.group(1)) * scale


def own_share(engine: Engine, block: int) -> float:
    audio = test_signals.plucks(engine.sample_rate, SECONDS)
    rows = np.repeat(audio[:, None], engine.in_channels, axis=1)
    cpu_s, wall_s = engine.time_blocks(rows, block)
    return cpu_s * engine.sample_rate / (len(wall_s) * block)


def ratio(over: list[float], under: list[float]) -> str:
    ratios = sorted(a / b for a, b in zip(over, under, strict=True))
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f}..{ratios[-1]:.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--baseline")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--blocks", type=int, nargs="+", default=[16, 32, 64, 128])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--isa", default="")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print(f"{'model':28} {'kernels':8} {'block':>5} {'ours':>8}  {'per frame, of 64':17}", end="")
    print(f"  {'baseline':>8}  baseline / ours" if arguments.baseline else "")
    for model in arguments.models:
        capture = open_capture(model).capture
        engines = {b: Engine.prepare(capture, max_frames=b, isa=arguments.isa) for b in arguments.blocks}
        ours: dict[int, list[float]] = {b: [] for b in engines}
        theirs: dict[int, list[float]] = {b: [] for b in engines}
        for repeat in range(-1, arguments.repeats):
            for block, engine in engines.items():
                share = own_share(engine, block)
                # The first repeat, -1, only warms up.
                if repeat >= 0:
                    ours[block].append(share)
            if repeat >= 0 and arguments.baseline:
                for block in engines:
                    theirs[block].append(baseline_share(arguments.baseline, arguments.scale, model, block))
        for block, engine in engines.items():
            of_64 = ratio(ours[block], ours[64]) if 64 in ours and block != 64 else ""
            line = f"{model.stem:28} {engine.isa:8} {block:5} {statistics.median(ours[block]):8.4f}  {of_64:17}"
            if arguments.baseline:
                line += f"  {statistics.median(theirs[block]):8.4f}  {ratio(theirs[block], ours[block])}"
            print(line.rstrip(), flush=True)


if __name__ == "__main__":
    main()
