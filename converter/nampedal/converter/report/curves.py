"""Reduces signals of many frames to the few points of a plot."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.floating[Any]]
Float64 = NDArray[np.float64]

# Levels below this are neither shown nor audible.
FLOOR_DBFS = -140.0

_LOWEST_HZ = 40.0
_BANDS_PER_OCTAVE = 6
_FULL_SCALE_SINE = 0.5


def envelope(signal: Signal, columns: int) -> tuple[Float64, Float64]:
    """Return the lowest and highest frame of each of `columns` equal parts, (columns,) each."""
    starts = np.arange(columns) * len(signal) // columns
    wide = signal.astype(np.float64)
    return np.minimum.reduceat(wide, starts), np.maximum.reduceat(wide, starts)


def level_over_time(signal: Signal, rate: float, step_s: float) -> tuple[Float64, Float64]:
    """Return the middle of each step_s part in s, and its RMS in dB of a full-scale sine's, at least FLOOR_DBFS."""
    step = round(step_s * rate)
    steps = len(signal) // step
    squares = signal[: steps * step].astype(np.float64).reshape(steps, step) ** 2
    middles = np.asarray((np.arange(steps) + 0.5) * step / rate, np.float64)
    return middles, _decibels(np.mean(squares, axis=1))


def band_levels(signal: Signal, rate: float) -> tuple[Float64, Float64]:
    """Return the middles in Hz and the RMS of sixth-octave bands, in dB of a full-scale sine's.

    The bands go from 40 Hz to 20 kHz or half the rate. rate: Hz.
    """
    highest = min(20_000.0, rate / 2)
    count = int(np.floor(np.log2(highest / _LOWEST_HZ) * _BANDS_PER_OCTAVE))
    edges = _LOWEST_HZ * 2 ** (np.arange(count + 1) / _BANDS_PER_OCTAVE)
    power = 2 * np.abs(np.fft.rfft(signal.astype(np.float64)) / len(signal)) ** 2
    hz = np.fft.rfftfreq(len(signal), 1 / rate)
    held = np.concatenate([[0.0], np.cumsum(power)])
    sums = np.diff(held[np.searchsorted(hz, edges)])
    return np.sqrt(edges[:-1] * edges[1:]), _decibels(np.maximum(sums, 0.0))


def _decibels(mean_square: Float64) -> Float64:
    floor = _FULL_SCALE_SINE * 10 ** (FLOOR_DBFS / 10)
    return np.asarray(10 * np.log10(np.maximum(mean_square, floor) / _FULL_SCALE_SINE), np.float64)
