"""Audio that the converter makes itself, to calibrate with and to measure with where none is given."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PLUCKS = "built-in plucks, 4 s"
PLUCKS_S = 4.0
HELD_BACK = "built-in plucks and a decay to silence, 8 s"
DECAY_S = 4.0
DECAY_DB = -90.0
GOLDEN_S = 0.1
EXCITATION = "built-in chords, sweeps and noise, 8 s"
EXCITATION_S = 8.0

_NOTES_HZ = (82.4, 110.0, 146.8, 196.0, 246.9, 329.6, 164.8, 98.0)
_LEVELS_DB = (-6.0, -12.0, -18.0, -3.0, -24.0, -9.0, -15.0, -30.0)

# Of the excitation: lengths of a segment, and its peaks; from a bass's low E to a guitar's highest notes.
_SEGMENT_S = (0.15, 0.5)
_PEAKS_DB = (0.0, -18.0, -6.0, -30.0, -12.0, -36.0, -3.0, -24.0, -9.0)
_MIDI_NOTES = (28, 84)
_CHORD = (0, 7, 12, 16, 19, 3, 5, 10)


def plucks(sample_rate: float, seconds: float = PLUCKS_S) -> NDArray[np.float32]:
    """Eight plucked notes at levels from -30 to -3 dBFS, one behind the other, repeated. (frames,), always the same."""
    rng = np.random.default_rng(2026)
    frames = round(seconds * sample_rate)
    length = round(PLUCKS_S / len(_NOTES_HZ) * sample_rate)
    notes = [
        _string(rng, hz, length, sample_rate) * 10 ** (level / 20)
        for hz, level in zip(_NOTES_HZ, _LEVELS_DB, strict=True)
    ]
    return np.asarray(np.resize(np.concatenate(notes), frames), np.float32)


def excitation(sample_rate: float, seconds: float = EXCITATION_S) -> NDArray[np.float32]:
    """What a capture is calibrated with: half plucked notes and chords, a quarter sweeps, a quarter coloured noise.

    Segments of 0.15 to 0.5 s that decay, peaks from -36 to 0 dBFS. (frames,), always the same; never what `plucks` is.
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


def held_back(sample_rate: float) -> NDArray[np.float32]:
    """What sound is judged on, and never rounded with: `plucks`, then a chord that fades by 90 dB in 4 s. (frames,)."""
    rng = np.random.default_rng(1954)
    frames = round(DECAY_S * sample_rate)
    chord = np.sum([_string(rng, hz, frames, sample_rate) for hz in _NOTES_HZ[:3]], axis=0)
    # Evenly loud before it fades: a string's own decay differs from note to note.
    level = np.sqrt(np.convolve(chord**2, np.ones(1024) / 1024, "same")) + 1e-9
    fading = chord / level / np.max(np.abs(chord / level)) * 10 ** (DECAY_DB / 20 * np.arange(frames) / frames)
    return np.concatenate([plucks(sample_rate), np.asarray(10 ** (-3.0 / 20) * fading, np.float32)])


def golden(sample_rate: float) -> NDArray[np.float32]:
    """A tenth of a second that excites a network all over: noise at full scale at once, a sweep, noise at -30 dBFS."""
    rng = np.random.default_rng(1968)
    frames = round(GOLDEN_S * sample_rate)
    parts = [_noise(rng, frames // 2, sample_rate), _sweep(rng, frames // 4, sample_rate)]
    parts.append(_noise(rng, frames - frames // 2 - frames // 4, sample_rate))
    levels = (1.0, 0.5, 10 ** (-30.0 / 20))
    scaled = [part / np.max(np.abs(part)) * level for part, level in zip(parts, levels, strict=True)]
    return np.asarray(np.concatenate(scaled), np.float32)


def _chord(rng: np.random.Generator, frames: int, sample_rate: float) -> NDArray[np.float64]:
    """One to four strings, struck one after the other."""
    out = np.zeros(frames)
    root = rng.integers(*_MIDI_NOTES)
    for voice in range(rng.integers(1, 5)):
        hz = 440.0 * 2 ** ((root + _CHORD[rng.integers(len(_CHORD))] * min(voice, 1) - 69) / 12)
        start = round(voice * rng.uniform(0.0, 0.012) * sample_rate)
        out[start:] += _string(rng, hz, frames - start, sample_rate) * rng.uniform(0.4, 1.0)
    return out


def _sweep(rng: np.random.Generator, frames: int, sample_rate: float) -> NDArray[np.float64]:
    """A sine through all audible frequencies, exponentially (Farina 2000), up or down."""
    low, high = 20.0, min(20_000.0, 0.45 * sample_rate)
    octaves = np.log(high / low)
    at = np.arange(frames) / frames
    phase = 2 * np.pi * low * frames / sample_rate / octaves * (np.exp(at * octaves) - 1.0)
    return np.asarray(np.sin(phase if rng.random() < 0.5 else phase[::-1]), np.float64)


def _noise(rng: np.random.Generator, frames: int, sample_rate: float) -> NDArray[np.float64]:
    """Noise from brown to white, decaying by 40 dB."""
    spectrum = np.fft.rfft(rng.standard_normal(frames))
    hz = np.fft.rfftfreq(frames, 1.0 / sample_rate)
    spectrum *= 1.0 / np.maximum(hz, 60.0) ** rng.uniform(0.0, 1.0) * (hz > 0.0)
    return np.asarray(np.fft.irfft(spectrum, frames) * 10 ** (-2.0 * np.arange(frames) / frames), np.float64)


def _string(rng: np.random.Generator, hz: float, frames: int, sample_rate: float) -> NDArray[np.float64]:
    """A noise burst in a damped delay line (Karplus and Strong 1983), peak 1, a period at a time."""
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
