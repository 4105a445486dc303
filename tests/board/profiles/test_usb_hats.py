"""Profiles of USB interfaces: what they may say, and what a pedal with one makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from nampedal.board.profiles.hats import Hat, read_hat
from nampedal.board.profiles.pedals import PedalProfile, read_pedal
from nampedal.board.profiles.profile_files import Fact
from nampedal.firmware.base.errors import SettingsError, SettingValueError

ANY_ONE = """
name = "Any"
usb = "any"

[guitar_channel]
value = 2
status = "chosen"
source = "a reason"
"""
TWO_BY_TWO = """
name = "Two in, two out"
usb = { vendor = "1235", product = "821A" }
mixer = ["'Line In 1' inst"]

[input_channels]
value = 18
status = "stated"
source = "its data sheet"

[output_channels]
value = 20
status = "stated"
source = "its data sheet"

[guitar_channel]
value = 10
status = "chosen"
source = "a reason"

[periods]
value = 3
status = "chosen"
source = "a reason"
"""
TABLE = 'a table like { vendor = "1235", product = "8210" } is needed'
WHOLE = "value: is {}; a whole number from 1 to {} is needed"
KNOWN = (
    "is no known key; known are name, input_channels, output_channels, guitar_channel, mixer, input_full_scale_dbu, "
    "output_full_scale_dbu, input_impedance_ohm, period_frames, periods, usb"
)
DIGITS = 'four hexadecimal digits in quotes are needed, as lsusb shows them: "1235"'


def read(tmp_path: Path, text: str) -> Hat:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return read_hat(path)


def pedal_with(tmp_path: Path, text: str) -> PedalProfile:
    read(tmp_path, text)
    path = tmp_path / "pedal.toml"
    path.write_text(f'name = "Mine"\nboard = "5"\nhat = "{tmp_path / "mine.toml"}"\n[gpio.switches]\n1 = 18\n')
    return read_pedal(path)


def test_any_interface_needs_no_more_than_the_guitars_channel(tmp_path: Path) -> None:
    hat = read(tmp_path, ANY_ONE)
    assert (hat.usb, hat.overlay, hat.card, hat.pins) == ("any", None, None, {})
    assert (hat.input_channels, hat.output_channels) == (None, None)
    assert hat.guitar_channel == Fact(2, "chosen", "a reason")


def test_a_named_interface_has_its_numbers_as_the_kernel_writes_them(tmp_path: Path) -> None:
    hat = read(tmp_path, TWO_BY_TWO)
    assert hat.usb == "1235:821a"
    assert hat.mixer == (("Line In 1", "inst"),)
    assert (hat.input_channels, hat.output_channels) == (
        Fact(18, "stated", "its data sheet"),
        Fact(20, "stated", "its data sheet"),
    )


def test_the_shipped_one_is_any_interface() -> None:
    hat = read_hat("usb")
    assert (hat.usb, hat.input_channels, hat.mixer) == ("any", None, ())
    assert hat.input_full_scale_dbu is None


@pytest.mark.parametrize(
    ("text", "old", "new", "error", "told"),
    [
        (ANY_ONE, '"any"', '"all"', SettingValueError, f"usb: is 'all'; \"any\", or {TABLE}"),
        (ANY_ONE, '"any"', "true", SettingValueError, f'usb: is True; "any", or {TABLE}'),
        (ANY_ONE, '"any"', "{}", SettingValueError, "usb.vendor: is missing, and needed"),
        (TWO_BY_TWO, ', product = "821A"', "", SettingValueError, "usb.product: is missing, and needed"),
        (
            TWO_BY_TWO,
            "product",
            "prodcut",
            SettingValueError,
            "usb.prodcut: is no known key; did you mean usb.product?",
        ),
        (TWO_BY_TWO, '"1235"', "1235", SettingValueError, f"usb.vendor: is 1235; {DIGITS}"),
        (TWO_BY_TWO, '"1235"', '"0x1235"', SettingValueError, f"usb.vendor: is '0x1235'; {DIGITS}"),
        (TWO_BY_TWO, '"821A"', '"821"', SettingValueError, f"usb.product: is '821'; {DIGITS}"),
        (TWO_BY_TWO, '"821A"', '"82 A"', SettingValueError, f"usb.product: is '82 A'; {DIGITS}"),
        (TWO_BY_TWO, "[periods]", "[colour]", SettingValueError, f"colour: {KNOWN}"),
        (TWO_BY_TWO, "value = 18", "value = 65", SettingValueError, f"input_channels.{WHOLE.format(65, 64)}"),
        (TWO_BY_TWO, "value = 10", "value = 19", SettingValueError, f"guitar_channel.{WHOLE.format(19, 18)}"),
        (ANY_ONE, "value = 2", "value = 65", SettingValueError, f"guitar_channel.{WHOLE.format(65, 64)}"),
    ],
)  # fmt: skip
def test_a_wrong_profile_names_file_key_and_what_is_allowed(
    tmp_path: Path, text: str, old: str, new: str, error: type[SettingsError], told: str
) -> None:
    assert old in text
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, text.replace(old, new, 1))
    assert str(caught.value) == f"{tmp_path / 'mine.toml'}: {told}"
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("overlay", 'overlay = "my-hat"'),
        ("overlay_parameters", 'overlay_parameters = ["slave"]'),
        ("card", 'card = "USB"'),
        ("pins", 'pins = { 18 = "I2S bit clock" }'),
        ("guitar_jack", 'guitar_jack = "AUX IN left"'),
        ("output_board_db", 'output_board_db = { value = -3, status = "stated", source = "its schematic" }'),
    ],
)
def test_what_only_a_hat_has_is_refused_beside_usb(tmp_path: Path, key: str, line: str) -> None:
    with pytest.raises(SettingValueError) as caught:
        read(tmp_path, f"{line}\n{ANY_ONE}")
    assert str(caught.value) == (
        f"{tmp_path / 'mine.toml'}: {key}: can't stand beside usb; take {key} out for a USB interface, or usb for a HAT"
    )


@pytest.mark.parametrize("key", ["input_channels", "output_channels"])
def test_a_named_interface_says_how_many_channels_it_has(tmp_path: Path, key: str) -> None:
    before, _, after = TWO_BY_TWO.partition(f"[{key}]\n")
    with pytest.raises(SettingValueError, match=f"{key}: is missing, and needed"):
        read(tmp_path, before + after.partition("\n\n")[2])


def test_the_guitars_input_comes_first_whether_the_others_are_known_or_not(tmp_path: Path) -> None:
    known, unknown = pedal_with(tmp_path, TWO_BY_TWO), pedal_with(tmp_path, ANY_ONE)
    assert known.jack_inputs(2) == ("system:capture_10", "system:capture_1")
    assert unknown.jack_inputs(1) == ("system:capture_2",)
    assert unknown.jack_inputs(2) == ("system:capture_2", "system:capture_1")
    assert read_pedal("pi-4-usb").jack_inputs(2) == ("system:capture_1", "system:capture_2")


def test_an_input_that_is_the_only_one_is_all_there_is(tmp_path: Path) -> None:
    one = TWO_BY_TWO.replace("value = 18", "value = 1").replace("value = 10", "value = 1")
    assert pedal_with(tmp_path, one).jack_inputs(2) == ("system:capture_1",)


def test_the_pins_that_a_hat_takes_are_free(tmp_path: Path) -> None:
    assert pedal_with(tmp_path, ANY_ONE).wiring.gpio is not None
