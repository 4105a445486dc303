"""The tuner: measures the pitch of one string at a time, in Hz and cents, from the dry input.

The input is low-passed and decimated to about 6 kHz. UPDATES_PER_S times a second, its newest part is analysed in two
steps, after mains hum is removed (hum.py). The normalised square difference gives the period, octave included (McLeod
and Wyvill 2005, "A smarter way to find pitch"). The phases of the partials give its exact length, to a fraction of a
cent (partials.py).

Only hum is remembered from earlier updates: without hum, a result depends on the last quarter of a second alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from nampedal.board.profiles.pedals import REFERENCES_HZ
from nampedal.firmware.audio.hum import FIRST_LINES_HZ, Hum, HumEstimator
from nampedal.firmware.audio.partials import FEWEST_PERIODS, MAX_CORRECTION, refine
from nampedal.firmware.base.errors import ArgumentError
from nampedal.firmware.engine.inference import Audio
from numpy.typing import NDArray

LOWEST_HZ = 27.5
HIGHEST_HZ = 1200.0
SAMPLE_RATES = (44_100.0, 192_000.0)
UPDATES_PER_S = 15
# RMS below which the input counts as silence.
SILENCE_DBFS = -60.0
# Minimum clarity of a pitch, of 1.
CLEAR = 0.9

Float64 = NDArray[np.float64]

_NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
# MIDI note number: semitones above C-1.
_A4 = 69

# The low-pass: its length in decimated frames, and its -6 dB frequency relative to the decimated rate.
_DECIMATED_HZ = 5500.0
_TAPS = 16
_CUT = 0.32

# The high partials of a stiff string do not repeat with its first one. So before the period search, everything above
# this frequency falls by 6 dB per octave.
_TILT_HZ = 200.0
_TILT_S = 0.004
# Windows are tried from the longest to the shortest, so that a note shows soon after its attack. Lags go up to 0.4 of a
# window. The longest window also finds periods that are too long to be shown; otherwise half of such a period would be
# taken for the period.
_WINDOWS_S = (0.125, 0.07, 0.035)
_LAGS = 0.4
# Points of the difference function for each frame.
_FINER = 4
# The shortest lag is taken whose difference is at most this factor times the minimum, plus this amount. With higher
# values, a string with a weak first partial reads an octave too high; with lower values, a string reads too low if two
# periods match a bit better than one.
_TIMES_WORSE = 1.2
_WORSE = 0.008
# Minimum power of a window's oldest period relative to the window's mean power. If it is lower, the note began inside
# the window, and all lags beyond that beginning are equally bad.
_FILLED = 0.7
# The clarity of a low note is measured over this many periods if its window holds fewer.
_LOW_PERIODS = 6

# RMS above which a sound is measured before hum is known.
_LOUD_DBFS = -25.5
# RMS above which a pitch at a mains multiple can't be hum, and how near to the multiple counts (relative).
_LOUDER_THAN_HUM_DBFS = -34.0
_AT_HUM = 0.006
# Maximum share of hum in the power after hum removal.
_REST = 0.3
# Maximum pitch error from hum, relative to the frequency: 2 cents.
_UNSURE = 2.0 / 1200.0 * math.log(2.0)
# Longer windows, used if hum makes a pitch uncertain.
_LONGER_S = (0.2, 0.33, 0.5)


@dataclass(frozen=True, slots=True)
class Pitch:
    """The pitch of a string: its first partial.

    clarity: the normalised square difference at the period, 1 - sum((x[i] - x[i + T])^2) / sum(x[i]^2 + x[i + T]^2).
    A sound that repeats exactly has 1; CLEAR is the minimum that is shown.
    """

    hertz: float
    clarity: float
    reference_hz: float = 440.0

    @property
    def note(self) -> str:
        """Return the nearest note of equal temperament: "E2", "F#4". Scientific pitch notation, sharps."""
        return f"{_NOTES[self._nearest % 12]}{self._nearest // 12 - 1}"

    @property
    def cents(self) -> float:
        """Return the distance from that note, -50 to 50 cents; positive is sharp."""
        return 100.0 * (self._semitones - self._nearest)

    @property
    def _semitones(self) -> float:
        return _A4 + 12.0 * math.log2(self.hertz / self.reference_hz)

    @property
    def _nearest(self) -> int:
        return round(self._semitones)


class Tuner:
    """Measures the pitch of an audio stream. reference_hz: of A4. Raises ArgumentError."""

    def __init__(self, sample_rate: float, reference_hz: float = 440.0) -> None:
        if not SAMPLE_RATES[0] <= sample_rate <= SAMPLE_RATES[1]:
            raise ArgumentError(
                f"tuner: the sample rate is {sample_rate:g} Hz; {SAMPLE_RATES[0]:g} to {SAMPLE_RATES[1]:g} Hz are "
                "allowed: set the sound card to one of those"
            )
        check_reference(reference_hz)
        self._reference_hz = reference_hz
        self._step = int(sample_rate // _DECIMATED_HZ)
        self._rate = sample_rate / self._step
        self._filter = _low_pass(self._step)
        self._block = round(self._rate / UPDATES_PER_S) * self._step
        # Input that is not decimated yet, and before it the old input that the filter still needs.
        self._raw = np.zeros((_TAPS - 1) * self._step)
        # Number of frames that are analysed; `_recent` holds more, for longer windows.
        self._enough = round((max(_WINDOWS_S[0], 1.6 * FEWEST_PERIODS / LOWEST_HZ) + _TILT_S) * self._rate)
        self._recent = np.zeros(round((_LONGER_S[-1] + _TILT_S) * self._rate))
        self._ear = HumEstimator(self._rate, self._block // self._step)
        self._pitch: Pitch | None = None

    def update(self, audio: Audio) -> Pitch | None:
        """Add a chunk of any length and return the newest pitch; None if nothing is loud and clear.

        Samples that are not finite count as silence. The result depends on the stream so far, not on how it was cut.
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
            self._pitch = self._find_pitch()
        return self._pitch

    def _decimate(self, raw: Float64) -> None:
        # Each row gives every tap's product; a decimated frame is a sum along a diagonal.
        shares = raw.reshape(-1, self._step) @ self._filter
        frames = len(shares) - _TAPS + 1
        new = np.sum([shares[tap : tap + frames, tap] for tap in range(_TAPS)], axis=0)
        self._recent = np.concatenate([self._recent[frames:], new])
        self._ear.update(new)

    def _find_pitch(self) -> Pitch | None:
        window = round(_WINDOWS_S[0] * self._rate)
        level = _rms(self._recent[-window:] - np.mean(self._recent[-self._enough :]))
        if level < 10 ** (SILENCE_DBFS / 20):
            return None
        hum = self._ear.hum()
        if hum is not None and not hum.known:
            if level > 10 ** (_LOUD_DBFS / 20):
                hum = None
            elif not self._ear.is_estimated:
                return None
        if hum is not None and not hum.matters(level):
            hum = None
        recent = self._recent - hum.sound(len(self._recent), self._rate) if hum is not None else self._recent
        near = recent[-self._enough :] - np.mean(recent[-self._enough :])
        if hum is not None:
            level = _rms(near[-window:])
            if level < 10 ** (SILENCE_DBFS / 20) or (hum.known and 0.5 * np.sum(hum.bounds**2) > _REST * level**2):
                return None
        tilted = _tilt(near, self._rate)
        for window_s in _WINDOWS_S:
            frames = round(window_s * self._rate)
            found = _period(tilted[-frames:])
            # The lag may be half of a longer period. Accept it only if that longer period was in reach of the search.
            if found is not None and (window_s == _WINDOWS_S[0] or 2.0 * found[0] <= _LAGS * frames):
                pitch = self._judge(near, tilted, frames, *found, hum, recent)
                return None if pitch is not None and self._is_hum(pitch, level) else pitch
        return None

    def _judge(
        self,
        near: Float64,
        tilted: Float64,
        frames: int,
        lag: float,
        clarity: float,
        hum: Hum | None,
        recent: Float64,
    ) -> Pitch | None:
        hertz = self._rate / lag
        if not LOWEST_HZ * (1.0 - MAX_CORRECTION) <= hertz <= HIGHEST_HZ * (1.0 + MAX_CORRECTION):
            return None
        if _LOW_PERIODS * lag > frames:
            clarity = min(clarity, _low_clarity(tilted, round(lag)))
        string = refine(near, hertz, self._rate, frames, hum)
        for longer_s in _LONGER_S:
            if string is None or (string.hum_error <= _UNSURE and string.sure) or self._ear.run_s < longer_s:
                break
            longer = refine(recent - np.mean(recent), hertz, self._rate, round(longer_s * self._rate), hum)
            # A longer part of the input may contain two notes.
            agree = longer is not None and abs(longer.hertz / string.hertz - 1.0) < string.hum_error + _UNSURE
            string = longer if agree else None
        if clarity < CLEAR or string is None or not LOWEST_HZ <= string.hertz <= HIGHEST_HZ:
            return None
        if string.hum_error > _UNSURE or not string.sure:
            return None
        return Pitch(string.hertz, min(clarity, 1.0), self._reference_hz)

    def _is_hum(self, pitch: Pitch, level: float) -> bool:
        """Return True if the pitch is at a mains multiple and nothing shows that it is a string's."""
        if level > 10 ** (_LOUDER_THAN_HUM_DBFS / 20):
            return False
        return bool(np.any(np.abs(pitch.hertz / FIRST_LINES_HZ - 1.0) < _AT_HUM)) and not self._ear.attacked


def check_reference(hertz: float) -> None:
    """Check the frequency of A4. Raises ArgumentError."""
    if not REFERENCES_HZ[0] <= hertz <= REFERENCES_HZ[1]:
        raise ArgumentError(
            f"tuner: A4 is {hertz:g} Hz; {REFERENCES_HZ[0]:g} to {REFERENCES_HZ[1]:g} Hz are allowed: 440 is usual"
        )


def _low_pass(step: int) -> Float64:
    """Return a windowed sinc (Blackman) with gain 1 at 0 Hz: (step, _TAPS), one column for each row of step frames."""
    frames = _TAPS * step
    at = (np.arange(frames) - (frames - 1) / 2) / step
    taps = np.sinc(2.0 * _CUT * at) * np.blackman(frames + 2)[1:-1]
    return np.ascontiguousarray((taps / np.sum(taps)).reshape(_TAPS, step).T)


def _tilt(signal: Float64, rate: float) -> Float64:
    """Lower the signal by 6 dB per octave from _TILT_HZ. The result is shorter by _TILT_S at the beginning."""
    decay = np.exp(-2.0 * np.pi * _TILT_HZ / rate * np.arange(round(_TILT_S * rate)))
    return np.asarray(np.convolve(signal, decay / np.sum(decay), "valid"))


def _rms(signal: Float64) -> float:
    return math.sqrt(float(np.mean(signal**2)))


def _differences(window: Float64) -> Float64:
    """Return the normalised square difference n of McLeod and Wyvill 2005, at lags of 1 / _FINER of a frame."""
    frames = len(window)
    most = round(_LAGS * frames)
    size = 1 << (frames + most).bit_length()
    spectrum = np.fft.rfft(window, size)
    # A longer output than input gives the band-limited correlation between whole lags.
    correlation = _FINER * np.fft.irfft(spectrum.real**2 + spectrum.imag**2, _FINER * size)[: _FINER * most + 1]
    power = np.concatenate([np.zeros(1), np.cumsum(window**2)])
    lags = np.arange(most + 1)
    both = power[frames - lags] + power[frames] - power[lags]
    return np.asarray(2.0 * correlation / np.interp(np.arange(_FINER * most + 1) / _FINER, lags, both))


def _period(window: Float64) -> tuple[float, float] | None:
    """Return the lag in frames and its clarity; None if the window is not filled or nothing in it is clear."""
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
    """Return the clarity over the newest _LOW_PERIODS periods; 0 if the note is younger than that."""
    window = signal[-_LOW_PERIODS * lag :]
    if not _is_filled(window, lag):
        return 0.0
    new, old = window[lag:], window[:-lag]
    return 2.0 * float(new @ old) / float(new @ new + old @ old)
