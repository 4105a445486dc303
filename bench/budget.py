"""Checks that captures sized for a budget stay within it: measures their share of a core, on a calibrated machine.

    nampedal calibrate
    python bench/budget.py captures/*.nam

Each capture is sized for each budget. It is only pruned, because training does not change the cost. Then the tier for
the budget is played. The result is the median block's share of its period; the smallest of five runs counts.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from nampedal.board.profiles.boards import read_board
from nampedal.converter.budget.sizing import BudgetTarget, Slimming, size
from nampedal.converter.errors import NothingFitsError
from nampedal.converter.listening import test_signals
from nampedal.converter.nam.open_capture import open_capture
from nampedal.converter.slim.clock import ConversionLimit
from nampedal.converter.slim.dataset import TrainingAudio
from nampedal.firmware.engine.capture import Capture
from nampedal.firmware.engine.inference import Engine

TURNS = 5


def measured_percent(capture: Capture, frames: int) -> float:
    engine = Engine.prepare(capture, max_frames=frames)
    audio = test_signals.plucks(capture.sample_rate, 2.0)
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
        sounds = TrainingAudio(test_signals.excitation(rate, 4.0), test_signals.plucks(rate, 1.0), test_signals.PLUCKS)
        for frames in arguments.periods:
            for budget in arguments.budgets:
                target = BudgetTarget(board, frames, budget, rate)
                try:
                    sized = size(capture, target, Slimming(sounds, ConversionLimit()))
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
