from __future__ import annotations

import pytest
from nampedal.firmware.action import Action, parse
from nampedal.firmware.errors import ActionError


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
        ("preset", "map.1: preset is followed by 'nothing'; allowed is a number, or a name"),
        ("next 3", "map.1: next is followed by '3'; allowed is nothing"),
        (
            "bypass maybe",
            "map.1: bypass is followed by 'maybe'; allowed is on, off, or nothing for the other way round",
        ),
        ("set gain loud", "map.1: set is followed by 'gain loud'; allowed is a setting and a number"),
        ("preset 1 again", "map.1: behind again: is ''; an action like \"preset 1\" is needed"),
        ("again bypass", "map.1: '' is no action; known are "),
    ],
)
def test_what_is_no_action_is_refused(text: object, said: str) -> None:
    with pytest.raises(ActionError) as caught:
        parse(text, "map.1")
    assert str(caught.value).startswith(said)
