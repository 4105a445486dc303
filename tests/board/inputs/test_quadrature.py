from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nampedal.board.inputs.quadrature import Quadrature

# What the contacts do on one turn clockwise, from both open on.
CLOCKWISE = [(False, False), (True, False), (True, True), (False, True)]
STEPS = pytest.mark.parametrize("steps", [4, 2])
Contacts = tuple[bool, bool]


def path(start: int, end: int) -> list[Contacts]:
    """Contacts from place to place, both included; places are counted in steps."""
    way = 1 if end >= start else -1
    return [CLOCKWISE[place % 4] for place in range(start, end + way, way)]


def clicks(encoder: Quadrature, contacts: list[Contacts], every_s: float = 0.001) -> list[int]:
    return [click for at, (a, b) in enumerate(contacts) if (click := encoder.feed(at * every_s, a, b))]


@STEPS
def test_one_click_a_detent_positive_clockwise(steps: int) -> None:
    assert clicks(Quadrature(steps), path(0, 5 * steps)) == [1] * 5
    assert clicks(Quadrature(steps), path(0, -5 * steps)) == [-1] * 5


@STEPS
def test_a_click_comes_when_the_detent_is_reached(steps: int) -> None:
    encoder = Quadrature(steps)
    *before, (a, b) = path(0, steps)
    assert clicks(encoder, before) == []
    assert encoder.feed(1.0, a, b) == 1


@STEPS
def test_turned_a_little_and_back_nothing_clicks(steps: int) -> None:
    out = path(0, steps - 1)
    assert clicks(Quadrature(steps), [*out, *reversed(out)] * 3) == []


def test_an_encoder_of_two_steps_may_begin_with_both_closed() -> None:
    assert clicks(Quadrature(2), path(2, 8)) == [1, 1, 1]


def test_an_encoder_that_begins_between_detents_clicks_at_them_afterwards() -> None:
    assert clicks(Quadrature(4), path(3, 12)) == [1, 1]
    assert clicks(Quadrature(4), path(1, -8)) == [-1, -1]


@given(st.sampled_from([4, 2]), st.lists(st.integers(-3, 3)), st.data())
def test_bouncing_contacts_make_no_click_and_hide_none(steps: int, turns: list[int], data: st.DataObject) -> None:
    place, contacts = 0, [CLOCKWISE[0]]
    for turn in turns:
        for before, after in itertools.pairwise(path(place, place + turn * steps)):
            contacts += [after, before] * data.draw(st.integers(0, 4)) + [after]
        place += turn * steps
    found = clicks(Quadrature(steps), contacts)
    assert sum(found) == sum(turns)
    assert sum(map(abs, found)) == sum(map(abs, turns))


@STEPS
def test_turned_fast_a_missed_reading_now_and_then_is_filled_in(steps: int) -> None:
    readings = path(0, 40)
    missed = [reading for at, reading in enumerate(readings) if at % 5 != 3]
    assert sum(clicks(Quadrature(steps), missed)) == 40 // steps


def test_what_was_turned_long_ago_tells_nothing_of_a_missed_reading() -> None:
    encoder = Quadrature(2)
    clicks(encoder, path(0, 2))
    assert encoder.feed(10.0, False, False) == 0


def test_four_steps_of_which_half_was_seen_are_a_click() -> None:
    encoder = Quadrature(4)
    assert [encoder.feed(at, a, b) for at, (a, b) in enumerate([(False, False), (True, False), (False, True)])] == [
        0
    ] * 3
    assert encoder.feed(3.0, False, False) == 1


@given(st.sampled_from([4, 2]), st.lists(st.tuples(st.booleans(), st.booleans())))
def test_whatever_the_contacts_do_clicks_are_no_more_than_changes(steps: int, contacts: list[Contacts]) -> None:
    changes = sum(before != after for before, after in itertools.pairwise(contacts))
    assert sum(map(abs, clicks(Quadrature(steps), contacts))) * steps <= 2 * changes + steps // 2
