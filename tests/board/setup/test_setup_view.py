"""What is shown of controls."""

from __future__ import annotations

from nampedal.board.inputs.control_events import Clicks, Edge, Position
from nampedal.board.profiles.wiring import Adc, Wires, Wiring
from nampedal.board.setup.setup_view import SetupView

WIRING = Wiring(
    gpio=Wires(switches={"1": 5, "2": 6}, encoders={"menu": (22, 27)}),
    mcp3008=Adc(0, 0, Wires(knobs={"gain": 0})),
)


def test_nothing_is_known_until_it_is_heard() -> None:
    watch = SetupView(WIRING, 0.01)
    assert not watch.is_complete
    assert watch.lines({}) == [
        "footswitch 1          nothing heard yet",
        "footswitch 2          nothing heard yet",
        "knob       gain       nothing heard yet",
        "encoder    menu       +0 clicks",
    ]
    for event in (Edge(0.0, "1", False), Edge(0.0, "2", True), Position(0.0, "gain", 0.5)):
        assert watch.update(event) is None
    assert watch.is_complete
    watch.update(Clicks(1.0, "menu", 2))
    watch.update(Clicks(1.1, "menu", -3))
    assert watch.lines({}) == [
        "footswitch 1          up    pressed 0, bounced 0",
        "footswitch 2          down  pressed 0, bounced 0",
        "knob       gain       0.500 ###############...............",
        "encoder    menu       -1 clicks",
    ]


def test_bounces_are_counted_and_are_no_presses() -> None:
    watch = SetupView(WIRING, 0.01)
    watch.update(Edge(0.0, "1", False))
    edges = [(1.0, True), (1.001, False), (1.002, True), (1.5, False), (1.501, True), (1.502, False), (2.0, True)]
    pressed = [watch.update(Edge(time_s, "1", down)) for time_s, down in edges]
    assert pressed == ["1", None, None, None, None, None, "1"]
    assert watch.lines({})[0] == "footswitch 1          down  pressed 2, bounced 4"


def test_what_stands_otherwise_after_its_bounces_counts_then() -> None:
    watch = SetupView(WIRING, 0.01)
    for time_s, down in ((0.0, False), (1.0, True), (1.2, False), (1.205, True)):
        watch.update(Edge(time_s, "1", down))
    assert watch.tick(1.209) == []
    assert watch.tick(1.211) == ["1"]
    assert watch.tick(1.3) == []
    assert watch.lines({})[0] == "footswitch 1          down  pressed 2, bounced 1"


def test_a_switch_that_is_told_of_again_was_not_pressed_again() -> None:
    watch = SetupView(WIRING, 0.01)
    assert watch.update(Edge(0.0, "1", True)) is None
    assert watch.update(Edge(1.0, "1", True)) is None
    assert watch.update(Edge(2.0, "1", False)) is None
    assert watch.update(Edge(3.0, "1", True)) == "1"


def test_footswitches_stand_in_the_order_of_their_new_names() -> None:
    watch = SetupView(WIRING, 0.01)
    watch.update(Edge(0.0, "1", True))
    lines = watch.lines({"1": "2", "2": "1"})
    assert lines[:2] == [
        "footswitch 1          nothing heard yet",
        "footswitch 2          down  pressed 0, bounced 0",
    ]


def test_what_the_profile_does_not_have_is_not_shown() -> None:
    watch = SetupView(WIRING, 0.01)
    before = watch.lines({})
    for event in (Edge(0.0, "7", True), Position(0.0, "tone", 0.1), Clicks(0.0, "other", 1)):
        assert watch.update(event) is None
    assert watch.lines({}) == before
