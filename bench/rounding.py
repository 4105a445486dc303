"""What rounding to int8 costs in sound, capture by capture, calibrated with real playing and with built-in sounds.

    python bench/rounding.py --di di/*.wav [--calibrate material/*.flac] captures/*.nam

Per tier and calibration: the worst and the mean ESR over the DI files, the worst pre-emphasised one; then, on the
built-in decay, the A-weighted error against the loud programme, and the noise floor less the original's; the CPU time
of the rounding. DI files are only judged with. Everything is played exactly. The last lines are medians of captures.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from nampedal.converter import calibration, metrics, nam_file
from nampedal.converter.convert import prove
from nampedal.converter.play import play
from nampedal.converter.quantize import int8_convs
from nampedal.converter.spare import round_inaudibly
from nampedal.firmware.audio_file import read_recording
from nampedal.firmware.capture import Capture
from nampedal.firmware.engine import Audio


def judge(name: str, original: Capture, calibrate: Audio, dis: list[Audio]) -> tuple[float, float]:
    before = time.process_time()
    network = round_inaudibly(original, calibrate)
    cpu_s = time.process_time() - before
    stored = replace(original, tiers=(replace(original.tiers[0], network=network),))
    wanted, got = ([play(capture, di, exact=True)[:, 0] for di in dis] for capture in (original, stored))
    esrs = [metrics.esr(a, b) for a, b in zip(wanted, got, strict=True)]
    pre = max(metrics.pre_emphasised_esr(a, b) for a, b in zip(wanted, got, strict=True))
    proof = prove(original, stored)
    floor_db = proof.noise_floor_dba - proof.source_noise_floor_dba
    figures = f"{max(esrs):9.1e}{np.mean(esrs):9.1e}{pre:9.1e}{proof.decay_error_dba:9.1f}{floor_db:+8.2f}{cpu_s:7.1f}"
    print(f"{name:44}{figures}", flush=True)
    return max(esrs), float(np.mean(esrs))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("captures", nargs="+", type=Path)
    parser.add_argument("--di", nargs="+", type=Path, required=True)
    parser.add_argument("--calibrate", nargs="+", type=Path, default=[])
    arguments = parser.parse_args()
    head = f"{'worst':>9}{'mean':>9}{'pre':>9}{'decay':>9}{'floor':>8}{'CPU s':>7}"
    print(f"{'':44}{head}")
    found: dict[str, list[tuple[float, float]]] = {}
    for path in arguments.captures:
        capture = nam_file.read(path)
        dis = [read_recording(di).at_rate(capture.sample_rate).loudest_channel() for di in arguments.di]
        ways = {"built-in": calibration.built_in(capture.sample_rate)[0]}
        if arguments.calibrate:
            ways["playing"] = calibration.from_files(arguments.calibrate, capture.sample_rate)[0]
        for i, tier in enumerate(capture.tiers):
            if not int8_convs(tier.network):
                continue
            for way, audio in ways.items():
                name = f"{path.stem}, tier {i}, {way}"
                found.setdefault(way, []).append(judge(name, replace(capture, tiers=(tier,)), audio, dis))
    for way, esrs in found.items():
        worst, mean = np.median(esrs, axis=0)
        print(f"{way}: median of the worst ESRs {worst:.1e}, of the means {mean:.1e}; largest {max(esrs)[0]:.1e}")


if __name__ == "__main__":
    main()
