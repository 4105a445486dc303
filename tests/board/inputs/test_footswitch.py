"""Footswitches, as a manual tells them.

Strokes are written '1:0-100': switch 1 goes down at 0 ms and comes up at 100; '1:0-4-9-100' bounces. Gestures are
written as triggers with their time: '1@0', '1 long@500', '1+2@30'.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator

import footswitch as random_feet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nampedal.board.inputs.control_events import Edge
from nampedal.board.inputs.footswitch import APART_S, Footswitches, Gesture, GestureTimes, Kind, Trigger
from nampedal.firmware.base.errors import ControlMapError, SettingValueError

TIMES = GestureTimes(debounce_s=0.02, chord_s=0.06, long_s=0.5, double_s=0.3, repeat_s=0.2)
# Of a table: nothing is under way any more.
END_S = 20.0
Ask = Callable[[Footswitches, float, float], list[Gesture]]


def triggers(text: str) -> set[Trigger]:
    return {Trigger.parse(each) for each in text.split(", ")}


def edges(text: str) -> list[Edge]:
    """In the order of time; of two at the same time the one that is written first."""
    found = []
    for strokes in text.split():
        switch, _, times = strokes.partition(":")
        found += [Edge(int(ms) / 1000, switch, at % 2 == 0) for at, ms in enumerate(times.split("-"))]
    return sorted(found, key=lambda edge: edge.time_s)


def written(told: Iterable[Gesture]) -> str:
    return " ".join(f"{gesture.trigger}@{1000 * gesture.time_s:.0f}".replace(" ", "_") for gesture in told)


def seldom(machine: Footswitches, since_s: float, until_s: float) -> list[Gesture]:
    """Only when an edge comes."""
    return []


def when_due(machine: Footswitches, since_s: float, until_s: float) -> list[Gesture]:
    """As a loop sleeps."""
    told = []
    while (deadline_s := machine.next_deadline()) is not None and deadline_s < until_s:
        found = machine.tick(deadline_s)
        assert {gesture.time_s for gesture in found} <= {deadline_s}
        after_s = machine.next_deadline()
        assert after_s is None or after_s > deadline_s
        told += found
    return told


def every_7_ms(machine: Footswitches, since_s: float, until_s: float) -> list[Gesture]:
    """As a loop polls."""
    count = math.ceil((until_s - since_s) / 0.007)
    return [gesture for at in range(count) for gesture in machine.tick(since_s + 0.007 * at)]


def play(machine: Footswitches, heard: Iterable[Edge], ask: Ask = when_due, end_s: float = END_S) -> list[Gesture]:
    """ask: for what is due between two edges."""
    told, since_s = [], 0.0
    for edge in heard:
        told += ask(machine, since_s, edge.time_s)
        told += machine.handle_edge(edge)
        since_s = edge.time_s
    return told + ask(machine, since_s, end_s) + machine.tick(end_s)


MANUAL = [
    # A press alone is told at once, however long it is; what is not bound is not told.
    ("1", "1:0-100", "1@0"),
    ("1", "1:0-4000", "1@0"),
    ("1", "1:0-100 1:150-250", "1@0 1@150"),
    ("1", "2:0-100", ""),
    ("1, 2", "1:0-300 2:30-100", "1@0 2@30"),
    ("1 release", "1:0-100", "1_release@100"),
    ("1, 1 release", "1:0-1000", "1@0 1_release@1000"),
    # Debouncing: the first edge counts, what follows within 20 ms does not, what is left behind them does.
    ("1, 1 release", "1:0-2-3-7-9-200-201-202", "1@0 1_release@200"),
    ("1, 1 release", "1:0-2-3-200-204-205", "1@0 1_release@200"),
    ("1, 1 release", "1:0-15", "1@0 1_release@20"),
    ("1, 1 release", "1:0-100-110", "1@0 1_release@100 1@120"),
    ("1, 1 release", "1:0-100-110-115", "1@0 1_release@100"),
    ("1, 1 release", "1:0-20-40-60", "1@0 1_release@20 1@40 1_release@60"),
    ("1, 1 release", "1:0-10-25-60", "1@0 1_release@20 1@40 1_release@60"),
    ("1, 1 release", "1:0-10-25-35", "1@0 1_release@20"),
    ("1, 2", "1:0-1-2-100 2:5-6-7-100", "1@0 2@5"),
    # Long: told when the time is over; a press waits for the up edge.
    ("1 long", "1:0-499", ""),
    ("1 long", "1:0-500", "1_long@500"),
    ("1, 1 long", "1:0-499", "1@499"),
    ("1, 1 long", "1:0-500", "1_long@500"),
    ("1, 1 long", "1:0-3000 2:10-20", "1_long@500"),
    ("1, 2 long", "1:0-800 2:100-200", "1@0"),
    ("1, 1 long, 1 release", "1:0-100 1:1000-2000", "1@100 1_release@100 1_long@1500 1_release@2000"),
    # Double: told at the second down edge; a press waits until none can come, or is too long for one.
    ("1 double", "1:0-100", ""),
    ("1, 1 double", "1:0-100", "1@400"),
    ("1, 1 double", "1:0-100 1:250-350", "1_double@250"),
    ("1, 1 double", "1:0-100 1:250-3000", "1_double@250"),
    ("1, 1 double", "1:0-100 1:401-500", "1@400 1@800"),
    ("1, 1 double", "1:0-100 1:200-300 1:400-500", "1_double@200 1@800"),
    ("1, 1 double", "1:0-100 1:200-300 1:400-500 1:600-700", "1_double@200 1_double@600"),
    ("1, 1 double", "1:0-600 1:700-800", "1@500 1@1100"),
    ("1, 1 double", "1:0-10 1:12-100", "1@400"),
    ("1, 1 double, 1 release", "1:0-100", "1@400 1_release@400"),
    ("1, 1 double, 1 release", "1:0-100 1:200-300", "1_double@200 1_release@300"),
    ("1, 1 double, 2", "1:0-100 2:150-250", "2@150 1@400"),
    # Long and double.
    ("1, 1 long, 1 double", "1:0-100", "1@400"),
    ("1, 1 long, 1 double", "1:0-100 1:200-300", "1_double@200"),
    ("1, 1 long, 1 double", "1:0-100 1:200-1500", "1_double@200"),
    ("1, 1 long, 1 double", "1:0-700 1:800-900", "1_long@500 1@1200"),
    ("1, 1 long, 1 double", "1:0-100 1:500-1500", "1@400 1_long@1000"),
    # Repeat: the press is not late for it.
    ("1 repeat", "1:0-499", ""),
    ("1, 1 repeat", "1:0-100", "1@0"),
    ("1, 1 repeat", "1:0-1000", "1@0 1_repeat@500 1_repeat@700 1_repeat@900"),
    ("1 repeat", "1:0-800", "1_repeat@500 1_repeat@700"),
    ("1, 1 repeat, 1 release", "1:0-600", "1@0 1_repeat@500 1_release@600"),
    # Repeat with something slower: the long time tells that first.
    ("1, 1 long, 1 repeat", "1:0-100", "1@100"),
    ("1, 1 long, 1 repeat", "1:0-1000", "1_long@500 1_repeat@700 1_repeat@900"),
    ("1, 1 double, 1 repeat", "1:0-100", "1@400"),
    ("1, 1 double, 1 repeat", "1:0-1000", "1@500 1_repeat@700 1_repeat@900"),
    ("1 double, 1 repeat", "1:0-1000", "1_repeat@500 1_repeat@700 1_repeat@900"),
    ("1, 1 double, 1 repeat", "1:0-100 1:200-2000", "1_double@200"),
    ("1, 1 long, 1 double, 1 repeat", "1:0-800", "1_long@500 1_repeat@700"),
    ("1, 1 long, 1 double, 1 repeat", "1:0-100 1:200-2000", "1_double@200"),
    # Chord: told at the second down edge; a press waits for it, but no longer than until the up edge.
    ("1+2", "1:0-100", ""),
    ("1+2", "1:0-100 2:30-100", "1+2@30"),
    ("1+2", "2:0-100 1:30-100", "1+2@30"),
    ("1+2", "1:0-100 2:0-100", "1+2@0"),
    ("1, 2, 1+2", "1:0-100 2:30-100", "1+2@30"),
    ("1, 2, 1+2", "1:0-100", "1@60"),
    ("1, 2, 1+2", "1:0-40", "1@40"),
    ("1, 2, 1+2", "1:0-40 2:50-80", "1@40 2@80"),
    ("1, 2, 1+2", "1:0-100 2:60-100", "1@60 2@100"),
    ("1, 2, 1+2", "1:0-100 2:59-100", "1+2@59"),
    ("1, 2, 3, 1+2", "3:0-100 1:10-200", "3@0 1@70"),
    ("1, 1 release, 2, 2 release, 1+2", "1:0-200 2:30-300", "1+2@30"),
    ("1, 2, 1+2", "1:0-900 2:30-100 2:200-300", "1+2@30 2@260"),
    # Chords that share a switch.
    ("1+2, 2+3", "1:0-200 2:30-200 3:40-200", "1+2@30"),
    ("1, 2, 3, 1+2, 2+3", "1:0-200 2:30-200 3:40-200", "1+2@30 3@100"),
    ("1, 2, 3, 1+2, 2+3", "1:0-200 3:20-200 2:40-200", "1+2@40 3@80"),
    ("1, 2, 3, 1+2, 2+3", "3:0-200 1:20-200 2:40-200", "2+3@40 1@80"),
    ("10+9, 9, 10", "10:0-200 9:0-200", "9+10@0"),
    ("1+2, 3+4", "1:0-200 3:10-200 2:20-200 4:30-200", "1+2@20 3+4@30"),
    ("1 long, 2 long, 10 long", "10:0-900 2:0-900 1:0-900", "1_long@500 2_long@500 10_long@500"),
    # Chord and long.
    ("1, 1 long, 1+2", "1:0-50", "1@50"),
    ("1, 1 long, 1+2", "1:0-100", "1@100"),
    ("1, 1 long, 1+2", "1:0-600", "1_long@500"),
    ("1, 1 long, 2 long, 1+2", "1:0-900 2:50-900", "1+2@50"),
    # Chord and double.
    ("1, 1 double, 1+2", "1:0-50", "1@350"),
    ("1, 1 double, 1+2", "1:0-50 1:150-250", "1_double@150"),
    ("1, 1 double, 1+2", "1:0-100 1:200-900", "1_double@200"),
    ("1, 1 double, 1+2", "1:0-600", "1@500"),
    ("1, 1 double, 1+2", "1:0-100 2:30-100 1:200-300", "1+2@30 1@600"),
    # A switch that was tapped, and then is part of a chord.
    ("1, 1 double, 2, 1+2", "1:0-100 2:200-300 1:230-300", "1@230 1+2@230"),
    ("1, 1 double, 1 release, 2, 1+2", "1:0-100 2:200-300 1:230-300", "1@230 1_release@230 1+2@230"),
    ("1, 1 double, 2, 1+2", "1:0-100 1:200-300 2:230-300", "1_double@200 2@290"),
    # Chord and repeat.
    ("1, 1 repeat, 1+2", "1:0-800", "1@60 1_repeat@500 1_repeat@700"),
    ("1, 1 repeat, 2, 2 repeat, 1+2", "1:0-2000 2:30-2000", "1+2@30"),
    # Everything.
    ("1, 1 long, 1 double, 1 repeat, 1 release, 1+2", "1:0-40", "1@340 1_release@340"),
    ("1, 1 long, 1 double, 1 repeat, 1 release, 1+2", "1:0-800", "1_long@500 1_repeat@700 1_release@800"),
    ("1, 1 long, 1 double, 1 repeat, 1 release, 1+2", "1:0-90 1:99-900", "1_double@110 1_release@900"),
    ("1, 1 long, 1 double, 1 repeat, 1 release, 1+2", "1:0-900 2:59-900", "1+2@59"),
]


@pytest.mark.parametrize(("bound", "strokes", "gestures"), MANUAL)
@pytest.mark.parametrize("ask", [seldom, when_due, every_7_ms])
def test_the_manual(bound: str, strokes: str, gestures: str, ask: Ask) -> None:
    machine = Footswitches(triggers(bound), TIMES)
    assert written(play(machine, edges(strokes), ask)) == gestures
    assert machine.next_deadline() is None


def test_a_moment_is_told_when_it_comes_and_not_at_the_up_edge() -> None:
    machine = Footswitches(triggers("1, 1 long, 1 repeat"), TIMES)
    assert machine.next_deadline() is None
    assert machine.handle_edge(Edge(1.0, "1", True)) == []
    assert machine.next_deadline() == 1.5
    assert machine.tick(1.499) == []
    assert machine.tick(1.5) == [Gesture("long", ("1",), 1.5)]
    assert machine.next_deadline() == 1.7


def test_a_change_that_debouncing_held_back_is_a_deadline_and_one_that_bounced_back_is_none() -> None:
    machine = Footswitches(triggers("1"), TIMES)
    machine.handle_edge(Edge(1.0, "1", True))
    assert machine.next_deadline() is None
    machine.handle_edge(Edge(1.001, "1", False))
    assert machine.next_deadline() == 1.02
    machine.handle_edge(Edge(1.002, "1", True))
    assert machine.next_deadline() is None


def test_without_debouncing_every_edge_counts() -> None:
    machine = Footswitches(triggers("1"), GestureTimes(debounce_s=0.0))
    assert written(play(machine, edges("1:0-1-2-3"))) == "1@0 1@2"
    assert (
        written(machine.handle_edge(Edge(30.0, "1", True)) + machine.handle_edge(Edge(30.0, "1", False))) == "1@30000"
    )


def test_an_edge_at_the_end_of_debouncing_is_told_at_once() -> None:
    machine = Footswitches(triggers("1, 1 release"), TIMES)
    machine.handle_edge(Edge(0.0, "1", True))
    assert machine.handle_edge(Edge(TIMES.debounce_s, "1", False)) == [Gesture("release", ("1",), TIMES.debounce_s)]


def test_a_wait_may_be_shorter_than_debouncing() -> None:
    machine = Footswitches(triggers("1, 1 release, 1+2"), GestureTimes(debounce_s=0.1, chord_s=0.03))
    assert written(play(machine, edges("1:0-5"))) == "1@30 1_release@100"


def test_edges_told_twice_count_once() -> None:
    machine = Footswitches(triggers("1, 1 release"), TIMES)
    levels = [(0.0, True), (0.1, True), (0.2, False), (0.3, False)]
    assert written(play(machine, [Edge(time_s, "1", down) for time_s, down in levels])) == "1@0 1_release@200"


def test_an_edge_that_comes_late_counts_as_of_now() -> None:
    machine = Footswitches(triggers("1, 2, 3, 4, 1+2"), TIMES)
    assert machine.handle_edge(Edge(1.0, "1", True)) == []
    assert machine.handle_edge(Edge(0.997, "2", True)) == [Gesture("chord", ("1", "2"), 1.0)]
    assert machine.tick(0.5) == []
    assert machine.handle_edge(Edge(0.6, "3", True)) == [Gesture("press", ("3",), 1.0)]
    assert machine.handle_edge(Edge(math.nan, "4", True)) == [Gesture("press", ("4",), 1.0)]


@pytest.mark.parametrize("wrong_s", [1e6, 1e8, 1e300, math.inf, math.nan, -math.inf, -5.0])
def test_one_wrong_clock_reading_harms_one_stroke_at_most(wrong_s: float) -> None:
    machine = Footswitches(triggers("1, 1 long, 1 repeat, 1+2, 2, 2 double"), TIMES)
    machine.handle_edge(Edge(10.0, "1", True))
    assert len(machine.handle_edge(Edge(wrong_s, "2", True))) <= 2 + APART_S / TIMES.repeat_s
    machine.tick(10.1)
    machine.handle_edge(Edge(10.2, "1", False))
    machine.handle_edge(Edge(10.2, "2", False))
    machine.tick(11.0)
    assert machine.next_deadline() is None
    assert machine.handle_edge(Edge(12.0, "1", True)) == []
    assert machine.tick(12.5) == [Gesture("long", ("1",), 12.5)]


def test_a_stroke_from_the_future_lasts_from_when_that_is_known() -> None:
    machine = Footswitches(triggers("1 long, 1+2"), TIMES)
    machine.handle_edge(Edge(1e6, "1", True))
    assert machine.tick(10.0) == []
    assert [round(gesture.time_s, 6) for gesture in machine.tick(11.0)] == [10.5]


def test_a_time_that_no_clock_says_is_no_tick() -> None:
    machine = Footswitches(triggers("1 long"), TIMES)
    machine.handle_edge(Edge(1.0, "1", True))
    assert [machine.tick(now_s) for now_s in (math.nan, math.inf, -1.0, 1e300)] == [[], [], [], []]
    assert machine.tick(1.5) == [Gesture("long", ("1",), 1.5)]


@pytest.mark.parametrize(
    ("bound", "gestures"),
    [("1, 1 long, 1 repeat", "1_long@1500 1_repeat@61000"), ("1, 1 repeat", "1_repeat@61000")],
)
def test_repeats_that_a_stalled_loop_has_missed_do_not_come_all_at_once(bound: str, gestures: str) -> None:
    machine = Footswitches(triggers(bound), TIMES)
    machine.handle_edge(Edge(1.0, "1", True))
    assert written(machine.tick(61.0)) == gestures
    assert machine.next_deadline() == 61.0 + TIMES.repeat_s


def test_a_switch_is_bound_anew_without_a_ghost() -> None:
    """Its contacts still bounce when the press has loaded the next preset."""
    machine = Footswitches(triggers("1"), TIMES)
    assert written(machine.handle_edge(Edge(1.0, "1", True))) == "1@1000"
    machine.bind(triggers("1, 1 long, 1 release"))
    told = play(machine, [Edge(at_s, "1", down) for at_s, down in ((1.001, False), (1.002, True), (2.0, False))])
    assert told == []
    assert written(play(machine, [Edge(30.0, "1", True), Edge(30.1, "1", False)], end_s=31.0)) == (
        "1@30100 1_release@30100"
    )


def test_a_switch_with_the_same_bound_anew_goes_on() -> None:
    machine = Footswitches(triggers("1, 1 repeat, 2"), TIMES)
    machine.handle_edge(Edge(1.0, "1", True))
    machine.bind(triggers("1, 1 repeat, 2 long"))
    assert written(machine.tick(1.7)) == "1_repeat@1500 1_repeat@1700"


def test_a_tap_that_waits_is_dropped_by_another_binding() -> None:
    machine = Footswitches(triggers("1, 1 double"), TIMES)
    machine.handle_edge(Edge(1.0, "1", True))
    machine.handle_edge(Edge(1.1, "1", False))
    machine.bind(triggers("1"))
    assert machine.next_deadline() is None
    assert written(machine.handle_edge(Edge(1.2, "1", True))) == "1@1200"


def test_a_switch_that_was_not_bound_is_known_by_where_it_stands() -> None:
    machine = Footswitches([], TIMES)
    machine.handle_edge(Edge(1.0, "1", True))
    machine.bind(triggers("1"))
    assert play(machine, [Edge(2.0, "1", False), Edge(2.001, "1", True), Edge(2.002, "1", False)]) == []


# ---- triggers and times ----


@pytest.mark.parametrize(
    ("text", "trigger"),
    [
        ("1", Trigger("press", ("1",))),
        ("12 long", Trigger("long", ("12",))),
        ("2 double", Trigger("double", ("2",))),
        ("1 repeat", Trigger("repeat", ("1",))),
        ("1 release", Trigger("release", ("1",))),
        ("9+10", Trigger("chord", ("9", "10"))),
    ],
)
def test_a_trigger_reads_as_it_is_written(text: str, trigger: Trigger) -> None:
    assert Trigger.parse(text) == trigger
    assert str(trigger) == text


def test_a_chord_is_the_same_in_either_order() -> None:
    assert Trigger.parse("10+9") == Trigger("chord", ("10", "9")) == Trigger.parse("9+10")
    assert str(Trigger.parse("10+9")) == "9+10"


FORMS = "write '1' for a press, '1 long', '1 double', '1 repeat', '1 release', or '1+2' for a chord"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "trigger '': '' is no footswitch's number"),
        ("left", "trigger 'left': 'left' is no footswitch's number"),
        ("0", "trigger '0': '0' is no footswitch's number"),
        ("01", "trigger '01': '01' is no footswitch's number"),
        ("²", "trigger '²': '²' is no footswitch's number"),
        (" 1", "trigger ' 1': '' is no footswitch's number"),
        ("1+", "trigger '1+': '' is no footswitch's number"),
        ("1+1", "trigger '1+1': a chord is two different switches and no word"),
        ("1+2+3", "trigger '1+2+3': a chord is two different switches and no word"),
        ("1+2 long", "trigger '1+2 long': a chord is two different switches and no word"),
        ("1 + 2", "trigger '1 + 2': '+ 2' is no gesture of one switch"),
        ("1 hold", "trigger '1 hold': 'hold' is no gesture of one switch"),
        ("1 press", "trigger '1 press': 'press' is no gesture of one switch"),
        ("1  long", "trigger '1  long': ' long' is no gesture of one switch"),
    ],
)
def test_what_is_no_trigger_is_refused(text: str, found: str) -> None:
    with pytest.raises(ControlMapError) as caught:
        Trigger.parse(text)
    assert str(caught.value) == f"{found}; {FORMS}"


@pytest.mark.parametrize(
    ("kind", "switches", "text"),
    [
        ("chord", ("1",), "trigger 'chord': has the switches '1'; two different ones are needed"),
        ("chord", ("1", "1"), "trigger 'chord': has the switches '1, 1'; two different ones are needed"),
        ("chord", ("1", "2", "3"), "trigger 'chord': has the switches '1, 2, 3'; two different ones are needed"),
        ("long", ("1", "2"), "trigger 'long': has the switches '1, 2'; one is needed"),
        ("press", (), "trigger 'press': has the switches ''; one is needed"),
        ("hold", ("1",), "trigger 'hold': is no gesture; known are press, release, long, double, chord, repeat"),
    ],
)
def test_a_trigger_has_the_switches_of_its_kind(kind: Kind, switches: tuple[str, ...], text: str) -> None:
    with pytest.raises(ControlMapError) as caught:
        Trigger(kind, switches)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"debounce_s": -0.001}, "footswitches: debounce_s: is -0.001; allowed are 0 to 0.1"),
        ({"chord_s": 0.4}, "footswitches: chord_s: is 0.4; allowed are 0.01 to 0.25"),
        ({"long_s": 0.2}, "footswitches: long_s: is 0.2; allowed are 0.3 to 5"),
        ({"double_s": math.nan}, "footswitches: double_s: is nan; allowed are 0.15 to 1"),
        ({"repeat_s": 0.0}, "footswitches: repeat_s: is 0; allowed are 0.02 to 2"),
    ],
)
def test_times_that_no_foot_can_use_are_refused(changes: dict[str, float], text: str) -> None:
    with pytest.raises(SettingValueError) as caught:
        GestureTimes(**changes)
    assert str(caught.value) == text


# ---- any feet at all ----

# Sums of them are exact: what ends when is not left to rounding.
UNIT_S = 1.0 / 1024.0
EXACT = GestureTimes(*(units * UNIT_S for units in (20, 60, 500, 300, 200)))
SWITCHES = ("1", "2", "3")
ONES = [Trigger(kind, (name,)) for name in SWITCHES for kind in random_feet.WORDS]
PAIRS = [Trigger("chord", pair) for pair in itertools.combinations(SWITCHES, 2)]
bindings = st.sets(st.sampled_from(ONES + PAIRS))
gaps = st.one_of(st.integers(0, 40), st.integers(0, 700))


@st.composite
def feet(draw: st.DrawFn, switches: tuple[str, ...] = SWITCHES) -> list[Edge]:
    """No two edges further apart than a stalled loop is; the last ones bring all switches up."""
    moves = draw(st.lists(st.tuples(gaps, st.sampled_from(switches), st.booleans()), max_size=60))
    now, found = 1024, []
    for gap, name, down in moves:
        now += gap
        found.append(Edge(now * UNIT_S, name, down))
    return found + [Edge(now * UNIT_S, name, False) for name in switches]


@settings(deadline=None)
@given(bindings, feet())
def test_how_often_it_is_asked_changes_nothing(bound: set[Trigger], heard: list[Edge]) -> None:
    end_s = heard[-1].time_s + 5.0
    told = play(Footswitches(bound, EXACT), heard, when_due, end_s)
    assert play(Footswitches(bound, EXACT), heard, seldom, end_s) == told
    assert play(Footswitches(bound, EXACT), heard, every_7_ms, end_s) == told


@settings(deadline=None)
@given(bindings, feet())
def test_every_stroke_is_told_once_and_nothing_else_is(bound: set[Trigger], heard: list[Edge]) -> None:
    machine = Footswitches(bound, EXACT)
    told = play(machine, heard, when_due, heard[-1].time_s + 5.0)
    random_feet.check(machine, bound, random_feet.strokes(heard, EXACT.debounce_s), told)


@settings(deadline=None)
@given(bindings, feet())
def test_what_is_told_lies_between_the_last_call_and_this_one(bound: set[Trigger], heard: list[Edge]) -> None:
    machine = Footswitches(bound, EXACT)
    for before, edge in itertools.pairwise([Edge(0.0, "1", False), *heard]):
        assert all(
            before.time_s < gesture.time_s <= edge.time_s or gesture.time_s == edge.time_s
            for gesture in machine.handle_edge(edge)
        )


@settings(deadline=None)
@given(bindings, st.lists(st.floats(0.0, 100.0)).map(sorted))
def test_without_an_edge_there_is_no_gesture(bound: set[Trigger], ticks: list[float]) -> None:
    machine = Footswitches(bound, EXACT)
    assert all(machine.tick(now_s) == [] for now_s in ticks)
    assert machine.next_deadline() is None


def as_a_new_one(machine: Footswitches, bound: set[Trigger], start_s: float) -> None:
    """A tap, a hold, a double and a chord are told as by a machine that has heard nothing before."""
    fresh = Footswitches(bound, EXACT)
    for at, strokes in enumerate(("1:0-100", "1:0-1000", "1:0-100-250-400", "1:0-100 2:30-100", "3:0-100")):
        moved = [Edge(start_s + 8.0 * at + edge.time_s, edge.switch, edge.down) for edge in edges(strokes)]
        end_s = start_s + 8.0 * at + 4.0
        assert play(machine, moved, when_due, end_s) == play(fresh, moved, when_due, end_s)
        assert machine.next_deadline() is None


@settings(deadline=None)
@given(bindings, feet())
def test_after_any_feet_a_stroke_is_told_as_the_first_was(bound: set[Trigger], heard: list[Edge]) -> None:
    machine = Footswitches(bound, EXACT)
    play(machine, heard, when_due, heard[-1].time_s + 5.0)
    as_a_new_one(machine, bound, 128.0)


wild_edges = st.builds(Edge, st.floats() | st.floats(0.0, 1e9), st.sampled_from(SWITCHES), st.booleans())
calls = st.one_of(wild_edges, st.floats() | st.floats(0.0, 1e9), bindings)


@settings(deadline=None)
@given(bindings, st.lists(calls, max_size=40))
def test_after_any_calls_at_all_it_recovers(bound: set[Trigger], said: list[Edge | float | set[Trigger]]) -> None:
    machine = Footswitches([], EXACT)
    for call in said:
        if isinstance(call, Edge):
            machine.handle_edge(call)
        elif isinstance(call, float):
            machine.tick(call)
        else:
            machine.bind(call)
    machine.bind(bound)
    for now_s in (1024.0, 1028.0):
        machine.tick(now_s)
        for name in SWITCHES:
            machine.handle_edge(Edge(now_s, name, False))
    machine.tick(1032.0)
    assert machine.next_deadline() is None
    as_a_new_one(machine, bound, 1036.0)


# ---- a second opinion about one switch ----


@settings(deadline=None)
@given(st.sets(st.sampled_from(random_feet.WORDS)), st.lists(st.tuples(st.integers(21, 900), st.integers(21, 700))))
def test_one_switch_is_told_as_the_manual_says(kinds: set[Kind], lengths: list[tuple[int, int]]) -> None:
    """lengths: of every stroke, and of the pause before it."""
    now, strokes = 0, []
    for length, pause in lengths:
        strokes.append((now + pause, now + pause + length))
        now += pause + length
    heard = [Edge(at * UNIT_S, "1", down) for stroke in strokes for at, down in zip(stroke, (True, False), strict=True)]
    machine = Footswitches({Trigger(kind, ("1",)) for kind in kinds}, EXACT)
    told = play(machine, heard, when_due, now * UNIT_S + 5.0)
    found = [(gesture.kind, round(gesture.time_s / UNIT_S)) for gesture in told]
    assert found == [each for each in by_the_manual(kinds, strokes) if each[0] in kinds]


def by_the_manual(kinds: set[Kind], strokes: list[tuple[int, int]]) -> Iterator[tuple[Kind, int]]:
    """The docstring's table for strokes of one switch without a chord, in EXACT's units."""
    at = 0
    while at < len(strokes):
        down, up = strokes[at]
        long = up - down >= 500
        follows = at + 1 < len(strokes) and strokes[at + 1][0] - up < 300
        at += 1
        if "double" in kinds and not long and follows:
            yield ("double", strokes[at][0])
            yield ("release", strokes[at][1])
            at += 1
            continue
        at_long: Kind = "long" if "long" in kinds else "press"
        over = up
        if not kinds & {"long", "double"}:
            yield ("press", down)
        elif long:
            yield (at_long, down + 500)
        else:
            over = up + 300 if "double" in kinds else up
            yield ("press", over)
        told_at_long = bool(kinds & {"long", "double"}) and at_long in kinds
        yield from (("repeat", moment) for moment in range(down + 500 + 200 * told_at_long, up + 1, 200))
        yield ("release", over)


def test_a_soak_finds_nothing() -> None:
    """bench/footswitch.py, a fiftieth of it."""
    counts = random_feet.run(200_000, seed=1)
    assert counts.edges == 200_000
    told = counts.gestures
    assert set(told) == {"press", "release", "long", "double", "chord", "repeat"}
    assert counts.strokes > 20_000


def test_a_soak_finds_a_lost_press(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Footswitches.handle_edge
    count = itertools.count(1)

    def deaf_for_once(machine: Footswitches, edge: Edge) -> list[Gesture]:
        return [gesture for gesture in heard(machine, edge) if gesture.kind != "press" or next(count) != 100]

    monkeypatch.setattr(Footswitches, "handle_edge", deaf_for_once)
    with pytest.raises(AssertionError, match=r"switch [1-6]: Counter"):
        random_feet.run(20_000)
