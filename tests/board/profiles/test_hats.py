from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nampedal.board.profiles import hats
from nampedal.board.profiles.hats import Hat, hat_keys, own_folder, read_hat
from nampedal.board.profiles.profile_files import STATUSES, Fact
from nampedal.firmware.base.errors import SettingsError, SettingsSyntaxError, SettingsUnreadableError, SettingValueError
from nampedal.firmware.base.files.toml_schema import to_toml

HATS = [
    "audioinjector-stereo",
    "audioinjector-ultra",
    "codec-zero",
    "fe-pi",
    "hifiberry-dac-adc",
    "hifiberry-dac-adc-pro",
    "hifiberry-dac2-adc-pro",
    "pisound",
    "wm8960",
]
# USB interfaces: tests/board/profiles/test_usb_hats.py.
KEYS = sorted([*HATS, "usb"])
# Those that every HAT has come first.
FACTS = ["input_channels", "output_channels", "guitar_channel"]
OPTIONAL_FACTS = ["input_full_scale_dbu", "output_full_scale_dbu", "input_impedance_ohm", "period_frames", "periods"]
OPTIONAL_FACTS += ["input_board_db", "output_board_db"]
VOLT_OF_0_DBU = 0.7746

GOOD = """
name = "My HAT"
overlay = "my-hat"
overlay_parameters = ["slave", "reset_gpio=5"]
card = "MyHat"
mixer = ["'Line In' 70% cap", "Master 0dB", { set = "Filter on", means = "no filter" }]
guitar_jack = "IN left"
output_jacks = ["OUT"]

[input_channels]
value = 2
status = "stated"
source = "its data sheet"

[output_channels]
value = 1
status = "stated"
source = "its data sheet"

[guitar_channel]
value = 2
status = "chosen"
source = "a reason"

[input_full_scale_dbu]
value = 2.5
status = "estimated"
source = "some arithmetic"

[output_full_scale_dbu]
value = -4
status = "measured"
source = "a voltmeter"

[input_impedance_ohm]
value = 1000000
status = "stated"
source = "its data sheet"

[period_frames]
value = 32
status = "chosen"
source = "a reason"

[periods]
value = 3
status = "chosen"
source = "a reason"

[input_board_db]
value = -6.5
status = "estimated"
source = "two resistors"

[output_board_db]
value = 3
status = "measured"
source = "a voltmeter"

[pins]
0 = "EEPROM data"
18 = "I2S bit clock"
"""


@pytest.fixture(autouse=True)
def nothing_of_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def read(tmp_path: Path, text: str) -> Hat:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return read_hat(path)


def test_the_hats_of_the_checkout_are_those_that_are_installed(root: Path) -> None:
    assert hat_keys() == KEYS
    paths = sorted((root / "hw-profiles" / "hats").glob("*.toml"))
    assert sorted(path.stem for path in paths) == KEYS
    for path in paths:
        assert read_hat(path) == read_hat(path.stem)


@pytest.mark.parametrize("key", HATS)
def test_every_number_of_a_hat_names_its_source(key: str) -> None:
    hat = read_hat(key)
    assert hat.key == key
    for name in (*FACTS, *OPTIONAL_FACTS):
        fact = getattr(hat, name)
        if fact is None:
            assert name in OPTIONAL_FACTS
            continue
        assert len(fact.source.split()) > 3
        assert fact.source.startswith("our choice") == (fact.status == "chosen")


@pytest.mark.parametrize("key", HATS)
def test_an_estimated_level_shows_the_arithmetic(key: str) -> None:
    hat = read_hat(key)
    for fact in (hat.input_full_scale_dbu, hat.output_full_scale_dbu):
        if fact is not None:
            assert fact.status == "estimated"
            assert fact.source.startswith(("20 log10(", "as the input's: "))


@pytest.mark.parametrize(
    ("key", "input_volt", "output_volt"),
    [
        ("audioinjector-stereo", 2.0, None),
        ("hifiberry-dac-adc", 2.1, 2.1),
        ("hifiberry-dac-adc-pro", 2.1, 2.1),
        ("hifiberry-dac2-adc-pro", 2.1, None),
        ("pisound", 2.5 / (2 * math.sqrt(2)), 2.1),
    ],
)
def test_levels_are_those_of_the_voltages_that_sources_give(
    key: str, input_volt: float, output_volt: float | None
) -> None:
    hat = read_hat(key)
    for fact, volt in ((hat.input_full_scale_dbu, input_volt), (hat.output_full_scale_dbu, output_volt)):
        expected = None if volt is None else round(20 * math.log10(volt / VOLT_OF_0_DBU), 1)
        assert (fact and fact.value) == expected


def test_hats_load_the_overlays_and_have_the_cards_of_linux() -> None:
    found = {key: read_hat(key) for key in HATS}
    assert {key: (hat.overlay, hat.card) for key, hat in found.items()} == {
        "audioinjector-stereo": ("audioinjector-wm8731-audio", "audioinjectorpi"),
        "audioinjector-ultra": ("audioinjector-ultra", "audioinjectorul"),
        "codec-zero": ("rpi-codeczero", "Zero"),
        "fe-pi": ("fe-pi-audio", "Audio"),
        "hifiberry-dac-adc": ("hifiberry-dacplusadc", "sndrpihifiberry"),
        "hifiberry-dac-adc-pro": ("hifiberry-dacplusadcpro", "sndrpihifiberry"),
        "hifiberry-dac2-adc-pro": ("hifiberry-dacplusadcpro", "sndrpihifiberry"),
        "pisound": ("pisound", "pisound"),
        "wm8960": ("wm8960-soundcard", "wm8960soundcard"),
    }


@pytest.mark.parametrize("key", HATS)
def test_every_hat_takes_the_pins_of_i2s(key: str) -> None:
    assert {18, 19, 20, 21} <= set(read_hat(key).pins)


def test_only_pisound_is_known_to_suit_a_guitars_pickups() -> None:
    known = {hat.key: hat.input_impedance_ohm.value for hat in map(read_hat, HATS) if hat.input_impedance_ohm}
    assert known == {"pisound": 100_000}


def test_a_mixers_settings_are_split_as_a_shell_does() -> None:
    mixer = read_hat("hifiberry-dac-adc-pro").mixer
    assert mixer[0] == ("Digital", "0dB", "unmute")
    assert ("ADC Left Input", "VINL1[SE]") in mixer


def test_a_profile_with_everything_is_read(tmp_path: Path) -> None:
    hat = read(tmp_path, GOOD)
    assert hat == Hat(
        key="mine",
        name="My HAT",
        overlay="my-hat",
        overlay_parameters=("slave", "reset_gpio=5"),
        card="MyHat",
        mixer=(("Line In", "70%", "cap"), ("Master", "0dB"), ("Filter", "on")),
        means={"Filter": "no filter"},
        guitar_jack="IN left",
        output_jacks=("OUT",),
        input_channels=Fact(2, "stated", "its data sheet"),
        output_channels=Fact(1, "stated", "its data sheet"),
        guitar_channel=Fact(2, "chosen", "a reason"),
        pins={0: "EEPROM data", 18: "I2S bit clock"},
        input_full_scale_dbu=Fact(2.5, "estimated", "some arithmetic"),
        output_full_scale_dbu=Fact(-4, "measured", "a voltmeter"),
        input_impedance_ohm=Fact(1_000_000, "stated", "its data sheet"),
        period_frames=Fact(32, "chosen", "a reason"),
        periods=Fact(3, "chosen", "a reason"),
        input_board_db=Fact(-6.5, "estimated", "two resistors"),
        output_board_db=Fact(3, "measured", "a voltmeter"),
    )


def test_what_is_not_known_of_a_hat_may_be_left_out(tmp_path: Path) -> None:
    values = tomllib.loads(GOOD)
    path = tmp_path / "mine.toml"
    path.write_bytes(to_toml({key: values[key] for key in ("name", "overlay", "card", *FACTS, "pins")}))
    hat = read_hat(path)
    assert hat.overlay_parameters == ()
    assert hat.mixer == ()
    assert (hat.means, hat.guitar_jack, hat.output_jacks) == ({}, "", ())
    assert [getattr(hat, name) for name in OPTIONAL_FACTS] == [None] * 7


def test_a_users_own_profile_is_found_and_wins_over_ours() -> None:
    assert not own_folder().exists()
    own_folder().mkdir(parents=True)
    (own_folder() / "pisound.toml").write_text(GOOD)
    (own_folder() / "my-hat.toml").write_text(GOOD)
    (own_folder() / ".half-written.toml").write_text("na")
    (own_folder() / "notes.txt").write_text("not a profile")
    assert hat_keys() == sorted([*KEYS, "my-hat"])
    assert read_hat("pisound").name == "My HAT"
    assert read_hat("my-hat").key == "my-hat"
    assert read_hat("fe-pi").name == "Fe-Pi Audio Z V2"


def test_own_hats_are_beside_own_boards(tmp_path: Path) -> None:
    assert own_folder() == tmp_path / "config" / "nampedal" / "hats"


def test_a_folder_of_own_profiles_that_can_not_be_read_is_named() -> None:
    own_folder().parent.mkdir(parents=True)
    own_folder().symlink_to(own_folder())
    with pytest.raises(SettingsUnreadableError) as caught:
        hat_keys()
    assert str(caught.value) == f"{own_folder()}: can't be read: too many levels of symbolic links"


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("banjo", ""),
        ("codeczero", "did you mean codec-zero? "),
        ("../hats/pisound", "did you mean pisound? "),
        ("", ""),
    ],
)
def test_an_unknown_hat_is_refused_with_the_known_ones(asked: str, hint: str) -> None:
    with pytest.raises(SettingValueError) as caught:
        read_hat(asked)
    assert str(caught.value) == (
        f"HAT {asked!r}: is unknown; {hint}known are {', '.join(KEYS)}; the path of a file has to end in .toml"
    )


KNOWN = (
    "known are name, overlay, card, input_channels, output_channels, guitar_channel, pins, overlay_parameters, mixer, "
    "guitar_jack, output_jacks, input_full_scale_dbu, output_full_scale_dbu, input_board_db, output_board_db, "
    "input_impedance_ohm, period_frames, periods, usb"
)
CARD = "the id of an ALSA card is needed: a letter, then 14 letters, digits, _ and - at most"
OVERLAY = "the name of an overlay is needed, without dtoverlay= and parameters"
PARAMETER = "one like slave or reset_gpio=5 is needed"
SETTING = "a control and its value are needed, in quotes if they hold spaces"

WRONG: list[tuple[str, str, type[SettingsError], str]] = [
    ("[input_impedance_ohm]", "[input_impedance]", SettingValueError, "input_impedance: has no unit; input_impedance_ohm is needed"),
    ("[input_full_scale_dbu]", "[input_full_scale]", SettingValueError, "input_full_scale: has no unit; input_full_scale_dbu is needed"),
    ("[period_frames]", "[period]", SettingValueError, "period: has no unit; period_frames is needed"),
    ("[input_full_scale_dbu]", "[input_full_scale_dbv]", SettingValueError, "input_full_scale_dbv: is no known key; did you mean input_full_scale_dbu?"),
    ('name = "', 'colour = "red"\nname = "', SettingValueError, f"colour: is no known key; {KNOWN}"),
    ("value = 2.5", "value = 2.5\nvalues = 1", SettingValueError, "input_full_scale_dbu.values: is no known key; did you mean input_full_scale_dbu.value?"),
    ('overlay = "my-hat"\n', "", SettingValueError, "overlay: is missing, and needed"),
    ('card = "MyHat"\n', "", SettingValueError, "card: is missing, and needed"),
    ('[pins]\n0 = "EEPROM data"\n18 = "I2S bit clock"\n', "", SettingValueError, "pins: is missing, and needed"),
    ("value = 2.5\n", "", SettingValueError, "input_full_scale_dbu.value: is missing, and needed"),
    ('name = "My HAT"', 'name = ""', SettingValueError, "name: is ''; one line of text is needed"),
    ('overlay = "my-hat"', "overlay = 1", SettingValueError, "overlay: is 1; one line of text is needed"),
    ('overlay = "my-hat"', 'overlay = "dtoverlay=my-hat"', SettingValueError, f"overlay: is 'dtoverlay=my-hat'; {OVERLAY}"),
    ('overlay = "my-hat"', 'overlay = "my-hat,slave"', SettingValueError, f"overlay: is 'my-hat,slave'; {OVERLAY}"),
    ('["slave", "reset_gpio=5"]', '"slave"', SettingValueError, "overlay_parameters: is 'slave'; a list of texts is needed"),
    ('["slave", "reset_gpio=5"]', "[7]", SettingValueError, "overlay_parameters: is 7; one line of text is needed"),
    ('"reset_gpio=5"', '"reset_gpio=5,slave"', SettingValueError, f"overlay_parameters: 'reset_gpio=5,slave' is no parameter; {PARAMETER}"),
    ('"reset_gpio=5"', '"reset gpio=5"', SettingValueError, f"overlay_parameters: 'reset gpio=5' is no parameter; {PARAMETER}"),
    ('"reset_gpio=5"', '"reset_gpio="', SettingValueError, f"overlay_parameters: 'reset_gpio=' is no parameter; {PARAMETER}"),
    ('card = "MyHat"', "card = 0", SettingValueError, "card: is 0; one line of text is needed"),
    ('card = "MyHat"', 'card = "0"', SettingValueError, f"card: is '0'; {CARD}"),
    ('card = "MyHat"', 'card = "hw:MyHat"', SettingValueError, f"card: is 'hw:MyHat'; {CARD}"),
    ('card = "MyHat"', 'card = "sndrpihifiberryd"', SettingValueError, f"card: is 'sndrpihifiberryd'; {CARD}"),
    ("[\"'Line In' 70% cap\", \"Master 0dB\", { set = \"Filter on\", means = \"no filter\" }]", '"Master 0dB"', SettingValueError, "mixer: is 'Master 0dB'; a list of texts is needed"),
    ('"Master 0dB"', '" "', SettingValueError, "mixer: is ' '; one line of text is needed"),
    ('"Master 0dB"', '"Master"', SettingValueError, f"mixer: 'Master' sets nothing; {SETTING}"),
    ('"Master 0dB"', '"\'Line In\'"', SettingValueError, f"mixer: \"'Line In'\" sets nothing; {SETTING}"),
    ('"Master 0dB"', '"\'Master 0dB"', SettingValueError, f"mixer: \"'Master 0dB\" sets nothing; {SETTING}"),
    ('set = "Filter on"', 'sets = "Filter on"', SettingValueError, "mixer.sets: is no known key; did you mean mixer.set?"),
    (', means = "no filter"', "", SettingValueError, "mixer.means: is missing, and needed"),
    ('means = "no filter"', "means = 1", SettingValueError, "mixer.means: is 1; one line of text is needed"),
    ('set = "Filter on"', 'set = "Filter"', SettingValueError, f"mixer: 'Filter' sets nothing; {SETTING}"),
    ('guitar_jack = "IN left"', "guitar_jack = 1", SettingValueError, "guitar_jack: is 1; one line of text is needed"),
    ('output_jacks = ["OUT"]', 'output_jacks = ["OUT", "OUT"]', SettingValueError, "output_jacks: is ['OUT', 'OUT']; one for each of 1 outputs is needed"),
    ("value = -6.5", "value = -41", SettingValueError, "input_board_db.value: is -41; a number from -40 to 40 is needed"),
    ("value = 2\n", "value = 0\n", SettingValueError, "input_channels.value: is 0; a whole number from 1 to 8 is needed"),
    ("value = 2\n", "value = 9\n", SettingValueError, "input_channels.value: is 9; a whole number from 1 to 8 is needed"),
    ("value = 2\n", "value = 2.0\n", SettingValueError, "input_channels.value: is 2.0; a whole number from 1 to 8 is needed"),
    ("value = 1\n", "value = 9\n", SettingValueError, "output_channels.value: is 9; a whole number from 1 to 8 is needed"),
    ("value = 2\n", "value = 1\n", SettingValueError, "guitar_channel.value: is 2; a whole number from 1 to 1 is needed"),
    ('value = 2\nstatus = "chosen"', 'value = 3\nstatus = "chosen"', SettingValueError, "guitar_channel.value: is 3; a whole number from 1 to 2 is needed"),
    ('value = 2\nstatus = "chosen"', 'value = 0\nstatus = "chosen"', SettingValueError, "guitar_channel.value: is 0; a whole number from 1 to 2 is needed"),
    ("value = 2.5", "value = 40.1", SettingValueError, "input_full_scale_dbu.value: is 40.1; a number from -40 to 40 is needed"),
    ("value = 2.5", "value = nan", SettingValueError, "input_full_scale_dbu.value: is nan; a number from -40 to 40 is needed"),
    ("value = -4", "value = -41", SettingValueError, "output_full_scale_dbu.value: is -41; a number from -40 to 40 is needed"),
    ("value = 1000000", "value = 0", SettingValueError, "input_impedance_ohm.value: is 0; a whole number from 1 to 10000000 is needed"),
    ("value = 1000000", "value = 1e6", SettingValueError, "input_impedance_ohm.value: is 1000000.0; a whole number from 1 to 10000000 is needed"),
    ("value = 32", "value = 7", SettingValueError, "period_frames.value: is 7; a whole number from 8 to 8192 is needed"),
    ("value = 3\n", "value = 1\n", SettingValueError, "periods.value: is 1; a whole number from 2 to 8 is needed"),
    ('"estimated"', '"guessed"', SettingValueError, "input_full_scale_dbu.status: is 'guessed'; known are stated, measured, estimated, chosen"),
    ('"some arithmetic"', '""', SettingValueError, "input_full_scale_dbu.source: is ''; one line of text is needed"),
    ('0 = "EEPROM data"', '28 = "EEPROM data"', SettingValueError, "pins: '28' is no pin; one of 0 to 27 is needed"),
    ('0 = "EEPROM data"', '-1 = "EEPROM data"', SettingValueError, "pins: '-1' is no pin; one of 0 to 27 is needed"),
    ('0 = "EEPROM data"', '018 = "EEPROM data"', SettingValueError, "pins: '018' is no pin; one of 0 to 27 is needed"),
    ('0 = "EEPROM data"', 'GPIO0 = "EEPROM data"', SettingValueError, "pins: 'GPIO0' is no pin; one of 0 to 27 is needed"),
    ('0 = "EEPROM data"', "0 = 1", SettingValueError, "pins.0: is 1; one line of text is needed"),
    ('0 = "EEPROM data"\n18 = "I2S bit clock"\n', "", SettingValueError, "pins: is {}; a table of one pin or more is needed"),
    ('0 = "EEPROM data"', '18 = "EEPROM data"', SettingsSyntaxError, "is not TOML: cannot overwrite a value (at line 62, column 21); the key of this line is in a line above, too: keep one of the two"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "error", "text"), WRONG, ids=[f"{old} -> {new}" for old, new, *_ in WRONG])
def test_a_wrong_profile_names_file_key_and_limit(
    tmp_path: Path, old: str, new: str, error: type[SettingsError], text: str
) -> None:
    assert old in GOOD
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, GOOD.replace(old, new, 1))
    assert str(caught.value) == f"{tmp_path / 'mine.toml'}: {text}"
    assert type(caught.value) is error


@pytest.mark.parametrize("name", [*FACTS, *OPTIONAL_FACTS])
def test_a_bare_number_where_its_source_is_needed_too_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(to_toml(tomllib.loads(GOOD) | {name: 4}))
    with pytest.raises(SettingValueError) as caught:
        read_hat(path)
    assert str(caught.value) == f"{path}: {name}: is 4; a table of value, status, source is needed"


def test_a_profile_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsUnreadableError) as caught:
        read_hat(str(tmp_path / "gone.toml"))
    assert str(caught.value) == f"{tmp_path / 'gone.toml'}: can't be read: no such file or directory"


TEXT = st.text(min_size=1).filter(lambda text: bool(text.strip()) and text.isprintable())
PINS = st.dictionaries(st.integers(0, hats.MAX_PIN), TEXT, min_size=1)


def facts(name: str) -> st.SearchStrategy[dict[str, Any]]:
    limits = hats.LIMITS[name]
    values = st.floats(*limits) if name.endswith(("_dbu", "_db")) else st.integers(*limits)
    return st.fixed_dictionaries({"value": values, "status": st.sampled_from(STATUSES), "source": TEXT})


@given(
    st.fixed_dictionaries(
        {
            "name": TEXT,
            "overlay": st.just("my-hat"),
            "card": st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,14}", fullmatch=True),
            "pins": PINS,
            "input_channels": st.just({"value": 8, "status": "stated", "source": "a data sheet"}),
            "output_channels": facts("output_channels"),
            "guitar_channel": facts("guitar_channel"),
        },
        optional={name: facts(name) for name in OPTIONAL_FACTS},
    )
)
def test_what_may_be_written_is_read(tmp_path_factory: pytest.TempPathFactory, values: Mapping[str, Any]) -> None:
    path = tmp_path_factory.getbasetemp() / "mine.toml"
    path.write_bytes(to_toml(values))
    hat = read_hat(path)
    for name in ("name", "overlay", "card", "pins"):
        assert getattr(hat, name) == values[name]
    for name in (*FACTS, *OPTIONAL_FACTS):
        assert getattr(hat, name) == (Fact(**values[name]) if name in values else None)
