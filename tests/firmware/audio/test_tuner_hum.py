"""The tuner in mains hum: a reading is right or there is none, and where the string is well above it, there is one."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from conftest import Audio
from hypothesis import given, settings
from hypothesis import strategies as st
from nampedal.firmware.audio.hum import LINES_HZ, HumEstimator
from nampedal.firmware.audio.tuner import Pitch, Tuner

# The strings and the hum that bench/tuner.py measures with.
from tuner import PLUCKS, RATE, TABLE_HZ, cents_off, counts, hiss, hum, in_hum, sine, string, updates

pytestmark = pytest.mark.long

# What lamps call in tune.
MAX_CENTS = 3.0

CASES = st.fixed_dictionaries(
    {
        "hertz": st.one_of(st.floats(30.0, 660.0), st.sampled_from([61.735, *TABLE_HZ.values()])),
        "off_cents": st.floats(-50.0, 50.0),
        "pluck": st.sampled_from(["slow", "fast", "double slope", "loud second partial"]),
        "hum_dbfs": st.floats(-80.0, -40.0),
        "mains_hz": st.sampled_from([50.0, 60.0]),
        "seed": st.integers(0, 1000),
    }
)


def decaying(case: dict[str, Any], before_s: float) -> tuple[float, Audio]:
    """What the string's pitch is, and the string in hum that began before."""
    generator = np.random.default_rng(case["seed"])
    hertz = case["hertz"] * 2 ** (case["off_cents"] / 1200.0)
    pluck = PLUCKS[case["pluck"]]
    return hertz, in_hum(pluck, hertz, case["hum_dbfs"], case["mains_hz"], generator, before_s)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(CASES)
def test_a_string_in_hum_that_was_there_before_is_right_or_silent(case: dict[str, Any]) -> None:
    hertz, audio = decaying(case, 1.5)
    assert counts(audio, hertz, before_s=1.5)["wrong"] == 0


@pytest.mark.parametrize("mains_hz", [50.0, 60.0])
@pytest.mark.parametrize("hum_dbfs", [-70.0, -60.0, -50.0, -40.0])
def test_a_string_well_above_hum_is_read(hum_dbfs: float, mains_hz: float) -> None:
    told: Counter[str] = Counter()
    for place, hertz in enumerate(TABLE_HZ.values()):
        generator = np.random.default_rng([place, round(-hum_dbfs), round(mains_hz)])
        told += counts(in_hum(PLUCKS["slow"], hertz, hum_dbfs, mains_hz, generator, 1.5), hertz, before_s=1.5)
    assert told["wrong"] == 0
    assert told["right"] > 0.8 * told.total()


@pytest.mark.parametrize("mains_hz", [50.0, 60.0])
def test_hum_that_begins_with_the_string_is_found_while_it_sounds(mains_hz: float) -> None:
    told: Counter[str] = Counter()
    for place, hertz in enumerate(TABLE_HZ.values()):
        generator = np.random.default_rng([place, round(mains_hz)])
        told += counts(in_hum(PLUCKS["slow"], hertz, -60.0, mains_hz, generator), hertz)
    assert told["wrong"] == 0
    assert told["right"] > 0.6 * told.total()


@pytest.mark.parametrize("mains_hz", [50.0, 60.0])
@pytest.mark.parametrize("before_s", [0.0, 1.0])
def test_a_quiet_a_stays_an_a_as_it_decays(before_s: float, mains_hz: float) -> None:
    # 26 dB below full scale at first, and 19 dB above the hum at the end.
    note = 10 ** (-26 / 20) / 0.3 * string(110.0, 3.0)
    note = np.concatenate([np.zeros(round(before_s * RATE)), note])
    at_s = np.arange(len(note)) / RATE
    lines = sum(np.cos(2.0 * np.pi * k * mains_hz * at_s + k) / k for k in range(1, 7))
    noise = np.asarray(note + 10 ** (-60 / 20) * lines / np.std(lines), np.float32)
    told = counts(noise, 110.0, before_s=before_s)
    assert told["wrong"] == 0
    assert told["right"] > 0.6 * told.total()


@pytest.mark.parametrize("mains_hz", [50.0, 60.0])
@pytest.mark.parametrize("hum_dbfs", [-80.0, -60.0, -50.0, -40.0])
def test_hum_alone_is_no_note(hum_dbfs: float, mains_hz: float) -> None:
    for seed in range(6):
        generator = np.random.default_rng([seed, round(mains_hz), round(-hum_dbfs)])
        silence = np.zeros(round(0.31 * RATE), np.float32)
        alone = hum(3.0, hum_dbfs, mains_hz, generator) + hiss(3.0, generator.uniform(-110.0, -70.0), generator)
        assert [pitch for pitch in updates(np.concatenate([silence, alone])) if pitch is not None] == []


def test_a_loud_string_at_the_place_of_hum_is_read() -> None:
    for hertz in (50.0, 59.9, 100.0, 119.8):
        told = counts(string(hertz, 1.0), hertz)
        assert told["wrong"] == 0
        assert told["right"] > 9, hertz


def test_a_string_is_read_as_soon_after_its_attack_where_no_hum_is() -> None:
    """As soon as where nothing was heard before; both are measured in updates."""
    quiet = hiss(2.0, -85.0, np.random.default_rng(4))
    for hertz in (82.407, 110.0, 196.0, 329.628):
        note = 0.1 * string(hertz, 0.5)
        found = updates(np.concatenate([quiet, note]))[30:]
        first = next(place for place, pitch in enumerate(found) if pitch is not None)
        assert first <= 2, hertz


# ---- what is known of hum ----


def heard(signal: Audio) -> tuple[HumEstimator, float]:
    """An ear that heard it, and its rate."""
    rate = 6000.0
    block = 400
    ear = HumEstimator(rate, block)
    for start in range(0, len(signal) - block + 1, block):
        ear.update(np.asarray(signal[start : start + block], float))
    return ear, rate


def found_hum(ear: HumEstimator) -> bool:
    found = ear.hum()
    return found is not None and (found.known or bool(np.any(found.amplitudes)))


def tones(seconds: float, *partials: tuple[float, float]) -> Audio:
    """Of (hertz, amplitude), at 6 kHz."""
    at_s = np.arange(round(6000.0 * seconds)) / 6000.0
    noise = 1e-4 * np.random.default_rng(1).standard_normal(len(at_s))
    return np.asarray(noise + sum(a * np.cos(2.0 * np.pi * hz * at_s + hz) for hz, a in partials))


@pytest.mark.parametrize("off", [-0.004, 0.0, 0.002])
def test_what_is_predicted_is_what_is_there(off: float) -> None:
    lines = [(50.0 * k * (1.0 + off), 0.004 / k) for k in range(1, 9)]
    signal = tones(3.0, *lines)
    ear, rate = heard(signal)
    found = ear.hum()
    assert found is not None
    assert found.known
    left = signal[-1200:] - found.sound(1200, rate)
    assert np.std(left) < 0.05 * np.std(signal[-1200:])
    assert found.hertz[:3] == pytest.approx([hz for hz, _ in lines[:3]], abs=0.02)


def test_a_string_beside_a_line_is_no_hum() -> None:
    ear, _ = heard(tones(3.0, (98.0, 0.01), (196.0, 0.01), (246.9, 0.01)))
    assert not found_hum(ear)


def test_a_decaying_string_on_a_line_is_no_hum() -> None:
    signal = tones(3.0, (100.0, 0.015), (200.0, 0.01), (300.0, 0.005)) * np.exp(-1.2 * np.arange(18_000) / 6000.0)
    assert not found_hum(heard(signal)[0])


def test_noise_is_no_hum() -> None:
    for seed in range(5):
        noise = np.asarray(0.1 * np.random.default_rng(seed).standard_normal(18_000), np.float32)
        ear, _ = heard(noise)
        assert not found_hum(ear)


def test_hum_is_held_while_a_string_covers_it_and_gets_less_sure() -> None:
    line = tones(6.0, (50.0, 0.004), (100.0, 0.003))
    note = tones(3.0, (51.0, 0.1), (99.2, 0.08))
    before, _ = heard(line[:18_000])
    after, rate = heard(np.concatenate([line[:18_000], line[18_000:] + note]))
    a, b = before.hum(), after.hum()
    assert a is not None
    assert b is not None
    assert np.abs(b.amplitudes[:2]) == pytest.approx([0.004, 0.003], rel=0.1)
    assert all(b.bounds[:2] > 2.0 * a.bounds[:2])
    assert np.std(line[-1200:] - b.sound(1200, rate)) < np.sqrt(0.5 * np.sum(b.bounds**2)) + 1e-4


def test_hum_that_ended_is_forgotten() -> None:
    for after in (tones(3.0), np.zeros(400)):
        ear, _ = heard(np.concatenate([tones(3.0, (50.0, 0.004), (150.0, 0.003)), after]))
        assert not found_hum(ear)


def test_the_louder_mains_is_the_one() -> None:
    for mains_hz in (50.0, 60.0):
        found = heard(tones(3.0, *((mains_hz * k, 0.003) for k in range(1, 6))))[0].hum()
        assert found is not None
        assert found.hertz[0] == pytest.approx(mains_hz, abs=0.01)
        assert set(np.round(found.hertz)) <= set(LINES_HZ)


def test_the_cutting_does_not_matter_in_hum() -> None:
    generator = np.random.default_rng(6)
    audio = in_hum(PLUCKS["slow"], 110.0, -50.0, 50.0, generator, 1.5)[: 3 * RATE]
    found: list[Pitch | None] = []
    for frames in (RATE // 15, 777, 30_000):
        tuner = Tuner(RATE)
        for start in range(0, len(audio), frames):
            last = tuner.update(audio[start : start + frames])
        found.append(last)
    assert found[0] is not None
    assert found == [found[0]] * 3
    assert abs(cents_off(found[0], 110.0)) < MAX_CENTS
    assert math.isfinite(found[0].clarity)


def test_a_quiet_sine_at_the_place_of_hum_is_no_note() -> None:
    assert [pitch for pitch in updates(0.02 * sine(50.1, 3.0)) if pitch is not None] == []
