"""Measures what a capture's .tflite sounds like in each mode, on recordings that it was not made with.

    python bench/tflite.py --di di/*.wav captures/*.nam

Prints for each tier and mode: the worst ESR over the DI files against the float32 original with exact activations; for
mode weights also the ESR between the interpreter and the native engine on the same int8 weights; the number of layers
with float activations; the file's size.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from nampedal.converter.listening import calibration_audio, metrics
from nampedal.converter.nam import nam_file
from nampedal.converter.nam.capture_player import play
from nampedal.converter.rounding.mixed_precision import quantize_within_esr
from nampedal.converter.tflite import tflite_export, tflite_writer
from nampedal.firmware.audio.audio_file import read_recording
from nampedal.firmware.engine import tflite_artifact
from nampedal.firmware.engine.capture import Capture
from nampedal.firmware.engine.inference import Audio
from nampedal.firmware.engine.network import Lstm


def judge(name: str, original: Capture, dis: list[Audio]) -> None:
    rate = original.sample_rate
    audio = calibration_audio.built_in(rate)[0]
    float32 = original.tiers[0].network
    modes = ("weights",) if isinstance(float32, Lstm) else tflite_artifact.MODES
    network = float32 if isinstance(float32, Lstm) else quantize_within_esr(original, audio)
    stored = replace(original, tiers=(replace(original.tiers[0], network=network),))
    wanted, native = ([play(capture, di, exact=True)[:, 0] for di in dis] for capture in (original, stored))
    for mode in modes:
        plan = tflite_writer.make_plan(network, rate, mode, tflite_export.spread_excerpts(audio, rate))
        file = tflite_writer.write(network, sample_rate=rate, mode=mode, plan=plan, facts={})
        player = tflite_export.offline_player(file.data)
        played = [player.render(di) for di in dis]
        worst = max(metrics.esr(a, b) for a, b in zip(wanted, played, strict=True))
        same = max(metrics.esr(a, b) for a, b in zip(native, played, strict=True))
        against = f"{same:.1e}" if mode == "weights" else ""
        print(f"{name:32}{mode:9}{worst:9.1e}{against:>9}{len(file.float_layers):4}{len(file.data):9,}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("captures", nargs="+", type=Path)
    parser.add_argument("--di", nargs="+", type=Path, required=True)
    arguments = parser.parse_args()
    print(f"{'':32}{'mode':9}{'worst':>9}{'native':>9}{'f32':>4}{'bytes':>9}")
    for path in arguments.captures:
        capture = nam_file.read(path)
        dis = [read_recording(di).at_rate(capture.sample_rate).loudest_channel() for di in arguments.di]
        for i, tier in enumerate(capture.tiers):
            judge(f"{path.stem}, tier {i}", replace(capture, tiers=(tier,)), dis)


if __name__ == "__main__":
    main()
