"""The JSON Schemas for editors take what nampedal takes, and refuse what it refuses, as far as a schema can say it."""

from __future__ import annotations

import json
import re
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import make_schemas
import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft4Validator
from nampedal.board.profiles import pedals
from nampedal.firmware.actions import action, bindings
from nampedal.firmware.base.errors import ControlMapError, NampedalError, SettingsError
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.banks import bank

SCHEMAS = {name: Draft4Validator(schema()) for name, schema in make_schemas.SCHEMAS.items()}
PRESET = """
format = 1
name = "Crunch"
level_db = -3
[[block]]
kind = "nam"
artifact = "amps/crunch.stomp"
[[block]]
kind = "cabinet"
impulse_response = "v30.wav"
[footswitches]
1 = "preset 1 again bypass"
[knobs]
drive = "1.gain_db -6 18"
[control_changes]
7 = "level"
64 = "bypass follows"
"""
PEDAL = """
name = "Mine"
board = "zero-2-w"
hat = "usb"
[gpio]
switches = { 1 = 5, 2 = 6 }
encoders = { gain = [17, 16] }
[serial]
port = "/dev/ttyACM0"
knobs = { tone = 0 }
[knob.tone]
curve = "audio"
[midi]
channel = "none"
"""


def takes(name: str, text: str) -> bool:
    return bool(SCHEMAS[name].is_valid(tomllib.loads(text)))


def read_bank(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / bank.OWN_FILE).write_text(text)
        if problem := bank.read_own(Path(folder)).problem:
            raise SettingsError(problem)


READERS: Mapping[str, Callable[[str], object]] = {
    "preset": lambda text: preset.parse(text.encode(), "x.toml"),
    "bank": read_bank,
    "pedal": lambda text: pedals.parse_pedal(text.encode(), Path("x.toml")),
}


def reads(name: str, text: str) -> bool:
    try:
        READERS[name](text)
    except SettingsError:
        return False
    return True


def changed(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1
    return text.replace(old, new)


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_kept_schemas_and_tables_are_those_that_the_code_makes(name: str) -> None:
    kept = (make_schemas.FOLDER / f"{name}.schema.json").read_text()
    assert kept == make_schemas.made()[f"{name}.schema.json"], "python docs/make_schemas.py makes them anew"
    page = make_schemas.PAGE.read_text()
    assert make_schemas.redrawn(page) == page, "python docs/make_schemas.py makes them anew"
    Draft4Validator.check_schema(json.loads(kept))


def toml_of_the_repository() -> Iterator[tuple[str, str, str]]:
    """Yield schema, place and text of every preset, bank.toml and pedal's profile that the repository shows."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    texts = [(path, path.read_text()) for path in [*ROOT.glob("examples/**/*.toml"), *ROOT.glob("demo/**/*.toml")]]
    for page in pages:
        texts += [
            (page, text) for text in re.findall(r"^```toml\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
        ]
    for path, text in texts:
        if "[[block]]" in text:
            yield "preset", str(path.relative_to(ROOT)), text
        elif path.name == "bank.toml" or re.search(r"^order = ", text, re.MULTILINE):
            yield "bank", str(path.relative_to(ROOT)), text
    for folder in (ROOT / "hw-profiles" / "pedals", ROOT / "tests" / "image" / "profiles" / "nampedal" / "pedals"):
        yield from (("pedal", str(path.relative_to(ROOT)), path.read_text()) for path in folder.glob("*.toml"))


REPOSITORY = list(toml_of_the_repository())


def test_what_the_repository_shows_is_taken() -> None:
    assert {name for name, _, _ in REPOSITORY} == {"preset", "bank", "pedal"}
    for name, where, text in REPOSITORY:
        errors = [error.message for error in SCHEMAS[name].iter_errors(tomllib.loads(text))]
        assert errors == [], where


def file_blocks() -> st.SearchStrategy[preset.Block]:
    def numbers(kind: type[preset.Block], name: str) -> st.SearchStrategy[float]:
        low, high = preset.limits_of(kind, name)
        return st.floats(low, high)

    names = st.sampled_from(["a.stomp", "amps/b c.tflite", "./x", "..a/é.wav", "a..wav"])
    return st.one_of(
        st.builds(preset.Gain, numbers(preset.Gain, "gain_db"), st.booleans()),
        st.builds(preset.Gate, *(numbers(preset.Gate, one) for one in ("threshold_db", "hysteresis_db", "attack_ms"))),
        st.builds(preset.Tone, *(numbers(preset.Tone, one) for one in ("bass", "mid", "treble", "low_cut_hz"))),
        st.builds(preset.Cabinet, names, st.integers(0, 64), names | st.just("")),
    )


@given(st.lists(file_blocks(), min_size=1, max_size=preset.MAX_BLOCKS))
def test_whatever_is_written_is_taken(blocks: list[preset.Block]) -> None:
    text = preset.pack(preset.Preset("é", tuple(blocks), loudness_lufs=-20.0)).decode()
    assert reads("preset", text)
    assert takes("preset", text)


WRONG = [
    ("preset", changed(PRESET, "format = 1", "")),
    ("preset", changed(PRESET, "format = 1", "format = 2")),
    ("preset", changed(PRESET, '"Crunch"', '" "')),
    ("preset", changed(PRESET, '"Crunch"', '"a\\nb"')),
    ("preset", changed(PRESET, "level_db = -3", "levl_db = -3")),
    ("preset", changed(PRESET, "level_db = -3", "level_db = 21")),
    ("preset", changed(PRESET, "level_db = -3", "level_db = true")),
    ("preset", changed(PRESET, "level_db = -3", "normalise = 1")),
    ("preset", changed(PRESET, '"nam"', '"amp"')),
    ("preset", changed(PRESET, 'kind = "nam"', "")),
    ("preset", changed(PRESET, 'artifact = "amps/crunch.stomp"', "")),
    ("preset", changed(PRESET, "amps/crunch.stomp", "/amp.stomp")),
    ("preset", changed(PRESET, "amps/crunch.stomp", "../amp.stomp")),
    ("preset", changed(PRESET, "amps/crunch.stomp", "amps/../../amp.stomp")),
    ("preset", changed(PRESET, "amps/crunch.stomp", "amps\\\\amp.stomp")),
    ("preset", changed(PRESET, "amps/crunch.stomp", "")),
    ("preset", changed(PRESET, 'artifact = "amps/crunch.stomp"', 'artifact = "a.stomp"\nbass = 5')),
    ("preset", changed(PRESET, 'impulse_response = "v30.wav"', 'impulse_response = "v30.wav"\nchannel = 1.5')),
    ("preset", changed(PRESET, 'impulse_response = "v30.wav"', 'impulse_response = "v30.wav"\nchannel = 1.0')),
    ("preset", 'format = 1\nname = "x"\nblock = []'),
    ("preset", 'format = 1\nname = "x"\n' + '[[block]]\nkind = "gain"\n' * 17),
    ("preset", changed(PRESET, "preset 1 again bypass", "fly")),
    ("preset", changed(PRESET, "preset 1 again bypass", "bypass follows")),
    ("preset", changed(PRESET, "preset 1 again bypass", "bypass" + " again bypass" * 8)),
    ("preset", changed(PRESET, '1 = "preset', '0 = "preset')),
    ("preset", changed(PRESET, '1 = "preset', '"1+1" = "preset')),
    ("preset", changed(PRESET, '1 = "preset', '"1 twice" = "preset')),
    ("preset", changed(PRESET, "1.gain_db -6 18", "1.gain_db -6")),
    ("preset", changed(PRESET, '7 = "level"', '32 = "level"')),
    ("preset", changed(PRESET, '7 = "level"', '128 = "level"')),
    ("preset", changed(PRESET, '7 = "level"', "7 = 3")),
    ("bank", 'order = ["a"]'),
    ("bank", 'format = 1\norder = "a"'),
    ("bank", "format = 1\n[programs]\n0 = 'a'"),
    ("bank", "format = 1\n[programs]\n1 = 5"),
    ("bank", "format = 1\nsorted = true"),
    ("pedal", changed(PEDAL, 'hat = "usb"', "")),
    ("pedal", changed(PEDAL, "1 = 5", "1 = 28")),
    ("pedal", changed(PEDAL, "1 = 5", "10 = 5")),
    ("pedal", changed(PEDAL, "[17, 16]", "[17]")),
    ("pedal", changed(PEDAL, "[17, 16]", "[17, 17]")),
    ("pedal", changed(PEDAL, '"audio"', '"log"')),
    ("pedal", changed(PEDAL, '"none"', "17")),
    ("pedal", changed(PEDAL, "[midi]", "[times]\nlong_s = 9\n[midi]")),
    ("pedal", changed(PEDAL, "[midi]", "[strip]\nbus = 0\n[midi]")),
    ("pedal", changed(PEDAL, "[midi]", "[output_full_scale_dbu]\nvalue = 1\nstatus = 'guessed'\nsource = 'x'\n[midi]")),
]


@pytest.mark.parametrize(("name", "right"), [("preset", PRESET), ("pedal", PEDAL), ("bank", "format = 1")])
def test_what_the_wrong_ones_are_made_of_is_taken(name: str, right: str) -> None:
    assert reads(name, right)
    assert takes(name, right)


@pytest.mark.parametrize(("name", "wrong"), WRONG)
def test_what_is_refused_is_refused_by_the_schema_too(name: str, wrong: str) -> None:
    assert not reads(name, wrong)
    assert not takes(name, wrong)


# The page says these: how many blocks are of one kind, whether two pins are the same, numbers that are none.
BEYOND_A_SCHEMA = [
    ("preset", changed(PRESET, "level_db = -3", "level_db = nan")),
    ("preset", changed(PRESET, "[footswitches]", '[[block]]\nkind = "nam"\nartifact = "b"\n' * 2 + "[footswitches]")),
    ("pedal", changed(PEDAL, "2 = 6", "2 = 5")),
    ("pedal", changed(PEDAL, "[17, 16]", "[17, 5]")),
    ("pedal", changed(PEDAL, "[knob.tone]", "[knob.gain]")),
]


@pytest.mark.parametrize(("name", "wrong"), BEYOND_A_SCHEMA)
def test_what_a_schema_can_not_say_is_known(name: str, wrong: str) -> None:
    assert not reads(name, wrong)
    assert takes(name, wrong)


WORDS = [*action.KINDS, "on", "off", "follows", "again", "again", "gain", "2", "-1.5", "=1", "= x"]
SENTENCES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=7).map(" ".join)


@given(SENTENCES, st.sampled_from(["footswitches", "notes", "programs", "control_changes"]))
def test_an_action_is_taken_where_it_is_read(text: str, table: str) -> None:
    try:
        bindings.read({table: {"1": text}}, "x")
    except ControlMapError:
        known = False
    else:
        known = True
    assert takes("preset", f'{PRESET.partition("[footswitches]")[0]}[{table}]\n1 = "{text}"\n') == known


@pytest.mark.parametrize("table", bindings.MIDI_NUMBERS)
def test_the_same_midi_numbers_are_taken_and_read(table: str) -> None:
    value = "none"
    for number in ("", "00", "032", "007", "0007", "-1", "1.0", *map(str, range(131))):
        values: dict[str, Any] = tomllib.loads(PRESET)
        values[table] = {number: value}
        try:
            bindings.number_of(number, table, "x")
        except NampedalError:
            known = False
        else:
            known = True
        assert SCHEMAS["preset"].is_valid(values) == known, number
