from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nampedal.board.errors import LearnError
from nampedal.board.inputs.knob import KnobSpec
from nampedal.board.inputs.knob_calibration import KnobCalibrator

STROKE_S = 0.5


def learner(ends: list[float], stroke_s: float = STROKE_S, steps: int = 20, noise: float = 0.0) -> KnobCalibrator:
    """Moved from end to end, evenly."""
    random = np.random.default_rng(1)
    learns = KnobCalibrator()
    at = 0
    for start, end in itertools.pairwise(ends):
        for step in range(steps):
            raw = start + (end - start) * step / steps + noise * random.uniform(-1.0, 1.0)
            raw = min(max(raw, 0.0), 1.0)
            learns.feed(at * stroke_s / steps, raw)
            at += 1
    learns.feed(at * stroke_s / steps, ends[-1])
    return learns


def test_the_ends_are_learnt_and_the_rest_is_left() -> None:
    spec = KnobSpec(inverted=True, curve="audio", dead_low=0.05, band=0.002)
    found = learner([0.1, 0.9] * 3).learn(spec)
    assert found == KnobSpec(low=0.1, high=0.9, inverted=True, curve="audio", dead_low=0.05, band=0.002)


def test_the_ends_are_those_that_every_stroke_reached() -> None:
    found = learner([0.1, 0.9, 0.11, 0.893, 0.105, 0.9]).learn(KnobSpec())
    assert (found.low, found.high) == (0.11, 0.893)


@given(st.floats(0.0, 0.8), st.floats(0.2, 1.0), st.booleans(), st.integers(3, 6))
def test_every_stroke_then_goes_from_0_to_1(low: float, travel: float, down: bool, strokes: int) -> None:
    high = min(low + travel, 1.0)
    ends = [high, low] if down else [low, high]
    found = learner(ends * strokes, noise=0.001).learn(KnobSpec(), heel_first=True)
    assert found.inverted == down
    assert [found.position_of(end) for end in ends] == [0.0, 1.0]


def test_it_may_begin_and_end_anywhere() -> None:
    found = learner([0.4, 0.9, 0.1, 0.9, 0.1, 0.9, 0.1, 0.6]).learn(KnobSpec())
    assert (found.low, found.high) == (0.1, 0.9)


@pytest.mark.parametrize("ends", [[0.1, 0.9] * 3, [0.9, 0.1] * 3])
def test_where_the_heel_is_is_learnt_only_if_asked(ends: list[float]) -> None:
    assert learner(ends).learn(KnobSpec(), heel_first=True).inverted == (ends[0] == 0.9)
    assert not learner(ends).learn(KnobSpec()).inverted
    assert learner(ends).learn(KnobSpec(inverted=True)).inverted


def test_a_pedal_that_was_not_moved_is_refused() -> None:
    with pytest.raises(LearnError) as caught:
        learner([0.48, 0.52] * 3).learn(KnobSpec())
    assert str(caught.value) == (
        "knob: was moved from 0.480 to 0.520 only; 0.15 of its range is needed: move it from one end to the other, and "
        "see that it is plugged in"
    )


def test_no_reading_at_all_is_no_movement() -> None:
    with pytest.raises(LearnError, match=r"was moved from 0\.000 to 0\.000 only"):
        KnobCalibrator().learn(KnobSpec())


def test_two_strokes_are_refused() -> None:
    with pytest.raises(LearnError) as caught:
        learner([0.1, 0.9, 0.1, 0.9, 0.1]).learn(KnobSpec())
    assert str(caught.value) == (
        "knob: was 3 times at its low end and 2 times at its high end; 3 times at each are needed: move it to and fro "
        "more often"
    )


def test_an_open_input_that_hums_is_refused() -> None:
    learns = KnobCalibrator()
    for at in range(500):
        learns.feed(at * 0.012, 0.5 + 0.3 * math.sin(2.0 * math.pi * 50.0 * at * 0.012))
    with pytest.raises(LearnError) as caught:
        learns.learn(KnobSpec())
    assert str(caught.value) == "knob: went to and fro 66 times a second; a foot does at most 16: is it plugged in?"


def test_a_player_who_does_not_reach_the_stops_is_refused() -> None:
    with pytest.raises(LearnError) as caught:
        learner([0.1, 0.9, 0.2, 0.9, 0.1, 0.9]).learn(KnobSpec())
    assert str(caught.value) == (
        "knob: its low end was anywhere from 0.100 to 0.200; 0.016 apart is allowed: move it to the stops every time"
    )
    with pytest.raises(LearnError, match=r"^knob: its high end was anywhere from 0\.800 to 0\.900; "):
        learner([0.1, 0.9, 0.1, 0.8, 0.1, 0.9]).learn(KnobSpec())


def test_a_heel_that_is_not_down_at_first_is_refused_if_it_matters() -> None:
    learns = learner([0.5, 0.9, 0.1, 0.9, 0.1, 0.9, 0.1])
    assert learns.learn(KnobSpec()).low == 0.1
    with pytest.raises(LearnError) as caught:
        learns.learn(KnobSpec(), heel_first=True)
    assert str(caught.value) == (
        "knob: began at 0.500, between its ends 0.100 and 0.900; its heel has to be down first: learn again from there"
    )
