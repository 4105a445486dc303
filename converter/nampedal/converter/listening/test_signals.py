"""Provides built-in audio for calibration and measurement, for when no recording is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from nampedal.firmware.audio.dry_guitar import PICKUP, RIFF, STRUM, PickupFilter, PluckedNote, passage
from numpy.typing import NDArray

PLUCKS = "built-in plucks, 4 s"
PLUCKS_S = 4.0
VALIDATION_LABEL = "built-in playing of eight kinds and silence, 18 s"
DECAY = "decay"
DECAY_S = 4.0
DECAY_DB = -90.0
# Silence at the end. In its second half the network has no memory of the playing any more.
SILENCE_S = 1.0
GOLDEN_S = 0.1
EXCITATION_S = 8.0

_NOTES_HZ = (82.4, 110.0, 146.8, 196.0, 246.9, 329.6, 164.8, 98.0)
_LEVELS_DB = (-6.0, -12.0, -18.0, -3.0, -24.0, -9.0, -15.0, -30.0)

# The excitation: length range of a segment, its peaks, and notes from a bass's low E to a guitar's highest notes.
_SEGMENT_S = (0.15, 0.5)
_PEAKS_DB = (0.0, -18.0, -6.0, -30.0, -12.0, -36.0, -3.0, -24.0, -9.0)
_MIDI_NOTES = (28, 84)
_CHORD = (0, 7, 12, 16, 19, 3, 5, 10)


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of playing.

    notes: spread over `seconds`.
    peak_db: dB of full scale; above 0 the signal is clipped.
    """

    name: str
    notes: Sequence[PluckedNote]
    seconds: float
    peak_db: float
    pickup: PickupFilter = PICKUP


# Goes down to a low B.
_BASS = [
    PluckedNote(at, length, (midi,))
    for at, length, midi in (
        *((0.0, 0.75, 28), (0.75, 0.25, 40), (1.0, 0.5, 33), (1.5, 0.5, 31), (2.0, 1.0, 23), (3.0, 0.5, 35)),
        (3.5, 0.5, 38),
    )
]
# The same register with all its treble, then palm-muted power chords of a guitar tuned down to A.
_LOW = [
    *(PluckedNote(at, 0.5, (midi,)) for at, midi in ((0.0, 28), (0.5, 31), (1.0, 23), (1.5, 26))),
    *(PluckedNote(at, 0.25, (33, 40), 0.8, damped=True) for at in (2.0, 2.25, 2.75, 3.0, 3.25)),
    *(PluckedNote(at, 0.5, (33, 40, 45)) for at in (2.5, 3.5)),
]
_LEAD = [
    PluckedNote(at, length, strings)
    for at, length, strings in (
        *((0.0, 0.5, (64,)), (0.5, 0.25, (67,)), (0.75, 0.25, (69,)), (1.0, 1.0, (72,))),
        *((2.0, 0.5, (76,)), (2.5, 0.5, (76, 79)), (3.0, 0.5, (84,)), (3.5, 0.5, (57,))),
    )
]
_JAZZ = [
    PluckedNote(at, 1.0, strings)
    for at, strings in ((0.0, (43, 53, 58, 62)), (1.0, (48, 52, 58, 62)), (2.0, (41, 52, 57, 60)), (3.0, (46,)))
] + [PluckedNote(3.5, 0.5, (57, 62))]
_KINDS = (
    _Kind("bass", _BASS, 2.0, -6.0, PickupFilter(low_cut_hz=10.0, cut_hz=300.0)),
    _Kind("low strings", _LOW, 2.4, -1.0, PickupFilter(low_cut_hz=20.0)),
    _Kind("hot", RIFF, 1.8, 9.0),
    _Kind("quiet", STRUM, 1.8, -42.0),
    _Kind("chords", STRUM, 1.8, -6.0),
    _Kind("lead", _LEAD, 1.8, -21.0),
    # The tone knob at zero: there is so little treble that added treble is noticeable.
    _Kind("dark", _JAZZ, 1.8, -6.0, PickupFilter(cut_hz=500.0)),
)


def plucks(sample_rate: float, seconds: float = PLUCKS_S) -> NDArray[np.float32]:
    """Return eight plucked notes in a loop, at levels from -30 to -3 dBFS. (frames,). Deterministic."""
    rng = np.random.default_rng(2026)
    frames = round(seconds * sample_rate)
    length = round(PLUCKS_S / len(_NOTES_HZ) * sample_rate)
    notes = [
        _string(rng, hz, length, sample_rate) * 10 ** (level / 20)
        for hz, level in zip(_NOTES_HZ, _LEVELS_DB, strict=True)
    ]
    return np.asarray(np.resize(np.concatenate(notes), frames), np.float32)


def excitation(sample_rate: float, seconds: float = EXCITATION_S) -> NDArray[np.float32]:
    """Return calibration audio: half plucked notes and chords, a quarter sweeps, a quarter coloured noise.

    Decaying segments of 0.15 to 0.5 s with peaks from -36 to 0 dBFS. (frames,). Deterministic, and different from
    `plucks`.
    """
    rng = np.random.default_rng(1943)
    frames = round(seconds * sample_rate)
    segments: list[NDArray[np.float64]] = []
    makers = (_chord, _sweep, _chord, _noise)
    while sum(map(len, segments)) < frames:
        length = round(rng.uniform(*_SEGMENT_S) * sample_rate)
        segment = makers[len(segments) % len(makers)](rng, length, sample_rate)
        segment *= 10 ** (_PEAKS_DB[len(segments) % len(_PEAKS_DB)] / 20) / np.max(np.abs(segment))
        segments.append(segment)
    return np.asarray(np.concatenate(segments)[:frames], np.float32)


def validation_signal(sample_rate: float) -> NDArray[np.float32]:
    """Return the validation audio, which is never used for rounding: all sections of playing, then silence.

    (frames,), deterministic.
    """
    rng = np.random.default_rng(1954)
    parts = [_played(rng, kind, sample_rate) for kind in _KINDS]
    silence = np.zeros(round(SILENCE_S * sample_rate))
    return np.asarray(np.concatenate([*parts, _decay(rng, sample_rate), silence]), np.float32)


def validation_sections(sample_rate: float) -> dict[str, slice]:
    """Return the position of each kind of playing in `validation_signal`, by name."""
    found, start = {}, 0
    for name, seconds in (*((kind.name, kind.seconds) for kind in _KINDS), (DECAY, DECAY_S)):
        frames = round(seconds * sample_rate)
        found[name] = slice(start, start + frames)
        start += frames
    return found


def silence_section(sample_rate: float) -> slice:
    """Return the part of `validation_signal` in which only a network's own noise is left."""
    end = validation_sections(sample_rate)[DECAY].stop + round(SILENCE_S * sample_rate)
    return slice(end - round(SILENCE_S * sample_rate / 2), end)


def golden_input(sample_rate: float) -> NDArray[np.float32]:
    """Return 0.1 s that excites the whole network: noise at full scale, a sweep, then noise at -30 dBFS. (frames,)."""
    rng = np.random.default_rng(1968)
    frames = round(GOLDEN_S * sample_rate)
    parts = [_noise(rng, frames // 2, sample_rate), _sweep(rng, frames // 4, sample_rate)]
    parts.append(_noise(rng, frames - frames // 2 - frames // 4, sample_rate))
    levels = (1.0, 0.5, 10 ** (-30.0 / 20))
    scaled = [part / np.max(np.abs(part)) * level for part, level in zip(parts, levels, strict=True)]
    return np.asarray(np.concatenate(scaled), np.float32)


def _played(rng: np.random.Generator, kind: _Kind, sample_rate: float) -> NDArray[np.float64]:
    sound = passage(rng, kind.notes, round(kind.seconds * sample_rate), sample_rate, kind.pickup)
    return np.asarray(np.clip(sound * 10 ** (kind.peak_db / 20) / np.max(np.abs(sound)), -1.0, 1.0))


def _decay(rng: np.random.Generator, sample_rate: float) -> NDArray[np.float64]:
    """Synthesise a chord that fades by DECAY_DB in DECAY_S."""
    frames = round(DECAY_S * sample_rate)
    chord = np.sum([_string(rng, hz, frames, sample_rate) for hz in _NOTES_HZ[:3]], axis=0)
    # Level the chord before the fade, because the strings' own decays differ from note to note.
    level = np.sqrt(np.convolve(chord**2, np.ones(1024) / 1024, "same")) + 1e-9
    fading = chord / level / np.max(np.abs(chord / level)) * 10 ** (DECAY_DB / 20 * np.arange(frames) / frames)
    return np.asarray(10 ** (-3.0 / 20) * fading)


def _chord(rng: np.random.Generator, frames: int, sample_rate: float) -> NDArray[np.float64]:
    """Synthesise one to four strings that are struck one after the other."""
    out = np.zeros(frames)
    root = rng.integers(*_MIDI_NOTES)
    for voice in range(rng.integers(1, 5)):
        hz = 440.0 * 2 ** ((root + _CHORD[rng.integers(len(_CHORD))] * min(voice, 1) - 69) / 12)
        start = round(voice * rng.uniform(0.0, 0.012) * sample_rate)
        out[start:] += _string(rng, hz, frames - start, sample_rate) * rng.uniform(0.4, 1.0)
    return out


def _sweep(rng: np.random.Generator, frames: int, sample_rate: float) -> NDArray[np.float64]:
    """Synthesise an exponential sine sweep (Farina 2000) through all audible frequencies, up or down."""
    low, high = 20.0, min(20_000.0, 0.45 * sample_rate)
    octaves = np.log(high / low)
    at = np.arange(frames) / frames
    phase = 2 * np.pi * low * frames / sample_rate / octaves * (np.exp(at * octaves) - 1.0)
    return np.asarray(np.sin(phase if rng.random() < 0.5 else phase[::-1]), np.float64)


def _noise(rng: np.random.Generator, frames: int, sample_rate: float) -> NDArray[np.float64]:
    """Synthesise noise between brown and white that decays by 40 dB."""
    spectrum = np.fft.rfft(rng.standard_normal(frames))
    hz = np.fft.rfftfreq(frames, 1.0 / sample_rate)
    spectrum *= 1.0 / np.maximum(hz, 60.0) ** rng.uniform(0.0, 1.0) * (hz > 0.0)
    return np.asarray(np.fft.irfft(spectrum, frames) * 10 ** (-2.0 * np.arange(frames) / frames), np.float64)


def _string(rng: np.random.Generator, hz: float, frames: int, sample_rate: float) -> NDArray[np.float64]:
    """Synthesise a string, peak 1: a noise burst in a damped delay line, one period at a time.

    Source: Karplus and Strong 1983.
    """
    period = round(sample_rate / hz)
    out = np.zeros(frames + 2 * period)
    burst = rng.uniform(-1.0, 1.0, period)
    out[:period] = burst - np.roll(burst, max(1, period // 7))
    for at in range(period, frames, period):
        before = out[at - period : at]
        out[at : at + period] = 0.498 * (
            before + np.concatenate([[out[at - period - 1] if at > period else 0.0], before[:-1]])
        )
    return np.asarray(out[:frames] / np.max(np.abs(out)), np.float64)
