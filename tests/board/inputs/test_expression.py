"""Feet and open inputs, as the MCP3008's driver reads them: seldom while they rest, often while they move."""

from __future__ import annotations

import bisect
import math
import random
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nampedal.board.drivers.mcp3008 import FULL_SCALE, AdcInput
from nampedal.board.inputs.expression import OUT, ExpressionPedal
from nampedal.board.inputs.knob import KnobSpec

Signal = Callable[[float], float]

SPEC = KnobSpec(low=0.05, high=0.9)
# When `plugged` has shown that it is a pedal, and stands still again.
PULLED_S = 5.0
REST = 0.47


def stroke(start: float, end: float, begin_s: float, took_s: float) -> Signal:
    """From rest to rest with the least jerk, as limbs move (Flash and Hogan 1985)."""

    def at(time_s: float) -> float:
        x = min(max((time_s - begin_s) / took_s, 0.0), 1.0)
        return start + (end - start) * (10 * x**3 - 15 * x**4 + 6 * x**5)

    return at


def then(*parts: tuple[float, Signal]) -> Signal:
    """Each from its time on."""
    begins = [begin_s for begin_s, _ in parts]
    return lambda time_s: parts[max(bisect.bisect(begins, time_s) - 1, 0)][1](time_s)


def plugged(after: Signal) -> Signal:
    """A pedal that was used, and then pulled out."""
    return then((0.0, stroke(0.3, 0.85, 1.5, 0.3)), (2.5, stroke(0.85, REST, 2.5, 0.4)), (PULLED_S, after))


def hum(hertz: float, amplitude: float, phase: float = 0.0) -> Signal:
    return lambda time_s: REST + amplitude * math.sin(2.0 * math.pi * hertz * time_s + phase)


def drift(per_s: float) -> Signal:
    """To and fro between its ends, slowly."""
    return lambda time_s: 0.1 + abs(time_s * per_s % 1.4 - 0.7)


def leaps(per_s: float, seed: int) -> Signal:
    """To anywhere between the ends, at random times."""
    rng = random.Random(seed)
    times = [0.0]
    while times[-1] < 60.0:
        times.append(times[-1] + rng.expovariate(per_s))
    values = [rng.uniform(SPEC.low, SPEC.high) for _ in times]
    return lambda time_s: values[bisect.bisect(times, time_s) - 1]


def pumped(hertz: float, begin_s: float) -> Signal:
    """From heel to toe and back, so many times a second."""
    middle = (SPEC.low + SPEC.high) / 2.0
    return lambda time_s: middle - SPEC.travel / 2 * math.cos(2.0 * math.pi * hertz * max(time_s - begin_s, 0.0))


def heard(signal: Signal, seconds: float) -> Iterator[tuple[float, float]]:
    """What a driver posts of it."""
    one, time_s = AdcInput("expression", 0), 0.0
    while time_s < seconds:
        read = min(max(round(signal(time_s) * FULL_SCALE), 0), FULL_SCALE)
        if one.update(time_s, read):
            yield time_s, read / FULL_SCALE
        time_s = one.due_s


def told(pedal: ExpressionPedal, signal: Signal, seconds: float) -> list[tuple[float, float]]:
    found = ((time_s, pedal.feed(time_s, raw)) for time_s, raw in heard(signal, seconds))
    return [(time_s, position) for time_s, position in found if position is not None]


def told_after_pulling(pedal: ExpressionPedal, after: Signal, seconds: float = 30.0) -> list[float]:
    """What comes of it. First it has been there, and told where it rests."""
    positions = told(pedal, plugged(after), PULLED_S + seconds)
    before = [position for time_s, position in positions if time_s < PULLED_S]
    assert before[-1] == pytest.approx(SPEC.position_of(REST), abs=0.01)
    return [position for time_s, position in positions if time_s >= PULLED_S]


def test_a_pedal_is_there_when_a_foot_has_moved_it_and_not_before() -> None:
    pedal = ExpressionPedal(SPEC)
    assert told(pedal, lambda time_s: 0.3, 100.0) == []
    assert not pedal.present
    pedal = ExpressionPedal(SPEC)
    positions = [position for _, position in told(pedal, stroke(SPEC.low, SPEC.high, 10.0, 0.5), 20.0)]
    assert pedal.present
    assert positions == sorted(positions)
    assert positions[-1] == 1.0


@pytest.mark.parametrize("way", [(SPEC.low, SPEC.high), (SPEC.high, SPEC.low)])
def test_a_foot_from_end_to_end_in_80_ms_reaches_the_end_whenever_it_begins(way: tuple[float, float]) -> None:
    for begin in range(100):
        pedal = ExpressionPedal(SPEC)
        signal = then((0.0, stroke(way[1], way[0], 2.0, 0.3)), (4.0, stroke(*way, 4.0 + begin * 0.001, 0.08)))
        positions = told(pedal, signal, 8.0)
        assert positions[-1][1] == SPEC.position_of(way[1]) in (0.0, 1.0)
        assert pedal.present


@pytest.mark.parametrize("every_s", [0.1, 0.25, 0.5, 0.95, 1.02, 1.1, 1.3, 2.0])
def test_feet_that_stamp_in_80_ms_again_and_again_are_feet(every_s: float) -> None:
    def stamps(time_s: float) -> float:
        stamp, since_s = divmod(time_s - 5.0, every_s)
        way = (SPEC.high, SPEC.low) if stamp % 2 == 0 else (SPEC.low, SPEC.high)
        return stroke(*way, 0.0, 0.08)(since_s)

    pedal = ExpressionPedal(SPEC)
    positions = told(pedal, then((0.0, stroke(SPEC.low, SPEC.high, 2.0, 0.3)), (5.0, stamps)), 40.0)
    assert pedal.present
    assert {0.0, 1.0} <= {position for time_s, position in positions if time_s > 30.0}


@settings(deadline=None)
@given(st.floats(0.3, 5.0), st.floats(0.0, 0.1))
def test_pumping_to_and_fro_is_a_foot(hertz: float, begin_s: float) -> None:
    pedal = ExpressionPedal(SPEC)
    foot = then((0.0, stroke(SPEC.high, SPEC.low, 2.0, 0.3)), (5.0, pumped(hertz, 5.0 + begin_s)))
    positions = [position for time_s, position in told(pedal, foot, 20.0) if time_s > 5.0]
    assert pedal.present
    assert (min(positions), max(positions)) == (0.0, 1.0)


@settings(deadline=None)
@given(st.floats(0.3, 3.0), st.floats(2.0, 2.1))
def test_a_pedal_may_be_found_while_it_is_pumped(hertz: float, begin_s: float) -> None:
    pedal = ExpressionPedal(SPEC)
    positions = [position for _, position in told(pedal, pumped(hertz, begin_s), 15.0)]
    assert pedal.present
    assert (min(positions), max(positions)) == (0.0, 1.0)


def test_a_slow_swell_of_half_a_minute_is_followed() -> None:
    pedal = ExpressionPedal(SPEC)
    swell = then((0.0, stroke(0.9, 0.05, 2.0, 0.3)), (5.0, lambda time_s: min(0.05 + (time_s - 5.0) / 30.0, 0.9)))
    positions = [position for time_s, position in told(pedal, swell, 40.0) if time_s > 5.0]
    assert positions == sorted(positions)
    assert len(positions) > 250
    assert positions[-1] == 1.0


def test_a_pedal_that_rests_in_noise_tells_nothing() -> None:
    rng = random.Random(1)
    noise = 3 / FULL_SCALE
    assert told_after_pulling(ExpressionPedal(SPEC), lambda time_s: REST + rng.uniform(-noise, noise)) == []


def test_a_heel_that_is_pressed_down_however_slowly_is_0_at_the_end() -> None:
    pedal = ExpressionPedal(SPEC)
    foot = then((0.0, stroke(0.6, 0.07, 2.0, 0.3)), (5.0, lambda time_s: max(0.07 - 0.005 * (time_s - 5.0), 0.05)))
    positions = told(pedal, foot, 20.0)
    assert positions[-1][1] == 0.0
    assert positions[-1][0] > 5.0
    assert pedal.present


HUMS = pytest.mark.parametrize("hertz", [49.95, 50.0, 50.05, 59.95, 60.0, 60.05, 100.0, 120.0, 150.0])


@HUMS
@pytest.mark.parametrize("amplitude", [0.001, 0.005, 0.01, 0.012, 0.02, 0.05, 0.2, 0.5, 5.0])
def test_an_open_input_that_hums_tells_nothing(hertz: float, amplitude: float) -> None:
    for phase in range(6):
        pedal = ExpressionPedal(SPEC)
        assert told(pedal, hum(hertz, amplitude, phase), 20.0) == []
        assert not pedal.present


@HUMS
@pytest.mark.parametrize("amplitude", [0.03, 0.05, 0.2, 0.5, 5.0])
def test_a_pedal_that_is_pulled_out_into_hum_is_gone_at_once_and_what_hum_did_is_taken_back(
    hertz: float, amplitude: float
) -> None:
    for phase in range(6):
        pedal = ExpressionPedal(SPEC)
        positions = told_after_pulling(pedal, hum(hertz, amplitude, phase), 3.0)
        assert not pedal.present
        assert len(positions) <= 25
        assert positions == [] or positions[-1] == pytest.approx(SPEC.position_of(REST), abs=0.01)


@HUMS
@pytest.mark.parametrize("amplitude", [0.001, 0.003, 0.006, 0.009, 0.012, 0.015])
def test_hum_of_any_strength_moves_little_and_not_for_long(hertz: float, amplitude: float) -> None:
    for phase in range(6):
        positions = told_after_pulling(ExpressionPedal(SPEC), hum(hertz, amplitude, phase), 20.0)
        assert len(positions) <= 25
        assert all(abs(position - SPEC.position_of(REST)) < 0.03 for position in positions)


@settings(deadline=None, max_examples=30)
@given(st.floats(0.2, 200.0), st.integers(0, 1000))
def test_an_open_input_that_leaps_about_tells_nothing(per_s: float, seed: int) -> None:
    pedal = ExpressionPedal(SPEC)
    assert told(pedal, leaps(per_s, seed), 30.0) == []
    assert not pedal.present


def test_leaps_that_go_one_way_for_a_moment_by_chance_are_no_foot() -> None:
    assert told(ExpressionPedal(SPEC), leaps(29.871185461574445, 715841), 30.0) == []


@settings(deadline=None, max_examples=30)
@given(st.floats(4.0, 200.0), st.integers(0, 1000))
def test_a_pedal_that_is_pulled_out_into_leaps_is_gone_after_some(per_s: float, seed: int) -> None:
    pedal = ExpressionPedal(SPEC)
    positions = told_after_pulling(pedal, leaps(per_s, seed), 55.0)
    assert not pedal.present
    assert len(positions) <= 40


@pytest.mark.parametrize("per_s", [0.0001, 0.001, 0.005, 0.01, 0.015, 0.05, 0.1, 0.15, 0.2])
def test_an_open_input_that_drifts_tells_nothing(per_s: float) -> None:
    pedal = ExpressionPedal(SPEC)
    assert told(pedal, drift(per_s), 100.0) == []
    assert not pedal.present


@pytest.mark.parametrize("per_s", [0.0001, 0.001, 0.005, 0.01, 0.015])
def test_what_creeps_is_not_followed_even_if_a_pedal_was_there(per_s: float) -> None:
    assert told_after_pulling(ExpressionPedal(SPEC), lambda time_s: REST + per_s * (time_s - PULLED_S), 20.0) == []


@pytest.mark.parametrize("rail", [0.0, 1.0])
def test_an_input_that_is_pulled_to_a_rail_that_is_no_end_moves_nothing(rail: float) -> None:
    pedal = ExpressionPedal(SPEC)
    assert told(pedal, lambda time_s: rail, 10.0) == []
    assert not pedal.present
    pedal = ExpressionPedal(SPEC)
    assert told_after_pulling(pedal, lambda time_s: rail) == []
    assert not pedal.present


def test_a_rail_that_is_one_of_its_ends_is_one_movement() -> None:
    pedal = ExpressionPedal(KnobSpec(low=0.0, high=0.9))
    told(pedal, stroke(0.0, 0.6, 2.0, 0.5), 5.0)
    assert pedal.feed(5.0, 0.0) == 0.0
    assert pedal.present


def test_a_foot_that_stands_on_the_stop_is_still_a_foot() -> None:
    pedal = ExpressionPedal(SPEC)
    told(pedal, stroke(SPEC.low, SPEC.high + 0.9 * OUT, 2.0, 0.5), 5.0)
    assert pedal.present
    pedal.feed(5.0, SPEC.high + 1.1 * OUT)
    assert not pedal.present


def test_a_pedal_that_is_plugged_in_again_is_there_when_a_foot_moves_it() -> None:
    pedal = ExpressionPedal(SPEC)
    again = then((0.0, hum(50.0, 0.3)), (10.0, stroke(0.3, 0.85, 12.0, 0.3)))
    positions = told(pedal, plugged(again), 20.0)
    assert pedal.present
    assert positions[-1][1] == pytest.approx(SPEC.position_of(0.85), abs=0.01)


def test_after_a_sign_of_none_a_foot_is_believed_only_after_a_second() -> None:
    pedal = ExpressionPedal(SPEC)
    soon = then((0.0, lambda time_s: 1.0), (2.0, stroke(0.1, 0.6, 2.1, 0.3)), (2.6, stroke(0.6, 0.1, 4.0, 0.3)))
    positions = told(pedal, soon, 10.0)
    assert positions[0][0] > 4.0
    assert pedal.present


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0.0, 0.2), st.floats(0.0, 1.0)), max_size=300))
def test_whatever_comes_positions_are_told_only_when_there_is_a_pedal_or_it_has_just_gone(
    story: list[tuple[float, float]],
) -> None:
    pedal, time_s = ExpressionPedal(SPEC), 0.0
    for passed_s, raw in story:
        time_s += passed_s
        before = pedal.present
        position = pedal.feed(time_s, raw)
        assert position is None or (0.0 <= position <= 1.0 and (before or pedal.present))
