from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nampedal.firmware.base.errors import (
    NampedalError,
    NewerFormatError,
    SettingsSyntaxError,
    SettingsUnreadableError,
    SettingsUnwritableError,
    SettingValueError,
)
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.preset import Cabinet, Gain, Gate, Nam, Preset, Tone

WRITTEN = b"""
format = 1
name = "Crunch"
level_db = -3

[[block]]
kind = "gate"
threshold_db = -55

[[block]]
kind = "nam"
artifact = "amps/crunch.stomp"
gain_db = 2.5

[[block]]
kind = "tone"
bass = 6
on = false

[[block]]
kind = "cabinet"
impulse_response = "v30.wav"
"""


def test_what_a_person_writes_is_read_and_the_rest_is_as_it_is_by_default() -> None:
    read = preset.parse(WRITTEN, "crunch.toml")
    assert read == Preset(
        "Crunch",
        (Gate(threshold_db=-55.0), Nam("amps/crunch.stomp", gain_db=2.5), Tone(bass=6.0, on=False), Cabinet("v30.wav")),
        level_db=-3.0,
    )
    assert read.normalise
    assert read.bypass_keeps_cabinet


def numbers(block: type, name: str) -> st.SearchStrategy[float]:
    low, high = preset.limits_of(block, name)
    return st.floats(low, high)


file_names = st.text("abc/é ", min_size=1, max_size=9).filter(lambda name: name.strip() and not name.startswith("/"))
blocks = st.one_of(
    st.builds(Gain, numbers(Gain, "gain_db"), st.booleans()),
    st.builds(Gate, *(numbers(Gate, f"{name}") for name in ("threshold_db", "hysteresis_db", "attack_ms"))),
    st.builds(Tone, *(numbers(Tone, name) for name in ("bass", "mid", "treble", "low_cut_hz", "high_cut_hz"))),
    st.builds(Cabinet, file_names, st.integers(0, 64), file_names | st.just("")),
)
presets = st.builds(
    Preset,
    st.text(min_size=1, max_size=20).filter(lambda name: bool(name.strip()) and name.isprintable()),
    st.tuples(st.builds(Nam, file_names, numbers(Nam, "gain_db")), blocks, blocks),
    numbers(Preset, "input_gain_db"),
    numbers(Preset, "level_db"),
    st.booleans(),
    st.booleans(),
)


@given(presets)
def test_what_is_written_is_read_back_the_same(given_preset: Preset) -> None:
    assert preset.parse(preset.pack(given_preset), "x.toml") == given_preset


def test_a_preset_is_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "crunch.toml"
    crunch = preset.parse(WRITTEN, "crunch.toml")
    preset.write(crunch, path)
    assert preset.read(path) == crunch


def test_a_torn_preset_plays_as_it_was_before_and_the_log_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "crunch.toml"
    preset.write(Preset("Before", (Gain(),)), path)
    preset.write(Preset("Now", (Gain(), Tone())), path)
    path.write_bytes(path.read_bytes()[:200])
    assert preset.read(path).name == "Before"
    (line,) = caplog.messages
    assert line == (
        f"{path}: is cut off: its last line, '# sha256: ...', is missing; restore it from a copy, or take out the "
        "first line, too; the version before is used"
    )


def test_a_preset_names_its_files_once_in_the_order_in_which_they_are_played() -> None:
    cabinet = Cabinet("cabs/./v30.wav", second_impulse_response="cabs/room.wav")
    found = preset.files_of(Preset("x", (Gain(), Nam("amp.stomp"), Nam("./amp.stomp"), cabinet)))
    assert found == ("amp.stomp", "cabs/v30.wav", "cabs/room.wav")


def changed(old: bytes, new: bytes) -> bytes:
    assert old in WRITTEN
    return WRITTEN.replace(old, new, 1)


BLOCK = b'[[block]]\nkind = "nam"\nartifact = "a.stomp"\n'


@pytest.mark.parametrize(
    ("data", "error", "text"),
    [
        (b"\xff", SettingsSyntaxError, "x.toml: is not TOML: it is not UTF-8 (at line 1); save it as UTF-8"),
        (b"name = ", SettingsSyntaxError, "x.toml: is not TOML: invalid value (at end of document)"),
        (b"", SettingValueError, "x.toml: format: is missing, and needed"),
        (b"format = 0\nname = 'x'\nblock = []", SettingValueError, "x.toml: format: is 0; a whole number from 1 to 1"),
        (
            b"format = 2\nlooper = true",
            NewerFormatError,
            "x.toml: format: is 2; it was written by a newer nampedal, and up to 1 is read here: update nampedal",
        ),
        (changed(b'name = "Crunch"', b""), SettingValueError, "x.toml: name: is missing, and needed"),
        (
            changed(b"level_db", b"levl_db"),
            SettingValueError,
            "x.toml: levl_db: is no known key; did you mean level_db?",
        ),
        (changed(b"level_db", b"level"), SettingValueError, "x.toml: level: has no unit; level_db is needed"),
        (changed(b"-3", b"30"), SettingValueError, "x.toml: level_db: is 30; a number from -60 to 20 is needed"),
        (changed(b"-3", b"nan"), SettingValueError, "x.toml: level_db: is nan; a number from -60 to 20 is needed"),
        (b"format = 1\nname = 'x'\nblock = 3", SettingValueError, "x.toml: block: is 3; [[block]] tables are needed"),
        (b"format = 1\nname = 'x'\nblock = []", SettingValueError, "x.toml: block: there are 0; 1 to 16 are allowed"),
        (WRITTEN + 2 * BLOCK, SettingValueError, "x.toml: block: 3 are of the kind nam; 2 are allowed"),
        (
            changed(b'"tone"', b'"reverb"'),
            SettingValueError,
            "x.toml: block 3.kind: is 'reverb'; known are gain, gate, nam, tone, cabinet",
        ),
        (changed(b'kind = "tone"', b""), SettingValueError, "x.toml: block 3.kind: is missing, and needed"),
        (changed(b"bass = 6", b"bass = 11"), SettingValueError, "block 3.bass: is 11; a number from 0 to 10 is needed"),
        (changed(b"bass", b"presence"), SettingValueError, "x.toml: block 3.presence: is no known key; known are kind"),
        (changed(b"false", b"0"), SettingValueError, "x.toml: block 3.on: is 0; true or false is needed"),
        (
            changed(b'artifact = "amps/crunch.stomp"', b""),
            SettingValueError,
            "x.toml: block 2.artifact: is missing, and needed",
        ),
        *(
            (
                changed(b"v30.wav", name.encode()),
                SettingValueError,
                f"x.toml: block 4.impulse_response: is {name!r}; a file in the preset's own folder or below it is",
            )
            for name in ("/etc/passwd", "../other/v30.wav", "cabs/../../v30.wav")
        ),
    ],
)
def test_mistakes_are_named(data: bytes, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        preset.parse(data, "x.toml")
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_can_not_be_read_or_written_are_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsUnreadableError, match=r"gone\.toml: can't be read: no such file or directory"):
        preset.read(tmp_path / "gone.toml")
    crunch = preset.parse(WRITTEN, "x.toml")
    with pytest.raises(SettingsUnwritableError, match=r"crunch: can't be written: the name has to end in \.toml"):
        preset.write(crunch, tmp_path / "crunch")
    bad = Preset("x", (Gain(gain_db=900.0),))
    with pytest.raises(SettingValueError, match=r"block 1\.gain_db: is 900\.0; a number from -60 to 40 is needed"):
        preset.write(bad, tmp_path / "bad.toml")
    assert list(tmp_path.iterdir()) == []


@given(st.binary(max_size=400) | st.lists(st.sampled_from(WRITTEN.split(b"\n")), max_size=30).map(b"\n".join))
def test_whatever_the_bytes_it_is_a_preset_or_an_error_of_one_line(data: bytes) -> None:
    try:
        preset.parse(data, "x.toml")
    except NampedalError as error:
        assert "\n" not in str(error)
