"""The levels that HAT profiles state, against those that follow from the chip and the mixer."""

from __future__ import annotations

import dataclasses
import shlex

import pytest
from nampedal.board.mixer.mixer_levels import (
    input_full_scale_dbu,
    input_gain_db,
    output_full_scale_dbu,
    output_gain_db,
    volts_to_dbu,
)
from nampedal.board.profiles.hats import Hat, hat_keys, read_hat

# Profiles round to a tenth.
ROUNDING_DB = 0.05 + 1e-9
# What can be told, and what can't; None: the chip's voltage, or a gain, is not known.
INPUTS = {
    "audioinjector-stereo": 8.2,
    "audioinjector-ultra": None,
    "codec-zero": None,
    "fe-pi": None,
    "hifiberry-dac-adc": 8.7,
    "hifiberry-dac-adc-pro": 8.7,
    "hifiberry-dac2-adc-pro": 8.7,
    "pisound": None,
    "wm8960": None,
}
GAINS = {
    "audioinjector-stereo": (-6.0, 0.0),
    "audioinjector-ultra": (0.0, 0.0),
    "codec-zero": (6.0, -8.0),
    "fe-pi": (None, None),
    "hifiberry-dac-adc": (0.0, 0.0),
    "hifiberry-dac-adc-pro": (0.0, 0.0),
    "hifiberry-dac2-adc-pro": (0.0, 0.0),
    "pisound": (0.0, 0.0),
    "wm8960": (41.0, -12.0),
}


# Of a USB interface no table says anything.
HATS = [key for key in hat_keys() if read_hat(key).usb is None]


def test_every_hat_is_here() -> None:
    assert set(INPUTS) == set(GAINS) == set(HATS)


@pytest.mark.parametrize("key", HATS)
def test_a_stated_level_follows_from_the_chip_and_the_mixer_where_it_can(key: str) -> None:
    hat = read_hat(key)
    told = input_full_scale_dbu(hat)
    assert told == (None if INPUTS[key] is None else pytest.approx(INPUTS[key], abs=ROUNDING_DB))
    if told is not None:
        assert hat.input_full_scale_dbu is not None
        assert hat.input_full_scale_dbu.value == pytest.approx(told, abs=ROUNDING_DB)
    out = output_full_scale_dbu(hat)
    if out is not None:
        assert hat.output_full_scale_dbu is not None
        assert hat.output_full_scale_dbu.value == pytest.approx(out, abs=ROUNDING_DB)


@pytest.mark.parametrize("key", HATS)
def test_the_gains_of_the_mixer_are_known(key: str) -> None:
    hat = read_hat(key)
    assert (input_gain_db(hat), output_gain_db(hat)) == GAINS[key]


def test_one_volt_is_2_2_dbu() -> None:
    assert volts_to_dbu(1.0) == pytest.approx(2.218, abs=0.001)
    assert volts_to_dbu(0.7746) == pytest.approx(0.0, abs=0.001)


def with_line(hat: Hat, line: str) -> Hat:
    return dataclasses.replace(hat, mixer=(*hat.mixer, tuple(shlex.split(line))))


def test_a_gain_in_front_of_the_converter_makes_the_input_that_much_more_sensitive() -> None:
    hat = read_hat("hifiberry-dac-adc-pro")
    before, after = input_full_scale_dbu(hat), input_full_scale_dbu(with_line(hat, "'ADC' 12dB"))
    assert before is not None
    assert after == pytest.approx(before - 12.0)


def test_without_its_divider_the_stereo_card_is_6_db_more_sensitive() -> None:
    hat = read_hat("audioinjector-stereo")
    before, after = input_full_scale_dbu(hat), input_full_scale_dbu(dataclasses.replace(hat, input_board_db=None))
    assert before is not None
    assert after == pytest.approx(before - 6.0)


def test_a_hat_whose_drivers_are_not_known_has_no_level_and_no_gain() -> None:
    hat = dataclasses.replace(read_hat("codec-zero"), overlay="somebody-elses")
    assert (input_gain_db(hat), output_gain_db(hat)) == (None, None)
    assert (input_full_scale_dbu(hat), output_full_scale_dbu(hat)) == (None, None)
