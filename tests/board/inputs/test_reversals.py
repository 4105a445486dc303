from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st
from nampedal.board.inputs.reversals import ReversalDetector


def ends(least: float, raws: list[float]) -> list[float]:
    swings = ReversalDetector(least)
    return [end for raw in raws if (end := swings.feed(raw)) is not None]


def test_ends_are_told_when_they_are_left_the_first_one_too() -> None:
    swings = ReversalDetector(0.1)
    assert [swings.feed(raw) for raw in (0.5, 0.55, 0.9, 0.85, 0.2, 0.4)] == [None, None, 0.5, None, 0.9, 0.2]
    assert swings.end == 0.4


def test_it_may_begin_downwards() -> None:
    assert ends(0.1, [0.5, 0.3, 0.1, 0.4]) == [0.5, 0.1]


def test_what_is_shorter_than_least_is_no_way() -> None:
    assert ends(0.1, [0.5, 0.55, 0.5, 0.46, 0.55]) == []
    assert ends(0.1, [0.0, 0.5, 0.45, 0.6, 0.55, 0.9]) == [0.0]


def test_however_slowly_it_goes_it_is_one_way() -> None:
    assert ends(0.1, [step / 100 for step in range(100)]) == [0.0]


@given(st.floats(0.01, 0.5), st.lists(st.floats(0.0, 1.0)))
def test_ends_are_positions_in_turn_low_and_high_and_least_apart(least: float, raws: list[float]) -> None:
    found = ends(least, raws)
    assert set(found) <= set(raws)
    ways = [after - before for before, after in itertools.pairwise(found)]
    assert all(abs(way) >= least for way in ways)
    assert all((one > 0) != (other > 0) for one, other in itertools.pairwise(ways))
