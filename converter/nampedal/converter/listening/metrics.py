"""Measures differences between two signals. All code that judges sound uses this module.

Signals are mono (frames,), computed in float64; the two of a pair must have equal shapes. They are compared frame by
frame without alignment; use `align` to find out if only delay, gain or polarity differ. -inf dB means silence, nan
means that the value is undefined.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
from nampedal.firmware.audio import loudness
from nampedal.firmware.audio.loudness import Float64, Signal, faded_in_and_out, fft_size, filtered

TAIL_S = 2.0
FAINTEST_DBFS = -180.0

_PRE_EMPHASIS = 0.85
# FFT, window and hop, in frames.
_STFT_FRAMES = ((512, 240, 50), (1024, 600, 120), (2048, 1200, 240))
_STFT_FLOOR = 1e-4
_STFT_CHUNK = 1024


def esr(reference: Signal, test: Signal) -> float:
    """Return the error-to-signal ratio, sum((test - reference)^2) / sum(reference^2). Any equal shapes.

    0 for equal signals, inf if only the reference is silent. Source: Wright et al. 2020.
    """
    wanted, got = _same_shape(reference, test)
    error = float(np.sum((got - wanted) ** 2))
    signal = float(np.sum(wanted**2))
    if error == 0.0:
        return 0.0
    return error / signal if signal != 0.0 else math.inf


def pre_emphasised_esr(reference: Signal, test: Signal) -> float:
    """Return the ESR of both signals after the filter 1 - 0.85 z^-1.

    It raises the treble, which has little energy but matters for the tone. Source: Wright and Valimaki 2020,
    "Perceptual loss function for neural modelling of audio systems".
    """
    wanted, got = _mono_pair(reference, test)
    return esr(_pre_emphasised(wanted), _pre_emphasised(got))


def a_weighted_esr(reference: Signal, test: Signal, rate: float) -> float:
    """Return the ESR of both signals after A-weighting, which almost removes DC and rumble. rate: Hz. IEC 61672-1."""
    wanted, got = _mono_pair(reference, test)
    return esr(filtered(wanted, rate, a_weighting), filtered(got, rate, a_weighting))


def max_error(reference: Signal, test: Signal) -> float:
    """Return the largest absolute difference of two frames; 0 if there are no frames."""
    wanted, got = _same_shape(reference, test)
    return float(np.max(np.abs(got - wanted), initial=0.0))


def mr_stft_distance(reference: Signal, test: Signal) -> float:
    """Return the multi-resolution STFT distance, the mean over three window sizes.

    For each size: spectral convergence plus mean log-magnitude difference. Spectral convergence is ||(|R| - |T|)|| /
    ||(|R|)|| with Frobenius norms; the logarithm is natural; the windows are Hann windows. Magnitudes below 1e-4, about
    -120 dBFS, count as 1e-4, so that silence gives a finite result. Only magnitudes are compared, so phase has no
    effect. Source: Yamamoto et al. 2020, "Parallel WaveGAN", with its window sizes.
    """
    wanted, got = _mono_pair(reference, test)
    return float(np.mean([_stft_distance(wanted, got, *frames) for frames in _STFT_FRAMES]))


def loudness_lufs(audio: Signal, rate: float) -> float:
    """Return the gated integrated loudness of one channel, see `loudness.loudness_lufs`. rate: Hz."""
    return loudness.loudness_lufs(_mono(audio), rate)


def peak_dbfs(audio: Signal) -> float:
    """Return the largest absolute frame in dB of full scale (1.0): the sample peak, not the true peak."""
    return ratio_db(float(np.max(np.abs(_mono(audio)), initial=0.0)), 1.0)


def noise_floor_dbfs(audio: Signal, rate: float) -> float:
    """Return the A-weighted RMS (IEC 61672-1) of silence in dB of full scale, without DC. rate: Hz.

    -inf below FAINTEST_DBFS, where only float32 rounding errors are left. nan if there are no frames.
    """
    signal = _mono(audio)
    if not len(signal):
        return math.nan
    found = ratio_db(_rms(filtered(_without_mean(signal), rate, a_weighting)), 1.0)
    return -math.inf if found < FAINTEST_DBFS else found


def tail_dba(audio: Signal, rate: float, tail_s: float = TAIL_S) -> float:
    """Return the level of the end of a decay relative to the signal before it, in dB. rate: Hz.

    It is the A-weighted RMS (IEC 61672-1) of the last tail_s divided by the unweighted RMS of all before, both without
    DC. -inf for a silent tail; nan if there is nothing before the tail.
    """
    signal = _mono(audio)
    return _tail_dba(signal, signal, rate, tail_s)


def decay_error_dba(reference: Signal, test: Signal, rate: float, tail_s: float = TAIL_S) -> float:
    """Return the level of the error at the end of a decay relative to the reference before it, in dB. rate: Hz.

    Same as `tail_dba`, with the tail of (test - reference) and the reference before the tail.
    """
    wanted, got = _mono_pair(reference, test)
    return _tail_dba(wanted, got - wanted, rate, tail_s)


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """Delay, gain and polarity of a test signal relative to the reference, and both signals aligned.

    The test signal is delay_frames later and gain_db louder than the reference, and has inverted polarity if
    `inverted`.
    reference, test: float64, of equal shape, without the frames that only one of the two covers. Delay, gain and
      polarity of `test` are corrected.
    """

    delay_frames: float
    gain_db: float
    inverted: bool
    reference: Float64
    test: Float64


def align(reference: Signal, test: Signal, max_delay_frames: int) -> Alignment:
    """Find delay, gain and polarity of `test`, and correct them. A silent or non-finite signal is not changed.

    The delay can be positive, negative and fractional. It is the maximum of the cross-correlation of band-limited
    signals (Knapp and Carter 1976, unweighted). The gain gives the least squared error. DC is ignored.
    """
    wanted, got = _mono_pair(reference, test)
    delay = _delay_frames(wanted, got, max_delay_frames)
    got = _delayed(got, -delay)
    covered = slice(math.ceil(max(0.0, -delay)), len(got) - math.ceil(max(0.0, delay)))
    wanted, got = wanted[covered], got[covered]
    energy = float(np.sum(_without_mean(got) ** 2))
    scale = float(np.sum(_without_mean(wanted) * _without_mean(got))) / energy if energy != 0.0 else 0.0
    if scale == 0.0:
        scale = 1.0
    return Alignment(delay, -ratio_db(abs(scale), 1.0), scale < 0.0, wanted, got * scale)


@dataclass(frozen=True, slots=True)
class Comparison:
    """All figures of this module for one test signal and its reference. Differences are test minus reference.

    The noise floors are nan unless the caller knows which part of the signals is silence.
    """

    esr: float
    pre_emphasised_esr: float
    a_weighted_esr: float
    max_error: float
    mr_stft_distance: float
    reference_lufs: float
    test_lufs: float
    loudness_difference_lu: float
    reference_peak_dbfs: float
    test_peak_dbfs: float
    peak_difference_db: float
    reference_tail_dba: float
    test_tail_dba: float
    decay_error_dba: float
    reference_noise_floor_dbfs: float = math.nan
    test_noise_floor_dbfs: float = math.nan

    def json_values(self) -> dict[str, float | None]:
        """Return each figure by its name; None for inf and nan, which JSON can't express."""
        return {name: value if math.isfinite(value) else None for name, value in asdict(self).items()}


def compare(reference: Signal, test: Signal, rate: float) -> Comparison:
    """Return all figures, without alignment. rate: Hz.

    The three figures in dBA are meaningful only if the audio ends in a decay of 2 s.
    """
    wanted, got = _mono_pair(reference, test)
    reference_lufs, test_lufs = loudness_lufs(wanted, rate), loudness_lufs(got, rate)
    reference_peak_dbfs, test_peak_dbfs = peak_dbfs(wanted), peak_dbfs(got)
    return Comparison(
        esr=esr(wanted, got),
        pre_emphasised_esr=pre_emphasised_esr(wanted, got),
        a_weighted_esr=a_weighted_esr(wanted, got, rate),
        max_error=max_error(wanted, got),
        mr_stft_distance=mr_stft_distance(wanted, got),
        reference_lufs=reference_lufs,
        test_lufs=test_lufs,
        loudness_difference_lu=test_lufs - reference_lufs,
        reference_peak_dbfs=reference_peak_dbfs,
        test_peak_dbfs=test_peak_dbfs,
        peak_difference_db=test_peak_dbfs - reference_peak_dbfs,
        reference_tail_dba=tail_dba(wanted, rate),
        test_tail_dba=tail_dba(got, rate),
        decay_error_dba=decay_error_dba(wanted, got, rate),
    )


def ratio_db(amplitude: float, to: float) -> float:
    """Return a ratio of amplitudes in dB: -inf if the amplitude is 0, inf if only `to` is 0."""
    if amplitude == 0.0:
        return -math.inf
    return 20 * math.log10(amplitude / to) if to != 0.0 else math.inf


def a_weighting(hz: Float64) -> Float64:
    """Return the gain of A-weighting, which is 1 at 1 kHz. Source: IEC 61672-1, annex E."""

    def curve(f: Float64) -> Float64:
        f2 = f * f
        high_pass = f2 * f2 / ((f2 + 20.598997**2) * np.sqrt((f2 + 107.65265**2) * (f2 + 737.86223**2)))
        return np.asarray(high_pass / (f2 + 12194.217**2))

    return curve(hz) / curve(np.array(1000.0))


def _same_shape(reference: Signal, test: Signal) -> tuple[Float64, Float64]:
    if reference.shape != test.shape:
        raise ValueError(f"shapes differ: {reference.shape} and {test.shape}")
    return reference.astype(np.float64), test.astype(np.float64)


def _mono(audio: Signal) -> Float64:
    if audio.ndim != 1:
        raise ValueError(f"audio has shape {audio.shape}; mono is taken, (frames,): give one channel at a time")
    return audio.astype(np.float64)


def _mono_pair(reference: Signal, test: Signal) -> tuple[Float64, Float64]:
    wanted, got = _same_shape(reference, test)
    return _mono(wanted), _mono(got)


def _without_mean(signal: Float64) -> Float64:
    return signal - np.mean(signal) if len(signal) else signal


def _rms(signal: Float64) -> float:
    return math.sqrt(float(np.mean(signal**2)))


def _pre_emphasised(signal: Float64) -> Float64:
    return signal - _PRE_EMPHASIS * np.concatenate([np.zeros(1), signal])[: len(signal)]


def _stft_distance(wanted: Float64, got: Float64, fft: int, window: int, hop: int) -> float:
    error = signal = logarithms = 0.0
    bins = 0
    for a, b in zip(_magnitudes(wanted, fft, window, hop), _magnitudes(got, fft, window, hop), strict=True):
        error += float(np.sum((b - a) ** 2))
        signal += float(np.sum(a**2))
        logarithms += float(np.sum(np.abs(np.log(b / a))))
        bins += a.size
    return math.sqrt(error / signal) + logarithms / bins


def _magnitudes(signal: Float64, fft: int, window: int, hop: int) -> Iterator[Float64]:
    """Yield spectra (some, fft / 2 + 1) in chunks, because all at once would need gigabytes.

    The windows are centred on the hops.
    """
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(signal, window // 2), window)[::hop]
    for at in range(0, len(frames), _STFT_CHUNK):
        spectra = np.fft.rfft(frames[at : at + _STFT_CHUNK] * hann, fft)
        yield np.maximum(np.abs(spectra), _STFT_FLOOR)


def _tail_dba(programme: Float64, noise: Float64, rate: float, tail_s: float) -> float:
    start = len(noise) - round(tail_s * rate)
    if start <= 0 or start == len(noise):
        return math.nan
    # Cut before filtering: otherwise the end of the programme would ring into the tail.
    return ratio_db(_rms(filtered(noise[start:], rate, a_weighting)), _rms(_without_mean(programme[:start])))


def _delay_frames(wanted: Float64, got: Float64, max_delay_frames: int) -> float:
    reach = min(max_delay_frames, len(wanted) - 1)
    if reach <= 0:
        return 0.0
    # Long enough that the inspected lags do not wrap around.
    size = fft_size(len(wanted) + reach + 1)
    cross = np.conj(np.fft.rfft(_without_mean(wanted), size)) * np.fft.rfft(_without_mean(got), size)
    if not np.any(cross) or not np.all(np.isfinite(cross)):
        return 0.0
    correlation = np.fft.irfft(cross, size)
    lags = np.arange(-reach, reach + 1)
    lag = int(lags[np.argmax(np.abs(correlation[lags]))])
    # Newton's method finds the maximum of the correlation. The first step uses a parabola, because the exact step could
    # diverge far from a peak; the others use the exact interpolation.
    before, here, after = correlation[[lag - 1, lag, lag + 1]]
    slope, curvature = (after - before) / 2, before - 2 * here + after
    omega = 2 * np.pi * np.fft.rfftfreq(size)
    delay = float(lag)
    for _ in range(5):
        step = -slope / curvature if curvature != 0.0 else 0.0
        delay = min(max(delay + float(step), lag - 1, -reach), lag + 1, reach)
        turned = cross * np.exp(1j * omega * delay)
        slope, curvature = -np.sum(omega * turned.imag), -np.sum(omega**2 * turned.real)
    return delay


def _delayed(signal: Float64, frames: float) -> Float64:
    """Return the signal delayed by `frames`, with band-limited interpolation and unchanged length."""
    if frames == 0.0:
        return signal
    edge = math.ceil(abs(frames)) + 1024
    held = faded_in_and_out(signal, edge)
    size = fft_size(len(held))
    spectrum = np.fft.rfft(held, size) * np.exp(-2j * np.pi * np.fft.rfftfreq(size) * frames)
    return np.fft.irfft(spectrum, size)[edge : edge + len(signal)]
