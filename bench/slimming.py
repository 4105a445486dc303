"""Measures how close a slimmed capture comes to the original, on recordings that it was not trained on.

    python bench/slimming.py --like lite.nam --material material/ --di di/ standard.nam...
    python bench/slimming.py --share 0.57 --minutes 3 --board 5 --di di/ a2.nam      with built-in material only

The slimmed network may cost as much as the full tier of --like costs on the board, or --share of what the original
costs. Prints the ESR of the float32 network against the original's full tier, both with exact activations, over each
recording of --di. No file is written.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from nampedal.board.profiles.boards import read_board
from nampedal.converter.budget.fitting import SEARCH_SHARE
from nampedal.converter.budget.sizing import BudgetTarget
from nampedal.converter.listening import metrics
from nampedal.converter.nam.capture_player import play
from nampedal.converter.nam.open_capture import open_capture
from nampedal.converter.slim import dataset
from nampedal.converter.slim.clock import WallClock
from nampedal.converter.slim.fusable import Shape, is_plain
from nampedal.converter.slim.shapes import shapes
from nampedal.converter.slim.slimmer import Slimmed, Slimmer
from nampedal.firmware.audio.audio_file import read_recording
from nampedal.firmware.engine.capture import Capture
from nampedal.firmware.engine.network import Network, macs_per_frame


def recordings(folder: Path) -> list[Path]:
    return sorted([*folder.glob("*.wav"), *folder.glob("*.flac")])


def esrs(original: Capture, network: Network, folder: Path) -> dict[str, float]:
    """Return the ESR against the original, by recording."""
    smaller = replace(original, tiers=(replace(original.tiers[0], network=network),))
    found = {}
    for path in recordings(folder):
        audio = read_recording(path).at_rate(original.sample_rate).loudest_channel()
        wanted, got = (play(one, audio, exact=True)[:, 0] for one in (original, smaller))
        found[path.stem] = metrics.esr(wanted, got)
    return found


def fitting_shapes(network: Network, target: BudgetTarget, most: float) -> list[Shape]:
    """Return the shapes that take at most so many percent of a core."""
    if not is_plain(network):
        return []
    return shapes(network, lambda smaller: target.percent(smaller) <= most)


def trained(slimmer: Slimmer, fitting: list[Shape], end_s: float, seed: int) -> list[Slimmed]:
    """Return the best of the shapes after training until end_s (monotonic clock). Trying all shapes takes at most a
    fifth.
    """
    search_ends_s = time.monotonic() + SEARCH_SHARE * (end_s - time.monotonic())
    pruned = slimmer.prune([fitting], lambda: time.monotonic() > search_ends_s)
    return slimmer.train(pruned, [1.0], lambda: end_s, WallClock(), seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--board", default="zero-2-w")
    parser.add_argument("--period", type=int, default=64)
    limit = parser.add_mutually_exclusive_group(required=True)
    limit.add_argument("--like", type=Path)
    limit.add_argument("--share", type=float)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--material", type=Path)
    parser.add_argument("--di", type=Path, required=True)
    arguments = parser.parse_args()
    for path in arguments.models:
        capture = open_capture(path).capture
        target = BudgetTarget(read_board(arguments.board), arguments.period, 100.0, capture.sample_rate)
        whole = capture.tiers[0].network
        if arguments.like is not None:
            most = target.percent(open_capture(arguments.like).capture.tiers[0].network)
        else:
            most = arguments.share * target.percent(whole)
        material = dataset.built_in(capture.sample_rate)
        if arguments.material is not None:
            material = dataset.from_files(recordings(arguments.material), capture.sample_rate)
        start = time.monotonic()
        full = replace(capture, tiers=capture.tiers[:1])
        fitting = fitting_shapes(whole, target, most)
        if not fitting:
            print(f"{path.stem}: no shape is that cheap", flush=True)
            continue
        slimmer = Slimmer(full, material)
        (slimmed,) = trained(slimmer, fitting, start + 60.0 * arguments.minutes, arguments.seed)
        took = time.monotonic() - start
        found = esrs(capture, slimmed.network, arguments.di)
        each = " ".join(f"{value:.1e}" for value in found.values())
        cost = target.percent(slimmed.network) / target.percent(whole)
        macs = macs_per_frame(slimmed.network) / macs_per_frame(whole)
        print(f"{path.stem}: mean ESR {np.mean(list(found.values())):.2e} ({each})")
        print(f"  {slimmed.shape}, {cost:.2f} of the cost, {macs:.2f} of the MACs, kept back {slimmed.esr:.1e}")
        print(f"  {slimmed.steps} steps, {took:.0f} s", flush=True)


if __name__ == "__main__":
    main()
