"""The dry guitar that presets are measured with: strummed chords, and a riff with the palm on the strings.

It is computed, and always the same. Strings are plucked by the method of Karplus and Strong (1983), with a hard attack,
and filtered as a pickup and a cable do it. Level, crest factor and spectrum are those of dry guitar as it is recorded.
Five recordings of different players, 112 s, have -18.9 to -24.6 LUFS, crest factors of 15 to 22 dB, and in octaves from
40 Hz up -24, -12, -5, -5, -9, -17, -32 and -49 dB of their power.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from nampedal.firmware.engine import Audio
from nampedal.firmware.loudness import loudness_lufs
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

# Change it whenever the sound changes: then presets are measured again.
VERSION = 1
# The mean of those five recordings.
LOUDNESS_LUFS = -22.3
# Each of the two passages.
PASSAGE_S = 1.8

# Of the filter: nothing below, falling from here on, falling faster from there on.
_LOW_CUT_HZ, _FALLS_HZ, _CUT_HZ = 60.0, 150.0, 2000.0
# Gain of the string's delay line, halved: a string that rings, and one damped by the palm.
_RINGS, _DAMPED = 0.4985, 0.475
# The attack is so many times louder than what follows, and falls to 1/e of that in so many seconds.
_ATTACK, _ATTACK_S = 5.0, 0.02
_FADE_S = 0.004
# From one string of a chord to the next.
_STROKE_S = 0.009


@dataclass(frozen=True, slots=True)
class _Note:
    """at, length: in beats.  strings: MIDI notes, struck one after the other.  strength: a factor."""

    at: float
    length: float
    strings: tuple[int, ...]
    strength: float = 1.0
    damped: bool = False


# E, A and D major, B minor.
_CHORDS = (40, 47, 52, 56, 59, 64), (45, 52, 57, 61, 64), (50, 57, 62, 66), (47, 54, 59, 62, 66)
_STRUM = [
    _Note(at, 1.0 if at % 1 == 0 else 0.5, chord if at % 1 == 0 else chord[-3:], 1.0 if at % 1 == 0 else 0.5)
    for start, chord in enumerate(_CHORDS)
    for at in (1.0 * start, start + 0.5)
]
_RIFF = [_Note(0.25 * at, 0.25, (40,), 0.8, damped=True) for at in (0, 1, 3, 4, 5, 8, 9, 11, 12, 13)] + [
    _Note(at, length, (root, root + 7, root + 12))
    for at, length, root in ((0.5, 0.25, 43), (1.5, 0.5, 45), (2.5, 0.25, 46), (3.5, 0.5, 43))
]
_BEATS = 4
# The notes, and how much louder than the whole, dB.
_PASSAGES = (_STRUM, 0.7), (_RIFF, -0.8)


@lru_cache(maxsize=1)
def guitar(sample_rate: float) -> Audio:
    """Both passages, (frames,) float32, not to be written to. sample_rate: Hz."""
    rng = np.random.default_rng(1954)
    parts = [_passage(rng, notes, gain_db, sample_rate) for notes, gain_db in _PASSAGES]
    audio = np.asarray(np.concatenate(parts), np.float32)
    audio.setflags(write=False)
    return audio


def _passage(rng: np.random.Generator, notes: list[_Note], gain_db: float, sample_rate: float) -> Float64:
    frames = round(PASSAGE_S * sample_rate)
    beat = frames / _BEATS
    audio = np.zeros(frames)
    for note in notes:
        length = round(note.length * beat)
        for order, midi in enumerate(note.strings):
            begin = round(note.at * beat) + round(order * _STROKE_S * sample_rate)
            hz = 440.0 * 2.0 ** ((midi - 69) / 12.0)
            sound = note.strength * _string(rng, hz, length, sample_rate, _DAMPED if note.damped else _RINGS)
            audio[begin : begin + length] += sound[: max(0, frames - begin)]
    audio = _through_pickup(audio, sample_rate)
    gain_db += LOUDNESS_LUFS - loudness_lufs(audio, sample_rate)
    return np.asarray(audio * 10.0 ** (gain_db / 20.0), np.float64)


def _string(rng: np.random.Generator, hz: float, frames: int, sample_rate: float, loop: float) -> Float64:
    """A noise burst in a damped delay line, computed a period at a time."""
    period = round(sample_rate / hz)
    out = np.zeros(frames + 2 * period)
    burst = rng.uniform(-1.0, 1.0, period)
    # Plucked at a seventh of the string's length.
    out[:period] = burst - np.roll(burst, max(1, period // 7))
    for at in range(period, frames, period):
        before = out[at - period : at]
        last = out[at - period - 1] if at > period else 0.0
        out[at : at + period] = loop * (before + np.concatenate([[last], before[:-1]]))
    sound = out[:frames] * (1.0 + _ATTACK * np.exp(-np.arange(frames) / (_ATTACK_S * sample_rate)))
    fade = round(_FADE_S * sample_rate)
    sound[-fade:] *= np.linspace(1.0, 0.0, fade)
    return np.asarray(sound, np.float64)


def _through_pickup(audio: Float64, sample_rate: float) -> Float64:
    # Twice the length: the end does not ring into the beginning.
    size = 2 * len(audio)
    hz = np.fft.rfftfreq(size, 1.0 / sample_rate)
    gain = (1.0 + (hz / _FALLS_HZ) ** 2) ** -0.65 * (1.0 + (hz / _CUT_HZ) ** 4) ** -0.5
    gain *= hz / np.hypot(hz, _LOW_CUT_HZ)
    return np.asarray(np.fft.irfft(np.fft.rfft(audio, size) * gain, size)[: len(audio)], np.float64)
