"""Whether what was sized for a budget keeps within it: the measured share of a core, on a calibrated machine.

    nampedal calibrate
    python bench/budget.py captures/*.nam

Each capture is sized for each budget, pruned only (training changes no cost), and the budget's tier is played: the
median block's share of its period, the quietest of five turns.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from nampedal.board.boards import read_board
from nampedal.converter import material
from nampedal.converter.errors import NothingFitsError
from nampedal.converter.facts import open_capture
from nampedal.converter.sizing import Slimming, Target, size
from nampedal.converter.slim.lessons import Material
from nampedal.firmware.capture import Capture
from nampedal.firmware.engine import Engine

TURNS = 5
# Whatever it sounds like.
ANY_ESR = 1e9


def measured_percent(capture: Capture, frames: int) -> float:
    engine = Engine.prepare(capture, max_frames=frames)
    audio = material.plucks(capture.sample_rate, 2.0)
    shares = []
    for _ in range(TURNS):
        _, wall_s = engine.time_blocks(audio, frames)
        shares.append(100.0 * float(np.median(wall_s)) * capture.sample_rate / frames)
    return min(shares)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--board", default="this-machine")
    parser.add_argument("--periods", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--budgets", type=float, nargs="+", default=[0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 40.0])
    arguments = parser.parse_args()
    board = read_board(arguments.board)
    worst = 0.0
    for path in arguments.models:
        capture = open_capture(path).capture
        rate = capture.sample_rate
        sounds = Material(material.excitation(rate, 4.0), material.plucks(rate, 1.0), material.PLUCKS)
        for frames in arguments.periods:
            for budget in arguments.budgets:
                target = Target(board, frames, budget, rate)
                try:
                    sized = size(capture, target, Slimming(sounds, ANY_ESR, 0.0))
                except NothingFitsError:
                    print(f"{path.stem:30} {frames:4} frames, {budget:5g} %: nothing fits")
                    continue
                within = next(one for one in sized if target.fits(one.tier.network))
                found = measured_percent(replace(capture, tiers=(within.tier,)), frames)
                worst = max(worst, found / budget)
                told = f"{within.how}, predicted {within.percent:.2f} %, measured {found:.2f} %"
                print(f"{path.stem:30} {frames:4} frames, {budget:5g} %: {told}", flush=True)
    print(f"most of a budget that was taken: {100.0 * worst:.0f} %")


if __name__ == "__main__":
    main()
