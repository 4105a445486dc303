from __future__ import annotations

import pytest
from nampedal.firmware.actions.action import Action, parse
from nampedal.firmware.base.errors import ControlMapError


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("preset 3", Action("preset", ("3",))),
        ("preset crunch again bypass", Action("preset", ("crunch",), Action("bypass"))),
        ("preset My Amp again bypass", Action("preset", ("My Amp",), Action("bypass"))),
        ("bank next", Action("bank", ("next",))),
        ("tuner", Action("tuner")),
        ("bypass on again preset 2", Action("bypass", ("on",), Action("preset", ("2",)))),
        ("set 2.gain_db -3.5", Action("set", ("2.gain_db", "-3.5"))),
        ("none", Action("none")),
    ],
)
def test_an_action_is_read_and_said_again(text: str, action: Action) -> None:
    assert parse(text, "here") == action
    assert str(action) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (3, 'map.1: is 3; an action like "preset 1" is needed'),
        ("", "map.1: is ''; an action like \"preset 1\" is needed"),
        (
            "presto",
            "map.1: 'presto' is no action; known are preset, bank, next, previous, bypass, tuner, mute, save, set",
        ),
        ("preset", "map.1: preset is followed by 'nothing'; allowed is a number, a name, or '=' and a name"),
        ("next 3", "map.1: next is followed by '3'; allowed is nothing"),
        (
            "bypass maybe",
            "map.1: bypass is followed by 'maybe'; allowed is on, off, or nothing for the other way round",
        ),
        ("set gain loud", "map.1: set is followed by 'gain loud'; allowed is a setting and a number"),
        ("preset 1 again", "map.1: behind again: is ''; an action like \"preset 1\" is needed"),
        ("again bypass", "map.1: '' is no action; known are "),
        ("next again next again nothing", "map.1: behind again: behind again: 'nothing' is no action; known are "),
        ("next" + " again next" * 8, "map.1: has 9 actions, one for each time; 8 are allowed"),
        ("again " * 100, "map.1: has 101 actions, one for each time; 8 are allowed"),
        ("next again " * 5900, "map.1: has 64900 letters; 1000 are allowed"),
        (1 << 64, "map.1: is a number of many digits; an action"),
        (["next"], "map.1: is a list; an action"),
        ("x" * 900, f"map.1: '{'x' * 60}...' is no action; known are "),
    ],
)
def test_what_is_no_action_is_refused(text: object, said: str) -> None:
    with pytest.raises(ControlMapError) as caught:
        parse(text, "map.1")
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize("switch", ["bypass", "tuner", "mute"])
def test_what_has_a_state_can_follow_a_value(switch: str) -> None:
    action = parse(f"{switch} follows", "here", valued=True)
    assert action.follows
    assert str(action) == f"{switch} follows"
    with pytest.raises(ControlMapError) as caught:
        parse(f"{switch} follows", "map.1")
    assert str(caught.value) == (
        f"map.1: there is no value that {switch} could follow; '{switch} follows' is for MIDI control changes and "
        f"notes, without again: say '{switch}', '{switch} on' or '{switch} off'"
    )


@pytest.mark.parametrize(
    "text", ["next follows", "preset 3 follows", "bank next follows", "set gain follows", "none follows"]
)
def test_what_has_no_state_can_not_follow_a_value(text: str) -> None:
    with pytest.raises(ControlMapError) as caught:
        parse(text, "map.1", valued=True)
    kind = text.split(maxsplit=1)[0]
    assert str(caught.value) == f"map.1: {kind} has no on and off that could follow a value; bypass, tuner, mute have"


@pytest.mark.parametrize("text", ["bypass follows again next", "preset 1 again bypass follows", "bypass on follows"])
def test_following_is_all_that_there_is_to_it(text: str) -> None:
    with pytest.raises(ControlMapError, match="bypass follows"):
        parse(text, "map.1", valued=True)


def test_a_name_may_end_as_following_does_and_may_be_a_number() -> None:
    assert parse("preset =She follows", "here") == Action("preset", ("=She follows",))
    assert parse("bank =2", "here") == Action("bank", ("=2",))


def test_as_many_actions_as_are_allowed_are_done_one_after_the_other() -> None:
    text = "preset 1" + " again bypass" * 7
    assert str(parse(text, "here")) == text
