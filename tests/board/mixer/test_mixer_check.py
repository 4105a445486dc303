"""Every HAT's mixer against what its drivers can set (hw-profiles/drivers)."""

from __future__ import annotations

import dataclasses
import shlex

import pytest
from nampedal.board.mixer.driver_tables import sound_card
from nampedal.board.mixer.mixer_check import faults
from nampedal.board.profiles.hats import Hat, hat_keys, read_hat


def with_lines(hat: str, *lines: str, **means: str) -> Hat:
    """Return a shipped HAT with other lines, as `amixer sset` takes them."""
    words = tuple(tuple(shlex.split(line)) for line in lines)
    return dataclasses.replace(read_hat(hat), mixer=words, means=means)


def changed(hat: str, old: str, *new: str) -> Hat:
    """Return a shipped HAT with one line replaced."""
    wanted = tuple(shlex.split(old))
    profile = read_hat(hat)
    assert wanted in profile.mixer
    at = profile.mixer.index(wanted)
    lines = (*profile.mixer[:at], *(tuple(shlex.split(line)) for line in new), *profile.mixer[at + 1 :])
    means = {name: said for name, said in profile.means.items() if name != wanted[0]}
    return dataclasses.replace(profile, mixer=lines, means=means)


@pytest.mark.parametrize("key", [key for key in hat_keys() if read_hat(key).usb is None])
def test_every_hats_mixer_fits_its_drivers_and_lets_sound_through(key: str) -> None:
    hat = read_hat(key)
    assert sound_card(hat.overlay) is not None, f"no table in hw-profiles/drivers is of the overlay {hat.overlay}"
    # As one text, so that a failure shows all of it.
    assert "\n".join(faults(hat)) == ""


# The mixers of commit 1aacbfc, and what is wrong with them beside numbers where dB are meant.
OLD = {
    "hifiberry-dac-adc": (
        ("'Digital' 0dB unmute", "'Auto Mute' mute", "'Auto Mute Mono' mute", "'Deemphasis' off"),
        [
            "'Deemphasis' off: the driver pcm512x has it the other way round: off does this: the de-emphasis filter is "
            'on; say with means = "..." what is meant'
        ],
    ),
    "codec-zero": (
        (
            *("'Mic 1' mute", "'Mic 2' mute", "'Aux' 53 unmute", "'Mixin Left Aux Left' on"),
            *("'Mixin Right Aux Right' on", "'Mixin PGA' 7 unmute", "'ADC' 112 unmute"),
            *("'DAI Left Source MUX' 'ADC Left'", "'DAI Right Source MUX' 'ADC Right'"),
            *("'DAC Left Source MUX' 'DAI Input Left'", "'DAC Right Source MUX' 'DAI Input Right'", "'DAC' 112"),
            *("'Mixout Left DAC Left' on", "'Mixout Right DAC Right' on", "'Headphone' 49 unmute"),
        ),
        [
            "no guitar from 'AUX IN left' to input 1: 'AUX Jack' is off (a pin that the driver iqaudio-codec leaves "
            "off at the start)"
        ],
    ),
    "audioinjector-ultra": (
        ("'DAC' 240 on",),
        [
            "'DAC' 240 on: leave it alone: its switch shares a bit with the power of the DAC, and setting it while "
            "that is on powers it down",
            "'DAC' 240 on: is -7.5 dB (cs4265); write the dB that are meant",
        ],
    ),
    "fe-pi": (
        ("'Capture Mux' LINE_IN", "'Lineout' unmute"),
        ["no guitar from 'LINE IN left' to input 1: 'Capture' is off"],
    ),
}


@pytest.mark.parametrize("hat", OLD)
def test_the_wrong_mixers_of_1aacbfc_are_named(hat: str) -> None:
    lines, wrong = OLD[hat]
    found = faults(with_lines(hat, *lines))
    assert [fault for fault in found if fault in wrong] == wrong
    assert all("write the dB that are meant" in fault for fault in found if fault not in wrong)


def test_a_profile_that_does_not_say_its_jacks_is_checked_too() -> None:
    lines, _ = OLD["codec-zero"]
    hat = dataclasses.replace(with_lines("codec-zero", *lines), guitar_jack="", output_jacks=())
    pin = "'AUX Jack' is off (a pin that the driver iqaudio-codec leaves off at the start)"
    assert f"no guitar from any jack to input 1: {pin}" in faults(hat)


def test_a_hat_whose_drivers_are_not_known_is_not_judged() -> None:
    hat = dataclasses.replace(read_hat("codec-zero"), overlay="somebody-elses", mixer=(("Nothing", "1"),))
    assert faults(hat) == []


# ---- what a switch is said to mean ----

OFF, ON = "the de-emphasis filter is off", "the de-emphasis filter is on"


@pytest.mark.parametrize(("word", "means", "does"), [("off", OFF, ON), ("on", ON, OFF), ("mute", OFF, ON)])
def test_an_inverted_switch_that_is_said_to_do_the_opposite_is_wrong(word: str, means: str, does: str) -> None:
    found = faults(with_lines("hifiberry-dac-adc", f"'Deemphasis' {word}", Deemphasis=means))
    said = f"'Deemphasis' {word}: is said to mean '{means}'; in the driver pcm512x {word} does this: {does}"
    assert found == [said]


@pytest.mark.parametrize(("word", "means"), [("on", OFF), ("unmute", OFF), ("off", ON)])
def test_an_inverted_switch_that_is_said_to_do_what_it_does_is_right(word: str, means: str) -> None:
    assert faults(with_lines("hifiberry-dac-adc", f"'Deemphasis' {word}", Deemphasis=means)) == []


def test_what_a_switch_does_can_not_be_claimed_where_the_table_does_not_say() -> None:
    hat = dataclasses.replace(changed("codec-zero", "'Mic 1' mute", "'DAC Mono' off"), means={"DAC Mono": "stereo"})
    (found,) = faults(hat)
    assert found == (
        "'DAC Mono' off: is said to mean 'stereo'; in the driver da7213 the table does not say what it does"
    )


# ---- lines that the drivers do not take as they are meant ----

LINES = [
    ("codec-zero", "'Auxx' 0dB", "'Auxx' 0dB: the drivers (iqaudio-codec, da7213) have no control 'Auxx'"),
    ("codec-zero", "'Aux Volume' 0dB", "'Aux Volume' 0dB: the drivers (iqaudio-codec, da7213) have no control 'Aux Volume'"),
    ("codec-zero", "'Aux' 53 unmute", "'Aux' 53 unmute: is 0 dB (da7213); write the dB that are meant"),
    ("codec-zero", "'Aux' 50%", "'Aux' 50%: is -31.5 dB (da7213); write the dB that are meant"),
    ("codec-zero", "'ADC' 3", "'ADC' 3: is silent (da7213); write the dB that are meant"),
    ("codec-zero", "'Aux' 16dB", "'Aux' 16dB: is clipped; from -54 to 15 dB is possible (da7213)"),
    ("codec-zero", "'Aux' -55dB", "'Aux' -55dB: is clipped; from -54 to 15 dB is possible (da7213)"),
    ("codec-zero", "'Aux' 1dB", "'Aux' 1dB: is no step of the driver da7213; the nearest is 1.5dB"),
    ("codec-zero", "'Aux' 64", "'Aux' 64: is clipped; dB from -54 to 15, on or unmute or off or mute are allowed"),
    ("codec-zero", "'Aux' cap", "'Aux' cap: cap is nothing that it takes; dB from -54 to 15, on or unmute or off or mute are allowed"),
    ("codec-zero", "'Aux' loud", "'Aux' loud: loud is nothing that it takes; dB from -54 to 15, on or unmute or off or mute are allowed"),
    ("codec-zero", "'HP Jack' 1", "'HP Jack' 1: 1 is nothing that it takes; on or unmute or off or mute are allowed"),
    ("codec-zero", "'Gain Ramping Rate' fast", "'Gain Ramping Rate' fast: is no item of it; known are 'nominal rate * 8', 'nominal rate * 16', 'nominal rate / 16', 'nominal rate / 32'"),
    ("codec-zero", "'DAI Left Source MUX' 0dB", "'DAI Left Source MUX' 0dB: is no item of it; known are 'ADC Left', 'ADC Right', 'DAI Input Left', 'DAI Input Right'"),
    ("fe-pi", "'Capture' 0dB", "'Capture' 0dB: the driver sgtl5000 tells no dB of it; a whole number from 0 to 15, cap or nocap are allowed"),
    ("fe-pi", "'Capture' 16", "'Capture' 16: is clipped; a whole number from 0 to 15, cap or nocap are allowed"),
    ("fe-pi", "'Capture' on", "'Capture' on: on is nothing that it takes; a whole number from 0 to 15, cap or nocap are allowed"),
    ("hifiberry-dac-adc", "'Digital' 12dB", "'Digital' 12dB: is clipped; from -103 to 0 dB is possible (pcm512x)"),
    ("pisound", "'PCM' 90", "'PCM' 90: can't be set: the driver pisound only shows it"),
    ("hifiberry-dac-adc-pro", "'PGA Gain Left' 0.0dB", "'PGA Gain Left' and 'ADC' write the same register of the chip: set one of them"),
]  # fmt: skip


@pytest.mark.parametrize(("hat", "line", "fault"), LINES, ids=[line for _, line, _ in LINES])
def test_a_line_that_does_not_fit_is_named_with_what_is_allowed(hat: str, line: str, fault: str) -> None:
    profile = read_hat(hat)
    (words,) = [tuple(shlex.split(line))]
    assert fault in faults(dataclasses.replace(profile, mixer=(*profile.mixer, words)))


@pytest.mark.parametrize("line", ["'Capture' 15 cap", "'Capture' 100% cap"])
def test_where_the_driver_tells_no_db_numbers_are_right(line: str) -> None:
    assert faults(changed("fe-pi", "'Capture' 0 cap", line)) == []


def test_each_channel_may_have_a_number_of_its_own() -> None:
    assert faults(changed("codec-zero", "'Aux' 0dB unmute", "'Aux' 0dB,-1.5dB unmute")) == []
    (found,) = faults(changed("codec-zero", "'Aux' 0dB unmute", "'Aux' 0dB,99dB unmute"))
    assert found == "'Aux' 0dB,99dB unmute: is clipped; from -54 to 15 dB is possible (da7213)"


# ---- sound that does not come through ----

GUITAR = "no guitar from 'AUX IN left' to input 1: "
PATHS = [
    ("codec-zero", "'AUX Jack' on", [], GUITAR + "'AUX Jack' is off (a pin that the driver iqaudio-codec leaves off at the start)"),
    ("codec-zero", "'Aux' 0dB unmute", ["'Aux' 0dB mute"], GUITAR + "'Aux' is off"),
    ("codec-zero", "'Mixin Left Aux Left' on", [], GUITAR + "'Mixin Left Aux Left' is off"),
    ("codec-zero", "'DAI Left Source MUX' 'ADC Left'", ["'DAI Left Source MUX' 'ADC Right'"], GUITAR + "'DAI Left Source MUX' is 'ADC Right', not 'ADC Left'"),
    ("codec-zero", "'ADC' 0dB unmute", ["'ADC' 0 unmute"], GUITAR + "'ADC' is all the way down"),
    ("codec-zero", "'HP Jack' on", ["'HP Jack' off"], "no sound from output 1 to 'AUX OUT left': 'HP Jack' is off"),
    ("codec-zero", "'Mixout Right DAC Right' on", [], "no sound from output 2 to 'AUX OUT right': 'Mixout Right DAC Right' is off"),
    ("fe-pi", "'Capture Mux' LINE_IN", [], "no guitar from 'LINE IN left' to input 1: 'Capture Mux' is 'MIC_IN', not 'LINE_IN'"),
    ("fe-pi", "'Lineout' unmute", [], "no sound from output 1 to 'LINE OUT left': 'Lineout' is off"),
    ("wm8960", "'Headphone' -12dB", [], "no sound from output 1 to 'Headphone Jack left': 'Headphone' is all the way down"),
    ("audioinjector-stereo", "'Line' cap", ["'Line' nocap"], "no guitar from 'LINE IN left' to input 1: 'Line' is off"),
    ("audioinjector-stereo", "'Output Mixer Line Bypass' mute", ["'Output Mixer Line Bypass' unmute"], "the dry guitar goes from 'LINE IN left' straight to 'OUT left'"),
    ("hifiberry-dac-adc-pro", "'ADC Left Input' 'VINL1[SE]'", ["'ADC Left Input' 'No Select'"], "no guitar from 'IN left' to input 1: 'ADC Left Capture Source' is 'No Select', not 'VINL1[SE]'"),
    ("hifiberry-dac-adc-pro", "'Digital' 0dB unmute", ["'Digital' 0dB mute"], "no sound from output 1 to 'OUT left': 'Digital' is off"),
]  # fmt: skip


@pytest.mark.parametrize(("hat", "old", "new", "fault"), PATHS, ids=[fault for *_, fault in PATHS])
def test_a_way_that_is_shut_is_named_with_what_shuts_it(hat: str, old: str, new: list[str], fault: str) -> None:
    assert fault in faults(changed(hat, old, *new))


def test_a_jack_that_is_not_there_is_named_with_those_that_are() -> None:
    hat = dataclasses.replace(read_hat("hifiberry-dac-adc"), guitar_jack="AUX")
    assert faults(hat) == ["there is no jack 'AUX' of hifiberry_dacplusadc, pcm512x; known are 'IN left', 'IN right'"]
    hat = dataclasses.replace(read_hat("hifiberry-dac-adc"), output_jacks=("OUT left", "OUT middle"))
    assert faults(hat) == [
        "there is no jack 'OUT middle' of hifiberry_dacplusadc, pcm512x; known are 'OUT left', 'OUT right'"
    ]


def test_an_output_that_comes_out_elsewhere_is_wrong() -> None:
    hat = dataclasses.replace(read_hat("hifiberry-dac-adc"), output_jacks=("OUT right", "OUT left"))
    assert faults(hat) == [
        "no sound from output 1 to 'OUT right': there is no such way",
        "no sound from output 2 to 'OUT left': there is no such way",
    ]
