"""Speaker cabinets: reads impulse responses from files and prepares them for playing.

The result is one channel at the pedal's sample rate. It starts just before the onset, has at most the requested length,
and is normalised in loudness.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soxr
from nampedal.firmware.audio.audio_file import QUALITY, Recording, open_audio, read_recording, seconds_of
from nampedal.firmware.audio.weighting import Float64, k_weighting
from nampedal.firmware.base.errors import AudioError
from nampedal.firmware.engine.inference import Audio

# At 48 kHz. Other rates allow the same time: a cabinet does not ring longer there.
MAX_TAPS = 8192
LONGEST_S = round(MAX_TAPS / 48_000, 6)
DEFAULT_LENGTH_S = 0.085
SHORTEST_S = 0.001
# Maximum length of a file. A longer file is a recording, given by mistake.
MAX_S = 10.0
# Samples of all channels: MAX_S of 8 channels at 48 kHz, or of 2 at 192 kHz. A small file may unpack to any size.
MAX_SAMPLES = 4_000_000
LOWEST_HZ = 8000

# The onset is the first frame this near to the peak.
ONSET_DB = -60.0
# Time kept before the onset and faded in, because the resampler rings before it. With it, even the response of a click
# stays within 0.1 dB up to 18 kHz; without it, the error is more than 1 dB.
LEAD_S = 0.0004
FADE_S = 0.005

# Band of the pink noise that every cabinet passes without a change of loudness: the band of a guitar.
NOISE_HZ = (80.0, 6000.0)
_BIN_HZ = 1.0
SILENT_DBFS = -80.0
# Minimum level in this band relative to that of all frequencies; below it, the file has no sound in a guitar's range.
_OUTSIDE_DB = -60.0
# Minimum level of a mix of two equally loud cabinets.
_CANCELS_DB = -40.0


@dataclass(frozen=True, slots=True)
class ImpulseSource:
    """A file, and how it was processed.

    channel: counted from 1; `channels` is how many the file has.
    original_rate: Hz.
    silence_s: time cut off before the onset.
    kept_s: length that is played.
    cut_off_db: energy that was cut and faded off, relative to the channel's whole energy; -inf: none.
    gain_db: gain applied to the samples, apart from resampling. For a part of a mix it includes the share; -inf: no
    share.
    """

    path: Path
    channel: int
    channels: int
    original_rate: float
    original_s: float
    silence_s: float
    kept_s: float
    cut_off_db: float
    gain_db: float


@dataclass(frozen=True, slots=True, eq=False)
class ImpulseResponse:
    """An impulse response that is ready to play.

    taps: (taps,), with the onset LEAD_S after the first tap; its `level_db` is 0.
    sample_rate: Hz.
    sources: one file, or all of a mix.
    """

    taps: Audio
    sample_rate: float
    sources: tuple[ImpulseSource, ...]


def read(
    path: Path, sample_rate: float, *, channel: int | None = None, length_s: float = DEFAULT_LENGTH_S
) -> ImpulseResponse:
    """Read a cabinet from a file in any format of libsndfile.

    Pink noise from 80 Hz to 6 kHz is as loud after it as before (`level_db`).
    sample_rate: of the pedal, Hz.
    channel: counted from 1; None: the channel with the most energy.
    length_s: maximum length, LEAD_S included; a longer response fades out at this length.

    Raises AudioError; FileAccessError if the file can't be read or a sample is not finite.
    """
    if not SHORTEST_S <= length_s <= LONGEST_S:
        raise AudioError(
            f"{path}: {length_s:g} s are to be kept; {SHORTEST_S:g} to {LONGEST_S:g} s can be: state another length"
        )
    recording = _read_short(path)
    chosen = _choose(recording, channel)
    taps, source = _shape(recording, chosen, sample_rate, length_s)
    energy_db = _db(float(np.sum(taps**2)), 1.0)
    level = level_db(taps, sample_rate)
    if not level - energy_db >= _OUTSIDE_DB:
        low, high = NOISE_HZ
        raise AudioError(
            f"{path}: channel {chosen + 1} holds nothing from {low:g} to {high:g} Hz, where a guitar is heard: choose "
            "another channel or file"
        )
    normalised = np.asarray(_factor(-level) * taps, np.float32)
    return ImpulseResponse(normalised, sample_rate, (replace(source, gain_db=-level),))


def mix(first: ImpulseResponse, second: ImpulseResponse, share: float) -> ImpulseResponse:
    """Mix two cabinets. share: of the second one, 0 to 1, in amplitude, after both are equally loud.

    The onsets are aligned: the delay between two microphones is not kept. The mix is as loud as each of the two.
    Raises AudioError.
    """
    names = " + ".join(source.path.name for source in (*first.sources, *second.sources))
    if not 0.0 <= share <= 1.0:
        raise AudioError(f"{names}: the second's share is {share:g}; 0 to 1 are taken: state it as a part of 1")
    if first.sample_rate != second.sample_rate:
        raise AudioError(
            f"{names}: have {first.sample_rate:g} and {second.sample_rate:g} Hz; one sample rate is needed: read both "
            "at the same"
        )
    parts = ((first, 1.0 - share), (second, share))
    mixed = np.zeros(max(len(first.taps), len(second.taps)))
    for part, amplitude in parts:
        mixed[: len(part.taps)] += amplitude * part.taps
    level = level_db(mixed, first.sample_rate)
    if level < _CANCELS_DB:
        raise AudioError(
            f"{names}: cancel each other with {share:g} of the second; at least {_CANCELS_DB:g} dB must be left: state "
            "another share, or invert one of the files"
        )
    sources = tuple(
        replace(source, gain_db=source.gain_db + _db(amplitude**2, 1.0) - level)
        for part, amplitude in parts
        for source in part.sources
    )
    return ImpulseResponse(np.asarray(_factor(-level) * mixed, np.float32), first.sample_rate, sources)


def level_db(taps: Audio | Float64, sample_rate: float) -> float:
    """Return the loudness change of pink noise from 80 Hz to 6 kHz through taps (taps,), dB. -inf: silence.

    Loudness is K-weighted as in ITU-R BS.1770-4. It is computed from the spectrum, so for infinitely long noise.
    Pink noise has equal power in each octave, roughly as music has; the band is a guitar's after an amplifier.
    """
    size = 1 << max(len(taps), math.ceil(sample_rate / _BIN_HZ)).bit_length()
    hz = np.fft.rfftfreq(size, 1 / sample_rate).astype(np.float64)
    low, high = NOISE_HZ
    band = slice(int(np.searchsorted(hz, low)), int(np.searchsorted(hz, high, "right")))
    powers = k_weighting(hz[band]) ** 2 / hz[band]
    passed = np.abs(np.fft.rfft(taps.astype(np.float64), size)[band]) ** 2
    return _db(float(np.sum(powers * passed)), float(np.sum(powers)))


def _read_short(path: Path) -> Recording:
    with open_audio(path) as audio:
        rate, seconds = audio.samplerate, seconds_of(audio)
    if rate < LOWEST_HZ:
        raise AudioError(f"{path}: has a sample rate of {rate} Hz; at least {LOWEST_HZ} are taken: export it again")
    if seconds is not None:
        _check_length(path, seconds)
    recording = read_recording(path, MAX_SAMPLES)
    _check_length(path, len(recording.audio) / rate)
    return recording


def _check_length(path: Path, seconds: float) -> None:
    if seconds > MAX_S:
        raise AudioError(
            f"{path}: lasts {seconds:.1f} s; up to {MAX_S:g} s are taken: cut it off, or choose an impulse response"
        )
    _check_long_enough(path, seconds)


def _check_long_enough(path: Path, seconds: float) -> None:
    """Check the minimum length. seconds: from the onset, as far as it is known."""
    if seconds < SHORTEST_S:
        raise AudioError(
            f"{path}: holds {1000 * seconds:.2f} ms of sound; at least {1000 * SHORTEST_S:g} ms are needed: choose "
            "another file"
        )


def _choose(recording: Recording, channel: int | None) -> int:
    """Return the index of the channel to play."""
    channels = recording.audio.shape[1]
    if channel is None:
        return recording.loudest()
    if not 1 <= channel <= channels:
        raise AudioError(
            f"{recording.path}: has no channel {channel}; it has {channels}, counted from 1: choose one of them"
        )
    return channel - 1


def _onset(recording: Recording, chosen: int, whole: Float64) -> int:
    """Return the first frame of the chosen channel that belongs to the sound."""
    levels = np.abs(whole)
    peak = float(np.max(levels))
    if _db(peak**2, 1.0) < SILENT_DBFS:
        raise AudioError(
            f"{recording.path}: channel {chosen + 1} peaks at {_db(peak**2, 1.0):.0f} dBFS; at least {SILENT_DBFS:g} "
            "are needed: choose another channel or file"
        )
    onset = int(np.argmax(levels >= peak * _factor(ONSET_DB)))
    _check_long_enough(recording.path, (len(whole) - onset) / recording.sample_rate)
    return onset


def _shape(recording: Recording, chosen: int, sample_rate: float, length_s: float) -> tuple[Float64, ImpulseSource]:
    """Return taps at the pedal's rate, from LEAD_S before the onset, at most length_s long, faded, not normalised."""
    rate = recording.sample_rate
    whole = recording.audio[:, chosen].astype(np.float64)
    onset = _onset(recording, chosen, whole)
    # The resampler rings beyond both ends of its input.
    pad = math.ceil(LEAD_S * rate)
    resampled = _at_rate(np.pad(whole, pad), rate, sample_rate)
    lead = round(LEAD_S * sample_rate)
    first = round((pad + onset) / rate * sample_rate) - lead
    window = np.zeros(len(resampled))
    kept = window[first : first + round(length_s * sample_rate)]
    kept[:] = 1.0
    kept[:lead] = _rise(lead)
    if first + len(kept) < len(resampled):
        fade = round(min(FADE_S, length_s / 4) * sample_rate)
        kept[len(kept) - fade :] = _rise(fade)[::-1]
    taps = np.trim_zeros((resampled * window)[first : first + len(kept)], "b")
    cut_off = float(np.sum(resampled**2 * (1.0 - window**2)))
    return taps, ImpulseSource(
        path=recording.path,
        channel=chosen + 1,
        channels=recording.audio.shape[1],
        original_rate=rate,
        original_s=len(whole) / rate,
        silence_s=max(0.0, first / sample_rate - pad / rate),
        kept_s=len(taps) / sample_rate,
        cut_off_db=_db(cut_off, float(np.sum(resampled**2))),
        gain_db=0.0,
    )


def _at_rate(whole: Float64, rate: float, sample_rate: float) -> Float64:
    """Resample a response. Each sample is scaled, because there are more or fewer of them per second."""
    if rate == sample_rate:
        return whole
    return np.asarray(soxr.resample(whole, rate, sample_rate, QUALITY) * (rate / sample_rate), np.float64)


def _rise(frames: int) -> Float64:
    """Return half a raised cosine from 0 to 1, without the two end values."""
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * (np.arange(frames) + 0.5) / frames))


def _db(power: float, of: float) -> float:
    return 10 * math.log10(power / of) if power > 0.0 else -math.inf


def _factor(gain_db: float) -> float:
    return float(10 ** (gain_db / 20))
