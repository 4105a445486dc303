"""How two sounds differ. Everything that judges sound asks here.

Signals are mono (frames,), computed in float64; a pair must have equal shapes. They are compared frame by frame as they
stand; `align` is for who asks whether only delay, gain or polarity differ. -inf dB is silence, nan is no answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
from nampedal.firmware import loudness
from nampedal.firmware.loudness import Float64, Signal, faded_in_and_out, fft_size, filtered

TAIL_S = 2.0

_PRE_EMPHASIS = 0.85
# FFT, window and hop, in frames.
_STFT_FRAMES = ((512, 240, 50), (1024, 600, 120), (2048, 1200, 240))
_STFT_FLOOR = 1e-4
_STFT_CHUNK = 1024


def esr(reference: Signal, test: Signal) -> float:
    """Error-to-signal ratio, sum((test - reference)^2) / sum(reference^2), of any equal shapes.

    0 for equal signals, inf where the reference alone is silent.  Wright et al. 2020.
    """
    wanted, got = _same_shape(reference, test)
    error = float(np.sum((got - wanted) ** 2))
    signal = float(np.sum(wanted**2))
    if error == 0.0:
        return 0.0
    return error / signal if signal != 0.0 else math.inf


def pre_emphasised_esr(reference: Signal, test: Signal) -> float:
    """ESR of both signals through 1 - 0.85 z^-1, which lifts the treble that carries little energy but much tone.

    Wright and Valimaki 2020, "Perceptual loss function for neural modelling of audio systems".
    """
    wanted, got = _mono_pair(reference, test)
    return esr(_pre_emphasised(wanted), _pre_emphasised(got))


def a_weighted_esr(reference: Signal, test: Signal, rate: float) -> float:
    """ESR of both signals under A-weighting, so that DC and rumble hardly count. rate: Hz.  IEC 61672-1."""
    wanted, got = _mono_pair(reference, test)
    return esr(filtered(wanted, rate, a_weighting), filtered(got, rate, a_weighting))


def max_error(reference: Signal, test: Signal) -> float:
    """The largest absolute difference of two frames; 0 for no frames."""
    wanted, got = _same_shape(reference, test)
    return float(np.max(np.abs(got - wanted), initial=0.0))


def mr_stft_distance(reference: Signal, test: Signal) -> float:
    """Multi-resolution STFT distance: spectral convergence plus mean log-magnitude difference, mean of three sizes.

    Spectral convergence is ||(|R| - |T|)|| / ||(|R|)||, Frobenius norms; the logarithm is natural; Hann windows.
    Magnitudes below 1e-4, about -120 dBFS, count as 1e-4: silence is finite.  Yamamoto et al. 2020, "Parallel WaveGAN",
    with the sizes given there; magnitudes are compared, so phase does not count.
    """
    wanted, got = _mono_pair(reference, test)
    return float(np.mean([_stft_distance(wanted, got, *frames) for frames in _STFT_FRAMES]))


def loudness_lufs(audio: Signal, rate: float) -> float:
    """Integrated loudness of one channel, gated: `loudness.loudness_lufs`."""
    return loudness.loudness_lufs(_mono(audio), rate)


def peak_dbfs(audio: Signal) -> float:
    """The largest absolute frame, in dB of full scale (1.0): sample peak, not true peak."""
    return ratio_db(float(np.max(np.abs(_mono(audio)), initial=0.0)), 1.0)


def noise_floor_dba(audio: Signal, rate: float, tail_s: float = TAIL_S) -> float:
    """How far the end of a decay to silence lies below what went before it, in dB. rate: Hz.

    A-weighted RMS (IEC 61672-1) of the last tail_s over the unweighted RMS of all before, DC left out of both.
    -inf for a silent tail; nan where nothing is before the tail.
    """
    signal = _mono(audio)
    return _tail_dba(signal, signal, rate, tail_s)


def decay_error_dba(reference: Signal, test: Signal, rate: float, tail_s: float = TAIL_S) -> float:
    """How far the error at the end of a decay to silence lies below the reference's programme, in dB. rate: Hz.

    As `noise_floor_dba`, with the tail of (test - reference) over the reference before the tail.
    """
    wanted, got = _mono_pair(reference, test)
    return _tail_dba(wanted, got - wanted, rate, tail_s)


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """What makes a test signal the reference's: test is delay_frames later, gain_db louder, upside down if inverted.

    reference, test: float64, of equal shape, without the frames that only one of the two covers; test with all three
    undone.
    """

    delay_frames: float
    gain_db: float
    inverted: bool
    reference: Float64
    test: Float64


def align(reference: Signal, test: Signal, max_delay_frames: int) -> Alignment:
    """Find delay, gain and polarity, and undo them. Where one of the two is silent or not finite, there is nothing to.

    The delay, positive or negative and fractional, is where the cross-correlation of band-limited signals is largest
    (Knapp and Carter 1976, unweighted); the gain is the one that leaves the least squared error. DC has no say.
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
    """Every figure of this module, of one test signal against its reference. Differences are test minus reference."""

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
    reference_noise_floor_dba: float
    test_noise_floor_dba: float
    decay_error_dba: float

    def json_values(self) -> dict[str, float | None]:
        """Each figure by its name; None for what JSON has no number for."""
        return {name: value if math.isfinite(value) else None for name, value in asdict(self).items()}


def compare(reference: Signal, test: Signal, rate: float) -> Comparison:
    """Every figure, unaligned. rate: Hz. The three in dBA mean something where the material ends in a decay of 2 s."""
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
        reference_noise_floor_dba=noise_floor_dba(wanted, rate),
        test_noise_floor_dba=noise_floor_dba(got, rate),
        decay_error_dba=decay_error_dba(wanted, got, rate),
    )


def ratio_db(amplitude: float, to: float) -> float:
    """Decibels of a ratio of amplitudes: -inf for none, inf for some to nothing."""
    if amplitude == 0.0:
        return -math.inf
    return 20 * math.log10(amplitude / to) if to != 0.0 else math.inf


def a_weighting(hz: Float64) -> Float64:
    """The gain of A-weighting, 1 at 1 kHz.  IEC 61672-1, annex E."""

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
    """Spectra (some, fft / 2 + 1), a chunk at a time: all of them would be gigabytes. Windows are centred on hops."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(signal, window // 2), window)[::hop]
    for at in range(0, len(frames), _STFT_CHUNK):
        spectra = np.fft.rfft(frames[at : at + _STFT_CHUNK] * hann, fft)
        yield np.maximum(np.abs(spectra), _STFT_FLOOR)


def _tail_dba(programme: Float64, noise: Float64, rate: float, tail_s: float) -> float:
    start = len(noise) - round(tail_s * rate)
    if start <= 0 or start == len(noise):
        return math.nan
    # Cut first: weighted as a whole, the programme's end would ring into the tail.
    return ratio_db(_rms(filtered(noise[start:], rate, a_weighting)), _rms(_without_mean(programme[:start])))


def _delay_frames(wanted: Float64, got: Float64, max_delay_frames: int) -> float:
    reach = min(max_delay_frames, len(wanted) - 1)
    if reach <= 0:
        return 0.0
    # So much longer that what is looked at has not wrapped around.
    size = fft_size(len(wanted) + reach + 1)
    cross = np.conj(np.fft.rfft(_without_mean(wanted), size)) * np.fft.rfft(_without_mean(got), size)
    if not np.any(cross) or not np.all(np.isfinite(cross)):
        return 0.0
    correlation = np.fft.irfft(cross, size)
    lags = np.arange(-reach, reach + 1)
    lag = int(lags[np.argmax(np.abs(correlation[lags]))])
    # Newton's steps to where the correlation has no slope: the first on a parabola, as a spectrum far from one would
    # throw it off, the others on the exact interpolation.
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
    """The signal so many frames later, by band-limited interpolation: as long as it was."""
    if frames == 0.0:
        return signal
    edge = math.ceil(abs(frames)) + 1024
    held = faded_in_and_out(signal, edge)
    size = fft_size(len(held))
    spectrum = np.fft.rfft(held, size) * np.exp(-2j * np.pi * np.fft.rfftfreq(size) * frames)
    return np.fft.irfft(spectrum, size)[edge : edge + len(signal)]
