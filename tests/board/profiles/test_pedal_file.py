"""Profiles of pedals that are written: nothing is lost."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from nampedal.board.inputs.knob import KnobSpec
from nampedal.board.profiles.pedal_file import (
    read_raw_values,
    user_pedal_path,
    with_knob_calibration,
    with_renamed_controls,
    write_pedal,
)
from nampedal.board.profiles.pedals import pedal_keys, read_pedal
from nampedal.firmware.base.errors import SettingsUnwritableError, SettingValueError

EVERYTHING = """
name = "Mine, with \\"quotes\\" and ümlauts"
board = "5"
hat = "hifiberry-dac-adc"
[input_full_scale_dbu]
value = 4.5
status = "measured"
source = "a multimeter, 1 kHz"
[output_full_scale_dbu]
value = 2
status = "chosen"
source = "because"
[gpio]
switches = { 1 = 5, 2 = 6 }
encoders = { menu = [16, 26] }
lights = { 1 = 12, clip = 13 }
[mcp3008]
bus = 0
device = 1
knobs = { gain = 0, volume = 7 }
[strip]
bus = 3
device = 0
most_level = 0.25
lights = { 2 = 4 }
[serial]
port = "/dev/ttyACM0"
baud = 500000
switches = { 3 = 1 }
lights = { 3 = 0 }
[midi]
channel = "none"
[knob.gain]
low = 0.01
curve = "audio"
jump = true
[knob.volume]
expression = true
inverted = true
[times]
debounce_s = 0.02
[footswitches]
"1" = "next"
"1+2" = "bank next"
[knobs]
gain = "drive -6 12"
[control_changes]
7 = "level"
"""


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "nampedal" / "pedals"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(EVERYTHING)
    return path


def test_every_shipped_pedal_is_written_as_it_is_read(own: Path) -> None:
    for key in pedal_keys():
        before, values = read_pedal(key), read_raw_values(key)
        write_pedal(values, user_pedal_path(key))
        assert read_raw_values(own / f"{key}.toml") == values
        assert read_pedal(own / f"{key}.toml") == before


def test_no_table_is_lost(mine: Path, own: Path) -> None:
    before = read_pedal(mine)
    write_pedal(read_raw_values(mine), user_pedal_path("mine"))
    assert read_pedal("mine") == before
    assert before.map["control_changes"] == {"7": "level"}


def test_names_go_from_wire_to_wire_on_every_part(mine: Path, own: Path) -> None:
    values = with_renamed_controls(read_raw_values(mine), "switches", {"1": "3", "2": "1", "3": "2"})
    write_pedal(values, user_pedal_path("mine"))
    wiring = read_pedal("mine").wiring
    assert wiring.gpio is not None
    assert wiring.serial is not None
    assert list(wiring.gpio.switches.items()) == [("1", 6), ("3", 5)]
    assert wiring.serial.wires.switches == {"2": 1}
    assert wiring.gpio.lights == {"1": 12, "clip": 13}
    assert {**values, "gpio": 0, "serial": 0} == {**read_raw_values(mine), "gpio": 0, "serial": 0}


def test_a_light_goes_from_a_lamp_to_a_strip(mine: Path, own: Path) -> None:
    write_pedal(
        with_renamed_controls(read_raw_values(mine), "lights", {"1": "2", "2": "clip", "clip": "1"}),
        user_pedal_path("mine"),
    )
    wiring = read_pedal("mine").wiring
    assert wiring.gpio is not None
    assert wiring.strip is not None
    assert wiring.gpio.lights == {"2": 12, "1": 13}
    assert wiring.strip.wires.lights == {"clip": 4}
    assert wiring.strip.most_level == 0.25


def test_names_that_stay_change_nothing(mine: Path) -> None:
    values = read_raw_values(mine)
    same = with_renamed_controls(values, "lights", {"1": "1", "clip": "clip", "3": "3"})
    assert list(same["gpio"]["lights"].items()) == list(values["gpio"]["lights"].items())
    assert same == values


def test_of_a_knob_only_what_was_learnt_is_written(mine: Path) -> None:
    values = read_raw_values(mine)
    before = read_pedal(mine).knobs["gain"].spec
    after = KnobSpec(low=0.01, high=0.9, curve="audio", band=0.005)
    assert with_knob_calibration(values, "gain", before, after)["knob"] == {
        "gain": {"low": 0.01, "curve": "audio", "jump": True, "high": 0.9, "band": 0.005},
        "volume": {"expression": True, "inverted": True},
    }
    assert with_knob_calibration(values, "gain", before, before) == values
    del values["knob"]
    assert with_knob_calibration(values, "gain", KnobSpec(), KnobSpec(inverted=True))["knob"] == {
        "gain": {"inverted": True}
    }
    assert "knob" not in with_knob_calibration(values, "gain", KnobSpec(), KnobSpec())


def test_what_could_not_be_read_is_not_written(mine: Path, own: Path) -> None:
    values = read_raw_values(mine)
    del values["hat"]
    with pytest.raises(SettingValueError, match=f"^{re.escape(str(own))}/mine.toml: hat: is missing, and needed$"):
        write_pedal(values, user_pedal_path("mine"))
    assert not own.exists()


def test_a_profile_is_written_into_a_toml_file_only(mine: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsUnwritableError, match=r"/mine: can't be written: the name has to end in \.toml$"):
        write_pedal(read_raw_values(mine), tmp_path / "mine")


def test_a_name_that_could_lead_elsewhere_is_refused() -> None:
    with pytest.raises(
        SettingValueError, match=r"^pedal '\.\./mine': is no name; one of letters, digits, - and _ is needed$"
    ):
        user_pedal_path("../mine")


def test_an_unknown_pedal_has_no_values() -> None:
    with pytest.raises(SettingValueError, match=r"^pedal 'nobodys': is unknown; "):
        read_raw_values("nobodys")
