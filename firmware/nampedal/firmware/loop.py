"""What a cable from the output to the input tells: how late the sound comes back, how loud, and over what noise.

A sweep is sent and looked for in what is heard: their cross-correlation is the loop's impulse response within the
sweep's band, and its peak says when.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from nampedal.firmware.engine import Audio
from nampedal.firmware.errors import LoopClipsError, LoopTooQuietError, NoCableError
from numpy.typing import NDArray

# Of the sweep's peaks.
LEVEL_DBFS = -12.0
# Where the gain is taken, as its RMS over the band.
GAIN_BAND_HZ = (500.0, 2000.0)
LEAST_GAIN_DB = -40.0
# Digital silence.
QUIETEST_DBFS = -200.0

_SWEEP_HZ = (20.0, 20_000.0)
# Of the sample rate: what converters pass.
_PASSED = 0.45
# What the pedal still plays when it is muted, and what a new connection clicks, is over in the first half of it.
_SILENCE_S = 1.0
_SWEEP_S = 1.0
_FADE_S = 0.01
# The longest round trip, and what rings behind it.
_TAIL_S = 1.0
# How far the peak stands out of the correlation's median: of noise it is 9 times as high.
_CLEAR = 20.0
# A converter's largest value is 1 - 2^-15 with 16 bits.
_CLIPS = 0.9999
# Of the correlation, before and behind its peak, what the gain is taken from.
_BEFORE_S = 0.005
_BEHIND_S = 0.05


@dataclass(frozen=True, slots=True)
class Loop:
    """round_trip_frames: from the frame that is sent to the same frame heard.

    gain_db: from out to in, around 1 kHz (`GAIN_BAND_HZ`).
    noise_floor_dbfs: RMS without DC while nothing is sent, down to `QUIETEST_DBFS`; 0 is a square wave at full scale.
    """

    round_trip_frames: int
    gain_db: float
    noise_floor_dbfs: float


def excitation(sample_rate: float) -> Audio:
    """What to send, (frames,) float32: silence, a linear sweep of peaks at `LEVEL_DBFS`, silence. sample_rate: Hz.

    All frequencies come equally long, so that noise disturbs the time of arrival as little as it can.
    """
    low_hz, high_hz = _SWEEP_HZ[0], min(_SWEEP_HZ[1], _PASSED * sample_rate)
    time_s = np.arange(round(_SWEEP_S * sample_rate)) / sample_rate
    sweep = np.sin(2.0 * np.pi * (low_hz + 0.5 * (high_hz - low_hz) / _SWEEP_S * time_s) * time_s)
    fade = np.minimum(1.0, np.minimum(time_s, time_s[::-1]) / _FADE_S)
    sweep *= 10.0 ** (LEVEL_DBFS / 20.0) * np.sin(0.5 * np.pi * fade) ** 2
    before, behind = (np.zeros(round(seconds * sample_rate)) for seconds in (_SILENCE_S, _TAIL_S))
    return np.concatenate([before, sweep, behind]).astype(np.float32)


def measure(sent: Audio, heard: Audio, sample_rate: float) -> Loop:
    """heard: what came in while `sent`, an `excitation`, went out, frame by frame. sample_rate: Hz.

    Raises LoopClipsError, NoCableError, LoopTooQuietError.
    """
    if np.max(np.abs(heard)) >= _CLIPS:
        raise LoopClipsError(
            f"input: clips at a sweep of {LEVEL_DBFS:g} dBFS; turn the input's gain or the output's volume down"
        )
    correlation = _correlate(sent, heard)
    size = np.abs(correlation[: round(_TAIL_S * sample_rate)])
    peak = int(np.argmax(size))
    if not size[peak] > _CLEAR * np.median(size):
        raise NoCableError(
            "input: nothing comes back of what the output plays; put a cable from the output to the input, or name "
            "others with --output and --input"
        )
    gain_db = _level_db(correlation, peak, sample_rate) - _level_db(_correlate(sent, sent), 0, sample_rate)
    if gain_db < LEAST_GAIN_DB:
        raise LoopTooQuietError(
            f"input: what the output plays comes back at {gain_db:.1f} dB; at least {LEAST_GAIN_DB:g} dB are needed: "
            "push the cable in at both ends, and turn the input's gain or the output's volume up"
        )
    silence = round(_SILENCE_S * sample_rate)
    return Loop(peak, gain_db, _noise_dbfs(heard[silence // 2 : silence]))


def _correlate(sent: Audio, heard: Audio) -> NDArray[np.float64]:
    # So long that what comes late does not wrap around.
    frames = 2 * len(sent)
    return np.fft.irfft(np.fft.rfft(heard, frames) * np.conj(np.fft.rfft(sent, frames)), frames)


def _level_db(correlation: NDArray[np.float64], peak: int, sample_rate: float) -> float:
    # What is before frame 0 is at the end.
    frames = np.arange(peak - round(_BEFORE_S * sample_rate), peak + round(_BEHIND_S * sample_rate))
    # Of a second: bins of 1 Hz.
    bins = np.abs(np.fft.rfft(correlation.take(frames, mode="wrap"), round(sample_rate)))
    return 10.0 * math.log10(np.mean(bins[round(GAIN_BAND_HZ[0]) : round(GAIN_BAND_HZ[1]) + 1] ** 2))


def _noise_dbfs(audio: Audio) -> float:
    rms = float(np.std(audio, dtype=np.float64))
    return 20.0 * math.log10(max(rms, 10.0 ** (QUIETEST_DBFS / 20.0)))
