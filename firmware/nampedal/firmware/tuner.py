"""The tuner: the pitch of one string at a time, in hertz and in cents, from the dry input.

The input is low-passed and decimated to about 6 kHz. UPDATES_PER_S times a second of it, its newest part is looked at
in two steps. Which period it has, octave included, the normalised square difference tells (McLeod and Wyvill 2005, "A
smarter way to find pitch"). How long that is to a fraction of a cent, the phases of its partials tell: from a window to
a later one, each turns by its frequency times the time between them (Brown and Puckette 1993, "A high resolution
fundamental frequency determination based on phase changes of the Fourier transform"). A stiff string's partials lie at
n f0 sqrt(1 + B n^2); a line through their squares gives the first one's frequency, which is the pitch.

What is known of one look is not carried to the next: an answer depends on the last quarter of a second alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from nampedal.firmware.engine import Audio
from nampedal.firmware.errors import ReferencePitchError, TunerRateError
from numpy.typing import NDArray

LOWEST_HZ = 27.5
HIGHEST_HZ = 1200.0
SAMPLE_RATES = (44_100.0, 192_000.0)
REFERENCES_HZ = (380.0, 480.0)
UPDATES_PER_S = 15
# RMS below which there is silence.
SILENCE_DBFS = -60.0
# What a pitch has at least, of 1.
CLEAR = 0.9

Float64 = NDArray[np.float64]
Complex128 = NDArray[np.complex128]

_NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
# In semitones above C-1, as MIDI counts.
_A4 = 69

# The low-pass: its length in decimated frames, and where it is 6 dB down, of the decimated rate.
_DECIMATED_HZ = 5500.0
_TAPS = 16
_CUT = 0.32

# A stiff string's high partials do not repeat with its first one. Before periods are sought, what lies above this falls
# by 6 dB per octave.
_TILT_HZ = 200.0
_TILT_S = 0.004
# Windows are tried from the longest to the shortest, so that a note shows soon after its attack; lags up to 0.4 of a
# window. The longest finds periods that are too long to be shown, which else would be taken for half of themselves.
_WINDOWS_S = (0.125, 0.07, 0.035)
_LAGS = 0.4
# Points of the difference function per frame.
_FINER = 4
# The shortest lag is taken whose difference is at most so many times the least of all, and this much more. With more, a
# string of a weak first partial is an octave too high; with less, one is too low where two periods match a bit better.
_TIMES_WORSE = 1.2
_WORSE = 0.008
# Of a window's mean power, what its oldest period has at least: else the note began within, and every lag beyond that
# beginning is as bad.
_FILLED = 0.7
# A low note's clarity is that of so many periods, where its window holds fewer.
_LOW_PERIODS = 6

# How many partials are measured, up to which frequency; in windows of how many periods at least.
_PARTIALS = 8
_PARTIALS_HZ = 1500.0
_FEWEST_PERIODS = 4
# Of the strongest partial's power, what the first one has at least. Two notes together repeat too, but after a time of
# which neither has a partial.
_PRESENT = 5e-4
# A partial's weight is half where its power is so much of all; times n^2, as its frequency is divided by n.
_WEAK = 0.3
# What is expected before anything is heard: how far stiffness is from 0, and a partial from its place.
_STIFFNESS = 5e-4
_PARTIAL_ERROR = 2e-4
_MOST_STIFFNESS = 2e-3
_MOST_CORRECTION = 0.03
# Of a Fourier transform at a few frequencies: frames whose exponentials are shared.
_ROW = 32


@dataclass(frozen=True, slots=True)
class Pitch:
    """A string's first partial.

    clarity: the normalised square difference at the period, 1 - sum((x[i] - x[i + T])^2) / sum(x[i]^2 + x[i + T]^2):
    1 is a sound that repeats exactly; CLEAR is the least that is shown.
    """

    hertz: float
    clarity: float
    reference_hz: float = 440.0

    @property
    def note(self) -> str:
        """The nearest note of equal temperament: "E2", "F#4". Scientific pitch, sharps."""
        return f"{_NOTES[self._nearest % 12]}{self._nearest // 12 - 1}"

    @property
    def cents(self) -> float:
        """From that note, -50 to 50; positive is sharp."""
        return 100.0 * (self._semitones - self._nearest)

    @property
    def _semitones(self) -> float:
        return _A4 + 12.0 * math.log2(self.hertz / self.reference_hz)

    @property
    def _nearest(self) -> int:
        return round(self._semitones)


@dataclass(frozen=True, slots=True)
class _String:
    """Partials at n hertz sqrt(1 + stiffness (n^2 - 1)): hertz is the first one's."""

    hertz: float
    stiffness: float

    def stretch(self, n: NDArray[np.int_]) -> Float64:
        return np.asarray(np.sqrt(1.0 + self.stiffness * (n**2 - 1.0)))

    def corrected(self, n: NDArray[np.int_], stretches: Float64, powers: Float64) -> _String:
        """The string whose partials were found at n hertz stretches, by weighted least squares of their squares."""
        heard = powers * n**2 / np.sum(powers)
        weights = heard / (heard + _WEAK)
        x, y = n**2 - 1.0, stretches**2 - 1.0
        x_x = weights @ x**2 + (_PARTIAL_ERROR / _STIFFNESS) ** 2
        determinant = np.sum(weights) * x_x - (weights @ x) ** 2
        first = max(0.5, 1.0 + ((weights @ y) * x_x - (weights @ x) * (weights @ (x * y))) / determinant)
        slope = (weights @ (x * y) * np.sum(weights) - (weights @ x) * (weights @ y)) / determinant
        return _String(self.hertz * math.sqrt(first), float(np.clip(slope / first, 0.0, _MOST_STIFFNESS)))


class Tuner:
    """Hears a stream, and tells its pitch. reference_hz: of A4. Raises TunerRateError or ReferencePitchError."""

    def __init__(self, sample_rate: float, reference_hz: float = 440.0) -> None:
        if not SAMPLE_RATES[0] <= sample_rate <= SAMPLE_RATES[1]:
            raise TunerRateError(
                f"tuner: the sample rate is {sample_rate:g} Hz; {SAMPLE_RATES[0]:g} to {SAMPLE_RATES[1]:g} Hz are "
                "allowed: set the sound card to one of those"
            )
        if not REFERENCES_HZ[0] <= reference_hz <= REFERENCES_HZ[1]:
            raise ReferencePitchError(
                f"tuner: A4 is {reference_hz:g} Hz; {REFERENCES_HZ[0]:g} to {REFERENCES_HZ[1]:g} Hz are allowed: "
                "440 is usual"
            )
        self._reference_hz = reference_hz
        self._step = int(sample_rate // _DECIMATED_HZ)
        self._rate = sample_rate / self._step
        self._filter = _low_pass(self._step)
        self._block = round(self._rate / UPDATES_PER_S) * self._step
        # The end of the stream that is not decimated yet, behind what the filter still needs of what is.
        self._raw = np.zeros((_TAPS - 1) * self._step)
        longest_s = max(_WINDOWS_S[0], 1.6 * _FEWEST_PERIODS / LOWEST_HZ) + _TILT_S
        self._recent = np.zeros(round(longest_s * self._rate))
        self._pitch: Pitch | None = None

    def hear(self, audio: Audio) -> Pitch | None:
        """The newest pitch after the next chunk, of any length; None where nothing is loud and clear.

        What is not finite counts as silence. The answer depends on the stream so far, not on how it was cut.
        """
        finite = np.where(np.isfinite(audio), audio, np.float32(0.0))
        self._raw = np.concatenate([self._raw, finite])
        kept = (_TAPS - 1) * self._step
        blocks = (len(self._raw) - kept) // self._block
        for block in range(blocks):
            start = block * self._block
            self._decimate(self._raw[start : start + kept + self._block])
        if blocks:
            self._raw = self._raw[blocks * self._block :].copy()
            self._pitch = self._look()
        return self._pitch

    def _decimate(self, raw: Float64) -> None:
        # Row by row, every tap's share; a decimated frame is a sum along a diagonal.
        shares = raw.reshape(-1, self._step) @ self._filter
        frames = len(shares) - _TAPS + 1
        new = np.sum([shares[tap : tap + frames, tap] for tap in range(_TAPS)], axis=0)
        self._recent = np.concatenate([self._recent[frames:], new])

    def _look(self) -> Pitch | None:
        recent = self._recent - np.mean(self._recent)
        if _rms(recent[-round(_WINDOWS_S[0] * self._rate) :]) < 10 ** (SILENCE_DBFS / 20):
            return None
        tilted = _tilt(recent, self._rate)
        for window_s in _WINDOWS_S:
            frames = round(window_s * self._rate)
            found = _period(tilted[-frames:])
            # Half of a longer period is taken for the period only where the longer one has been looked for.
            if found is not None and (window_s == _WINDOWS_S[0] or 2.0 * found[0] <= _LAGS * frames):
                return self._judge(recent, tilted, frames, *found)
        return None

    def _judge(self, recent: Float64, tilted: Float64, frames: int, lag: float, clarity: float) -> Pitch | None:
        hertz = self._rate / lag
        if not LOWEST_HZ * (1.0 - _MOST_CORRECTION) <= hertz <= HIGHEST_HZ * (1.0 + _MOST_CORRECTION):
            return None
        if _LOW_PERIODS * lag > frames:
            clarity = min(clarity, _low_clarity(tilted, round(lag)))
        refined = _refine(recent, hertz, self._rate, frames)
        if clarity < CLEAR or refined is None or not LOWEST_HZ <= refined <= HIGHEST_HZ:
            return None
        return Pitch(refined, min(clarity, 1.0), self._reference_hz)


def _low_pass(step: int) -> Float64:
    """A windowed sinc (Blackman), 1 at 0 Hz. (step, _TAPS): column by column, what weighs a row of step frames."""
    frames = _TAPS * step
    at = (np.arange(frames) - (frames - 1) / 2) / step
    taps = np.sinc(2.0 * _CUT * at) * np.blackman(frames + 2)[1:-1]
    return np.ascontiguousarray((taps / np.sum(taps)).reshape(_TAPS, step).T)


def _tilt(signal: Float64, rate: float) -> Float64:
    """6 dB per octave down from _TILT_HZ. Shorter by _TILT_S, at the beginning."""
    decay = np.exp(-2.0 * np.pi * _TILT_HZ / rate * np.arange(round(_TILT_S * rate)))
    return np.asarray(np.convolve(signal, decay / np.sum(decay), "valid"))


def _rms(signal: Float64) -> float:
    return math.sqrt(float(np.mean(signal**2)))


def _differences(window: Float64) -> Float64:
    """The normalised square difference n of McLeod and Wyvill 2005, at lags of 1 / _FINER of a frame."""
    frames = len(window)
    most = round(_LAGS * frames)
    size = 1 << (frames + most).bit_length()
    spectrum = np.fft.rfft(window, size)
    # More frames out than in: the correlation between the lags, band-limited.
    correlation = _FINER * np.fft.irfft(spectrum.real**2 + spectrum.imag**2, _FINER * size)[: _FINER * most + 1]
    power = np.concatenate([np.zeros(1), np.cumsum(window**2)])
    lags = np.arange(most + 1)
    both = power[frames - lags] + power[frames] - power[lags]
    return np.asarray(2.0 * correlation / np.interp(np.arange(_FINER * most + 1) / _FINER, lags, both))


def _period(window: Float64) -> tuple[float, float] | None:
    """The lag in frames, and its clarity; None where the window is not filled or nothing in it is clear."""
    n = _differences(window)
    below = np.flatnonzero(n < 0.0)
    if len(below) == 0:
        return None
    inner = np.arange(below[0] + 1, len(n) - 1)
    peaks = inner[(n[inner] > n[inner - 1]) & (n[inner] >= n[inner + 1])]
    if len(peaks) == 0:
        return None
    left, middle, right = n[peaks - 1], n[peaks], n[peaks + 1]
    away = 0.5 * (left - right) / (left - 2.0 * middle + right)
    heights = middle - 0.25 * (left - right) * away
    enough = 1.0 - _TIMES_WORSE * max(0.0, 1.0 - float(np.max(heights))) - _WORSE
    first = int(np.argmax(heights >= enough))
    lag = float(peaks[first] + away[first]) / _FINER
    if heights[first] < CLEAR or not _is_filled(window, round(lag)):
        return None
    return lag, float(heights[first])


def _is_filled(window: Float64, lag: int) -> bool:
    return bool(np.mean(window[:lag] ** 2) >= _FILLED * np.mean(window**2))


def _low_clarity(signal: Float64, lag: int) -> float:
    """As `_differences`, over the newest _LOW_PERIODS; 0 where the note is younger."""
    window = signal[-_LOW_PERIODS * lag :]
    if not _is_filled(window, lag):
        return 0.0
    new, old = window[lag:], window[:-lag]
    return 2.0 * float(new @ old) / float(new @ new + old @ old)


def _refine(signal: Float64, hertz: float, rate: float, frames: int) -> float | None:
    """The first partial's frequency, from one that is known roughly; over so many frames, or more of a low note."""
    most = max(_FEWEST_PERIODS, int(frames / 1.5 * hertz / rate))
    string = _String(hertz, 0.0)
    for periods in (_FEWEST_PERIODS, most, most):
        found = _measure(signal, string, rate, periods)
        if found is None or abs(found.hertz / hertz - 1.0) > _MOST_CORRECTION:
            return None
        string = found
    return string.hertz


def _measure(signal: Float64, string: _String, rate: float, periods: int) -> _String | None:
    """The string anew, from the newest 1.5 times so many periods; None where it lacks its first partial."""
    n = np.arange(1, max(1, min(_PARTIALS, int(_PARTIALS_HZ / string.hertz))) + 1)
    # A Hann window of whole periods holds nothing of a partial's neighbours.
    length = round(periods * rate / string.hertz)
    hop = length // 2
    hann = 0.5 - 0.5 * np.cos(2.0 * np.pi * (np.arange(length) + 0.5) / length)
    radians = 2.0 * np.pi / rate * string.hertz * n * string.stretch(n)
    early, late = _transform(np.stack([signal[-length - hop : -hop], signal[-length:]]) * hann, radians)
    powers = np.abs(late * early)
    if powers[0] <= _PRESENT * np.max(powers):
        return None
    turned = np.angle(late * np.conj(early) * np.exp(-1j * radians * hop))
    return string.corrected(n, string.stretch(n) * (1.0 + turned / (radians * hop)), powers)


def _transform(signals: Float64, radians: Float64) -> Complex128:
    """Fourier transforms of (signals, frames) at angular frequencies per frame: (signals, frequencies).

    Row by row of _ROW frames, so that few exponentials are computed.
    """
    signals = np.pad(signals, ((0, 0), (0, -signals.shape[1] % _ROW)))
    rows = signals.reshape(len(signals), -1, _ROW)
    within = np.exp(-1j * np.outer(np.arange(_ROW), radians))
    between = np.exp(-1j * np.outer(_ROW * np.arange(rows.shape[1]), radians))
    return np.asarray(np.sum((rows @ within) * between, axis=1), np.complex128)
