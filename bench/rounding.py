"""Measures what rounding to int8 costs in sound, time and memory, and checks the errors that `nampedal convert` prints.

    python bench/rounding.py --di di/*.wav [--calibrate material/*.flac] -- captures/*.nam

Each capture is converted by the command in a process of its own. Then capture and artifact play the DI files with fast
activations; nothing is calibrated with these files. Prints for each tier: the worst and the mean ESR over the files,
the worst pre-emphasised ESR, and for both kinds the worst ESR divided by the one that `convert` printed (above 1: it
printed too little); the number of convolutions that stayed float16; and for the conversion the bytes of the artifact
without golden vectors, CPU seconds and peak memory (VmHWM). The last lines sum up all captures.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from nampedal.converter.listening import metrics
from nampedal.converter.nam import nam_file
from nampedal.converter.nam.capture_player import play
from nampedal.converter.rounding.quantize import int8_paths
from nampedal.firmware.audio.audio_file import read_recording
from nampedal.firmware.engine import artifact
from nampedal.firmware.engine.capture import Capture, Proof, Tier
from nampedal.firmware.engine.network import Int8Weights, convolutions

NAMPEDAL = Path(sys.executable).with_name("nampedal")


@dataclass(frozen=True, slots=True)
class Conversion:
    """A capture converted by the command. bytes: of the artifact.  cpu_s, peak_mb: of the whole process."""

    made: Capture
    bytes: int
    cpu_s: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Found:
    """The errors of one tier. too_little: measured worst divided by printed, of the ESR and of the
    pre-emphasised ESR.
    """

    worst: float
    mean: float
    pre: float
    too_little: tuple[float, float]


def convert(source: Path, calibrate: list[Path], folder: Path) -> Conversion:
    to = folder / "x.stomp"
    options = [word for path in calibrate for word in ("--calibrate", str(path))]
    arguments = [str(NAMPEDAL), "convert", str(source), "-o", str(to), "--force", "--no-golden", *options]
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    child = os.posix_spawn(NAMPEDAL, arguments, {**os.environ, "OPENBLAS_NUM_THREADS": "1"}, file_actions=quiet)
    _, status, usage = os.wait4(child, 0)
    if status:
        raise SystemExit(f"{source}: nampedal convert failed")
    made = artifact.read(to)
    return Conversion(made, to.stat().st_size, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def judge(capture: Capture, original: Tier, stored: Tier, paths: list[Path]) -> Found:
    esrs, pres = [], []
    for path in paths:
        audio = read_recording(path).at_rate(capture.sample_rate).loudest_channel()
        wanted, got = (play(replace(capture, tiers=(tier,)), audio)[:, 0] for tier in (original, stored))
        esrs.append(metrics.esr(wanted, got))
        pres.append(metrics.pre_emphasised_esr(wanted, got))
    proof = stored.proof
    assert isinstance(proof, Proof)
    too_little = max(esrs) / proof.esr, max(pres) / proof.pre_emphasised_esr
    return Found(max(esrs), float(np.mean(esrs)), max(pres), too_little)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("captures", nargs="+", type=Path)
    parser.add_argument("--di", nargs="+", type=Path, required=True)
    parser.add_argument("--calibrate", nargs="+", type=Path, default=[])
    arguments = parser.parse_args()
    print(
        "| capture | worst | mean | pre-emphasised | over printed | pre over printed | float16 | bytes | CPU s | MB |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    found: list[Found] = []
    done: list[Conversion] = []
    for path in arguments.captures:
        capture = nam_file.read(path)
        if not any(int8_paths(tier.network) for tier in capture.tiers):
            continue
        with TemporaryDirectory() as folder:
            one = convert(path, arguments.calibrate, Path(folder))
        done.append(one)
        for i, (original, stored) in enumerate(zip(capture.tiers, one.made.tiers, strict=True)):
            tier = judge(capture, original, stored, arguments.di)
            found.append(tier)
            count = len(int8_paths(original.network))
            spared = count - sum(isinstance(conv.weight, Int8Weights) for conv in convolutions(stored.network).values())
            name = f"{path.stem}, tier {i}" if len(capture.tiers) > 1 else path.stem
            figures = f"{tier.worst:.1e} | {tier.mean:.1e} | {tier.pre:.1e}"
            told = " | ".join(f"{ratio:.2f}" for ratio in tier.too_little)
            process = "| |" if i else f"{one.bytes:,} | {one.cpu_s:.1f} | {one.peak_mb:.0f}"
            print(f"| {name} | {figures} | {told} | {spared} of {count} | {process} |", flush=True)
    worst, mean, pre = (np.array([getattr(one, name) for one in found]) for name in ("worst", "mean", "pre"))
    ratios = np.array([one.too_little for one in found])
    print(
        f"worst ESR: largest {worst.max():.1e}, median {np.median(worst):.1e}; mean ESR: median {np.median(mean):.1e}"
    )
    print(f"pre-emphasised: largest {pre.max():.1e}, median {np.median(pre):.1e}")
    enough = np.sum(ratios <= 1.0, axis=0)
    print(f"printed at least as much: ESR {enough[0]} of {len(found)}, pre-emphasised {enough[1]} of {len(found)}")
    print(f"CPU s: most {max(one.cpu_s for one in done):.1f}; MB: most {max(one.peak_mb for one in done):.0f}")


if __name__ == "__main__":
    main()
