"""Measures a string's pitch to a fraction of a cent from the phases of its partials, and the error from hum.

From one window to a later one, the phase of each partial turns by its frequency times the time between them (Brown and
Puckette 1993, "A high resolution fundamental frequency determination based on phase changes of the Fourier transform").
The partials of a stiff string are at n f0 sqrt(1 + B n^2). A line fitted to their squares gives the frequency of the
first partial, which is the pitch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from nampedal.firmware.audio.hum import HIGHEST_LINE_HZ, Hum, hann_response
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Complex128 = NDArray[np.complex128]

# Number of partials, their maximum frequency, and the minimum number of periods in a window.
_PARTIALS = 8
_PARTIALS_HZ = 1500.0
FEWEST_PERIODS = 4
# Minimum power of the first partial relative to the strongest one. Two notes together repeat too, but after a time that
# is the period of no partial of either.
_PRESENT = 5e-4
# A partial with this share of all power, times n^2 because its frequency is divided by n, has half its weight.
_WEAK = 0.3
# Expected sizes before any measurement: of the stiffness, and of a partial's frequency error.
_STIFFNESS = 5e-4
_PARTIAL_ERROR = 2e-4
_MAX_STIFFNESS = 2e-3
MAX_CORRECTION = 0.03
# Rows of this many frames share their exponentials in the Fourier transform.
_ROW = 32
# A partial that hum can shift by this share of its frequency has half its weight.
_MOVED = 3e-4
# Hum lines shift partials in both directions: together by this factor times the root of the sum of squares.
_TOGETHER = 1.6
# A partial belongs to a string if its amplitude is this many times the maximum of hum there.
_SURE = 3.0
# Maximum weighted RMS deviation of the partials from a single string's, relative to their frequencies. One string's are
# within 0.001, and mostly within 0.002 for real players; those of two notes together deviate by 0.003 to 0.03.
_MAX_APART = 0.015


@dataclass(frozen=True, slots=True)
class StringEstimate:
    """A string with partials at n hertz sqrt(1 + stiffness (n^2 - 1)); hertz is the frequency of the first one.

    unsure: how far hum can have shifted hertz, relative to hertz.
    sure: True if the signal can't be that of a lower string.
    apart: RMS deviation of the measured partials from these frequencies, relative to them.
    """

    hertz: float
    stiffness: float
    hum_error: float = 0.0
    sure: bool = True
    apart: float = 0.0

    def stretch(self, n: NDArray[np.int_]) -> Float64:
        """Return sqrt(1 + stiffness (n^2 - 1)), the factor by which partial n is above n hertz."""
        return np.asarray(np.sqrt(1.0 + self.stiffness * (n**2 - 1.0)))

    def corrected(
        self, n: NDArray[np.int_], stretches: Float64, powers: Float64, moved: Float64 | None, sure: bool
    ) -> StringEstimate:
        """Return the string fitted to partials at n hertz stretches, by weighted least squares of their squares.

        moved: maximum shift of the stretches by hum; None: there is no hum.
        """
        heard = powers * n**2 / np.sum(powers)
        weights = heard / (heard + _WEAK)
        if moved is not None:
            weights = weights / (1.0 + (moved / _MOVED) ** 2)
        x, y = n**2 - 1.0, stretches**2 - 1.0
        x_x = weights @ x**2 + (_PARTIAL_ERROR / _STIFFNESS) ** 2
        determinant = np.sum(weights) * x_x - (weights @ x) ** 2
        shares = weights * (x_x - x * (weights @ x)) / determinant
        first = max(0.5, 1.0 + float(shares @ y))
        slope = (weights @ (x * y) * np.sum(weights) - (weights @ x) * (weights @ y)) / determinant
        unsure = 0.0 if moved is None else _TOGETHER * float(np.linalg.norm(shares * stretches * moved)) / first
        stiffness = float(np.clip(slope / first, 0.0, _MAX_STIFFNESS))
        left = (y - (first - 1.0) - stiffness * first * x) / (2.0 * stretches**2)
        apart = math.sqrt(float(weights @ left**2) / float(np.sum(weights)))
        return StringEstimate(self.hertz * math.sqrt(first), stiffness, unsure, sure, apart)


def refine(signal: Float64, hertz: float, rate: float, frames: int, hum: Hum | None) -> StringEstimate | None:
    """Return the string near a roughly known frequency, measured over `frames` frames, or more for a low note.

    None: there is no single string near that frequency.
    hum: the hum that is left in the signal.
    """
    most = max(FEWEST_PERIODS, int(frames / 1.5 * hertz / rate))
    string = StringEstimate(hertz, 0.0)
    for periods in (FEWEST_PERIODS, *_between(most), most, most):
        found = _measure(signal, string, rate, periods, hum)
        if found is None or abs(found.hertz / hertz - 1.0) > MAX_CORRECTION:
            return None
        string = found
    return string if string.apart <= _MAX_APART else None


def _between(most: int) -> list[int]:
    """Return intermediate window lengths: a step of more than about ten times makes the phases ambiguous."""
    return [] if most <= 10 * FEWEST_PERIODS else [4 * FEWEST_PERIODS]


def _measure(
    signal: Float64, string: StringEstimate, rate: float, periods: int, hum: Hum | None
) -> StringEstimate | None:
    """Measure the string again, over the newest 1.5 times `periods` periods; None if its first partial is missing."""
    highest_hz = _PARTIALS_HZ if hum is None else HIGHEST_LINE_HZ
    n = np.arange(1, max(1, min(_PARTIALS, int(highest_hz / string.hertz))) + 1)
    # A Hann window of whole periods contains nothing of a partial's neighbours.
    length = min(round(periods * rate / string.hertz), int(len(signal) / 1.5))
    hop = length // 2
    hann = 0.5 - 0.5 * np.cos(2.0 * np.pi * (np.arange(length) + 0.5) / length)
    radians = 2.0 * np.pi / rate * string.hertz * n * string.stretch(n)
    early, late = _transform(np.stack([signal[-length - hop : -hop], signal[-length:]]) * hann, radians)
    powers = np.abs(late * early)
    if powers[0] <= _PRESENT * np.max(powers):
        return None
    turned = np.angle(late * np.conj(early) * np.exp(-1j * radians * hop))
    moved, sure = None, True
    if hum is not None:
        away_hz = np.abs(radians[:, None] * rate / (2.0 * np.pi) - hum.hertz) - hum.off_hz
        passing = hann_response(np.maximum(0.0, away_hz) * length / rate)
        most = 0.25 * length * np.sqrt(np.sum((passing * hum.bounds) ** 2, axis=1))
        moved = 2.0 * most / np.sqrt(powers + 1e-300) / (radians * hop)
        there = (np.sqrt(powers) > _SURE * most) & (powers > _PRESENT * np.max(powers))
        sure = all(np.any(there & (n % prime > 0)) for prime in (2, 3, 5, 7))
    return string.corrected(n, string.stretch(n) * (1.0 + turned / (radians * hop)), powers, moved, sure)


def _transform(signals: Float64, radians: Float64) -> Complex128:
    """Return Fourier transforms of (signals, frames) at angular frequencies per frame: (signals, frequencies).

    It works in rows of _ROW frames, so that few exponentials are computed.
    """
    signals = np.pad(signals, ((0, 0), (0, -signals.shape[1] % _ROW)))
    rows = signals.reshape(len(signals), -1, _ROW)
    within = np.exp(-1j * np.outer(np.arange(_ROW), radians))
    between = np.exp(-1j * np.outer(_ROW * np.arange(rows.shape[1]), radians))
    return np.asarray(np.sum((rows @ within) * between, axis=1), np.complex128)
