"""Measures what int8 activations would cost in sound: the NumPy reference with int8 weights and also rounded inputs.

    python bench/int8_activations.py --audio guitar.wav captures/*.nam

Prints the ESR against the float32 original over the first two seconds:

    w8      int8 weights, as converted
    frame   also the inputs of those convolutions: int8, counted from their values at silence, a scale for each frame
    fixed   the same with one scale for all frames, that of the largest: what a graph of fixed ranges does
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from nampedal.converter.listening import calibration_audio, metrics
from nampedal.converter.nam.open_capture import open_capture
from nampedal.converter.rounding import reference
from nampedal.converter.rounding.mixed_precision import quantize_within_esr
from nampedal.converter.rounding.reference import Signal
from nampedal.firmware.audio.audio_file import read_recording
from nampedal.firmware.engine.network import Conv, Int8Weights, prewarm_frames

LARGEST = 127


def convolve(by_frame: bool, silence: int, path: str, conv: Conv, x: Signal) -> Signal:
    if not isinstance(conv.weight, Int8Weights):
        return reference.causal(conv, x)
    idle = x[silence - 1]
    beyond = x - idle
    scale = np.max(np.abs(beyond[silence:])) / LARGEST
    if by_frame:
        scale = np.max(np.abs(beyond), axis=1, keepdims=True) / LARGEST
    scale = np.maximum(scale, np.finfo(np.float64).tiny)
    return reference.causal(
        conv, np.where(np.arange(len(x))[:, None] < silence, x, np.rint(beyond / scale) * scale + idle)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("captures", nargs="+", type=Path)
    parser.add_argument("--audio", type=Path, required=True)
    arguments = parser.parse_args()
    print(f"{'capture':30}", *(f"{way:>9}" for way in ("w8", "frame", "fixed")))
    for path in arguments.captures:
        capture = open_capture(path).capture
        rate = int(capture.sample_rate)
        audio = read_recording(arguments.audio).at_rate(rate).loudest_channel()[: 2 * rate]
        for i, tier in enumerate(capture.tiers):
            network = quantize_within_esr(replace(capture, tiers=(tier,)), calibration_audio.built_in(rate)[0])
            wanted = reference.render(tier.network, audio)
            silence = prewarm_frames(network)
            ways = (None, partial(convolve, True, silence), partial(convolve, False, silence))
            esrs = [metrics.esr(wanted, reference.render(network, audio, way)) for way in ways]
            print(f"{path.stem + f', tier {i}':30}", *(f"{esr:9.1e}" for esr in esrs), flush=True)


if __name__ == "__main__":
    main()
