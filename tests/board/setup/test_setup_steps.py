"""Setting up a pedal, without a terminal: events and answers in, questions and a profile out."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nampedal.board.inputs.control_events import Clicks, Edge, Position
from nampedal.board.profiles.pedal_file import read_raw_values
from nampedal.board.profiles.pedals import read_pedal
from nampedal.board.setup.setup_steps import LightsStep, SetupResults, SwitchesStep
from nampedal.board.setup.setup_wizard import SetupWizard

PROFILE = """
name = "Mine"
board = "5"
hat = "hifiberry-dac-adc"
"""
SWITCHES = "[gpio]\nswitches = { 1 = 5, 2 = 6 }\n"
LIGHTS = "lights = { 1 = 12, 2 = 13, clip = 16 }\n"
KNOB = "[mcp3008]\nbus = 0\ndevice = 0\nknobs = { gain = 0 }\n"
EXPRESSION = "[knob.gain]\nexpression = true\n"
OTHERS = ("bypass", "clip")


class Player:
    """Presses, turns and types."""

    def __init__(self, folder: Path, tables: str) -> None:
        path = folder / "mine.toml"
        path.write_text(PROFILE + tables)
        self.before = read_raw_values(path)
        self.setup = SetupWizard(self.before, read_pedal(path), OTHERS)
        self._now_s = 100.0
        for switch in ("1", "2"):
            self.setup.handle(Edge(self._now_s, switch, False))

    def press(self, *switches: str) -> str:
        for switch, down in itertools.product(switches, (True, False)):
            self._now_s += 0.2
            self.setup.handle(Edge(self._now_s, switch, down))
        return self.told()

    def turn(self, *positions: float, knob: str = "gain") -> None:
        for position in positions:
            self._now_s += 0.2
            self.setup.handle(Position(self._now_s, knob, position))

    def answer(self, *lines: str) -> str:
        for line in lines:
            self.setup.answer(line)
        return self.told()

    def wait(self, seconds: float) -> str:
        self._now_s += seconds
        self.setup.tick(self._now_s)
        return self.told()

    def told(self) -> str:
        told, self.setup.notes[:] = "; ".join(self.setup.notes), []
        return told

    def lit(self) -> list[str]:
        return [name for name, light in self.setup.lights.items() if light.level]

    def knob(self) -> dict[str, Any]:
        found: dict[str, Any] = self.setup.values["knob"]["gain"]
        return found


# ---- footswitches ----


def test_footswitches_are_called_in_the_order_in_which_they_are_pressed(tmp_path: Path) -> None:
    player = Player(tmp_path, SWITCHES)
    assert player.setup.question.startswith("Press the 2 footswitches from left to right: now number 1. ")
    assert player.press("2") == "this is footswitch 1, which the profile calls 2"
    assert "now number 2" in player.setup.question
    assert player.press("1") == "this is footswitch 2, which the profile calls 1"
    assert player.setup.done
    assert player.setup.question == ""
    assert player.setup.values["gpio"]["switches"] == {"1": 6, "2": 5}


def test_a_footswitch_that_was_pressed_before_is_refused(tmp_path: Path) -> None:
    player = Player(tmp_path, SWITCHES)
    player.press("2")
    assert player.press("2") == "that was footswitch 1; press the next one to the right"
    assert not player.setup.done
    player.press("1")
    assert player.setup.values["gpio"]["switches"] == {"1": 6, "2": 5}


def test_bounces_name_nothing(tmp_path: Path) -> None:
    player = Player(tmp_path, SWITCHES)
    for time_s, down in ((1.0, True), (1.001, False), (1.002, True), (1.3, False), (1.301, True), (1.302, False)):
        player.setup.handle(Edge(1000.0 + time_s, "2", down))
    assert player.told() == "this is footswitch 1, which the profile calls 2"


def test_enter_leaves_footswitches_as_they_are_even_half_way(tmp_path: Path) -> None:
    player = Player(tmp_path, SWITCHES)
    player.press("2")
    assert player.answer("") == "footswitches: stay as they are"
    assert player.setup.done
    assert player.setup.values == player.before


@given(st.permutations("123456789"))
def test_any_order_of_footswitches_is_taken(order: list[str]) -> None:
    found = SetupResults({})
    step = SwitchesStep(found, list("123456789"))
    for switch in order:
        assert not step.done
        step.press(switch)
    assert step.done
    assert [found.switches[switch] for switch in order] == list("123456789")


def test_a_single_footswitch_is_not_asked_for(tmp_path: Path) -> None:
    assert Player(tmp_path, "[gpio]\nswitches = { 1 = 5 }\n").setup.done


# ---- lights ----


def test_each_light_is_lit_and_called_as_the_footswitch_that_is_pressed(tmp_path: Path) -> None:
    player = Player(tmp_path, SWITCHES + LIGHTS)
    player.press("2", "1")
    assert player.lit() == ["1"]
    # It is on the right, where the wire is that was called 1 at first.
    assert player.press("1") == "this is light 2"
    assert player.lit() == ["2"]
    assert player.answer("clip") == "this is light clip"
    assert player.lit() == ["clip"]
    assert player.answer("1") == "this is light 1"
    assert player.lit() == []
    assert player.setup.values["gpio"]["lights"] == {"1": 16, "2": 12, "clip": 13}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("3", "no light can be called '3'; 1, 2, bypass, clip are allowed"),
        ("Lamp", "no light can be called 'lamp'; 1, 2, bypass, clip are allowed"),
        ("2", "a light is called 2 already; press another footswitch, or type another name"),
    ],
)
def test_a_light_can_not_be_called_anything(tmp_path: Path, answer: str, told: str) -> None:
    player = Player(tmp_path, SWITCHES + LIGHTS)
    player.answer("", "2")
    player.told()
    assert player.answer(answer) == told
    assert player.lit() == ["2"]


def test_a_light_without_an_answer_gets_a_name_that_is_left(tmp_path: Path) -> None:
    player = Player(tmp_path, SWITCHES + LIGHTS)
    player.answer("", "2", "", "")
    assert player.setup.done
    assert player.setup.values["gpio"]["lights"] == {"1": 13, "2": 12, "clip": 16}


@given(st.lists(st.sampled_from(["", "1", "2", "3", "bypass", "clip"]), max_size=12))
def test_lights_always_have_names_of_their_own(answers: list[str]) -> None:
    found = SetupResults({})
    lights = ["1", "2", "3", "clip"]
    step = LightsStep(found, lights, ["1", "2", "3"], OTHERS)
    for answer in [*answers, *lights, "bypass", "", "", "", ""]:
        if not step.done:
            step.answer(answer)
    assert sorted(found.lights) == lights
    assert len(set(found.lights.values())) == len(lights)


# ---- knobs ----


def test_the_ends_of_a_knob_are_learnt(tmp_path: Path) -> None:
    player = Player(tmp_path, KNOB)
    player.turn(0.5, 0.2, 0.03)
    assert player.setup.question.startswith("Knob gain: turn it fully left ")
    assert player.answer("") == ""
    assert (
        player.setup.question == "Knob gain: fully right and fully left, three times or more, to the stops; then Enter."
    )
    player.turn(0.5, 0.97, 0.5, 0.03, 0.5, 0.97, 0.5, 0.03, 0.5, 0.9712345, 0.5, 0.03)
    assert player.answer("") == "gain: goes from 0.03 to 0.97"
    assert player.knob() == {"low": 0.03, "high": 0.97}


def test_a_knob_that_is_wired_the_other_way_round_is_inverted(tmp_path: Path) -> None:
    player = Player(tmp_path, KNOB)
    player.turn(0.5, 1.0)
    player.answer("")
    player.turn(*(0.5, 0.0, 0.5, 1.0) * 3)
    assert player.answer("") == "gain: goes from 0 to 1, inverted"
    assert player.knob() == {"inverted": True}


def test_an_expression_pedal_has_heel_and_toe(tmp_path: Path) -> None:
    player = Player(tmp_path, KNOB + EXPRESSION)
    assert player.setup.question.startswith("Expression pedal gain: put its heel down ")
    player.turn(0.5, 0.1)
    player.answer("")
    assert "toe down and heel down, three times" in player.setup.question
    player.turn(*(0.5, 0.8, 0.5, 0.1) * 3)
    player.answer("")
    assert player.setup.done
    assert player.knob() == {"expression": True, "low": 0.1, "high": 0.8}


def test_a_knob_that_is_not_moved_is_skipped_by_enter(tmp_path: Path) -> None:
    player = Player(tmp_path, KNOB)
    player.turn(0.5, 0.51, 0.5)
    assert player.answer("") == "gain: was not moved, and stays as it is"
    assert player.setup.question.startswith("Noise: ")
    assert player.setup.values == player.before


def test_a_knob_that_was_turned_too_seldom_is_asked_for_again(tmp_path: Path) -> None:
    player = Player(tmp_path, KNOB)
    player.turn(0.5, 0.0)
    player.answer("")
    player.turn(0.5, 1.0, 0.5, 0.0)
    told = player.answer("")
    assert told.startswith("gain: was 2 times at its low end and 1 times at its high end; 3 times at each are needed")
    assert player.setup.question.startswith("Knob gain: turn it fully left ")
    player.turn(0.5, 0.0)
    player.answer("")
    player.turn(*(0.5, 0.9, 0.5, 0.0) * 3)
    player.answer("")
    assert player.knob() == {"high": 0.9}


def test_another_knob_teaches_nothing(tmp_path: Path) -> None:
    player = Player(tmp_path, "[mcp3008]\nbus = 0\ndevice = 0\nknobs = { gain = 0, tone = 1 }\n")
    player.turn(0.0, 1.0, 0.0, knob="tone")
    assert player.answer("") == "gain: was not moved, and stays as it is"


# ---- noise ----


def listening(folder: Path, *positions: float) -> tuple[Player, str]:
    player = Player(folder, KNOB)
    player.turn(0.5)
    player.answer("", "y")
    assert player.setup.question == "Noise: listening; touch nothing."
    player.told()
    player.wait(0.0)
    player.turn(*positions)
    assert player.wait(0.1) == ""
    return player, player.wait(3.0)


def test_noise_makes_a_band(tmp_path: Path) -> None:
    player, told = listening(tmp_path, 0.504, 0.496, 0.5)
    assert told == "gain: moved by 0.0080, its band is 0.01"
    assert player.knob() == {"band": 0.01}
    assert player.setup.done


def test_a_quiet_knob_keeps_the_usual_band(tmp_path: Path) -> None:
    player, told = listening(tmp_path)
    assert told == "gain: moved by 0.0000, its band is 0.003"
    assert player.setup.values == player.before


def test_what_is_more_than_noise_makes_no_band(tmp_path: Path) -> None:
    player, told = listening(tmp_path, 0.6)
    assert told == "gain: moved by 0.100, which is more than noise; look at its wires, or set up again"
    assert player.setup.values == player.before


def test_a_knob_that_is_not_there_has_no_noise(tmp_path: Path) -> None:
    player = Player(tmp_path, KNOB)
    player.answer("", "y")
    player.told()
    player.wait(0.0)
    assert player.wait(3.0) == "gain: was not heard"
    assert player.setup.values == player.before


# ---- all of it ----


def test_enter_again_and_again_changes_nothing(tmp_path: Path) -> None:
    player = Player(tmp_path, SWITCHES + LIGHTS + KNOB)
    player.answer(*[""] * 6)
    assert player.setup.done
    assert not player.setup.quit
    assert player.setup.values == player.before


def test_q_ends_it_at_any_step(tmp_path: Path) -> None:
    for enters in range(6):
        player = Player(tmp_path, SWITCHES + LIGHTS + KNOB)
        player.answer(*[""] * enters)
        assert not player.setup.done
        player.answer(" Q ")
        assert player.setup.done
        assert player.setup.quit


def test_what_is_no_answer_is_named(tmp_path: Path) -> None:
    player = Player(tmp_path, SWITCHES)
    assert player.answer("left") == "'left' is no answer here; Enter goes on, q ends it"
    assert not player.setup.done


def test_everything_is_shown(tmp_path: Path) -> None:
    player = Player(tmp_path, SWITCHES + "encoders = { menu = [22, 27] }\n" + LIGHTS + KNOB)
    player.setup.handle(Clicks(0.0, "menu", 3))
    player.press("2", "1")
    player.turn(0.25)
    player.answer("")
    assert player.setup.lines() == [
        "footswitch 1          up    pressed 1, bounced 0",
        "footswitch 2          up    pressed 1, bounced 0",
        "knob       gain       0.250 ########......................",
        "encoder    menu       +3 clicks",
        "light      1          lit",
        "light      2          dark",
        "light      clip       dark",
    ]
