from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nampedal.board.errors import ControlsError
from nampedal.board.inputs.knob import CURVES, LIMITS, NEAR, Knob, KnobSpec, Pickup

CODE = 1.0 / 1023
UNIT = st.floats(0.0, 1.0)


@st.composite
def specs(draw: st.DrawFn) -> KnobSpec:
    low = draw(st.floats(0.0, 0.85))
    return KnobSpec(
        low=low,
        high=draw(st.floats(low + 0.11, 1.0)),
        inverted=draw(st.booleans()),
        curve=draw(st.sampled_from(sorted(CURVES))),
        dead_low=draw(st.floats(0.0, 0.25)),
        dead_high=draw(st.floats(0.0, 0.25)),
        band=draw(st.floats(0.0, 0.02)),
    )


def feed(knob: Knob, raws: list[float]) -> list[float]:
    return [position for raw in raws if (position := knob.feed(raw)) is not None]


@pytest.mark.parametrize("name", LIMITS)
def test_a_number_beyond_its_limits_is_refused(name: str) -> None:
    least, most = LIMITS[name]
    for value in (least - 0.001, most + 0.001, float("nan")):
        values: dict[str, Any] = {name: value}
        with pytest.raises(ControlsError) as caught:
            KnobSpec(**values)
        assert str(caught.value) == f"knob: {name} is {value}; {least:g} to {most:g} is allowed"


@pytest.mark.parametrize(("low", "high"), [(0.5, 0.55), (0.5, 0.5), (0.9, 0.1)])
def test_ends_too_near_to_each_other_are_refused(low: float, high: float) -> None:
    with pytest.raises(ControlsError) as caught:
        KnobSpec(low=low, high=high)
    assert str(caught.value) == (
        f"knob: goes from low {low} to high {high}; high has to be at least 0.1 above low: learn its ends again"
    )


def test_an_unknown_curve_is_refused() -> None:
    with pytest.raises(ControlsError) as caught:
        KnobSpec(curve="log")
    assert str(caught.value) == "knob: curve is 'log'; known are linear, audio, reverse"


@given(specs())
def test_the_ends_and_their_dead_zones_are_exactly_0_and_1(spec: KnobSpec) -> None:
    bottom, top = (1.0, 0.0) if spec.inverted else (0.0, 1.0)
    for raw in (0.0, spec.low, spec.low + spec.dead_low * spec.travel):
        assert spec.position_of(raw) == bottom
    for raw in (spec.high - spec.dead_high * spec.travel, spec.high, 1.0):
        assert spec.position_of(raw) == top


@given(specs(), UNIT, UNIT)
def test_positions_lie_between_0_and_1_and_in_the_order_of_the_raw_ones(spec: KnobSpec, a: float, b: float) -> None:
    low, high = spec.position_of(min(a, b)), spec.position_of(max(a, b))
    assert 0.0 <= low <= 1.0
    assert 0.0 <= high <= 1.0
    assert low >= high if spec.inverted else low <= high


def test_an_audio_taper_is_at_a_tenth_at_half_the_way_and_reverse_undoes_it() -> None:
    assert CURVES["audio"](0.5) == pytest.approx(0.1)
    assert CURVES["reverse"](0.1) == pytest.approx(0.5)


@given(UNIT)
def test_reverse_after_audio_is_linear(x: float) -> None:
    assert CURVES["reverse"](CURVES["audio"](x)) == pytest.approx(x, abs=1e-9)


def test_a_linear_knob_without_dead_zones_and_band_tells_what_it_is_fed() -> None:
    knob = Knob(KnobSpec(dead_low=0.0, dead_high=0.0, band=0.0))
    assert feed(knob, [0.25, 0.5, 1.0, 0.0]) == [0.25, 0.5, 1.0, 0.0]


def test_an_inverted_knob_is_1_at_its_low_end_and_its_curve_begins_at_its_high_end() -> None:
    spec = KnobSpec(inverted=True, curve="audio")
    assert spec.position_of(0.0) == 1.0
    assert spec.position_of(0.9) < 0.1


def test_where_it_stands_at_first_is_told_and_told_once() -> None:
    knob = Knob(KnobSpec())
    assert knob.feed(0.5) == pytest.approx(0.5)
    assert knob.feed(0.5) is None


@given(specs(), UNIT, st.lists(st.floats(0.0, 0.999), max_size=50))
def test_noise_of_one_band_never_moves_a_still_knob(spec: KnobSpec, raw: float, noise: list[float]) -> None:
    knob = Knob(spec)
    knob.feed(raw + noise[0] * spec.band if noise else raw)
    assert feed(knob, [raw + part * spec.band for part in noise]) == []


@given(specs(), UNIT, st.lists(st.floats(-0.999, 0.999), max_size=50))
def test_noise_of_two_bands_moves_nothing_once_it_was_at_its_peaks(
    spec: KnobSpec, raw: float, noise: list[float]
) -> None:
    knob = Knob(spec)
    feed(knob, [raw + spec.band * 0.999, raw - spec.band * 0.999])
    assert feed(knob, [raw + part * spec.band for part in noise]) == []


def test_flips_between_neighbouring_codes_are_ignored_by_default_and_a_turn_by_some_codes_is_not() -> None:
    knob = Knob(KnobSpec())
    knob.feed(500 * CODE)
    assert feed(knob, [501 * CODE, 500 * CODE] * 20) == []
    assert feed(knob, [503 * CODE, 497 * CODE]) == []
    assert len(feed(knob, [506 * CODE])) == 1


def test_turned_slowly_every_code_counts() -> None:
    knob = Knob(KnobSpec())
    told = feed(knob, [code * CODE for code in range(300, 700)])
    steps = [after - before for before, after in itertools.pairwise(told)]
    assert len(told) > 390
    assert max(steps) < 1.1 * CODE


@given(specs(), st.lists(UNIT))
def test_both_ends_are_reached_from_wherever_it_was(spec: KnobSpec, raws: list[float]) -> None:
    for end in (spec.low, spec.high):
        knob = Knob(spec)
        last = [None, *feed(knob, raws)][-1]
        told = knob.feed(end)
        assert (last if told is None else told) == spec.position_of(end)
        assert spec.position_of(end) in (0.0, 1.0)


@given(specs(), UNIT, UNIT)
def test_a_knob_lags_by_no_more_than_its_band(spec: KnobSpec, start: float, raw: float) -> None:
    knob = Knob(spec)
    first = knob.feed(start)
    told = knob.feed(raw)
    position = first if told is None else told
    assert position is not None
    around = sorted((spec.position_of(raw - 1.001 * spec.band), spec.position_of(raw + 1.001 * spec.band)))
    assert around[0] <= position <= around[1]


def test_after_a_preset_change_a_knob_does_nothing_until_it_passes_the_parameter() -> None:
    pickup = Pickup()
    assert pickup.feed(0.9) == 0.9
    pickup.set_parameter_position(0.3)
    assert [pickup.feed(position) for position in (0.8, 1.0, 0.5)] == [None, None, None]
    assert [pickup.feed(position) for position in (0.1, 0.2, 0.9)] == [0.1, 0.2, 0.9]


def test_a_knob_takes_over_when_it_comes_near_without_passing() -> None:
    pickup = Pickup()
    pickup.feed(0.9)
    pickup.set_parameter_position(0.5)
    assert pickup.feed(0.5 + 1.1 * NEAR) is None
    assert pickup.feed(0.5 + 0.9 * NEAR) == 0.5 + 0.9 * NEAR
    assert pickup.feed(0.9) == 0.9


def test_a_knob_that_stands_where_the_parameter_does_goes_on() -> None:
    pickup = Pickup()
    pickup.feed(0.5)
    pickup.set_parameter_position(0.51)
    assert pickup.feed(0.6) == 0.6


def test_a_knob_whose_place_is_not_known_does_not_pass() -> None:
    pickup = Pickup()
    pickup.set_parameter_position(0.5)
    assert pickup.feed(0.9) is None
    assert pickup.feed(0.1) == 0.1


@pytest.mark.parametrize("end", [0.0, 1.0])
def test_a_parameter_at_its_end_is_taken_over_there(end: float) -> None:
    pickup = Pickup()
    pickup.feed(0.5)
    pickup.set_parameter_position(end)
    assert pickup.feed(abs(end - 0.1)) is None
    assert pickup.feed(end) == end


def test_a_knob_that_jumps_takes_over_at_once() -> None:
    pickup = Pickup(jump=True)
    pickup.feed(0.9)
    pickup.set_parameter_position(0.1)
    assert pickup.feed(0.8) == 0.8


@given(st.lists(st.tuples(st.booleans(), UNIT)))
def test_the_parameter_never_jumps_further_than_the_knob_moved_or_near(story: list[tuple[bool, float]]) -> None:
    pickup, stands, knob = Pickup(), 0.5, None
    pickup.set_parameter_position(stands)
    for changes, position in story:
        if changes:
            pickup.set_parameter_position(position)
            stands = position
            continue
        told = pickup.feed(position)
        if told is not None:
            moved = 0.0 if knob is None else abs(position - knob)
            assert told == position
            assert abs(told - stands) <= moved + NEAR + 1e-9
            stands = told
        knob = position
