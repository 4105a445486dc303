"""What a controller sends while a player moves one of its controls, and what is learnt from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from nampedal.firmware.actions.midi import MidiDecoder
from nampedal.firmware.controls.midi_learn import WINDOW_S, LearnedControl, MidiLearner, as_json

# From one question to the pedal to the next.
LOOK_S = 0.05


def messages(*texts: str) -> list[list[Any]]:
    midi = MidiDecoder()
    return [as_json(one) for text in texts if (one := midi.decode(bytes.fromhex(text))) is not None]


def cc(number: int, *values: int) -> list[str]:
    return [f"b0 {number:02x} {value:02x}" for value in values]


def learnt(
    looks: Iterable[Sequence[str]], before: Sequence[str] = (), learner: MidiLearner | None = None
) -> LearnedControl | None:
    """What is found of what comes at each look, and then of nothing."""
    learner = learner or MidiLearner()
    learner.set_initial_values(messages(*before))
    now_s = 100.0
    for texts in (*looks, *[()] * round(2 * WINDOW_S / LOOK_S)):
        learner.feed(now_s, messages(*texts))
        found = learner.found(now_s)
        if found is not None:
            return found
        now_s += LOOK_S
    return None


def test_a_knob_is_learnt() -> None:
    found = learnt([cc(20, value) for value in range(0, 120, 10)])
    assert str(found) == "control change 20 on channel 1, from 0 to 110"


@pytest.mark.parametrize("before", [(), cc(21, 127), cc(21, 127, 127)])
def test_a_switch_that_sends_one_value_each_time_is_learnt(before: list[str]) -> None:
    found = learnt([cc(21, 127)], before)
    assert str(found) == "control change 21 on channel 1, 127 each time"


@pytest.mark.parametrize(("before", "looks"), [([], [[127], [0]]), ([0], [[127]]), ([127], [[0]])])
def test_momentary_and_latching_switches_are_learnt(before: list[int], looks: list[list[int]]) -> None:
    found = learnt([cc(22, *values) for values in looks], cc(22, *before))
    assert str(found) == "control change 22 on channel 1, from 0 to 127"


@pytest.mark.parametrize("order", [1, -1])
def test_a_control_change_comes_before_the_program_that_comes_with_it(order: int) -> None:
    learner = MidiLearner()
    found = learnt([[*cc(22, 127), "c0 02"][::order]], learner=learner)
    assert found is not None
    assert (found.kind, found.number) == ("control change", 22)
    assert learner.rejected(found) == ["program 3 on channel 1"]


@pytest.mark.parametrize("order", [1, -1])
def test_of_a_coarse_and_a_fine_half_the_coarse_one_is_learnt(order: int) -> None:
    pairs = [[*cc(16, value), *cc(48, 127 - 37 * value % 128)][::order] for value in range(40, 100, 3)]
    learner = MidiLearner()
    found = learnt(pairs, learner=learner)
    assert found is not None
    assert found.number == 16
    assert learner.rejected(found) == ["control change 48 on channel 1, the fine half of 16"]


def test_a_knob_whose_number_could_be_a_fine_half_is_learnt_by_itself() -> None:
    found = learnt([cc(48, value) for value in range(0, 120, 10)])
    assert found is not None
    assert found.number == 48


def test_parameters_and_channel_modes_are_never_learnt() -> None:
    nrpn = [
        [*cc(99, 1), *cc(98, 8), *cc(6, value), *cc(38, 127 - value), *cc(96, value)] for value in range(0, 120, 10)
    ]
    modes = [cc(number, 127) for number in range(120, 128)]
    banks = [cc(0, 1), cc(32, 127)]
    learner = MidiLearner()
    assert learnt([*nrpn, *modes, *banks], learner=learner) is None
    assert "control change 6 on channel 1, a part of an RPN or NRPN" in learner.rejected(None)
    assert "control change 123 on channel 1, a channel mode message" in learner.rejected(None)


@pytest.mark.parametrize("before", [(), cc(11, 101)])
def test_a_pedal_that_trembles_does_not_win_over_the_knob(before: list[str]) -> None:
    trembling = [cc(11, 100 + look % 3) for look in range(200)]
    assert learnt(trembling, before) is None
    knob: list[list[str]] = [[]] * 60 + [cc(20, value) for value in range(40, 80, 4)]
    found = learnt([[*one, *other] for one, other in zip(trembling, knob, strict=False)], before)
    assert found is not None
    assert found.number == 20


def test_a_pedal_that_sends_a_value_now_and_then_is_no_switch() -> None:
    looks = [cc(11, 100 + look // 30 % 2) if look % 30 == 0 else [] for look in range(200)]
    assert learnt(looks, cc(11, 101)) is None
    assert learnt([cc(11, 100)] * 200, cc(11, 100)) is None


def test_what_moves_furthest_within_a_second_is_learnt() -> None:
    looks = [[*cc(11, 64 + look), *cc(20, 6 * look)] for look in range(20)]
    found = learnt(looks)
    assert found is not None
    assert found.number == 20


def test_notes_and_programs_are_learnt_where_they_can_be_meant() -> None:
    assert str(learnt([["92 3c 40"], ["82 3c 00"]])) == "note 60 on channel 3"
    assert str(learnt([["c0 04"]])) == "program 5 on channel 1"
    assert str(learnt([["c0 04", "90 3c 40"]])) == "note 60 on channel 1"
    assert learnt([["c0 04", "90 3c 40"]], learner=MidiLearner(["control change"])) is None
    found = learnt([["c0 04", "90 3c 40"]], learner=MidiLearner(["control change", "program"]))
    assert found == LearnedControl("program", 1, 5)
