"""The dry guitar signal that presets are measured with: strummed chords, and a palm-muted riff.

It is computed and always the same. Strings are plucked by the method of Karplus and Strong (1983), with a hard attack,
and filtered as by a pickup and a cable. Level, crest factor and spectrum are those of recorded dry guitar: five
recordings of different players, 112 s, have -18.9 to -24.6 LUFS, crest factors of 15 to 22 dB, and in octaves from
40 Hz up -24, -12, -5, -5, -9, -17, -32 and -49 dB of their power.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from nampedal.firmware.audio.loudness import loudness_lufs
from nampedal.firmware.engine.inference import Audio
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

# Increase it when the sound changes: all presets are then measured again.
VERSION = 1
# The mean of the five recordings.
LOUDNESS_LUFS = -22.3
# Length of each of the two passages.
PASSAGE_S = 1.8

# Corner frequency of the pickup filter, above which it falls.
_FALLS_HZ = 150.0
# Gain of the string's delay line, halved: for a ringing and for a palm-muted string.
_RINGS, _DAMPED = 0.4985, 0.475
# The attack is this much louder than what follows, and decays to 1/e of that in this many seconds.
_ATTACK, _ATTACK_S = 5.0, 0.02
_FADE_S = 0.004
# Time from one string of a chord to the next.
_STROKE_S = 0.009


@dataclass(frozen=True, slots=True)
class PluckedNote:
    """One stroke.

    at, length: in beats.
    strings: MIDI notes, plucked one after the other.
    strength: a gain factor.
    damped: palm-muted.
    """

    at: float
    length: float
    strings: tuple[int, ...]
    strength: float = 1.0
    damped: bool = False


@dataclass(frozen=True, slots=True)
class PickupFilter:
    """The filter of a pickup with its cable and tone knob.

    low_cut_hz: the signal falls below this frequency.
    cut_hz: the signal falls faster above this frequency.
    """

    low_cut_hz: float = 60.0
    cut_hz: float = 2000.0


PICKUP = PickupFilter()

# E, A and D major, B minor.
_CHORDS = (40, 47, 52, 56, 59, 64), (45, 52, 57, 61, 64), (50, 57, 62, 66), (47, 54, 59, 62, 66)
STRUM = [
    PluckedNote(at, 1.0 if at % 1 == 0 else 0.5, chord if at % 1 == 0 else chord[-3:], 1.0 if at % 1 == 0 else 0.5)
    for start, chord in enumerate(_CHORDS)
    for at in (1.0 * start, start + 0.5)
]
RIFF = [PluckedNote(0.25 * at, 0.25, (40,), 0.8, damped=True) for at in (0, 1, 3, 4, 5, 8, 9, 11, 12, 13)] + [
    PluckedNote(at, length, (root, root + 7, root + 12))
    for at, length, root in ((0.5, 0.25, 43), (1.5, 0.5, 45), (2.5, 0.25, 46), (3.5, 0.5, 43))
]
BEATS = 4
# The notes of each passage, and their level relative to LOUDNESS_LUFS, dB.
_PASSAGES = (STRUM, 0.7), (RIFF, -0.8)


@lru_cache(maxsize=1)
def guitar(sample_rate: float) -> Audio:
    """Return both passages, (frames,) float32, read-only. sample_rate: Hz."""
    rng = np.random.default_rng(1954)
    parts = []
    for notes, gain_db in _PASSAGES:
        part = passage(rng, notes, round(PASSAGE_S * sample_rate), sample_rate)
        raised_db = gain_db + LOUDNESS_LUFS - loudness_lufs(part, sample_rate)
        parts.append(part * 10.0 ** (raised_db / 20.0))
    audio = np.asarray(np.concatenate(parts), np.float32)
    audio.setflags(write=False)
    return audio


def passage(
    rng: np.random.Generator,
    notes: Sequence[PluckedNote],
    frames: int,
    sample_rate: float,
    pickup: PickupFilter = PICKUP,
) -> Float64:
    """Return notes over `BEATS` beats as a pickup gives them, (frames,). The level is not normalised."""
    beat = frames / BEATS
    audio = np.zeros(frames)
    for note in notes:
        length = round(note.length * beat)
        for order, midi in enumerate(note.strings):
            begin = round(note.at * beat) + round(order * _STROKE_S * sample_rate)
            hz = 440.0 * 2.0 ** ((midi - 69) / 12.0)
            sound = note.strength * _string(rng, hz, length, sample_rate, _DAMPED if note.damped else _RINGS)
            audio[begin : begin + length] += sound[: max(0, frames - begin)]
    return _through_pickup(audio, sample_rate, pickup)


def _string(rng: np.random.Generator, hz: float, frames: int, sample_rate: float, loop: float) -> Float64:
    """Return one plucked string: a noise burst in a damped delay line, computed one period at a time."""
    period = round(sample_rate / hz)
    out = np.zeros(frames + 2 * period)
    burst = rng.uniform(-1.0, 1.0, period)
    # The string is plucked at a seventh of its length.
    out[:period] = burst - np.roll(burst, max(1, period // 7))
    for at in range(period, frames, period):
        before = out[at - period : at]
        last = out[at - period - 1] if at > period else 0.0
        out[at : at + period] = loop * (before + np.concatenate([[last], before[:-1]]))
    sound = out[:frames] * (1.0 + _ATTACK * np.exp(-np.arange(frames) / (_ATTACK_S * sample_rate)))
    fade = round(_FADE_S * sample_rate)
    sound[-fade:] *= np.linspace(1.0, 0.0, fade)
    return np.asarray(sound, np.float64)


def _through_pickup(audio: Float64, sample_rate: float, pickup: PickupFilter) -> Float64:
    # Twice the length, so that the end does not wrap around into the beginning.
    size = 2 * len(audio)
    hz = np.fft.rfftfreq(size, 1.0 / sample_rate)
    gain = (1.0 + (hz / _FALLS_HZ) ** 2) ** -0.65 * (1.0 + (hz / pickup.cut_hz) ** 4) ** -0.5
    gain *= hz / np.hypot(hz, pickup.low_cut_hz)
    return np.asarray(np.fft.irfft(np.fft.rfft(audio, size) * gain, size)[: len(audio)], np.float64)
