"""Measures what half precision would cost in sound: the NumPy reference with its convolutions rounded to 16 bits.

    python bench/half_precision.py captures/*.nam

A core with half-precision arithmetic (Cortex-A76) could sum a convolution in three ways. Prints the ESR of each against
float64, over the first second of an audio file or of the built-in plucks:

    storage   weights and inputs are 16-bit, sums are float64: no faster arithmetic, half the memory
    by tap    products of one tap are summed in 16 bits, taps in float64
    all       every multiply-add is rounded to 16 bits
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
from nampedal.converter.listening import metrics, test_signals
from nampedal.converter.nam.open_capture import open_capture
from nampedal.converter.rounding import reference
from nampedal.firmware.engine.network import Conv, expand
from numpy.typing import NDArray

Signal = NDArray[np.float64]


def half(x: Signal) -> Signal:
    return x.astype(np.float16).astype(np.float64)


def convolve(way: str, path: str, conv: Conv, x: Signal) -> Signal:
    weight = half(expand(conv.weight).astype(np.float64))
    out, per_group, taps = weight.shape
    y = np.zeros((len(x), out)) if conv.bias is None else np.tile(conv.bias.astype(np.float64), (len(x), 1))
    padded = half(np.concatenate([np.zeros((conv.lookback, x.shape[1])), x]))
    rows = out // conv.groups
    for group in range(conv.groups):
        outputs = slice(group * rows, (group + 1) * rows)
        for tap in range(taps):
            at = tap * conv.dilation
            total = half(y[:, outputs]) if way == "all" else np.zeros((len(x), rows))
            for i in range(per_group):
                product = padded[at : at + len(x), group * per_group + i, None] * weight[outputs, i, tap]
                total = total + product if way == "storage" else half(total + product)
            y[:, outputs] = total if way == "all" else y[:, outputs] + total
    return y


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--audio", type=Path)
    arguments = parser.parse_args()
    ways = ("storage", "by tap", "all")
    print(f"{'model':30}", *(f"{way:>9}" for way in ways))
    for model in arguments.models:
        capture = open_capture(model).capture
        rate = int(capture.sample_rate)
        if arguments.audio is None:
            audio = test_signals.plucks(rate, 1.0)
        else:
            audio = np.asarray(soundfile.read(arguments.audio, rate, dtype="float32")[0], np.float32)
        network = capture.tiers[0].network
        wanted = reference.render(network, audio)
        found = []
        for way in ways:
            found.append(metrics.esr(wanted, reference.render(network, audio, partial(convolve, way))))
        print(f"{model.stem:30}", *(f"{esr:9.1e}" for esr in found), flush=True)


if __name__ == "__main__":
    main()
