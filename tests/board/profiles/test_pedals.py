"""Whole pedals, as files say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from nampedal.board.inputs.expression import OUT
from nampedal.board.inputs.footswitch import GestureTimes
from nampedal.board.inputs.knob import KnobSpec
from nampedal.board.profiles.pedals import KnobSettings, pedal_keys, read_pedal
from nampedal.board.profiles.wiring import Wiring
from nampedal.firmware.base.errors import NampedalError, SettingsError, SettingValueError

PLAIN = {"name": '"Mine"', "board": '"zero-2-w"', "hat": '"codec-zero"'}
CONTROLS = """
[mcp3008]
bus = 0
device = 0
knobs = { gain = 0, expression = 5 }

[gpio]
switches = { 1 = 5 }
encoders = { mid = [22, 17] }
"""
LEVEL = '\n[input_full_scale_dbu]\nvalue = 4.5\nstatus = "measured"\nsource = "a multimeter, 1 kHz"\n'


def file(folder: Path, text: str = "", changes: Mapping[str, str | None] = PLAIN) -> Path:
    lines = [f"{key} = {value}\n" for key, value in {**PLAIN, **changes}.items() if value is not None]
    path = folder / "mine.toml"
    path.write_text("".join(lines) + text)
    return path


def test_every_shipped_pedal_is_a_board_and_a_hat_that_are_there() -> None:
    assert {"zero-2-w-codec-zero", "pi-4-dac-adc", "pi-5-serial"} <= set(pedal_keys())
    for key in pedal_keys():
        pedal = read_pedal(key)
        assert pedal.key == key
        assert pedal.hat.guitar_channel.value == 1
        assert pedal.board.cost is not None


def test_what_was_measured_on_the_pedal_counts_before_the_hat(tmp_path: Path) -> None:
    assert read_pedal(file(tmp_path)).input_full_scale_dbu is None
    level = read_pedal(file(tmp_path, LEVEL)).input_full_scale_dbu
    assert level is not None
    assert (level.value, level.status) == (4.5, "measured")
    level = read_pedal(file(tmp_path, changes={"hat": '"hifiberry-dac-adc"'})).input_full_scale_dbu
    assert level is not None
    assert (level.value, level.status) == (8.7, "estimated")


@pytest.mark.parametrize(
    ("changes", "kind", "text"),
    [
        ({"hat": '"codec"'}, SettingValueError, "mine.toml: hat: HAT 'codec': is unknown; did you mean codec-zero?"),
        ({"board": '"zero"'}, SettingValueError, "mine.toml: board: board 'zero': is unknown; "),
        ({"hat": "3"}, SettingValueError, "mine.toml: hat: is 3; one line of text is needed"),
        ({"hat": None}, NampedalError, "mine.toml: hat: is missing, and needed"),
        ({"colour": '"red"'}, NampedalError, "mine.toml: colour: is no known key; known are name, board, hat"),
    ],
)
def test_a_damaged_profile_is_refused(
    tmp_path: Path, changes: dict[str, str | None], kind: type[NampedalError], text: str
) -> None:
    with pytest.raises(kind) as caught:
        read_pedal(file(tmp_path, changes=changes))
    assert text in str(caught.value)


def test_an_unknown_pedal_is_named_with_what_there_is() -> None:
    with pytest.raises(SettingValueError, match="pedal 'banjo': is unknown; known are pi-4-dac-adc, "):
        read_pedal("banjo")


def test_a_pedal_that_says_nothing_of_controls_has_none_and_leaves_all_to_the_firmware(tmp_path: Path) -> None:
    pedal = read_pedal(file(tmp_path))
    assert pedal.wiring == Wiring()
    assert pedal.knobs == {}
    assert pedal.times == GestureTimes()
    assert pedal.map == {}


@pytest.mark.parametrize(
    ("key", "switches", "knobs", "encoders", "lights"),
    [
        ("zero-2-w-codec-zero", "12", [], [], ["1", "2"]),
        (
            "pi-4-dac-adc",
            "1234",
            ["bass", "expression", "gain", "level", "mid", "treble"],
            [],
            ["1", "2", "3", "4", "clip"],
        ),
        ("pi-5-serial", "1234", ["bass", "gain", "treble"], ["level"], ["1", "2", "3", "4"]),
    ],
)
def test_shipped_pedals_have_the_controls_that_their_comments_tell_of(
    key: str, switches: str, knobs: list[str], encoders: list[str], lights: list[str]
) -> None:
    wiring = read_pedal(key).wiring
    assert wiring.names("switches") == list(switches)
    assert wiring.names("knobs") == knobs
    assert wiring.names("encoders") == encoders
    assert wiring.names("lights") == lights


# The header of every Raspberry Pi with 40 pins.
HEADER = {
    2: 3,
    3: 5,
    4: 7,
    14: 8,
    15: 10,
    17: 11,
    18: 12,
    27: 13,
    22: 15,
    23: 16,
    24: 18,
    10: 19,
    9: 21,
    25: 22,
    11: 23,
    8: 24,
    7: 26,
    0: 27,
    1: 28,
    5: 29,
    6: 31,
    12: 32,
    13: 33,
    19: 35,
    16: 36,
    26: 37,
    20: 38,
    21: 40,
}


@pytest.mark.parametrize("key", ["zero-2-w-codec-zero", "pi-4-dac-adc", "pi-5-serial"])
def test_comments_of_shipped_pedals_give_every_pin_its_place_on_the_header(root: Path, key: str) -> None:
    text = (root / "hw-profiles" / "pedals" / f"{key}.toml").read_text().replace("\n# ", " ")
    told = re.findall(r"(?<!\w)GPIO ([0-9]+),? +header pin ([0-9]+)", text)
    assert told
    assert [(gpio, place) for gpio, place in told if HEADER[int(gpio)] != int(place)] == []
    gpio = read_pedal(key).wiring.gpio
    wired = [*gpio.switches.values(), *gpio.lights.values()] if gpio is not None else []
    assert {str(pin) for pin in wired} <= {gpio for gpio, _ in told}


def test_an_empty_expression_jack_of_a_shipped_pedal_is_beyond_its_toe() -> None:
    use = read_pedal("pi-4-dac-adc").knobs["expression"]
    assert use.expression
    # 10 kohm within a fifth, behind 1 kohm: the toe is the end; what the 1 Mohm pulls up is none.
    for ohm in (8_000, 10_000, 12_000):
        toe = ohm / (ohm + 1_000)
        assert use.spec.position_of(toe) == 1.0
        assert toe <= use.spec.high + OUT
    assert use.spec.high + OUT < 1.0


def test_knobs_are_read_as_their_tables_say_and_others_as_all(tmp_path: Path) -> None:
    text = (
        "[knob.gain]\nlow = 0.1\nhigh = 0.8\ndead_low = 0\ndead_high = 0.25\nband = 0.02\n"
        'curve = "audio"\ninverted = true\njump = true\n[knob.expression]\nexpression = true\n'
    )
    pedal = read_pedal(file(tmp_path, CONTROLS + text))
    assert pedal.knobs == {
        "gain": KnobSettings(KnobSpec(0.1, 0.8, True, "audio", 0.0, 0.25, 0.02), expression=False, jump=True),
        "expression": KnobSettings(KnobSpec(), expression=True, jump=False),
    }
    assert read_pedal(file(tmp_path, CONTROLS)).knobs == {}


def test_times_of_feet_are_the_pedals_where_it_gives_them(tmp_path: Path) -> None:
    every = "debounce_s = 0\nchord_s = 0.1\nlong_s = 1\ndouble_s = 0.4\nrepeat_s = 0.2\n"
    assert read_pedal(file(tmp_path, f"[times]\n{every}")).times == GestureTimes(0.0, 0.1, 1.0, 0.4, 0.2)
    assert read_pedal(file(tmp_path, "[times]\nlong_s = 0.8\n")).times == GestureTimes(long_s=0.8)


def test_maps_are_handed_on_as_they_stand(tmp_path: Path) -> None:
    text = (
        '[footswitches]\n1 = "next"\n"1 long" = "bypass"\n"1+2" = "tuner"\n'
        '[knobs]\nexpression = "gain 0 20"\nmid = "2.treble"\n[control_changes]\n7 = "level"\n64 = "bypass"\n'
    )
    assert read_pedal(file(tmp_path, CONTROLS + text)).map == {
        "footswitches": {"1": "next", "1 long": "bypass", "1+2": "tuner"},
        "knobs": {"expression": "gain 0 20", "mid": "2.treble"},
        "control_changes": {"7": "level", "64": "bypass"},
    }


def test_what_a4_is_may_be_said(tmp_path: Path) -> None:
    assert read_pedal(file(tmp_path)).reference_hz == 440.0
    assert read_pedal(file(tmp_path, "[tuner]\nreference_hz = 442\n")).reference_hz == 442.0


def test_a_pin_of_the_hat_is_named_as_the_hats(tmp_path: Path) -> None:
    path = file(tmp_path, "[gpio]\nswitches = { 1 = 27 }\n")
    with pytest.raises(SettingValueError) as caught:
        read_pedal(path)
    assert str(caught.value) == (
        f"{path}: pin 27: is the HAT's button already, and gpio.switches.1 wants it; wire one of them elsewhere"
    )


KNOB_KEYS = "low, high, dead_low, dead_high, band, curve, inverted, expression, jump"
TIMES = "debounce_s, chord_s, long_s, double_s, repeat_s"
LINE = "one line of text is needed"
WRONG: list[tuple[str, type[SettingsError], str]] = [
    ("[knob]", SettingValueError, "knob: is {}; a table of names of knobs is needed"),
    ("[knob]\ngain = 1", SettingValueError, "knob.gain: is 1; a table of settings is needed"),
    ("[knob.gain]", SettingValueError, "knob.gain: is {}; a table of settings is needed"),
    ("[knob.gian]\nlow = 0", SettingValueError, "knob.gian: no such knob is wired; wired are expression, gain"),
    ("[knob.mid]\nlow = 0", SettingValueError, "knob.mid: no such knob is wired; wired are expression, gain"),
    ("[knob.gain]\ncolour = 1", SettingValueError, f"knob.gain.colour: is no known key; known are {KNOB_KEYS}"),
    ("[knob.gain]\nlow = -0.1", SettingValueError, "knob.gain.low: is -0.1; a number from 0.0 to 1.0 is needed"),
    ("[knob.gain]\nhigh = 1.1", SettingValueError, "knob.gain.high: is 1.1; a number from 0.0 to 1.0 is needed"),
    ("[knob.gain]\nhigh = nan", SettingValueError, "knob.gain.high: is nan; a number from 0.0 to 1.0 is needed"),
    ("[knob.gain]\ndead_low = 0.3", SettingValueError, "knob.gain.dead_low: is 0.3; a number from 0.0 to 0.25 is needed"),
    ("[knob.gain]\ndead_high = 0.3", SettingValueError, "knob.gain.dead_high: is 0.3; a number from 0.0 to 0.25 is needed"),
    ("[knob.gain]\nband = 0.03", SettingValueError, "knob.gain.band: is 0.03; a number from 0.0 to 0.02 is needed"),
    ("[knob.gain]\nlow = true", SettingValueError, "knob.gain.low: is True; a number from 0.0 to 1.0 is needed"),
    ('[knob.gain]\ncurve = "log"', SettingValueError, "knob.gain.curve: is 'log'; known are linear, audio, reverse"),
    ("[knob.gain]\ninverted = 1", SettingValueError, "knob.gain.inverted: is 1; true or false is needed"),
    ('[knob.gain]\nexpression = "yes"', SettingValueError, "knob.gain.expression: is 'yes'; true or false is needed"),
    ("[knob.gain]\njump = 0", SettingValueError, "knob.gain.jump: is 0; true or false is needed"),
    ("[knob.gain]\nlow = 0.5\nhigh = 0.55", SettingValueError, "knob.gain: knob: goes from low 0.5 to high 0.55; high has to be at least 0.1 above low: learn its ends again"),
    ("[times]", SettingValueError, f"times: is {{}}; a table of {TIMES} is needed"),
    ("[times]\nlong = 1", SettingValueError, "times.long: has no unit; times.long_s is needed"),
    ("[times]\ncolour = 1", SettingValueError, f"times.colour: is no known key; known are {TIMES}"),
    ("[times]\ndebounce_s = 0.2", SettingValueError, "times.debounce_s: is 0.2; a number from 0.0 to 0.1 is needed"),
    ("[times]\nchord_s = 0", SettingValueError, "times.chord_s: is 0; a number from 0.01 to 0.25 is needed"),
    ("[times]\nlong_s = 0.2", SettingValueError, "times.long_s: is 0.2; a number from 0.3 to 5.0 is needed"),
    ("[times]\ndouble_s = 2", SettingValueError, "times.double_s: is 2; a number from 0.15 to 1.0 is needed"),
    ("[times]\nrepeat_s = nan", SettingValueError, "times.repeat_s: is nan; a number from 0.02 to 2.0 is needed"),
    ("[tuner]", SettingValueError, "tuner: is {}; a table of reference_hz is needed"),
    ("[tuner]\nreference = 442", SettingValueError, "tuner.reference: has no unit; tuner.reference_hz is needed"),
    ("[tuner]\nreference_hz = 414", SettingValueError, "tuner.reference_hz: is 414; a number from 415.0 to 466.0 is needed"),
    ("[tuner]\nreference_hz = nan", SettingValueError, "tuner.reference_hz: is nan; a number from 415.0 to 466.0 is needed"),
    ("footswitches = 1", SettingValueError, "footswitches: is 1; a table of what controls do is needed"),
    ("[footswitches]", SettingValueError, "footswitches: is {}; a table of what controls do is needed"),
    ("[footswitches]\n1 = 2", SettingValueError, f"footswitches.1: is 2; {LINE}"),
    ('[footswitches]\n"1 long" = " "', SettingValueError, f"footswitches.1 long: is ' '; {LINE}"),
    ("[knobs]\ngain = 3", SettingValueError, f"knobs.gain: is 3; {LINE}"),
    ('[knobs]\ngian = "gain"', SettingValueError, "knobs.gian: no such knob is wired; wired are expression, gain, mid"),
    ("[control_changes]\n7 = []", SettingValueError, f"control_changes.7: is []; {LINE}"),
    ('[control_changes]\n"7.5" = 0', SettingValueError, f"control_changes.7.5: is 0; {LINE}"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "error", "wrong"), WRONG)
def test_a_damaged_table_names_file_key_and_limit(
    tmp_path: Path, text: str, error: type[SettingsError], wrong: str
) -> None:
    # What is no table has to stand before the first one.
    path = file(tmp_path, CONTROLS + text if text.startswith("[") else text)
    with pytest.raises(SettingsError) as caught:
        read_pedal(path)
    assert str(caught.value) == f"{path}: {wrong}"
    assert type(caught.value) is error


def test_a_knob_of_a_pedal_without_knobs_is_told_that_there_are_none(tmp_path: Path) -> None:
    path = file(tmp_path, '[knobs]\ngain = "level"\n')
    with pytest.raises(SettingValueError) as caught:
        read_pedal(path)
    assert str(caught.value) == f"{path}: knobs.gain: no such knob is wired; wired are none"


def test_a_users_own_pedal_is_found_and_wins_over_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    own = tmp_path / "nampedal" / "pedals"
    own.mkdir(parents=True)
    file(own).rename(own / "pi-5-serial.toml")
    file(own, CONTROLS)
    assert "mine" in pedal_keys()
    assert read_pedal("mine").wiring.names("switches") == ["1"]
    assert read_pedal("pi-5-serial").name == "Mine"
