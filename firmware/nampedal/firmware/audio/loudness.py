"""Measures loudness by ITU-R BS.1770-4, gated."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from nampedal.firmware.audio.weighting import k_weighting
from numpy.typing import NDArray

Signal = NDArray[np.floating[Any]]
Float64 = NDArray[np.float64]

# Blocks of 400 ms, one every 100 ms.
STEP_S = 0.1
STEPS = 4
GATE_LUFS = -70.0
RELATIVE_GATE_DB = -10.0

_OFFSET = -0.691
# Time for which a signal's first and last values are held and faded around it. The slowest weighting decays in 8 ms.
_EDGE_S = 0.5


def loudness_lufs(audio: Signal, rate: float) -> float:
    """Return the integrated loudness of one channel (frames,), LUFS. -inf if no block of 400 ms passes the gate.

    A full-scale sine of 997 Hz has -3.01 LUFS. Blocks pass if they are above -70 LUFS, and above 10 dB below the mean
    of those.
    rate: Hz.
    """
    blocks = block_powers(audio, rate)
    # Written as "not below", so that nan blocks pass and the result is nan.
    blocks = blocks[~(blocks <= power(GATE_LUFS))]
    if len(blocks) == 0:
        return -math.inf
    blocks = blocks[~(blocks <= np.mean(blocks) * 10 ** (RELATIVE_GATE_DB / 10))]
    return _OFFSET + 10 * math.log10(float(np.mean(blocks)))


def block_powers(audio: Signal, rate: float) -> Float64:
    """Return the K-weighted power of each block of 400 ms, one every 100 ms. rate: Hz."""
    weighted = filtered(audio, rate, k_weighting)
    step = round(STEP_S * rate)
    steps = len(weighted) // step
    if steps < STEPS:
        return np.zeros(0)
    powers = np.mean(weighted[: steps * step].reshape(steps, step) ** 2, axis=1)
    return np.asarray(np.mean(np.lib.stride_tricks.sliding_window_view(powers, STEPS), axis=1), np.float64)


def power(lufs: float) -> float:
    """Return the power of a block with this loudness."""
    return float(10 ** ((lufs - _OFFSET) / 10))


def faded_in_and_out(signal: Float64, frames: int) -> Float64:
    """Extend a signal at both ends by its end values, faded over `frames` frames, so that a cut makes no step."""
    fade = 0.5 - 0.5 * np.cos(np.pi * np.arange(frames) / frames)
    return np.concatenate([signal[0] * fade, signal, signal[-1] * fade[::-1]])


def filtered(signal: Signal, rate: float, gain: Callable[[Float64], Float64]) -> Float64:
    """Filter a signal (frames,) by a gain over Hz, with zero phase and unchanged length.

    It works in the frequency domain, so the curve is exactly the standard's at every rate. A filter from the bilinear
    transform loses treble: at a rate of 48 kHz, A-weighting would be 6 dB too low at 16 kHz, and 16 dB at 20 kHz.
    """
    if len(signal) == 0:
        return np.zeros(0)
    edge = round(_EDGE_S * rate)
    whole = faded_in_and_out(signal.astype(np.float64), edge)
    size = fft_size(len(whole))
    hz = np.fft.rfftfreq(size, 1 / rate).astype(np.float64)
    spectrum = np.fft.rfft(whole, size) * gain(hz)
    return np.fft.irfft(spectrum, size)[edge : edge + len(signal)]


def fft_size(frames: int) -> int:
    """Return the next power of two: some other lengths take many times as long."""
    return 1 << max(0, frames - 1).bit_length()
