"""Measures the latency, gain and noise of a cable from the output to the input.

A sweep is played and searched in the recorded input. Their cross-correlation is the impulse response of the loop within
the band of the sweep; the position of its peak is the latency.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from nampedal.firmware.base.errors import MeasurementError
from nampedal.firmware.engine.inference import Audio
from numpy.typing import NDArray

# The peak level of the sweep.
LEVEL_DBFS = -12.0
# The gain is the RMS of the frequency response over this band.
GAIN_BAND_HZ = (500.0, 2000.0)
MIN_GAIN_DB = -40.0
# The level that is reported for digital silence.
QUIETEST_DBFS = -200.0

_SWEEP_HZ = (20.0, 20_000.0)
# The highest frequency that converters pass, as a part of the sample rate.
_PASSED = 0.45
# The muted pedal becomes silent, and clicks of new connections end, in the first half of this time.
_SILENCE_S = 1.0
_SWEEP_S = 1.0
_FADE_S = 0.01
# The maximum round trip, including the decay of the response.
_TAIL_S = 1.0
# The minimum ratio of the peak to the median of the correlation. For noise the ratio is 9.
_CLEAR = 20.0
# The maximum sample of a 16-bit converter is 1 - 2^-15.
_CLIPS = 0.9999
# The part of the correlation before and after its peak that the gain is computed from.
_BEFORE_S = 0.005
_BEHIND_S = 0.05


@dataclass(frozen=True, slots=True)
class Loop:
    """The result of a loopback measurement.

    round_trip_frames: the delay from a sent frame to the same frame at the input.
    gain_db: the gain from output to input around 1 kHz (`GAIN_BAND_HZ`).
    noise_floor_dbfs: RMS without DC while nothing is sent, at least `QUIETEST_DBFS`; 0 dBFS is a square wave at full
    scale.
    """

    round_trip_frames: int
    gain_db: float
    noise_floor_dbfs: float


def excitation(sample_rate: float) -> Audio:
    """Return the signal to send, (frames,) float32: silence, a linear sweep with peaks at `LEVEL_DBFS`, silence.

    sample_rate: Hz.
    All frequencies have the same duration, so that noise has the smallest effect on the measured latency.
    """
    low_hz, high_hz = _SWEEP_HZ[0], min(_SWEEP_HZ[1], _PASSED * sample_rate)
    time_s = np.arange(round(_SWEEP_S * sample_rate)) / sample_rate
    sweep = np.sin(2.0 * np.pi * (low_hz + 0.5 * (high_hz - low_hz) / _SWEEP_S * time_s) * time_s)
    fade = np.minimum(1.0, np.minimum(time_s, time_s[::-1]) / _FADE_S)
    sweep *= 10.0 ** (LEVEL_DBFS / 20.0) * np.sin(0.5 * np.pi * fade) ** 2
    before, behind = (np.zeros(round(seconds * sample_rate)) for seconds in (_SILENCE_S, _TAIL_S))
    return np.concatenate([before, sweep, behind]).astype(np.float32)


def measure(sent: Audio, heard: Audio, sample_rate: float) -> Loop:
    """Compute the result of a loopback measurement.

    sent: an `excitation`.
    heard: the input that was recorded while `sent` was played, frame by frame.
    sample_rate: Hz.
    Raises MeasurementError.
    """
    if np.max(np.abs(heard)) >= _CLIPS:
        raise MeasurementError(
            f"input: clips at a sweep of {LEVEL_DBFS:g} dBFS; turn the input's gain or the output's volume down"
        )
    correlation = _correlate(sent, heard)
    size = np.abs(correlation[: round(_TAIL_S * sample_rate)])
    peak = int(np.argmax(size))
    if not size[peak] > _CLEAR * np.median(size):
        raise MeasurementError(
            "input: nothing comes back of what the output plays; put a cable from the output to the input, or name "
            "others with --output-port and --input-port"
        )
    gain_db = _level_db(correlation, peak, sample_rate) - _level_db(_correlate(sent, sent), 0, sample_rate)
    if gain_db < MIN_GAIN_DB:
        raise MeasurementError(
            f"input: what the output plays comes back at {gain_db:.1f} dB; at least {MIN_GAIN_DB:g} dB are needed: "
            "push the cable in at both ends, and turn the input's gain or the output's volume up"
        )
    silence = round(_SILENCE_S * sample_rate)
    return Loop(peak, gain_db, _noise_dbfs(heard[silence // 2 : silence]))


def _correlate(sent: Audio, heard: Audio) -> NDArray[np.float64]:
    # Zero-pad to this length, so that a late response does not wrap around.
    frames = 2 * len(sent)
    return np.fft.irfft(np.fft.rfft(heard, frames) * np.conj(np.fft.rfft(sent, frames)), frames)


def _level_db(correlation: NDArray[np.float64], peak: int, sample_rate: float) -> float:
    # Frames before frame 0 are at the end of the array.
    frames = np.arange(peak - round(_BEFORE_S * sample_rate), peak + round(_BEHIND_S * sample_rate))
    # The FFT length is one second, so a bin is 1 Hz.
    bins = np.abs(np.fft.rfft(correlation.take(frames, mode="wrap"), round(sample_rate)))
    return 10.0 * math.log10(np.mean(bins[round(GAIN_BAND_HZ[0]) : round(GAIN_BAND_HZ[1]) + 1] ** 2))


def _noise_dbfs(audio: Audio) -> float:
    rms = float(np.std(audio, dtype=np.float64))
    return 20.0 * math.log10(max(rms, 10.0 ** (QUIETEST_DBFS / 20.0)))
