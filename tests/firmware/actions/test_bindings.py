"""What controls do, as files say it."""

from __future__ import annotations

import pytest
from nampedal.board.inputs.footswitch import Trigger
from nampedal.firmware.actions.action import parse
from nampedal.firmware.actions.bindings import Bindings, BindingTarget, default, read, to_tables
from nampedal.firmware.base.errors import NampedalError

TABLES = {
    "footswitches": {"1": "preset 1 again bypass", "1+2": "bank next", "2 long": "tuner"},
    "knobs": {"drive": "2.gain_db -6 18", "level": "level"},
    "control_changes": {"7": "level", "64": "bypass", "11": "gain 0 20", "65": "mute follows"},
    "notes": {"0": "next", "60": "tuner follows"},
    "programs": {"1": "bypass on", "128": "preset =3 again bypass"},
}


def test_tables_are_read_and_written_again() -> None:
    found = read(TABLES, "mine.toml")
    assert found.footswitches[Trigger.parse("2 long")] == parse("tuner", "")
    assert found.knobs == {"drive": BindingTarget("2.gain_db", -6.0, 18.0), "level": BindingTarget("level")}
    assert found.control_changes == {
        7: BindingTarget("level"),
        64: parse("bypass", ""),
        11: BindingTarget("gain", 0.0, 20.0),
        65: parse("mute follows", "", valued=True),
    }
    assert found.notes == {0: parse("next", ""), 60: parse("tuner follows", "", valued=True)}
    assert found.programs == {1: parse("bypass on", ""), 128: parse("preset =3 again bypass", "")}
    assert to_tables(found) == TABLES
    assert to_tables(Bindings()) == {}


def test_another_map_lies_over_this_one() -> None:
    tables = {
        "footswitches": {"1": "next"},
        "knobs": {"level": "bass"},
        "notes": {"60": "mute"},
        "programs": {"2": "none"},
    }
    over = read(tables, "preset.toml")
    both = read(TABLES, "mine.toml").overridden_by(over)
    assert str(both.footswitches[Trigger.parse("1")]) == "next"
    assert str(both.footswitches[Trigger.parse("1+2")]) == "bank next"
    assert both.knobs["level"] == BindingTarget("bass")
    assert len(both.control_changes) == 4
    assert {number: str(action) for number, action in both.notes.items()} == {0: "next", 60: "mute"}
    assert sorted(both.programs) == [1, 2, 128]


def manual(*switches: str) -> dict[str, str]:
    return to_tables(default(switches)).get("footswitches", {})


def test_the_default_map_is_what_the_manual_says() -> None:
    assert manual() == {}
    assert manual("1") == {"1": "next", "1 long": "bypass"}
    assert manual("1", "2") == {
        "1": "previous",
        "2": "next",
        "1+2": "tuner",
        "1 long": "bypass",
        "2 long": "bypass",
    }
    four = {
        **{name: f"preset {name} again bypass" for name in "1234"},
        **{f"{name} long": "tuner" for name in "1234"},
        "1+2": "bank previous",
        "3+4": "bank next",
    }
    assert manual(*"1234") == four
    assert manual(*"123456") == {**four, "5": "preset 5 again bypass", "6": "preset 6 again bypass"}


@pytest.mark.parametrize("count", range(1, 10))
def test_the_default_map_is_for_footswitches_that_there_are(count: int) -> None:
    switches = [str(number) for number in range(1, count + 1)]
    assert {name for trigger in default(switches).footswitches for name in trigger.switches} == set(switches)


@pytest.mark.parametrize(
    ("tables", "text"),
    [
        ({"footswitches": {"1 lon": "next"}}, "mine.toml: footswitches: trigger '1 lon': "),
        ({"footswitches": {"1": "nxt"}}, "mine.toml: footswitches.1: 'nxt' is no action; known are "),
        ({"knobs": {"drive": "gain 1"}}, "mine.toml: knobs.drive: is 'gain 1'; a setting is needed, and from where to"),
        ({"knobs": {"drive": "gain low high"}}, "mine.toml: knobs.drive: is 'gain low high'; a setting is needed"),
        ({"control_changes": {"x": "level"}}, "mine.toml: control_changes.x: 'x' can't be mapped; a control change"),
        ({"control_changes": {"128": "level"}}, "mine.toml: control_changes.128: '128' can't be mapped; a control"),
        ({"control_changes": {"32": "level"}}, "mine.toml: control_changes.32: '32' can't be mapped; a control change"),
        ({"notes": {"128": "next"}}, "mine.toml: notes.128: '128' can't be mapped; a note from 0 to 127 is needed"),
        ({"notes": {"60": "gain"}}, "mine.toml: notes.60: 'gain' is no action; known are preset, "),
        ({"programs": {"0": "next"}}, "mine.toml: programs.0: '0' can't be mapped; a program from 1 to 128 is needed"),
        ({"programs": {"1": "mute follows"}}, "mine.toml: programs.1: there is no value that mute could follow; "),
        (
            {"footswitches": {"1": "mute follows"}},
            "mine.toml: footswitches.1: there is no value that mute could follow",
        ),
        ({"control_changes": {"7": "next follows"}}, "mine.toml: control_changes.7: next has no on and off that could"),
    ],
)
def test_what_can_not_be_is_refused(tables: dict[str, dict[str, str]], text: str) -> None:
    with pytest.raises(NampedalError) as caught:
        read(tables, "mine.toml")
    assert str(caught.value).startswith(text)
