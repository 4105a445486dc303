from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from conftest import Audio
from nampedal.converter.listening import harmonics
from nampedal.converter.listening.harmonics import HarmonicRow, Play
from nampedal.converter.nam import nam_file
from nampedal.converter.rounding.tier_conversion import convert
from nampedal.firmware.engine.capture import Capture
from nampedal.firmware.engine.inference import MAX_FRAMES, Engine
from numpy.polynomial import Polynomial

RATES = [8000, 22_050, 44_100, 48_000, 96_000]
SILENT_DB = -125.0


def db(ratio: float) -> float:
    return 20 * math.log10(ratio)


def shaper(*coefficients: float) -> Play:
    """Without memory: coefficients[k] x^k, summed."""

    def play(audio: Audio) -> Audio:
        return np.asarray(Polynomial(coefficients)(audio.astype(np.float64)), np.float32)

    return play


def engine(capture: Capture) -> Play:
    return lambda audio: Engine.prepare(capture, exact=True, max_frames=MAX_FRAMES).render(audio)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("level_dbfs", [-48.0, -12.0, 0.0])
def test_harmonics_of_a_polynomial_are_those_on_paper(rate: int, level_dbfs: float) -> None:
    a, b = 0.3, 0.2
    (found,) = harmonics.harmonic_balance(shaper(0.0, 1.0, a, b), rate, [level_dbfs])
    # (A sin)^2 = A^2 / 2 (1 - cos 2), (A sin)^3 = A^3 / 4 (3 sin - sin 3).
    amplitude = 10 ** (level_dbfs / 20)
    fundamental = amplitude + 0.75 * b * amplitude**3
    second, third = a * amplitude**2 / 2 / fundamental, b * amplitude**3 / 4 / fundamental
    assert found.level_dbfs == level_dbfs
    assert found.fundamental_dbfs == pytest.approx(db(fundamental), abs=1e-4)
    assert found.harmonics_db[:2] == pytest.approx((db(second), db(third)), abs=0.01)
    assert len(found.harmonics_db) == 7
    assert max(found.harmonics_db[2:]) < SILENT_DB
    assert found.thd_db == pytest.approx(db(math.hypot(second, third)), abs=0.01)


def test_each_level_has_its_balance() -> None:
    found = harmonics.harmonic_balance(shaper(0.0, 1.0, 0.1), 48_000)
    assert [balance.level_dbfs for balance in found] == [-48.0, -36.0, -24.0, -12.0, 0.0]
    # A second harmonic falls with the level, dB for dB.
    assert [balance.harmonics_db[0] for balance in found] == pytest.approx(
        [db(0.05) - 48.0, db(0.05) - 36.0, db(0.05) - 24.0, db(0.05) - 12.0, db(0.05)], abs=0.01
    )


@pytest.mark.parametrize("rate", RATES)
def test_a_wire_does_nothing(rate: int) -> None:
    wire = shaper(0.0, 1.0)
    for balance in harmonics.harmonic_balance(wire, rate):
        assert balance.fundamental_dbfs == pytest.approx(balance.level_dbfs, abs=1e-5)
        assert balance.thd_db < SILENT_DB
    for products in harmonics.intermodulation(wire, rate):
        assert max(products.figures().values()) < SILENT_DB
    assert harmonics.aliasing_residual(wire, rate) < SILENT_DB


def test_a_square_has_the_harmonics_of_fourier() -> None:
    (found,) = harmonics.harmonic_balance(lambda audio: np.where(audio < 0, -1, 1).astype(np.float32), 192_000, [0.0])
    assert found.fundamental_dbfs == pytest.approx(db(4 / math.pi), abs=0.01)
    assert found.harmonics_db[1::2] == pytest.approx((db(1 / 3), db(1 / 5), db(1 / 7)), abs=0.05)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("level_dbfs", [-24.0, 0.0])
def test_intermodulation_of_a_polynomial_is_that_on_paper(rate: int, level_dbfs: float) -> None:
    a, b = 0.3, 0.2
    (found,) = harmonics.intermodulation(shaper(0.0, 1.0, a, b), rate, [level_dbfs])
    # Two tones of amplitude A: A + 9/4 b A^3 each; a A^2 at sum and difference; 3/4 b A^3 at 2 f1 - f2 and 2 f2 - f1.
    amplitude = 10 ** (level_dbfs / 20) / 2
    tone = amplitude + 2.25 * b * amplitude**3
    second, third = db(a * amplitude**2 / tone), db(0.75 * b * amplitude**3 / tone)
    assert found.level_dbfs == level_dbfs
    assert (found.difference_db, found.sum_db) == pytest.approx((second, second), abs=0.01)
    assert (found.lower_third_db, found.upper_third_db) == pytest.approx((third, third), abs=0.01)


def test_a_cube_makes_no_second_order_and_a_square_no_third() -> None:
    (cube,) = harmonics.intermodulation(shaper(0.0, 1.0, 0.0, 0.5), 48_000, [0.0])
    assert max(cube.difference_db, cube.sum_db) < SILENT_DB
    (square,) = harmonics.intermodulation(shaper(0.0, 1.0, 0.5), 48_000, [0.0])
    assert max(square.lower_third_db, square.upper_third_db) < SILENT_DB


def test_each_product_is_looked_for_at_its_own_frequency() -> None:
    products = {56: 0.01, 498: 0.02, 165: 0.03, 333: 0.04}

    def play(audio: Audio) -> Audio:
        turn = 2 * np.pi * np.arange(len(audio)) / 48_000
        added = sum((each * np.cos(hz * turn) for hz, each in products.items()), np.zeros(len(audio)))
        return np.asarray(audio + added, np.float32)

    # Of tones of 221 and 277 Hz, as 220 shares factors with 48000.
    (found,) = harmonics.intermodulation(play, 48_000, [0.0])
    assert list(found.figures().values()) == pytest.approx([db(each / 0.5) for each in products.values()], abs=0.01)


# The harmonic of about 4186 Hz (1600 Hz at 8 kHz) that is the first beyond half the rate.
@pytest.mark.parametrize(("rate", "first_folded"), [(8000, 3), (22_050, 3), (44_100, 6), (48_000, 6), (96_000, 12)])
def test_only_harmonics_beyond_half_the_rate_are_aliasing(rate: int, first_folded: int) -> None:
    # A Chebyshev polynomial makes of a full-scale sine its harmonic of that order alone, as loud.
    def with_harmonic(order: int) -> Play:
        chebyshev = np.polynomial.Chebyshev.basis(order)
        return lambda audio: np.asarray(audio + 0.01 * chebyshev(audio.astype(np.float64)), np.float32)

    assert harmonics.aliasing_residual(with_harmonic(first_folded - 1), rate, 0.0) < SILENT_DB
    assert harmonics.aliasing_residual(with_harmonic(first_folded), rate, 0.0) == pytest.approx(-40.0, abs=0.01)


def test_a_folded_cube_is_as_loud_as_on_paper() -> None:
    amplitude = 10 ** (-6 / 20)
    expected = db(0.4 * amplitude**3 / 4 / (amplitude + 0.75 * 0.4 * amplitude**3))
    # At 8 kHz the third harmonic of 1601 Hz is 4803 Hz, heard at 3197 Hz.
    assert harmonics.aliasing_residual(shaper(0.0, 1.0, 0.0, 0.4), 8000) == pytest.approx(expected, abs=0.01)


def test_what_has_nothing_to_do_with_the_tone_is_residual_and_dc_is_not() -> None:
    def hum(audio: Audio) -> Audio:
        return np.asarray(audio + 0.3 + 0.005 * np.sin(2 * np.pi * 50 * np.arange(len(audio)) / 48_000), np.float32)

    assert harmonics.aliasing_residual(hum, 48_000) == pytest.approx(db(0.005) + 6.0, abs=0.01)


def test_what_dies_away_at_the_onset_is_not_heard() -> None:
    def thump(audio: Audio) -> Audio:
        return np.asarray(audio + np.exp(-np.arange(len(audio)) / (0.05 * 48_000)), np.float32)

    (balance,) = harmonics.harmonic_balance(thump, 48_000, [0.0])
    assert balance.thd_db < -120.0
    assert harmonics.aliasing_residual(thump, 48_000, 0.0) < -120.0


def test_a_delay_changes_no_figure() -> None:
    play = shaper(0.0, 1.0, 0.3, 0.2)
    delayed: Play = lambda audio: np.concatenate([np.zeros(777, np.float32), play(audio)])[: len(audio)]  # noqa: E731
    for row in harmonics.compare_harmonics(play, delayed, 48_000, [-12.0]):
        assert row.difference_db == pytest.approx(0.0, abs=0.01), row


def test_silence_has_no_fundamental_and_no_harmonics() -> None:
    mute: Play = np.zeros_like
    (balance,) = harmonics.harmonic_balance(mute, 48_000, [0.0])
    assert (balance.fundamental_dbfs, balance.thd_db) == (-math.inf, -math.inf)
    assert harmonics.aliasing_residual(mute, 48_000) == -math.inf
    assert {row.difference_db for row in harmonics.compare_harmonics(mute, mute, 48_000, [0.0])} == {0.0}


@pytest.mark.parametrize("answer", [np.zeros(5, np.float32), np.zeros((96_000, 1), np.float32)])
def test_a_player_that_returns_something_else_is_refused(answer: Audio) -> None:
    message = r"^a player was given \(96000,\) and returned .*; it returns as many, mono$"
    with pytest.raises(ValueError, match=message):
        harmonics.aliasing_residual(lambda audio: answer, 48_000)


def test_side_by_side_is_test_minus_reference_level_by_level() -> None:
    rows = harmonics.compare_harmonics(shaper(0.0, 1.0, 0.1), shaper(0.0, 0.5, 0.1), 48_000, [-24.0, 0.0])
    found = {(row.level_dbfs, row.figure): row for row in rows}
    assert len(found) == len(rows) == 2 * (1 + 7 + 1) + 2 * 4 + 1
    assert {level for level, figure in found if figure != "aliasing"} == {-24.0, 0.0}
    for level_dbfs in (-24.0, 0.0):
        # The same square under half the tone.
        assert found[level_dbfs, "fundamental"].difference_db == pytest.approx(-6.0206, abs=0.001)
        for figure in ("harmonic 2", "THD", "f2 - f1", "f1 + f2"):
            assert found[level_dbfs, figure].difference_db == pytest.approx(6.0206, abs=0.01), figure
    assert found[0.0, "harmonic 2"].reference_db == pytest.approx(db(0.05), abs=0.01)
    assert found[0.0, "harmonic 2"].test_db == pytest.approx(db(0.1), abs=0.01)


def test_what_is_below_the_floor_differs_by_nothing() -> None:
    assert HarmonicRow(0.0, "harmonic 8", -131.0, -160.0).difference_db == 0.0
    assert HarmonicRow(0.0, "harmonic 8", -math.inf, -math.inf).difference_db == 0.0
    assert HarmonicRow(0.0, "harmonic 8", -math.inf, -100.0).difference_db == 20.0
    assert math.isnan(HarmonicRow(0.0, "harmonic 8", -100.0, math.nan).difference_db)


@pytest.mark.long
def test_the_demo_amplifier_rounded_to_int8_keeps_its_harmonics(root: Path) -> None:
    capture = nam_file.read(root / "demo" / "overdriven-amp.nam")
    rows = harmonics.compare_harmonics(
        engine(capture), engine(convert(capture, "w8")), capture.sample_rate, [-24.0, -6.0]
    )
    loud = [row for row in rows if row.figure != "aliasing" and row.reference_db > -60.0]
    # It overdrives: there is something to keep.
    assert max(row.reference_db for row in loud if row.figure == "THD") > -30.0
    # Measured: 0.07 dB.
    assert max(abs(row.difference_db) for row in loud) < 0.5
    assert any(row.difference_db != 0.0 for row in loud)


@pytest.mark.parametrize("rate", RATES)
def test_a_transfer_curve_is_the_shaper_itself(rate: int) -> None:
    found = harmonics.transfer_curve(shaper(0.0, 0.5, 0.0, 0.25), rate, -6.0)
    assert found.given.max() == pytest.approx(10 ** (-6 / 20), rel=1e-6)
    assert found.got == pytest.approx(0.5 * found.given + 0.25 * found.given**3, abs=1e-6)
    assert found.shift == pytest.approx(0.0, abs=1e-6)


def test_a_delay_is_no_part_of_a_transfer_curve() -> None:
    def late(audio: Audio) -> Audio:
        return np.concatenate([np.zeros(37, np.float32), audio[:-37] ** 3])

    found = harmonics.transfer_curve(late, 48_000, 0.0)
    assert found.got == pytest.approx(found.given**3, abs=1e-6)
    # 221 Hz, as 220 shares factors with 48000.
    assert found.shift == pytest.approx(2 * math.pi * 221 * 37 / 48_000, abs=1e-6)
    undone = harmonics.transfer_curve(lambda audio: audio, 48_000, 0.0, shift=found.shift)
    assert undone.got == pytest.approx(np.sin(np.arcsin(0) + 2 * np.pi * np.arange(480) / 480 + found.shift), abs=1e-6)


def test_esr_by_level_plays_the_same_at_each_peak() -> None:
    given = np.asarray([0.0, 0.1, -0.2], np.float32)
    # x^2 more, on x: an error of the peak's power, in amplitude.
    quiet, loud = harmonics.esr_by_level(shaper(0.0, 1.0), shaper(0.0, 1.0, 1.0), given, [-20.0, 0.0])
    assert loud == pytest.approx((0.5**4 + 1) / (0.5**2 + 1), rel=1e-5)
    assert quiet == pytest.approx(0.01 * loud, rel=1e-4)
