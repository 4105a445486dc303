from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import Audio
from hypothesis import given, settings
from hypothesis import strategies as st
from nampedal.firmware.audio.tuner import CLEAR, HIGHEST_HZ, LOWEST_HZ, SILENCE_DBFS, UPDATES_PER_S, Pitch, Tuner
from nampedal.firmware.base.errors import ArgumentError

# The strings that bench/tuner.py measures with.
from tuner import OPEN_STRINGS_HZ, RATE, cents_off, humming, noisy, readings, sine, string

FULL_S = 0.45


def steps(low_hz: float, high_hz: float, per_octave: int) -> list[float]:
    """Even in cents, both ends included."""
    return [float(hz) for hz in np.geomspace(low_hz, high_hz, math.ceil(per_octave * math.log2(high_hz / low_hz)) + 1)]


WHOLE_RANGE_HZ = steps(27.52, 1199.0, 48)
NOTES_HZ = steps(27.52, 1199.0, 12)
# Where a first partial is weak: basses, and a guitar's lower strings.
LOW_HZ = steps(27.52, 260.0, 12)


def errors(notes_hz: Iterable[float], make: Callable[[float], Audio], rate: float = RATE) -> list[float]:
    """In cents, of every update once the windows are full. There must be a reading at each."""
    found = []
    for hertz in notes_hz:
        for at_s, pitch in readings(make(hertz), rate):
            if at_s >= FULL_S:
                assert pitch is not None, hertz
                found.append(abs(cents_off(pitch, hertz)))
    return found


def heard(audio: Audio, rate: float = RATE) -> list[Pitch]:
    return [pitch for _, pitch in readings(audio, rate) if pitch is not None]


def together(*sounds: Audio) -> Audio:
    return np.asarray(np.sum(sounds, axis=0) / len(sounds), np.float32)


def silence(seconds: float) -> Audio:
    return np.zeros(round(seconds * RATE), np.float32)


# ---- a note's name ----


@pytest.mark.parametrize(
    ("hertz", "note"),
    [(27.5, "A0"), (30.868, "B0"), (41.203, "E1"), (82.407, "E2"), (184.997, "F#3"), (261.626, "C4"), (440.0, "A4")],
)
def test_a_pitch_knows_its_note(hertz: float, note: str) -> None:
    assert Pitch(hertz, 1.0).note == note
    assert Pitch(hertz, 1.0).cents == pytest.approx(0.0, abs=0.05)


def test_cents_are_from_the_nearest_note() -> None:
    assert [Pitch(440.0 * 2 ** (cents / 1200), 1.0).note for cents in (-51, -49, 49, 51)] == ["G#4", "A4", "A4", "A#4"]
    for cents in (-49.0, -3.0, 0.5, 49.0):
        assert Pitch(440.0 * 2 ** (cents / 1200), 1.0).cents == pytest.approx(cents)


def test_cents_are_relative_to_the_reference() -> None:
    tuner = Tuner(RATE, 432.0)
    pitch = tuner.update(sine(432.0, 0.5))
    assert pitch is not None
    assert pitch.hertz == pytest.approx(432.0, abs=1e-3)
    assert pitch.note == "A4"
    assert pitch.cents == pytest.approx(0.0, abs=0.01)
    pitch = Tuner(RATE).update(sine(432.0, 0.5))
    assert pitch is not None
    assert pitch.cents == pytest.approx(1200 * math.log2(432 / 440), abs=0.01)


# ---- how exactly ----


LONG_RATES = [pytest.param(rate, marks=pytest.mark.long) for rate in (44_100, 96_000, 88_200, 192_000)]


@pytest.mark.parametrize("rate", [48_000, *LONG_RATES])
def test_a_sine_is_heard_to_a_hundredth_of_a_cent(rate: int) -> None:
    assert max(errors(WHOLE_RANGE_HZ, lambda hz: sine(hz, 0.52, rate), rate)) < 0.01


@pytest.mark.parametrize("rate", [48_000, *LONG_RATES[:2]])
def test_a_harmonic_string_is_heard_to_a_twentieth_of_a_cent(rate: int) -> None:
    assert max(errors(NOTES_HZ, lambda hz: string(hz, 0.52, rate, stiffness=0.0), rate)) < 0.05


@pytest.mark.parametrize("stiffness", [1e-5, 1e-4, 3e-4, 1e-3])
def test_a_stiff_string_is_as_high_as_its_first_partial(stiffness: float) -> None:
    assert max(errors(NOTES_HZ, lambda hz: string(hz, 0.52, stiffness=stiffness))) < 0.2


@pytest.mark.parametrize("stiffness", [1e-5, 1e-4, 3e-4])
def test_a_bright_string_is_as_high_as_its_first_partial(stiffness: float) -> None:
    assert max(errors(LOW_HZ, lambda hz: string(hz, 0.52, stiffness=stiffness, fall=0.2))) < 0.2


@pytest.mark.parametrize("stiffness", [0.0, 1e-4, 5e-4])
def test_a_first_partial_20_db_below_the_second_is_still_the_pitch(stiffness: float) -> None:
    found = errors(LOW_HZ, lambda hz: string(hz, 0.52, stiffness=stiffness, first_db=-21.0))
    assert max(found) < 0.2


def test_two_partials_are_enough_to_tell_the_octave() -> None:
    found = errors(LOW_HZ, lambda hz: together(0.1 * sine(hz, 0.52), sine(2.0 * hz, 0.52)))
    assert max(found) < 0.05


def test_a_loud_third_partial_does_not_mislead() -> None:
    found = errors(LOW_HZ, lambda hz: together(string(hz, 0.52, first_db=-10.0), sine(3.0 * hz, 0.52)))
    assert max(found) < 1.0


def test_noise_50_db_below_a_string_is_a_tenth_of_a_cent_at_most() -> None:
    assert max(errors(NOTES_HZ, lambda hz: noisy(string(hz, 0.52)))) < 0.1


def test_hum_50_db_below_full_scale_is_a_few_cents_at_most() -> None:
    assert max(errors(steps(28.0, 80.0, 24), lambda hz: humming(string(hz, 0.52)))) < 5.0
    assert max(errors(steps(80.0, 1199.0, 12), lambda hz: humming(string(hz, 0.52)))) < 1.0


def test_a_dc_offset_does_not_matter() -> None:
    assert max(errors(NOTES_HZ, lambda hz: string(hz, 0.52) + np.float32(0.4))) < 0.1


def test_a_clipped_string_is_still_heard() -> None:
    assert max(errors(NOTES_HZ, lambda hz: np.clip(20.0 * string(hz, 0.52), -1.0, 1.0))) < 4.0


def amplified(gain: float, hertz: float) -> Audio:
    return np.asarray(gain * sine(hertz, 0.52), np.float32)


def test_loudness_does_not_matter_above_silence() -> None:
    quiet = 2.0 * 10 ** (SILENCE_DBFS / 20)
    for gain in (quiet / 0.3 * math.sqrt(2.0), 1e6, 1e30):
        assert max(errors([30.87, 196.0, 1100.0], partial(amplified, gain))) < 0.01


def test_a_bent_string_is_followed() -> None:
    at_s = np.arange(round(2.0 * RATE)) / RATE
    # Up by two semitones in two seconds.
    hertz = 220.0 * 2 ** (at_s / 12.0)
    audio = np.asarray(0.3 * np.sin(2.0 * np.pi * np.cumsum(hertz) / RATE), np.float32)
    found = [(at, pitch) for at, pitch in readings(audio) if at > FULL_S]
    for at, pitch in found:
        assert pitch is not None
        # What is heard lasted an eighth of a second, and waits for up to an update.
        assert -20.0 < cents_off(pitch, 220.0 * 2 ** (at / 12.0)) < 0.0


# ---- when not ----


def test_nothing_is_heard_in_silence() -> None:
    assert Tuner(RATE).update(silence(0.0)) is None
    assert heard(silence(1.0)) == []
    assert heard(np.float32(10 ** ((SILENCE_DBFS - 3.0) / 20) / 0.3) * sine(110.0, 1.0)) == []


def test_nothing_is_left_of_a_note_that_ended() -> None:
    found = readings(np.concatenate([string(110.0, 0.6), silence(0.6)]))
    assert found[29][1] is not None
    assert all(pitch is None for at_s, pitch in found if at_s > 0.6 + 0.4)


def test_noise_has_no_pitch() -> None:
    white = np.random.default_rng(5).standard_normal(20 * RATE)
    rumble = np.convolve(white, np.exp(-np.arange(400) / 80.0), "same")
    for noise in (white, rumble):
        assert heard(np.asarray(0.1 * noise / np.std(noise), np.float32)) == []


@pytest.mark.parametrize(
    "make",
    [
        lambda hz: sine(hz, 0.6),
        lambda hz: string(hz, 0.6),
        lambda hz: string(hz, 0.6, first_db=-21.0),
    ],
    ids=["sine", "string", "weak first partial"],
)
def test_what_is_out_of_range_is_no_other_note(make: Callable[[float], Audio]) -> None:
    for hertz in steps(10.0, 27.4, 24) + steps(1203.0, 7900.0, 24):
        assert heard(make(hertz)) == [], hertz


def test_a_sine_above_all_that_is_decimated_is_no_note() -> None:
    for hertz in steps(7900.0, 23_900.0, 48):
        assert heard(sine(hertz, 0.4)) == [], hertz


INTERVALS = range(1, 25)


@pytest.mark.parametrize("semitones", INTERVALS)
def test_of_two_notes_none_or_one_is_heard(semitones: int) -> None:
    for low_hz in (41.203, 82.407, 110.0, 196.0):
        high_hz = low_hz * 2 ** (semitones / 12)
        pitches = heard(together(string(low_hz, 1.0), string(high_hz, 1.0, seed=1)))
        for pitch in pitches:
            near = min(abs(cents_off(pitch, low_hz)), abs(cents_off(pitch, high_hz)))
            assert near < 50.0 * min(2, semitones), (low_hz, pitch)


# ---- when ----


@pytest.mark.parametrize("first_db", [0.0, -21.0])
@pytest.mark.parametrize("name", OPEN_STRINGS_HZ)
def test_an_attack_is_never_another_note(name: str, first_db: float) -> None:
    hertz = OPEN_STRINGS_HZ[name]
    for step in range(8):
        before = silence(0.3 + step / (8 * UPDATES_PER_S))
        found = heard(np.concatenate([before, string(hertz, 0.6, first_db=first_db, seed=step)]))
        assert len(found) > 10
        assert max(abs(cents_off(pitch, hertz)) for pitch in found) < 10.0


@pytest.mark.parametrize("name", ["B0", "E1", "A1", "E2", "A2", "D3", "G3"])
def test_an_attack_of_two_partials_is_not_an_octave_too_high(name: str) -> None:
    hertz = OPEN_STRINGS_HZ[name]
    note = together(0.1 * sine(hertz, 0.5), sine(2.0 * hertz, 0.5))
    for step in range(16):
        found = heard(np.concatenate([silence(0.3 + step / (16 * UPDATES_PER_S)), note]))
        assert max(abs(cents_off(pitch, hertz)) for pitch in found) < 30.0


def longest_wait_s(hertz: float) -> float:
    """For the first reading after an attack at any time between two updates."""
    waits = []
    for step in range(16):
        before_s = 0.3 + step / (16 * UPDATES_PER_S)
        found = readings(np.concatenate([silence(before_s), string(hertz, 0.6)]))
        waits.append(next(at_s for at_s, pitch in found if pitch is not None) - before_s)
    return max(waits)


def test_high_notes_are_heard_sooner() -> None:
    low_s, middle_s, high_s = (longest_wait_s(OPEN_STRINGS_HZ[name]) for name in ("B0", "E2", "E4"))
    assert high_s < 0.13 < middle_s < 0.2 < low_s < 0.3


@pytest.mark.parametrize(("before", "after"), [("E2", "A2"), ("E4", "E2"), ("B0", "B3"), ("A1", "A2"), ("D3", "E1")])
def test_between_two_notes_there_is_no_third(before: str, after: str) -> None:
    a_hz, b_hz = OPEN_STRINGS_HZ[before], OPEN_STRINGS_HZ[after]
    first = string(a_hz, 0.5)
    first[-480:] *= np.linspace(1.0, 0.0, 480, dtype=np.float32)
    found = heard(np.concatenate([first, string(b_hz, 0.5)]))
    assert all(abs(pitch.cents) < 1.0 for pitch in found)
    notes = [pitch.note for pitch in found]
    assert list(dict.fromkeys(notes)) == [before, after]
    assert notes == sorted(notes, key=[before, after].index)


# ---- streams ----


def answers(audio: Audio, cuts: Iterable[int], rate: float = RATE) -> dict[int, Pitch | None]:
    """After how many frames, what."""
    tuner = Tuner(rate)
    ends = sorted({*cuts, len(audio)})
    return {end: tuner.update(audio[start:end]) for start, end in pairwise([0, *ends])}


MELODY = np.concatenate([string(hz, 0.3, seed=3) for hz in (82.4, 110.0, 659.3, 41.2)] + [silence(0.3)])


@pytest.mark.parametrize("frames", [1, 7, 64, 1000, 3199, 3200, 3201, 20_000])
def test_the_answer_does_not_depend_on_the_cutting(frames: int) -> None:
    audio = MELODY[:30_000] if frames == 1 else MELODY
    every = answers(audio, range(64, len(audio), 64))
    cut = answers(audio, range(frames, len(audio), frames))
    common = every.keys() & cut.keys()
    assert len(audio) in common
    assert all(every[at] == cut[at] for at in common)
    assert any(pitch is not None for pitch in every.values())


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, len(MELODY) - 1), max_size=40), st.sampled_from([44_100, 50_000, 192_000]))
def test_any_cutting_gives_the_same_answer(cuts: list[int], rate: int) -> None:
    plain, cut = answers(MELODY, range(500, len(MELODY), 500), rate), answers(MELODY, cuts, rate)
    assert all(plain[at] == cut[at] for at in plain.keys() & cut.keys())


def test_no_cut_is_needed_to_hear() -> None:
    assert answers(MELODY[:40_000], [])[40_000] == answers(MELODY[:40_000], range(1, 40_000))[40_000] is not None


def test_what_was_long_ago_is_forgotten() -> None:
    past = np.random.default_rng(8).uniform(-1.0, 1.0, 48_000).astype(np.float32)
    a, b = (readings(np.concatenate([before, string(55.0, 0.8)])) for before in (past, silence(1.0)))
    assert [pitch for at_s, pitch in a if at_s > 1.4] == [pitch for at_s, pitch in b if at_s > 1.4]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_counts_as_silence(value: float) -> None:
    broken, quiet = string(110.0, 1.0), string(110.0, 1.0)
    for start in (0, 5000, 20_000):
        broken[start : start + 50], quiet[start : start + 50] = value, 0.0
    assert readings(broken) == readings(quiet)
    assert heard(np.full(RATE, value, np.float32)) == []


# ---- refusals ----


@pytest.mark.parametrize("rate", [44_099.0, 192_001.0, 0.0, -48_000.0, math.nan, math.inf])
def test_other_sample_rates_are_refused(rate: float) -> None:
    with pytest.raises(ArgumentError) as caught:
        Tuner(rate)
    assert str(caught.value) == (
        f"tuner: the sample rate is {rate:g} Hz; 44100 to 192000 Hz are allowed: set the sound card to one of those"
    )


@pytest.mark.parametrize("reference_hz", [0.0, 414.9, 466.1, math.nan])
def test_other_references_are_refused(reference_hz: float) -> None:
    with pytest.raises(ArgumentError) as caught:
        Tuner(RATE, reference_hz)
    assert str(caught.value) == f"tuner: A4 is {reference_hz:g} Hz; 415 to 466 Hz are allowed: 440 is usual"


# ---- recordings ----

DI = ("bass-downtown.wav", "clean-celestial.wav", "jazz-hop.wav", "thrash-fear.wav")


def recording(corpus: Path, name: str) -> Audio:
    return np.asarray(soundfile.read(corpus / "di" / name, dtype="float32")[0], np.float32)


def agreeing(audio: Audio) -> float:
    """How many of the readings with one before are within a quarter of a semitone of it."""
    tuner, chunk = Tuner(RATE), RATE // UPDATES_PER_S
    pitches = [tuner.update(audio[start : start + chunk]) for start in range(0, len(audio), chunk)]
    pairs = [(a, b) for a, b in pairwise(pitches) if a is not None and b is not None]
    assert len(pairs) > 20
    return float(np.mean([abs(cents_off(a, b.hertz)) < 25.0 for a, b in pairs]))


def loudest_hz(audio: Audio) -> float:
    """The strongest partial up to 1500 Hz."""
    magnitudes = np.abs(np.fft.rfft(audio * np.hanning(len(audio)), 1 << 17))
    return float(np.argmax(magnitudes[: 1500 * (1 << 17) // RATE])) * RATE / (1 << 17)


@pytest.mark.parametrize("name", DI)
def test_what_is_heard_of_a_recording_is_in_range(corpus: Path, name: str) -> None:
    found = heard(recording(corpus, name))
    assert found
    for pitch in found:
        assert LOWEST_HZ <= pitch.hertz <= HIGHEST_HZ
        assert CLEAR <= pitch.clarity <= 1.0
        assert -50.0 <= pitch.cents <= 50.0


def test_neighbours_agree_where_single_notes_are_played(corpus: Path) -> None:
    # The bass plays quavers, each of them two or three updates long.
    assert agreeing(recording(corpus, "bass-downtown.wav")) > 0.7
    assert agreeing(recording(corpus, "jazz-hop.wav")) > 0.9


def test_neighbours_agree_in_the_demo(root: Path) -> None:
    riff = np.asarray(soundfile.read(root / "demo" / "riff.wav", dtype="float32")[0], np.float32)
    assert agreeing(riff) > 0.95
    off = []
    for at_s, pitch in readings(riff):
        if pitch is not None:
            loudest = loudest_hz(riff[max(0, round((at_s - 0.25) * RATE)) : round(at_s * RATE)])
            off.append(abs(cents_off(pitch, loudest / max(1, round(loudest / pitch.hertz)))))
    assert np.mean(np.array(off) < 30.0) > 0.9
