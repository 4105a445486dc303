"""Synthetic cables."""

from __future__ import annotations

import math

import numpy as np
import pytest
from nampedal.firmware.base.errors import MeasurementError
from nampedal.firmware.engine.inference import Audio
from nampedal.firmware.jack.loopback_latency import LEVEL_DBFS, QUIETEST_DBFS, excitation, measure
from numpy.typing import NDArray

Signal = NDArray[np.float64]

RATE = 48_000
SENT = excitation(RATE)
# Round trips that JACK's periods make, and the ends of what is looked at.
DELAYS = (0, 1, 389, 24_577, 43_000)
PLAIN: Signal = np.concatenate([np.ones(1), np.zeros(RATE - 1)])


def noise(dbfs: float, frames: int = len(SENT), seed: int = 0) -> Audio:
    rng = np.random.default_rng(seed)
    return np.asarray(10.0 ** (dbfs / 20.0) * rng.standard_normal(frames), np.float32)


def through(path: Signal, delay: int) -> Audio:
    """What comes back of an impulse response, that much later."""
    frames = 2 * len(SENT)
    late = np.fft.irfft(np.fft.rfft(SENT, frames) * np.fft.rfft(path, frames), frames)
    return np.asarray(np.concatenate([np.zeros(delay), late])[: len(SENT)], np.float32)


def dull(hz: float) -> Signal:
    """A low-pass filter of linear phase, 50 frames late."""
    place = np.arange(-50, 51)
    return np.asarray(2.0 * hz / RATE * np.sinc(2.0 * hz / RATE * place) * np.hanning(103)[1:-1])


def capacitor(hz: float) -> Signal:
    """A low-pass filter of the first order, loudest at once."""
    decay = math.exp(-2.0 * math.pi * hz / RATE)
    return np.asarray((1.0 - decay) * decay ** np.arange(RATE))


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000, 192_000])
def test_what_is_sent_is_silence_then_a_sweep_at_its_level_then_silence(rate: int) -> None:
    sent = excitation(rate)
    assert sent.dtype == np.float32
    assert sent.shape == (3 * rate,)
    assert not sent[:rate].any()
    assert not sent[2 * rate :].any()
    assert 20.0 * math.log10(np.max(np.abs(sent))) == pytest.approx(LEVEL_DBFS, abs=0.01)
    power = np.abs(np.fft.rfft(sent)) ** 2
    hz = np.fft.rfftfreq(len(sent), 1.0 / rate)
    assert power[hz > min(21_000.0, 0.47 * rate)].sum() < 1e-3 * power.sum()


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000, 192_000])
@pytest.mark.parametrize("delay", DELAYS)
@pytest.mark.parametrize("gain", [1.0, -1.0, 0.03, -3.5])
def test_a_plain_cable_is_measured_to_the_frame(rate: int, delay: int, gain: float) -> None:
    sent = excitation(rate)
    delayed = np.concatenate([np.zeros(delay, np.float32), gain * sent])[: len(sent)]
    loop = measure(sent, delayed + noise(-80.0, len(sent)), rate)
    assert loop.round_trip_frames == delay
    assert loop.gain_db == pytest.approx(20.0 * math.log10(abs(gain)), abs=0.02)
    assert loop.noise_floor_dbfs == pytest.approx(-80.0, abs=0.1)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("polarity", [1.0, -1.0])
@pytest.mark.parametrize("high_hz", [10_000.0, 4000.0])
def test_a_dull_path_under_noise_is_measured_to_the_frame(high_hz: float, polarity: float, seed: int) -> None:
    heard = through(0.1 * polarity * dull(high_hz), 389) + noise(-50.0, seed=seed)
    loop = measure(SENT, heard, RATE)
    assert loop.round_trip_frames == 389 + 50
    assert loop.gain_db == pytest.approx(-20.0, abs=0.5)
    assert loop.noise_floor_dbfs == pytest.approx(-50.0, abs=0.1)


@pytest.mark.parametrize(
    "path", [capacitor(10_000.0), -capacitor(5000.0), PLAIN - capacitor(20.0), PLAIN - capacitor(100.0)]
)
def test_a_coloured_path_under_noise_is_measured_to_the_frame(path: Signal) -> None:
    loop = measure(SENT, through(path, 389) + noise(-50.0), RATE)
    assert loop.round_trip_frames == 389
    assert loop.gain_db == pytest.approx(0.0, abs=0.4)


def test_the_way_through_the_air_behind_a_cable_is_not_taken_for_it() -> None:
    path = np.zeros(2000)
    path[[0, 700, 1900]] = 0.5, 0.4, -0.45
    assert measure(SENT, through(path, 200) + noise(-50.0), RATE).round_trip_frames == 200


def test_hum_and_dc_do_not_move_the_round_trip() -> None:
    time_s = np.arange(len(SENT)) / RATE
    hum = sum(0.01 / n * np.sin(2.0 * np.pi * 50.0 * n * time_s) for n in range(1, 8))
    loop = measure(SENT, np.asarray(through(0.5 * PLAIN, 389) + hum + 0.02, np.float32), RATE)
    assert loop.round_trip_frames == 389
    assert loop.gain_db == pytest.approx(-6.02, abs=0.1)
    assert loop.noise_floor_dbfs == pytest.approx(20.0 * math.log10(np.std(hum)), abs=0.05)


def test_what_the_pedal_still_plays_while_it_fades_is_no_noise() -> None:
    heard = through(PLAIN, 389) + noise(-70.0)
    heard[: RATE // 4] += noise(-20.0, RATE // 4, seed=1)
    assert measure(SENT, heard, RATE).noise_floor_dbfs == pytest.approx(-70.0, abs=0.1)


def test_digital_silence_has_a_finite_level() -> None:
    assert measure(SENT, 0.5 * SENT, RATE).noise_floor_dbfs == QUIETEST_DBFS


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("dbfs", [-120.0, -50.0, -20.0])
def test_without_a_cable_nothing_comes_back(dbfs: float, seed: int) -> None:
    with pytest.raises(MeasurementError) as caught:
        measure(SENT, noise(dbfs, seed=seed), RATE)
    assert str(caught.value) == (
        "input: nothing comes back of what the output plays; put a cable from the output to the input, or name others "
        "with --output-port and --input-port"
    )


def test_an_input_that_is_silent_hums_or_clicks_has_no_cable() -> None:
    hum = np.sin(2.0 * np.pi * 50.0 * np.arange(len(SENT)) / RATE)
    click = noise(-100.0)
    click[100_000] = 0.5
    for heard in (np.zeros_like(SENT), np.asarray(0.2 * hum, np.float32) + noise(-80.0), click):
        with pytest.raises(MeasurementError):
            measure(SENT, heard, RATE)


def test_crosstalk_is_too_quiet_for_a_cable() -> None:
    with pytest.raises(MeasurementError) as caught:
        measure(SENT, through(0.001 * PLAIN, 389) + noise(-100.0), RATE)
    assert str(caught.value) == (
        "input: what the output plays comes back at -60.0 dB; at least -40 dB are needed: push the cable in at both "
        "ends, and turn the input's gain or the output's volume up"
    )


@pytest.mark.parametrize("full_scale", [1.0, 1.0 - 2.0**-15, -1.0])
def test_an_input_that_clips_is_to_be_turned_down(full_scale: float) -> None:
    low, high = sorted((full_scale, -0.99 * full_scale))
    with pytest.raises(MeasurementError) as caught:
        measure(SENT, np.clip(through(5.0 * PLAIN, 389), low, high), RATE)
    assert str(caught.value) == (
        "input: clips at a sweep of -12 dBFS; turn the input's gain or the output's volume down"
    )
