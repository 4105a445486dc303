"""Synthesises playing: phrases on strings, with the spectrum and levels of an electric guitar or bass.

Training audio must cover the range of real playing: most energy between 80 and 1300 Hz, a slope of -15 dB per octave
above, and decaying levels (measured on recordings of guitars). Noise and sweeps are far from that.
"""

from __future__ import annotations

import numpy as np
from nampedal.converter.listening import test_signals
from numpy.typing import NDArray

Signal = NDArray[np.float64]

# Share of sweeps, noise and bright chords. It is kept because the later input is unknown.
BROADBAND_SHARE = 0.15
PHRASE_S = (1.5, 4.0)
PEAKS_DB = (-20.0, 0.0)
_NOISE_DBFS = -80.0

# Per style: range of the lowest note (MIDI), intervals of notes played together, seconds between strokes, seconds until
# a string is silent.
_Style = tuple[tuple[int, int], tuple[tuple[int, ...], ...], tuple[float, float], tuple[float, float]]
_STYLES: tuple[_Style, ...] = (
    ((28, 45), ((0,),), (0.18, 0.7), (0.3, 2.5)),
    ((40, 76), ((0,),), (0.1, 0.6), (0.3, 3.0)),
    ((33, 48), ((0,), (0, 7), (0, 7, 12)), (0.08, 0.4), (0.06, 1.5)),
    ((40, 57), ((0, 7, 12, 16, 19), (0, 7, 12, 15, 19), (0, 5, 10, 14), (0, 4, 7, 11)), (0.3, 1.5), (1.0, 4.0)),
    ((52, 76), ((0, 5), (0, 4), (0, 7)), (0.15, 0.8), (0.3, 3.0)),
)


def synthetic_playing(sample_rate: float, seconds: float) -> NDArray[np.float32]:
    """Return phrases of bass, lines, chords and double stops with peaks from -20 to 0 dBFS, (frames,). Deterministic.

    A share ODD at the end is `test_signals.excitation`.
    """
    frames = round((1.0 - BROADBAND_SHARE) * seconds * sample_rate)
    odd = test_signals.excitation(sample_rate, seconds - frames / sample_rate)
    return np.concatenate([phrases(sample_rate, frames, 1969), odd])


def phrases(
    sample_rate: float,
    frames: int,
    seed: int,
    peaks_db: tuple[float, float] = PEAKS_DB,
    lengths_s: tuple[float, float] = PHRASE_S,
) -> NDArray[np.float32]:
    """Return phrases without the broadband part, (frames,).

    peaks_db: range of a phrase's peak, dB of full scale; above 0 the signal is clipped.
    lengths_s: range of a phrase's length.
    """
    rng = np.random.default_rng(seed)
    found: list[Signal] = []
    while sum(map(len, found)) < frames:
        found.append(_phrase(rng, _STYLES[len(found) % len(_STYLES)], lengths_s, peaks_db, sample_rate))
    played = np.concatenate(found)[:frames]
    played += 10 ** (_NOISE_DBFS / 20) * rng.standard_normal(frames)
    return np.asarray(np.clip(played, -1.0, 1.0) if peaks_db[1] > 0.0 else played, np.float32)


def _phrase(
    rng: np.random.Generator,
    style: _Style,
    lengths_s: tuple[float, float],
    peaks_db: tuple[float, float],
    sample_rate: float,
) -> Signal:
    lowest, chords, between_s, ring_s = style
    frames = round(rng.uniform(*lengths_s) * sample_rate)
    out = np.zeros(frames)
    ring, step = rng.uniform(*ring_s), rng.uniform(*between_s)
    root, start = int(rng.integers(*lowest)), 0
    while start < frames:
        chord = chords[rng.integers(len(chords))]
        for voice, interval in enumerate(chord):
            begin = start + round(voice * rng.uniform(0.0, 0.015) * sample_rate)
            length = min(frames - begin, round(1.5 * ring * sample_rate))
            if length > 0:
                hz = 440.0 * 2 ** ((root + interval - 69 + rng.normal(0.0, 0.03)) / 12)
                out[begin : begin + length] += rng.uniform(0.4, 1.0) * _string(rng, hz, ring, length, sample_rate)
        # Move up or down the fretboard within the style's range.
        root = int(np.clip(root + rng.integers(-5, 6), *lowest))
        start += round(step * float(rng.choice((0.5, 1.0, 1.0, 2.0))) * sample_rate)
    out = _pickup(rng, out, sample_rate)
    peak = 10 ** (rng.uniform(*peaks_db) / 20)
    return np.asarray(out * peak / max(float(np.max(np.abs(out))), 1e-9))


def _string(rng: np.random.Generator, hz: float, ring_s: float, frames: int, sample_rate: float) -> Signal:
    """Synthesise a plucked string that is silent after about ring_s, one period at a time.

    Source: Karplus and Strong 1983.
    """
    period = max(2, round(sample_rate / hz))
    decay = 10 ** (-2.0 * period / (ring_s * sample_rate))
    burst = rng.uniform(-1.0, 1.0, period)
    # The plectrum: softer or harder, at a varying distance from the bridge.
    spectrum = np.fft.rfft(burst)
    harmonics = np.arange(len(spectrum)) * hz
    spectrum /= 1.0 + (harmonics / _evenly(rng, 150.0, 2500.0)) ** 2
    spectrum *= np.abs(np.sin(np.pi * np.arange(len(spectrum)) * rng.uniform(0.08, 0.3)))
    spectrum[0] = 0.0
    now = np.fft.irfft(spectrum, period)
    now /= max(float(np.max(np.abs(now))), 1e-9)
    softness = rng.uniform(0.02, 0.25)
    periods = []
    for _ in range(-(-frames // period)):
        periods.append(now)
        now = decay * ((1.0 - softness) * now + softness * np.roll(now, 1))
    out = np.concatenate(periods)[:frames]
    # The low-frequency push of the hand, strongest on a damped string.
    thump = np.arange(frames) / sample_rate
    push = rng.uniform(0.0, 0.5) * np.sin(2 * np.pi * rng.uniform(30.0, 80.0) * thump) * np.exp(-thump / 0.03)
    return np.asarray(out + push)


def _pickup(rng: np.random.Generator, x: Signal, sample_rate: float) -> Signal:
    """Apply a pickup coil and cable: a resonance between 2 and 5 kHz, -12 dB per octave above it, and the tone knob."""
    spectrum = np.fft.rfft(x)
    hz = np.fft.rfftfreq(len(x), 1.0 / sample_rate)
    resonance, q, tone = rng.uniform(2000.0, 5000.0), rng.uniform(0.6, 2.0), _evenly(rng, 300.0, 6000.0)
    ratio = hz / resonance
    spectrum *= 1.0 / (1.0 - ratio**2 + 1j * ratio / q) / (1.0 + 1j * hz / tone) * (hz > 20.0)
    return np.asarray(np.fft.irfft(spectrum, len(x)))


def _evenly(rng: np.random.Generator, low: float, high: float) -> float:
    """Return a random number in the range with a uniform distribution of its logarithm."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
