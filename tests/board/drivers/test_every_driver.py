"""What all drivers have in common, on hardware that is substituted, or at the other end of a pseudo-terminal."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from nampedal.board.drivers import serial_link
from nampedal.board.errors import ControlsError
from nampedal.board.inputs.control_events import Event, Failure, Light
from support.fakes import fake_spidev, fake_strip
from support.rigs.driver_rigs import GpioRig, Mcp3008Rig, MockRig, Rig, SerialRig, StripRig, said

PATIENCE_S = 60.0
ALL = ("gpio", "mcp3008", "mock", "serial", "strip")
LIT = [name for name in ALL if name != "mcp3008"]
MOVED = [name for name in ALL if name != "strip"]
# The Pi's own pins stay where they are.
LOSABLE = [name for name in MOVED if name != "gpio"]


@pytest.fixture(params=ALL)
def rig(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Rig]:
    """Plugged in, not open."""
    made: Rig
    match request.param:
        case "gpio":
            made = GpioRig(request.getfixturevalue("pins"), monkeypatch)
        case "mcp3008":
            made = Mcp3008Rig(fake_spidev.install(monkeypatch))
        case "strip":
            made = StripRig(fake_strip.install(monkeypatch))
        case "mock":
            made = MockRig()
        case _:
            # The other end is a thread here, which may get no processor for a while.
            monkeypatch.setattr(serial_link, "ANSWER_S", PATIENCE_S)
            made = SerialRig(tmp_path)
    made.plug()
    yield made
    made.driver.close()
    made.end()


@pytest.fixture
def events() -> queue.SimpleQueue[Event]:
    return queue.SimpleQueue()


def taken(events: queue.SimpleQueue[Event]) -> list[Event]:
    return [events.get() for _ in range(events.qsize())]


def opened(rig: Rig, events: queue.SimpleQueue[Event]) -> list[Event]:
    """What was posted when open() returned."""
    rig.driver.open(events.put)
    return taken(events)


def moved(rig: Rig, events: queue.SimpleQueue[Event]) -> Event:
    """What a movement is told as, first."""
    rig.move()
    return events.get(timeout=PATIENCE_S)


def test_it_has_the_name_of_its_part_of_the_profile(rig: Rig) -> None:
    assert rig.driver.name == rig.name


def test_where_all_controls_stand_is_posted_when_open_returns(rig: Rig, events: queue.SimpleQueue[Event]) -> None:
    assert events.empty()
    assert sorted(map(said, opened(rig, events))) == sorted(rig.stand)


@pytest.mark.parametrize("rig", MOVED, indirect=True)
def test_what_moves_is_posted_by_its_name_in_the_profile(rig: Rig, events: queue.SimpleQueue[Event]) -> None:
    opened(rig, events)
    assert said(moved(rig, events)) == rig.moved


@pytest.mark.parametrize("rig", MOVED, indirect=True)
def test_times_are_of_the_monotonic_clock_and_in_order(rig: Rig, events: queue.SimpleQueue[Event]) -> None:
    before_s = time.monotonic()
    found = opened(rig, events)
    open_s = time.monotonic()
    found.append(moved(rig, events))
    times_s = [event.time_s for event in found]
    assert times_s == sorted(times_s)
    assert before_s <= times_s[0]
    assert times_s[-2] <= open_s <= times_s[-1] <= time.monotonic()


@pytest.mark.parametrize("rig", MOVED, indirect=True)
def test_nothing_is_posted_after_close(rig: Rig, events: queue.SimpleQueue[Event]) -> None:
    opened(rig, events)
    rig.driver.close()
    taken(events)
    rig.move()
    rig.settle()
    assert events.empty()


def test_closed_it_has_no_threads_and_may_be_closed_again(rig: Rig, events: queue.SimpleQueue[Event]) -> None:
    rig.driver.close()
    before = set(threading.enumerate())
    opened(rig, events)
    rig.driver.close()
    assert set(threading.enumerate()) == before
    rig.driver.close()


@pytest.mark.parametrize("rig", MOVED, indirect=True)
def test_closed_it_can_be_opened_again(rig: Rig, events: queue.SimpleQueue[Event]) -> None:
    for _ in range(3):
        rig.plug()
        assert sorted(map(said, opened(rig, events))) == sorted(rig.stand)
        assert said(moved(rig, events)) == rig.moved
        rig.driver.close()
        taken(events)


@pytest.mark.parametrize("rig", LIT, indirect=True)
def test_a_light_is_seen_and_only_its_changes_are_sent(rig: Rig, events: queue.SimpleQueue[Event]) -> None:
    opened(rig, events)
    rig.sent()
    for level in (1.0, 1.0, 0.0, 0.0, 1.0):
        rig.driver.show({"1": Light(level), "nobody's": Light(level)})
    assert rig.sent() == [True, False, True]


@pytest.mark.parametrize("rig", LIT, indirect=True)
def test_lights_go_out_at_close(rig: Rig, events: queue.SimpleQueue[Event]) -> None:
    opened(rig, events)
    rig.driver.show({"1": Light(1.0)})
    rig.sent()
    rig.driver.close()
    assert rig.sent() == [False]


@pytest.mark.parametrize("rig", LIT, indirect=True)
def test_a_light_is_shown_again_after_it_was_opened_again(rig: Rig, events: queue.SimpleQueue[Event]) -> None:
    for _ in range(2):
        opened(rig, events)
        rig.sent()
        rig.driver.show({"1": Light(1.0)})
        assert rig.sent() == [True]
        rig.driver.close()


@pytest.mark.parametrize("rig", LIT, indirect=True)
def test_lights_are_not_shown_while_it_is_closed(rig: Rig) -> None:
    with pytest.raises(ControlsError, match=rf"^{rig.name}: .*is not open$"):
        rig.driver.show({"1": Light(1.0)})


def test_without_its_hardware_it_says_why_in_a_line_and_opens_when_it_is_there(
    rig: Rig, events: queue.SimpleQueue[Event]
) -> None:
    rig.unplug()
    before = set(threading.enumerate())
    with pytest.raises(ControlsError) as caught:
        rig.driver.open(events.put)
    assert str(caught.value).startswith(f"{rig.name}: ")
    assert str(caught.value).isprintable()
    assert events.empty()
    assert set(threading.enumerate()) == before
    rig.driver.close()
    rig.plug()
    assert sorted(map(said, opened(rig, events))) == sorted(rig.stand)


@pytest.mark.parametrize("rig", LOSABLE, indirect=True)
def test_hardware_that_is_lost_is_one_failure_and_the_last_event(rig: Rig, events: queue.SimpleQueue[Event]) -> None:
    opened(rig, events)
    rig.lose()
    failure = events.get(timeout=PATIENCE_S)
    assert isinstance(failure, Failure)
    assert failure.driver == rig.name
    assert failure.reason.startswith(f"{rig.name}: ")
    assert failure.reason.isprintable()
    rig.driver.close()
    assert events.empty()


@pytest.mark.parametrize("rig", LOSABLE, indirect=True)
def test_hardware_that_comes_back_works_again(rig: Rig, events: queue.SimpleQueue[Event]) -> None:
    opened(rig, events)
    rig.lose()
    assert isinstance(events.get(timeout=PATIENCE_S), Failure)
    rig.driver.close()
    rig.plug()
    assert sorted(map(said, opened(rig, events))) == sorted(rig.stand)
    assert said(moved(rig, events)) == rig.moved


def test_drivers_that_are_tested_are_all_that_there_are(root: Path) -> None:
    found = {path.stem for path in (root / "board" / "nampedal" / "board" / "drivers").glob("*.py")}
    assert found - {"__init__", "spi", "driver_factory", "driver_supervisor", "serial_protocol"} == {
        "gpio",
        "mcp3008",
        "mock",
        "serial_link",
        "strip",
    }
