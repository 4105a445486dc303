from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import fields

import numpy as np
import pytest
from conftest import Audio
from nampedal.converter.listening import metrics, test_signals
from numpy.typing import NDArray

Signal = NDArray[np.float64]

RATES = [44_100, 48_000]
# Nominal frequency and weighting, IEC 61672-1, table 3: rounded to 0.1 dB, at exact frequencies near the nominal ones.
A_TABLE_DB = [
    *((31.5, -39.4), (63.0, -26.2), (100.0, -19.1), (200.0, -10.9), (500.0, -3.2), (1000.0, 0.0)),
    *((2000.0, 1.2), (4000.0, 1.0), (8000.0, -1.1), (10_000.0, -2.5), (16_000.0, -6.6), (20_000.0, -9.3)),
]


def floats(*values: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.array(values, np.float32)


def sine(hz: float, seconds: float, rate: float, level_dbfs: float = 0.0) -> Signal:
    wave = np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)
    return np.asarray(10 ** (level_dbfs / 20) * wave, np.float64)


def noise(frames: int, seed: int = 1) -> Signal:
    return np.asarray(np.random.default_rng(seed).standard_normal(frames), np.float64)


def later(signal: Signal, frames: float) -> Signal:
    """Delayed by a windowed sinc: another way than the one that is tested."""
    taps = np.arange(-200, 201) - (frames - math.floor(frames))
    kernel = np.sinc(taps) * np.cos(np.pi * taps / 404) ** 2
    whole = math.floor(frames)
    spread = np.convolve(signal, kernel)[200 : 200 + len(signal)]
    return np.concatenate([np.zeros(max(0, whole)), spread, np.zeros(max(0, -whole))])[max(0, -whole) :][: len(signal)]


def smooth(frames: int, seed: int = 2) -> Signal:
    """Noise below a quarter of the rate that begins and ends in silence."""
    spectrum = np.fft.rfft(noise(frames, seed))
    spectrum[frames // 4 :] = 0.0
    return np.fft.irfft(spectrum, frames) * np.hanning(frames)


def test_esr_of_hand_computed_cases() -> None:
    assert metrics.esr(floats(3.0, 4.0), floats(3.0, 4.0)) == 0.0
    assert metrics.esr(floats(3.0, 4.0), floats(3.0, 3.5)) == 0.25 / 25.0
    assert metrics.esr(floats(1.0, -1.0), floats(0.0, 0.0)) == 1.0


def test_esr_of_silence() -> None:
    assert metrics.esr(floats(0.0, 0.0), floats(0.0, 0.0)) == 0.0
    assert math.isinf(metrics.esr(floats(0.0, 0.0), floats(0.0, 0.1)))


def test_esr_refuses_different_lengths() -> None:
    with pytest.raises(ValueError, match=r"shapes differ: \(2,\) and \(3,\)"):
        metrics.esr(floats(1.0, 2.0), floats(1.0, 2.0, 3.0))


def test_pre_emphasised_esr_of_a_hand_computed_case() -> None:
    # (1, 2, -1) becomes (1, 1.15, -2.7); the error (0, 0, 1) stays.
    expected = 1.0 / (1.0 + 1.15**2 + 2.7**2)
    assert metrics.pre_emphasised_esr(floats(1.0, 2.0, -1.0), floats(1.0, 2.0, 0.0)) == pytest.approx(expected)


def test_pre_emphasis_counts_dc_with_its_gain_there() -> None:
    tone = sine(12_000.0, 1.0, 48_000)
    # |1 - 0.85 z^-1| is 0.15 at DC, and its square 1 + 0.85^2 at a quarter of the rate.
    expected = 0.15**2 * 0.01**2 / (0.5 * (1 + 0.85**2))
    assert metrics.pre_emphasised_esr(tone, tone + 0.01) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("rate", [*RATES, 96_000])
@pytest.mark.parametrize(("hz", "gain_db"), A_TABLE_DB)
def test_an_error_weighs_what_the_a_weighting_table_says(rate: int, hz: float, gain_db: float) -> None:
    reference = sine(1000.0, 1.0, rate)
    esr = metrics.a_weighted_esr(reference, reference + sine(hz, 1.0, rate, -40.0), rate)
    assert 10 * math.log10(esr) + 40.0 == pytest.approx(gain_db, abs=0.12 if hz == 16_000 else 0.06)


def test_dc_does_not_count_in_the_a_weighted_esr() -> None:
    tone = sine(440.0, 1.0, 48_000)
    assert metrics.esr(tone, tone + 0.1) == pytest.approx(0.02, rel=1e-3)
    assert metrics.a_weighted_esr(tone, tone + 0.1, 48_000) < 1e-10


def test_max_error_is_the_largest_difference_of_either_sign() -> None:
    assert metrics.max_error(floats(0.0, 1.0, 2.0), floats(0.25, 0.5, 2.0)) == 0.5
    assert metrics.max_error(floats(), floats()) == 0.0


@pytest.mark.parametrize("gain", [0.5, 2.0, -1.0])
def test_a_gain_is_that_far_away_in_the_stft(gain: float) -> None:
    signal = noise(20_000)
    expected = abs(abs(gain) - 1) + abs(math.log(abs(gain)))
    assert metrics.mr_stft_distance(signal, gain * signal) == pytest.approx(expected, abs=1e-3)


def test_the_stft_distance_of_a_click_is_computed_on_paper() -> None:
    # A click of a in the middle of silence is a flat spectrum of a times the window, wherever a window covers it:
    # every other magnitude is the floor. Clicks a and b have spectral convergence (b - a) / a but for the floor.
    reference, test = np.zeros(24_000), np.zeros(24_000)
    reference[12_000], test[12_000] = 1.0, 1.5
    shares = []
    for window, hop in ((240, 50), (600, 120), (1200, 240)):
        at = np.arange(0, 24_001, hop) - 12_000
        hann = 0.5 + 0.5 * np.cos(2 * np.pi * at / window)
        heights = np.where((np.abs(at) < window / 2), hann, 0.0)
        a, b = np.maximum(heights, 1e-4), np.maximum(1.5 * heights, 1e-4)
        shares.append(math.sqrt(np.sum((b - a) ** 2) / np.sum(a**2)) + float(np.mean(np.log(b / a))))
    assert metrics.mr_stft_distance(reference, test) == pytest.approx(np.mean(shares), rel=1e-9)


def test_the_stft_distance_of_silence_is_finite() -> None:
    silence = np.zeros(4800)
    assert metrics.mr_stft_distance(silence, silence) == 0.0
    assert math.isfinite(metrics.mr_stft_distance(silence, noise(4800)))
    assert math.isfinite(metrics.mr_stft_distance(noise(4800), silence))


@pytest.mark.parametrize("frames", [0, 1, 2, 239, 513, 2047])
def test_the_stft_distance_takes_signals_shorter_than_its_windows(frames: int) -> None:
    signal = noise(frames)
    assert metrics.mr_stft_distance(signal, signal) == 0.0
    if frames:
        assert metrics.mr_stft_distance(signal, 0.5 * signal) > 0.3


@pytest.mark.parametrize("rate", [8000, 11_025, *RATES, 96_000, 192_000])
def test_a_full_scale_sine_in_one_channel_is_3_lufs_down(rate: int) -> None:
    # ITU-R BS.1770-4, annex 1: 0 dBFS, 997 Hz.
    assert metrics.loudness_lufs(sine(997.0, 4.0, rate), rate) == pytest.approx(-3.01, abs=0.01)


# EBU Tech 3341, table 1, cases 1 to 5: (level in dBFS, seconds) of 1 kHz, and LUFS in stereo, within 0.1 LU.
EBU_CASES = [
    ([(-23.0, 20.0)], -23.0),
    ([(-33.0, 20.0)], -33.0),
    ([(-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)], -23.0),
    ([(-72.0, 10.0), (-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0), (-72.0, 10.0)], -23.0),
    ([(-26.0, 20.0), (-20.0, 20.1), (-26.0, 20.0)], -23.0),
]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(("parts", "stereo_lufs"), EBU_CASES)
def test_ebu_signals_read_what_they_should(rate: int, parts: list[tuple[float, float]], stereo_lufs: float) -> None:
    # Two equal channels have twice the power of one.
    audio = np.concatenate([sine(1000.0, seconds, rate, level + 10 * math.log10(2)) for level, seconds in parts])
    assert metrics.loudness_lufs(audio, rate) == pytest.approx(stereo_lufs, abs=0.1)


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
def test_k_weighting_lifts_treble_and_drops_bass(rate: int) -> None:
    # From the analogue shelf and high-pass behind the standard's table: 4.0 dB at the top; -6 dB at 38.1 Hz (Q 1/2).
    level = metrics.loudness_lufs(sine(997.0, 2.0, rate), rate)
    assert metrics.loudness_lufs(sine(12_000.0, 2.0, rate), rate) - level == pytest.approx(4.0 - 0.69, abs=0.05)
    assert metrics.loudness_lufs(sine(38.1, 2.0, rate), rate) - level == pytest.approx(-6.0 - 0.69, abs=0.1)


def test_silence_short_sounds_and_whispers_have_no_loudness() -> None:
    assert metrics.loudness_lufs(np.zeros(48_000), 48_000) == -math.inf
    assert metrics.loudness_lufs(np.zeros(0), 48_000) == -math.inf
    assert metrics.loudness_lufs(sine(997.0, 0.39, 48_000), 48_000) == -math.inf
    assert metrics.loudness_lufs(sine(997.0, 4.0, 48_000, -67.1), 48_000) == -math.inf
    assert metrics.loudness_lufs(sine(997.0, 4.0, 48_000, -66.9), 48_000) == pytest.approx(-69.9, abs=0.02)


def test_peak_is_in_decibels_of_full_scale() -> None:
    assert metrics.peak_dbfs(floats(0.1, -0.5, 0.2)) == pytest.approx(-6.0206, abs=1e-4)
    assert metrics.peak_dbfs(floats(0.0)) == -math.inf
    assert metrics.peak_dbfs(floats()) == -math.inf


@pytest.mark.parametrize("rate", RATES)
def test_a_tail_is_a_weighted_and_relative_to_the_programme(rate: int) -> None:
    # Programme: a sine of amplitude 0.5, RMS -9.03 dB. Tail: sines of amplitude 1e-4, RMS -83.01 dB each.
    tones_db = [row for row in A_TABLE_DB if row[0] < 16_000]
    tail = sum((sine(hz, 2.0, rate, -80.0) for hz, _ in tones_db), np.zeros(2 * rate))
    weighted_db = -83.01 + 10 * math.log10(sum(10 ** (gain_db / 10) for _, gain_db in tones_db))
    floor = metrics.tail_dba(np.concatenate([sine(220.0, 3.0, rate, -6.02), tail]), rate)
    assert floor == pytest.approx(weighted_db + 9.03, abs=0.05)


def test_a_loud_programme_does_not_ring_into_a_silent_tail() -> None:
    cut = np.concatenate([sine(110.3, 1.0, 48_000) + 0.5, np.zeros(96_000)])
    assert metrics.tail_dba(cut, 48_000) == -math.inf


def test_the_tail_is_as_long_as_asked() -> None:
    audio = np.concatenate([sine(1000.0, 1.0, 48_000), sine(1000.0, 1.0, 48_000, -20.0), np.zeros(24_000)])
    assert metrics.tail_dba(audio, 48_000, tail_s=0.5) == -math.inf
    # 0.5 s of this tail is at -20 dB and 0.5 s silent; of what is before it, 1 s at 0 dB and 0.5 s at -20 dB.
    expected_db = 10 * math.log10((0.5 * 0.01 + 0.5 * 0.0) / ((1.0 + 0.5 * 0.01) / 1.5))
    assert metrics.tail_dba(audio, 48_000, tail_s=1.0) == pytest.approx(expected_db, abs=0.01)


def test_dc_is_no_noise_and_no_programme() -> None:
    programme, hiss = sine(220.0, 2.0, 48_000, -6.0), sine(1000.0, 2.0, 48_000, -90.0)
    plain = metrics.tail_dba(np.concatenate([programme, hiss]), 48_000)
    assert metrics.tail_dba(np.concatenate([programme, hiss]) + 0.1, 48_000) == pytest.approx(plain, abs=0.01)
    assert metrics.tail_dba(np.concatenate([programme, np.full(96_000, 0.1)]), 48_000) < -140.0


def test_the_noise_floor_of_silence_is_a_weighted_and_of_full_scale() -> None:
    hiss = sine(1000.0, 2.0, 48_000, -80.0)
    # The sine has a peak of -80 dBFS.
    assert metrics.noise_floor_dbfs(hiss, 48_000) == pytest.approx(-83.01, abs=0.01)
    assert metrics.noise_floor_dbfs(hiss + 0.2, 48_000) == pytest.approx(-83.01, abs=0.01)
    assert metrics.noise_floor_dbfs(sine(100.0, 2.0, 48_000, -80.0), 48_000) == pytest.approx(-102.1, abs=0.1)


@pytest.mark.parametrize("level", [0.0, 1e-9, -3.7e-5, 0.9])
def test_silence_that_is_nothing_but_dc_has_no_noise_floor(level: float) -> None:
    assert metrics.noise_floor_dbfs(np.full(24_000, np.float32(level)), 48_000) == -math.inf
    assert math.isnan(metrics.noise_floor_dbfs(np.zeros(0), 48_000))


def test_a_decay_error_is_that_of_the_tail_alone() -> None:
    reference = np.concatenate([sine(220.0, 2.0, 48_000), np.zeros(96_000)])
    error = np.concatenate([sine(3000.0, 2.0, 48_000, -20.0), sine(1000.0, 2.0, 48_000, -70.0)])
    assert metrics.decay_error_dba(reference, reference + error, 48_000) == pytest.approx(-70.0, abs=0.01)
    assert metrics.decay_error_dba(reference, reference + 0.01, 48_000) < -150.0
    assert metrics.decay_error_dba(reference, reference, 48_000) == -math.inf


@pytest.mark.parametrize("frames", [0, 1, 96_000])
def test_what_is_all_tail_is_relative_to_nothing(frames: int) -> None:
    audio = noise(frames)
    assert math.isnan(metrics.tail_dba(audio, 48_000))
    assert math.isnan(metrics.decay_error_dba(audio, audio, 48_000))


@pytest.mark.parametrize("delay", [0.0, 1.0, 17.0, -5.0, 0.25, 3.5, -7.7, 99.9])
@pytest.mark.parametrize("gain", [1.0, 2.0, -0.3])
def test_align_finds_delay_gain_and_polarity(delay: float, gain: float) -> None:
    reference = smooth(12_000)
    found = metrics.align(reference, gain * later(reference, delay), 100)
    assert found.delay_frames == pytest.approx(delay, abs=1e-4)
    assert found.gain_db == pytest.approx(20 * math.log10(abs(gain)), abs=1e-4)
    assert found.inverted == (gain < 0)
    assert metrics.esr(found.reference, found.test) < 1e-8


def test_align_finds_the_delay_of_a_guitar(guitar: Audio) -> None:
    riff = guitar.astype(np.float64)
    found = metrics.align(riff, -0.5 * later(riff, 41.3), 480)
    assert found.delay_frames == pytest.approx(41.3, abs=1e-3)
    assert found.gain_db == pytest.approx(-6.0206, abs=1e-3)
    assert found.inverted
    assert metrics.esr(found.reference, found.test) < 1e-6


def test_align_leaves_out_what_only_one_signal_covers() -> None:
    signal = noise(1010)
    found = metrics.align(signal[10:], signal[:-10], 20)
    assert found.delay_frames == pytest.approx(10.0, abs=1e-3)
    assert len(found.reference) == len(found.test)
    assert 985 <= len(found.test) <= 990
    assert np.array_equal(found.reference, signal[10:][: len(found.test)])


def test_align_looks_no_further_than_asked() -> None:
    reference = smooth(4000)
    test = later(reference, 12.0)
    assert abs(metrics.align(reference, test, 5).delay_frames) <= 5.0
    assert metrics.align(reference, 2 * reference, 0).delay_frames == 0.0
    assert metrics.align(reference, test, 12).delay_frames == pytest.approx(12.0, abs=1e-4)


def test_the_end_of_a_sound_is_not_before_its_beginning() -> None:
    reference, test = np.zeros(1024), np.zeros(1024)
    reference[10], test[30], test[1020] = 1.0, 0.5, 1.0
    assert metrics.align(reference, test, 50).delay_frames == pytest.approx(20.0, abs=0.01)


def test_align_takes_the_gain_that_leaves_the_least_error() -> None:
    reference, stranger = smooth(8000, 1), smooth(8000, 2)
    test = reference + 0.2 * stranger
    found = metrics.align(reference, test, 0)
    left = metrics.esr(reference, found.test)
    assert left < metrics.esr(reference, test)
    assert all(left <= metrics.esr(reference, found.test * factor) for factor in (0.99, 0.999, 1.001, 1.01))


def test_dc_does_not_mislead_align() -> None:
    reference = smooth(4000)
    found = metrics.align(reference + 10.0, 10.0 - reference, 10)
    assert found.inverted
    assert found.gain_db == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("frames", [0, 1, 2, 100])
def test_silence_stays_as_it_is_in_align(frames: int) -> None:
    silence, sound = np.zeros(frames), noise(frames)
    for reference, test in ((silence, silence), (silence, sound), (sound, silence)):
        found = metrics.align(reference, test, 10)
        assert (found.delay_frames, found.gain_db, found.inverted) == (0.0, 0.0, False)
        assert np.array_equal(found.test, test)


def test_equal_signals_differ_in_nothing() -> None:
    found = metrics.compare(audio := test_signals.plucks(48_000), audio, 48_000)
    assert (found.esr, found.pre_emphasised_esr, found.a_weighted_esr, found.max_error) == (0.0, 0.0, 0.0, 0.0)
    assert (found.mr_stft_distance, found.loudness_difference_lu, found.peak_difference_db) == (0.0, 0.0, 0.0)
    assert found.decay_error_dba == -math.inf


def test_a_comparison_is_test_against_reference() -> None:
    reference = np.concatenate([sine(1000.0, 2.0, 48_000), sine(1000.0, 2.0, 48_000, -60.0)])
    found = metrics.compare(reference, 0.5 * reference, 48_000)
    assert found.esr == pytest.approx(0.25)
    assert found.pre_emphasised_esr == pytest.approx(0.25)
    assert found.a_weighted_esr == pytest.approx(0.25)
    assert found.max_error == pytest.approx(0.5)
    # Half as loud is 0.5 + ln 2 away, but for the bins where there is nothing.
    assert 0.5 < found.mr_stft_distance < 0.5 + math.log(2.0)
    # 17 whole blocks of the loud part pass the gate, and three that have three, two, one quarter of it.
    lufs = -3.01 + 10 * math.log10((17 + 0.75 + 0.5 + 0.25) / 20)
    assert (found.reference_lufs, found.test_lufs) == pytest.approx((lufs, lufs - 6.0206), abs=0.01)
    assert found.loudness_difference_lu == pytest.approx(-6.0206, abs=1e-4)
    assert (found.reference_peak_dbfs, found.test_peak_dbfs) == pytest.approx((0.0, -6.0206), abs=1e-4)
    assert found.peak_difference_db == pytest.approx(-6.0206, abs=1e-4)
    assert found.reference_tail_dba == pytest.approx(-60.0, abs=0.01)
    assert found.test_tail_dba == pytest.approx(-60.0, abs=0.01)
    assert found.decay_error_dba == pytest.approx(-66.02, abs=0.01)


@pytest.mark.parametrize("frames", [0, 1, 100, 4800])
def test_a_comparison_of_silence_or_of_little_is_still_json(frames: int) -> None:
    for reference in (np.zeros(frames), noise(frames)):
        values = metrics.compare(reference, np.zeros(frames), 48_000).json_values()
        assert list(values) == [field.name for field in fields(metrics.Comparison)]
        assert json.loads(json.dumps(values, allow_nan=False)) == values
        assert values["test_lufs"] is None
        assert values["decay_error_dba"] is None
        # Nobody said where silence is.
        assert values["test_noise_floor_dbfs"] is None


def test_a_sound_with_a_nan_gets_no_good_figure() -> None:
    reference = noise(144_000)
    broken = reference.copy()
    broken[100] = math.nan
    values = metrics.compare(reference, broken, 48_000).json_values()
    for name in ("esr", "pre_emphasised_esr", "a_weighted_esr", "max_error", "mr_stft_distance", "test_peak_dbfs"):
        assert values[name] is None, name
    assert math.isnan(metrics.loudness_lufs(broken, 48_000))
    assert metrics.align(reference, broken, 10).delay_frames == 0.0


PAIRED: dict[str, Callable[[Signal, Signal], object]] = {
    "pre_emphasised_esr": metrics.pre_emphasised_esr,
    "a_weighted_esr": lambda a, b: metrics.a_weighted_esr(a, b, 48_000),
    "max_error": metrics.max_error,
    "mr_stft_distance": metrics.mr_stft_distance,
    "decay_error_dba": lambda a, b: metrics.decay_error_dba(a, b, 48_000),
    "align": lambda a, b: metrics.align(a, b, 10),
    "compare": lambda a, b: metrics.compare(a, b, 48_000),
}


@pytest.mark.parametrize("name", PAIRED)
def test_a_pair_of_different_lengths_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"^shapes differ: \(100,\) and \(99,\)$"):
        PAIRED[name](np.zeros(100), np.zeros(99))


@pytest.mark.parametrize("name", sorted(PAIRED.keys() - {"max_error"}))
def test_more_than_one_channel_is_refused(name: str) -> None:
    stereo = np.zeros((100, 2))
    message = r"^audio has shape \(100, 2\); mono is taken, \(frames,\): give one channel at a time$"
    with pytest.raises(ValueError, match=message):
        PAIRED[name](stereo, stereo)
