from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import Audio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nampedal.converter.listening import metrics
from nampedal.firmware.audio import impulse_response
from nampedal.firmware.audio.impulse_response import LEAD_S, LONGEST_S, MAX_TAPS, ImpulseResponse, mix, read
from nampedal.firmware.base.errors import AudioError, FileAccessError
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
RATE = 48_000
LEAD = round(LEAD_S * RATE)

# Hz and quality of a cabinet's resonators, and the gain of all. Their sums are of minimum phase: no zero lies outside
# the unit circle.
CABS: dict[str, tuple[tuple[tuple[float, float], ...], float]] = {
    "small and boxy": (((180.0, 2.5), (1400.0, 1.5), (3800.0, 1.2)), 0.02),
    "big and dark": (((85.0, 3.0), (900.0, 0.8), (2600.0, 1.0)), 3.0),
    "bright": (((120.0, 1.0), (3000.0, 3.0), (5200.0, 2.0)), 0.4),
    "booming": (((100.0, 8.0), (110.0, 4.0), (4500.0, 0.7)), 1e-3),
}


def poles(cab: str, rate: float) -> list[tuple[float, float]]:
    """Denominators 1 + a z^-1 + b z^-2: poles where the analogue resonators have them."""
    found = []
    for hz, quality in CABS[cab][0]:
        radius = math.exp(-math.pi * hz / quality / rate)
        angle = 2 * math.pi * hz / rate * math.sqrt(max(0.0, 1 - 1 / (4 * quality**2)))
        found.append((-2 * radius * math.cos(angle), radius**2))
    return found


def cab_ir(cab: str, rate: float, seconds: float = 0.5) -> Float64:
    """The resonators side by side, so that each is heard, as a digital filter rings."""
    signal = np.zeros(round(seconds * rate))
    for a, b in poles(cab, rate):
        rings = np.zeros(len(signal))
        before = twice = 0.0
        for at in range(len(signal)):
            now = (at == 0) - (at == 1) - a * before - b * twice
            rings[at], before, twice = now, now, before
        signal += rings
    return CABS[cab][1] * signal


def cab_response(cab: str, rate: float, hz: Float64) -> NDArray[np.complex128]:
    """The same filter on paper: the sum of (1 - z^-1) / (1 + a z^-1 + b z^-2)."""
    delay = np.exp(-2j * np.pi * hz / rate)
    parts = [(1 - delay) / (1 + a * delay + b * delay**2) for a, b in poles(cab, rate)]
    return np.asarray(CABS[cab][1] * np.sum(parts, axis=0), np.complex128)


def write(path: Path, audio: Float64, rate: int = RATE) -> Path:
    soundfile.write(path, audio, rate, subtype="FLOAT")
    return path


def guitar_noise(rate: float) -> Float64:
    """Pink, 80 Hz to 6 kHz, of endless repetition: every bin has exactly its power.

    16 s: the first and the last blocks of the loudness, which count less, are few.
    """
    frames = round(16.0 * rate)
    hz = np.fft.rfftfreq(frames, 1 / rate)
    heard = (hz >= 80.0) & (hz <= 6000.0)
    phases = np.random.default_rng(3).uniform(0, 2 * np.pi, len(hz))
    spectrum = np.where(heard, np.exp(1j * phases) / np.sqrt(np.maximum(hz, 1.0)), 0.0)
    noise = np.fft.irfft(spectrum, frames)
    return np.asarray(0.1 * noise / np.std(noise), np.float64)


def played(taps: Audio, audio: Float64) -> Float64:
    """Around the circle of endless repetition."""
    return np.fft.irfft(np.fft.rfft(audio) * np.fft.rfft(taps.astype(np.float64), len(audio)), len(audio))


def response_db(taps: Audio | Float64, rate: float, hz: Float64) -> Float64:
    at = np.arange(len(taps)) / rate
    heights = [abs(np.sum(taps * np.exp(-2j * np.pi * f * at))) for f in hz]
    return np.asarray(20 * np.log10(heights))


def gain(db: float) -> float:
    return float(10 ** (db / 20))


def refusal(error: type[AudioError], path: Path, **options: float) -> str:
    with pytest.raises(error) as caught:
        read(path, RATE, **options)  # type: ignore[arg-type]
    return str(caught.value)


# At the same rate


def test_an_impulse_response_at_the_pedals_rate_is_kept_but_for_its_level(tmp_path: Path) -> None:
    cab = cab_ir("bright", RATE, 0.05)
    ir = read(write(tmp_path / "cab.wav", cab), RATE)
    (source,) = ir.sources
    assert ir.taps.dtype == np.float32
    assert ir.taps.flags.c_contiguous
    assert not np.any(ir.taps[:LEAD])
    assert ir.taps[LEAD:] == pytest.approx(gain(source.gain_db) * cab, rel=1e-5, abs=1e-9)
    assert (source.path, source.channel, source.channels) == (tmp_path / "cab.wav", 1, 1)
    assert (source.original_rate, source.original_s) == (RATE, 0.05)
    assert (source.silence_s, source.cut_off_db) == (0.0, -math.inf)
    assert source.kept_s == len(ir.taps) / RATE


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff", "ogg"])
def test_every_format_of_libsndfile_is_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"cab.{suffix}"
    soundfile.write(path, 0.3 * cab_ir("bright", RATE), RATE)
    assert read(path, RATE).sources[0].original_s == pytest.approx(0.5)


def test_zeros_behind_the_sound_are_not_played(tmp_path: Path) -> None:
    cab = cab_ir("bright", RATE, 0.02)
    ir = read(write(tmp_path / "cab.wav", np.pad(cab, (0, 960))), RATE)
    assert len(ir.taps) == LEAD + len(cab)


# Rates


@pytest.mark.parametrize(
    ("original", "rate"), [(44_100, 48_000), (48_000, 44_100), (96_000, 48_000), (44_100, 96_000), (48_000, 192_000)]
)
@pytest.mark.parametrize("cab", CABS)
def test_a_resampled_cabinet_has_its_analytic_response_within_a_tenth_of_a_decibel(
    tmp_path: Path, cab: str, original: int, rate: int
) -> None:
    ir = read(write(tmp_path / "cab.wav", cab_ir(cab, original), original), rate, length_s=LONGEST_S)
    hz = np.geomspace(60.0, 18_000.0, 300)
    wanted_db = 20 * np.log10(np.abs(cab_response(cab, original, hz))) + ir.sources[0].gain_db
    assert np.max(np.abs(response_db(ir.taps, rate, hz) - wanted_db)) < 0.1


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000, 192_000])
@pytest.mark.parametrize("original", [44_100, 48_000, 88_200, 96_000, 192_000])
def test_even_a_click_keeps_its_treble_within_a_tenth_of_a_decibel(tmp_path: Path, original: int, rate: int) -> None:
    hz = np.geomspace(80.0, 18_000.0, 300)
    for at in (0, 100, 301, 303):
        click = np.zeros(1000)
        click[at] = 0.7
        ir = read(write(tmp_path / "click.wav", click, original), rate)
        wanted_db = 20 * math.log10(0.7) + ir.sources[0].gain_db
        assert np.max(np.abs(response_db(ir.taps, rate, hz) - wanted_db)) < 0.1, at


def test_what_rings_beyond_the_files_end_keeps_its_treble(tmp_path: Path) -> None:
    clicks = np.zeros(100)
    clicks[0], clicks[-1] = 0.7, 0.4
    ir = read(write(tmp_path / "clicks.wav", clicks, 44_100), RATE)
    hz = np.geomspace(80.0, 18_000.0, 300)
    wanted_db = 20 * np.log10(np.abs(0.7 + 0.4 * np.exp(-2j * np.pi * hz * 99 / 44_100))) + ir.sources[0].gain_db
    # Where the clicks leave only 0.3 of their 1.1, an error counts so much more.
    assert np.max(np.abs(response_db(ir.taps, RATE, hz) - wanted_db)) < 0.1 * 1.1 / 0.3


@pytest.mark.parametrize("original", [22_050, 44_100, 96_000])
def test_level_does_not_depend_on_the_files_rate(tmp_path: Path, original: int) -> None:
    here = read(write(tmp_path / "here.wav", cab_ir("big and dark", RATE)), RATE)
    there = read(write(tmp_path / "there.wav", cab_ir("big and dark", original), original), RATE)
    hz = np.array([85.0, 200.0, 900.0])
    wanted_db = [20 * np.log10(np.abs(cab_response("big and dark", rate, hz))) for rate in (original, RATE)]
    found_db = [response_db(ir.taps, RATE, hz) - ir.sources[0].gain_db for ir in (there, here)]
    assert found_db[0] - found_db[1] == pytest.approx(wanted_db[0] - wanted_db[1], abs=0.02)


# Channels


def test_of_several_channels_the_loudest_is_taken_and_named(tmp_path: Path) -> None:
    cab = cab_ir("bright", RATE, 0.05)
    both = np.stack([0.5 * cab, cab_ir("small and boxy", RATE, 0.05), 0.9 * cab], axis=1)
    ir = read(write(tmp_path / "cab.wav", both), RATE)
    assert (ir.sources[0].channel, ir.sources[0].channels) == (3, 3)
    assert np.array_equal(ir.taps, read(tmp_path / "cab.wav", RATE, channel=3).taps)


def test_a_channel_asked_for_is_taken_however_quiet(tmp_path: Path) -> None:
    both = np.stack([cab_ir("bright", RATE, 0.05), 0.01 * cab_ir("small and boxy", RATE, 0.05)], axis=1)
    ir = read(write(tmp_path / "both.wav", both), RATE, channel=2)
    alone = read(write(tmp_path / "alone.wav", cab_ir("small and boxy", RATE, 0.05)), RATE)
    assert ir.sources[0].channel == 2
    assert ir.taps == pytest.approx(alone.taps, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("channel", [0, 3, -1])
def test_a_channel_that_is_not_there_is_refused(tmp_path: Path, channel: int) -> None:
    path = write(tmp_path / "cab.wav", np.stack([cab_ir("bright", RATE, 0.05)] * 2, axis=1))
    assert refusal(AudioError, path, channel=channel) == (
        f"{path}: has no channel {channel}; it has 2, counted from 1: choose one of them"
    )


# Silence before


def test_silence_before_the_onset_is_cut_and_told(tmp_path: Path) -> None:
    cab = cab_ir("bright", RATE, 0.05)
    ir = read(write(tmp_path / "cab.wav", np.pad(cab, (480, 0))), RATE)
    assert ir.sources[0].silence_s == pytest.approx(0.01 - LEAD / RATE)
    assert np.array_equal(ir.taps, read(write(tmp_path / "bare.wav", cab), RATE).taps)


def test_noise_that_lies_60_db_below_the_peak_is_no_onset(tmp_path: Path) -> None:
    cab = np.pad(cab_ir("bright", RATE, 0.05), (4800, 0))
    floor = np.random.default_rng(5).uniform(-1.0, 1.0, 4800) * np.max(np.abs(cab))
    for level_db, silence_s in ((-60.1, 0.1 - LEAD_S), (-40.0, 0.0)):
        cab[:4800] = gain(level_db) * floor
        source = read(write(tmp_path / "cab.wav", cab), RATE).sources[0]
        assert source.silence_s == pytest.approx(silence_s, abs=1e-3)


@pytest.mark.parametrize("silence", [0, 5, 441, 2000, 44_100])
def test_the_onset_is_at_one_place_whatever_the_silence_and_the_rate(tmp_path: Path, silence: int) -> None:
    click = np.zeros(silence + 500)
    click[silence] = 1.0
    for original in (44_100, 48_000, 96_000):
        ir = read(write(tmp_path / "click.wav", click, original), RATE)
        assert np.argmax(np.abs(ir.taps)) == LEAD


# Length


def test_what_is_longer_is_cut_to_the_length_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "cab.wav", cab_ir("booming", RATE))
    assert len(read(path, RATE).taps) == round(impulse_response.DEFAULT_LENGTH_S * RATE)
    assert len(read(path, RATE, length_s=0.03).taps) == 1440
    assert len(read(path, RATE, length_s=LONGEST_S).taps) == MAX_TAPS
    assert len(read(path, 96_000, length_s=LONGEST_S).taps) == 2 * MAX_TAPS
    assert len(read(path, 192_000, length_s=LONGEST_S).taps) == 4 * MAX_TAPS


def test_a_cut_fades_out_and_makes_no_click(tmp_path: Path) -> None:
    ringing = np.cos(2 * np.pi * 100.0 * np.arange(RATE) / RATE) * np.exp(-np.arange(RATE) / (0.2 * RATE))
    ir = read(write(tmp_path / "cab.wav", ringing), RATE, length_s=0.06)
    bare = gain(ir.sources[0].gain_db) * ringing[: len(ir.taps) - LEAD]
    fade = round(impulse_response.FADE_S * RATE)
    shares = ir.taps[LEAD:] / bare
    assert shares[:-fade] == pytest.approx(1.0, rel=1e-4)
    assert np.all(np.diff(shares[-fade:]) < 1e-4)
    assert shares[-1] < 1e-3
    # What a click at the end adds to the treble is what lies in its last frames.
    treble = np.fft.rfftfreq(4096, 1 / RATE) > 5000.0
    ends = [np.abs(np.fft.rfft(tail[-2 * fade :] * np.hanning(4 * fade)[: 2 * fade], 4096)) for tail in (bare, ir.taps)]
    assert np.max(ends[1][treble]) < gain(-40.0) * np.max(ends[0][treble])


@pytest.mark.parametrize("length_s", [0.001, 0.002, 0.005])
def test_however_short_the_onset_does_not_fade(tmp_path: Path, length_s: float) -> None:
    cab = cab_ir("bright", RATE)
    ir = read(write(tmp_path / "cab.wav", cab), RATE, length_s=length_s)
    fade = round(length_s / 4 * RATE)
    kept = gain(ir.sources[0].gain_db) * cab[: len(ir.taps) - LEAD - fade]
    assert ir.taps[LEAD:-fade] == pytest.approx(kept, rel=1e-5, abs=1e-9)


def test_the_share_of_energy_that_was_cut_off_is_told(tmp_path: Path) -> None:
    decay_s = 0.1
    ringing = np.exp(-np.arange(2 * RATE) / (decay_s * RATE)) * np.random.default_rng(6).choice([-1.0, 1.0], 2 * RATE)
    source = read(write(tmp_path / "cab.wav", ringing), RATE, length_s=0.1).sources[0]
    # A raised cosine takes 5/8 of the energy that it fades.
    cut_s = 0.1 - LEAD_S - 5 / 8 * impulse_response.FADE_S
    assert source.cut_off_db == pytest.approx(-20 * math.log10(math.e) * cut_s / decay_s, abs=0.05)


@pytest.mark.parametrize("length_s", [0.0, -1.0, 0.0009, 0.18, math.nan, math.inf])
def test_a_length_that_can_not_be_played_is_refused(tmp_path: Path, length_s: float) -> None:
    path = write(tmp_path / "cab.wav", cab_ir("bright", RATE))
    assert refusal(AudioError, path, length_s=length_s) == (
        f"{path}: {length_s:g} s are to be kept; 0.001 to 0.170667 s can be: state another length"
    )


# Level


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
@pytest.mark.parametrize("cab", CABS)
def test_noise_is_as_loud_behind_every_cabinet_as_before(tmp_path: Path, cab: str, rate: int) -> None:
    ir = read(write(tmp_path / "cab.wav", cab_ir(cab, 44_100), 44_100), rate)
    noise = guitar_noise(rate)
    assert metrics.loudness_lufs(played(ir.taps, noise), rate) == pytest.approx(
        metrics.loudness_lufs(noise, rate), abs=0.1
    )


def test_the_cabinets_were_not_equally_loud_before(tmp_path: Path) -> None:
    gains_db = [read(write(tmp_path / "cab.wav", cab_ir(cab, RATE)), RATE).sources[0].gain_db for cab in CABS]
    assert max(gains_db) - min(gains_db) > 20.0


def test_a_click_passes_noise_as_it_is() -> None:
    assert impulse_response.level_db(np.array([0.0, -1.0, 0.0]), RATE) == pytest.approx(0.0, abs=1e-9)
    assert impulse_response.level_db(np.array([0.5]), RATE) == pytest.approx(-6.0206, abs=1e-4)
    assert impulse_response.level_db(np.zeros(10), RATE) == -math.inf


# Files that are no impulse responses


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "cab.wav", np.zeros(0))
    assert refusal(AudioError, path) == (
        f"{path}: holds 0.00 ms of sound; at least 1 ms are needed: choose another file"
    )


def test_a_file_with_next_to_nothing_behind_its_onset_is_refused(tmp_path: Path) -> None:
    late = np.zeros(4800)
    late[-12:] = 0.5
    path = write(tmp_path / "cab.wav", late)
    assert refusal(AudioError, path) == (
        f"{path}: holds 0.25 ms of sound; at least 1 ms are needed: choose another file"
    )


def test_a_recording_of_more_than_ten_seconds_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "riff.wav", np.full(88_000, 0.1), 8000)
    assert refusal(AudioError, path) == (
        f"{path}: lasts 11.0 s; up to 10 s are taken: cut it off, or choose an impulse response"
    )


def test_a_rate_without_a_guitars_treble_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "cab.wav", np.full(100, 0.1), 4000)
    assert refusal(AudioError, path) == (
        f"{path}: has a sample rate of 4000 Hz; at least 8000 are taken: export it again"
    )


@pytest.mark.parametrize(("level", "said"), [(0.0, "-inf"), (3e-5, "-90")])
def test_a_silent_channel_is_refused(tmp_path: Path, level: float, said: str) -> None:
    both = np.stack([cab_ir("bright", RATE, 0.05), np.full(2400, level)], axis=1)
    path = write(tmp_path / "cab.wav", both)
    assert refusal(AudioError, path, channel=2) == (
        f"{path}: channel 2 peaks at {said} dBFS; at least -80 are needed: choose another channel or file"
    )


def test_sound_that_no_guitar_makes_is_refused(tmp_path: Path) -> None:
    whistle = np.sin(2 * np.pi * 40_000.0 * np.arange(9600) / 96_000) * np.hanning(9600) ** 2
    path = write(tmp_path / "bat.wav", whistle, 96_000)
    with pytest.raises(AudioError) as caught:
        read(path, 96_000, length_s=0.15)
    assert str(caught.value) == (
        f"{path}: channel 1 holds nothing from 80 to 6000 Hz, where a guitar is heard: choose another channel or file"
    )


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_sample_that_is_not_finite_is_refused(tmp_path: Path, bad: float) -> None:
    cab = cab_ir("bright", RATE, 0.05)
    cab[100] = bad
    path = write(tmp_path / "cab.wav", cab)
    with pytest.raises(FileAccessError) as caught:
        read(path, RATE)
    assert str(caught.value) == f"{path}: a sample is not finite; write the recording again"


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError) as caught:
        read(tmp_path / "gone.wav", RATE)
    assert str(caught.value) == f"{tmp_path / 'gone.wav'}: can't be read: no such file or directory"


# Mixes


def cabinet(
    tmp_path: Path, cab: str, seconds: float = 0.05, original: int = RATE, factor: float = 1.0
) -> ImpulseResponse:
    return read(write(tmp_path / f"{cab}.wav", factor * cab_ir(cab, original, seconds), original), RATE)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_a_mix_is_the_sum_of_its_files_with_the_gains_it_tells(tmp_path: Path, share: float) -> None:
    first, second = cabinet(tmp_path, "bright"), cabinet(tmp_path, "big and dark", 0.03)
    mixed = mix(first, second, share)
    wanted = np.zeros(LEAD + 2400)
    for source, seconds in zip(mixed.sources, (0.05, 0.03), strict=True):
        cab = cab_ir(source.path.stem, RATE, seconds)
        wanted[LEAD : LEAD + len(cab)] += gain(source.gain_db) * cab
    assert mixed.taps == pytest.approx(wanted, rel=1e-4, abs=1e-6)
    assert mixed.sample_rate == RATE


def test_a_mix_goes_from_the_one_cabinet_to_the_other(tmp_path: Path) -> None:
    first, second = cabinet(tmp_path, "bright"), cabinet(tmp_path, "big and dark")
    assert mix(first, second, 0.0).taps == pytest.approx(first.taps, rel=1e-5, abs=1e-9)
    assert mix(first, second, 1.0).taps == pytest.approx(second.taps, rel=1e-5, abs=1e-9)
    assert mix(first, second, 0.25).taps == pytest.approx(mix(second, first, 0.75).taps, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_a_mix_is_as_loud_as_each_of_its_cabinets(tmp_path: Path, share: float) -> None:
    mixed = mix(cabinet(tmp_path, "booming"), cabinet(tmp_path, "small and boxy", original=44_100), share)
    noise = guitar_noise(RATE)
    assert metrics.loudness_lufs(played(mixed.taps, noise), RATE) == pytest.approx(
        metrics.loudness_lufs(noise, RATE), abs=0.1
    )


def test_a_mix_does_not_care_how_loud_the_files_were(tmp_path: Path) -> None:
    quiet, loud = cabinet(tmp_path, "bright", factor=0.01), cabinet(tmp_path, "bright")
    other = cabinet(tmp_path, "booming")
    assert mix(quiet, other, 0.5).taps == pytest.approx(mix(loud, other, 0.5).taps, rel=1e-4, abs=1e-7)


def test_one_cabinet_at_two_rates_is_mixed_onset_on_onset(tmp_path: Path) -> None:
    here, there = cabinet(tmp_path, "bright"), cabinet(tmp_path, "bright", original=96_000)
    mixed = mix(here, there, 0.5)
    hz = np.geomspace(80.0, 6000.0, 100)
    assert np.max(np.abs(response_db(mixed.taps, RATE, hz) - response_db(here.taps, RATE, hz))) < 1.0


def test_a_mix_can_be_mixed_again(tmp_path: Path) -> None:
    mixed = mix(
        mix(cabinet(tmp_path, "bright"), cabinet(tmp_path, "booming"), 0.5), cabinet(tmp_path, "big and dark"), 0.2
    )
    assert [source.path.stem for source in mixed.sources] == ["bright", "booming", "big and dark"]
    assert impulse_response.level_db(mixed.taps, RATE) == pytest.approx(0.0, abs=1e-4)


@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan])
def test_a_share_outside_none_and_all_is_refused(tmp_path: Path, share: float) -> None:
    with pytest.raises(AudioError) as caught:
        mix(cabinet(tmp_path, "bright"), cabinet(tmp_path, "booming"), share)
    assert str(caught.value) == (
        f"bright.wav + booming.wav: the second's share is {share:g}; 0 to 1 are taken: state it as a part of 1"
    )


def test_cabinets_of_two_rates_are_not_mixed(tmp_path: Path) -> None:
    path = write(tmp_path / "cab.wav", cab_ir("bright", RATE))
    with pytest.raises(AudioError) as caught:
        mix(read(path, 48_000), read(path, 44_100), 0.5)
    assert str(caught.value) == (
        "cab.wav + cab.wav: have 48000 and 44100 Hz; one sample rate is needed: read both at the same"
    )


@pytest.mark.parametrize("share", [0.5, 0.502])
def test_a_cabinet_and_its_reverse_are_not_mixed_to_nothing(tmp_path: Path, share: float) -> None:
    up = cabinet(tmp_path, "bright")
    down = read(write(tmp_path / "down.wav", -cab_ir("bright", RATE, 0.05)), RATE)
    with pytest.raises(AudioError) as caught:
        mix(up, down, share)
    assert str(caught.value) == (
        f"bright.wav + down.wav: cancel each other with {share:g} of the second; at least -40 dB must be left: state "
        "another share, or invert one of the files"
    )
    assert impulse_response.level_db(mix(up, down, 0.25).taps, RATE) == pytest.approx(0.0, abs=1e-4)


# Whatever comes


@st.composite
def files(draw: st.DrawFn) -> tuple[Float64, int]:
    """Decaying noise behind silence, (frames, channels), and its rate."""
    rate = draw(st.sampled_from([8000, 11_025, 22_050, 32_000, 44_100, 47_999, 48_000, 88_200, 96_000, 192_000]))
    frames = draw(st.integers(rate // 1000 + 1, rate // 4))
    silence = draw(st.integers(0, rate // 10))
    channels = draw(st.integers(1, 5))
    level = draw(st.floats(1e-3, 10.0))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    decay = np.exp(-np.arange(frames) / (draw(st.floats(0.001, 0.2)) * rate))
    sound = level * rng.uniform(0.5, 1.0, channels) * rng.choice([-1.0, 1.0], (frames, channels)) * decay[:, None]
    return np.pad(sound, ((silence, 0), (0, 0))), rate


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    file=files(),
    rate=st.sampled_from([44_100.0, 47_993.7, 48_000.0, 88_200.0, 96_000.0, 192_000.0]),
    length_s=st.floats(impulse_response.SHORTEST_S, LONGEST_S),
)
def test_whatever_the_file_what_is_played_is_finite_loud_enough_and_not_too_long(
    tmp_path: Path, file: tuple[Float64, int], rate: float, length_s: float
) -> None:
    audio, original = file
    ir = read(write(tmp_path / "cab.wav", audio, original), rate, length_s=length_s)
    (source,) = ir.sources
    assert np.isfinite(ir.taps).all()
    assert 0 < len(ir.taps) <= round(length_s * rate)
    assert len(ir.taps) <= math.ceil(MAX_TAPS * rate / 48_000)
    assert impulse_response.level_db(ir.taps, rate) == pytest.approx(0.0, abs=1e-4)
    silence = int(np.argmax(audio[:, source.channel - 1] != 0.0))
    assert source.silence_s == pytest.approx(max(0.0, silence / original - LEAD_S), abs=1.5 / rate + 1.5 / original)
    assert source.cut_off_db <= 0.0
    assert source.channel == 1 + int(np.argmax(np.sum(audio**2, axis=0)))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=files(), second=files(), share=st.floats(0.0, 1.0))
def test_whatever_is_mixed_is_as_loud_and_as_long_as_the_longer(
    tmp_path: Path, first: tuple[Float64, int], second: tuple[Float64, int], share: float
) -> None:
    left, right = (read(write(tmp_path / "cab.wav", audio, rate), RATE) for audio, rate in (first, second))
    mixed = mix(left, right, share)
    assert len(mixed.taps) == max(len(left.taps), len(right.taps))
    assert np.isfinite(mixed.taps).all()
    assert impulse_response.level_db(mixed.taps, RATE) == pytest.approx(0.0, abs=1e-4)
