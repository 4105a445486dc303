"""The driver on a pseudo-terminal."""

from __future__ import annotations

import os
import queue
import select
import termios
from collections.abc import Iterator

import pytest
from nampedal.board.drivers.mock import MockDriver
from nampedal.board.errors import ControlsError
from nampedal.board.inputs.control_events import Edge, Event, Failure, Light, Position

PATIENCE_S = 60.0


class Terminal:
    """Keys are typed at the master's end."""

    def __init__(self) -> None:
        self.master, self.slave = os.openpty()
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.driver = MockDriver(["1", "2", "3"], ["gain", "tone"], ["1", "2"], self.slave, self.slave)
        self.before = termios.tcgetattr(self.slave)

    def open(self) -> None:
        """And what is told at once is taken."""
        self.driver.open(self.events.put)
        while not self.events.empty():
            self.events.get()

    def type(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def next(self, count: int) -> list[Event]:
        return [self.events.get(timeout=PATIENCE_S) for _ in range(count)]

    def written(self) -> str:
        assert select.select([self.master], [], [], PATIENCE_S)[0]
        return os.read(self.master, 1000).decode()

    def hang_up(self) -> None:
        if self.master >= 0:
            os.close(self.master)
            self.master = -1

    def close(self) -> None:
        self.driver.close()
        self.hang_up()
        os.close(self.slave)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    made.close()


def edges(events: list[Event]) -> list[tuple[str, bool]]:
    return [(event.switch, event.down) for event in events if isinstance(event, Edge)]


def positions(events: list[Event]) -> list[tuple[str, float]]:
    return [(event.knob, event.value) for event in events if isinstance(event, Position)]


def test_all_switches_are_up_and_knobs_in_the_middle_at_open(terminal: Terminal) -> None:
    terminal.driver.open(terminal.events.put)
    found = terminal.next(5)
    assert edges(found) == [("1", False), ("2", False), ("3", False)]
    assert positions(found) == [("gain", 0.5), ("tone", 0.5)]


def test_a_digit_taps_and_others_do_nothing(terminal: Terminal) -> None:
    terminal.open()
    terminal.type("x92é\n3")
    assert edges(terminal.next(4)) == [("2", True), ("2", False), ("3", True), ("3", False)]
    assert terminal.events.empty()


def test_a_digit_with_shift_holds_until_the_same_again(terminal: Terminal) -> None:
    terminal.open()
    terminal.type("!@")
    assert edges(terminal.next(2)) == [("1", True), ("2", True)]
    terminal.type("!")
    assert edges(terminal.next(1)) == [("1", False)]


def test_what_is_held_is_held_after_it_is_opened_again_and_a_tap_lets_it_go(terminal: Terminal) -> None:
    terminal.open()
    terminal.type("!")
    terminal.next(1)
    terminal.driver.close()
    terminal.driver.open(terminal.events.put)
    assert edges(terminal.next(5)) == [("1", True), ("2", False), ("3", False)]
    terminal.type("1!")
    assert edges(terminal.next(3)) == [("1", True), ("1", False), ("1", True)]


def test_plus_and_minus_turn_the_first_knob_and_brackets_the_second(terminal: Terminal) -> None:
    terminal.open()
    terminal.type("+-][[")
    assert positions(terminal.next(5)) == [
        ("gain", 0.55), ("gain", 0.5), ("tone", 0.55), ("tone", 0.5), ("tone", 0.45),
    ]  # fmt: skip


@pytest.mark.parametrize(("key", "end"), [("+", 1.0), ("-", 0.0)])
def test_a_knob_reaches_both_ends_and_stays_there(terminal: Terminal, key: str, end: float) -> None:
    terminal.open()
    terminal.type(key * 12)
    assert positions(terminal.next(12))[-3:] == [("gain", end)] * 3


def test_lights_are_a_line_and_only_another_line_is_written(terminal: Terminal) -> None:
    terminal.open()
    terminal.driver.show({"1": Light(1.0), "elsewhere": Light(1.0)})
    assert terminal.written() == "\r1●  2○ \r"
    terminal.driver.show({"1": Light(0.9)})
    terminal.driver.show({"2": Light(0.6)})
    assert terminal.written() == "\r1●  2● \r"
    terminal.driver.close()
    assert terminal.written() == "\r1○  2○ \r"


def test_the_terminal_is_as_it_was_after_close(terminal: Terminal) -> None:
    terminal.open()
    assert termios.tcgetattr(terminal.slave) != terminal.before
    terminal.driver.close()
    assert termios.tcgetattr(terminal.slave) == terminal.before


def test_a_terminal_that_is_gone_is_a_failure(terminal: Terminal) -> None:
    terminal.open()
    terminal.hang_up()
    (event,) = terminal.next(1)
    assert event == Failure(event.time_s, "mock", "mock: the terminal is gone; start it in another")
    with pytest.raises(ControlsError, match=r"^mock: the terminal is gone; start it in another$"):
        terminal.driver.show({"1": Light(1.0)})
    terminal.driver.close()
    with pytest.raises(ControlsError):
        terminal.driver.open(terminal.events.put)


def test_without_a_terminal_it_says_so(terminal: Terminal) -> None:
    reader, writer = os.pipe()
    driver = MockDriver(["1"], [], [], reader, writer)
    with pytest.raises(ControlsError) as caught:
        driver.open(terminal.events.put)
    assert str(caught.value) == ("mock: there is no terminal whose keys could be footswitches; start it in one")
    os.close(reader)
    os.close(writer)


def test_lights_are_not_shown_before_open(terminal: Terminal) -> None:
    with pytest.raises(ControlsError, match=r"^mock: is not open$"):
        terminal.driver.show({"1": Light(1.0)})
