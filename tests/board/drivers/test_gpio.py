"""The driver on the real rpi-lgpio; only lgpio below it is substituted."""

from __future__ import annotations

import errno
import queue
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from nampedal.board.drivers.gpio import GpioDriver
from nampedal.board.errors import ControlsError
from nampedal.board.inputs.control_events import Clicks, Edge, Event, Light
from support.fakes.fake_lgpio import PULL_UP, Pins

SWITCHES = {"1": 17, "2": 2}
LIGHTS = {"1": 22, "red": 23}
MENU = (5, 6)
# Both open, then a closes before b, and both open again: one click clockwise.
CLOCKWISE = ((5, 0), (6, 0), (5, 1), (6, 1))


@pytest.fixture
def events() -> queue.SimpleQueue[Event]:
    return queue.SimpleQueue()


@pytest.fixture
def driver(pins: Pins, events: queue.SimpleQueue[Event]) -> Iterator[GpioDriver]:
    """Open, and what it tells at once is taken."""
    made = GpioDriver(SWITCHES, LIGHTS, {"menu": MENU})
    made.open(events.put)
    taken(events)
    yield made
    made.close()


def taken(events: queue.SimpleQueue[Event]) -> list[Event]:
    return [events.get() for _ in range(events.qsize())]


def test_switches_and_encoders_are_pulled_up_and_lamps_dark(driver: GpioDriver, pins: Pins) -> None:
    assert {pin for pin, line in enumerate(pins.lines) if line.pull & PULL_UP} == {17, 2, 5, 6}
    assert [pins.lines[pin].shines for pin in LIGHTS.values()] == [0.0, 0.0]
    assert pins.claimed == {17, 2, 5, 6, 22, 23}


def test_a_switch_that_is_down_at_open_is_posted_as_down(pins: Pins, events: queue.SimpleQueue[Event]) -> None:
    pins.pull(2, 0)
    driver = GpioDriver(SWITCHES, {}, {})
    driver.open(events.put)
    found = {event.switch: event.down for event in taken(events) if isinstance(event, Edge)}
    driver.close()
    assert found == {"1": False, "2": True}


def test_down_is_low_and_every_edge_is_posted(driver: GpioDriver, pins: Pins, events: queue.SimpleQueue[Event]) -> None:
    for level in (0, 1, 0):
        pins.pull(17, level)
        pins.settle()
    found = [(event.switch, event.down) for event in taken(events) if isinstance(event, Edge)]
    assert found == [("1", True), ("1", False), ("1", True)]


@pytest.mark.parametrize(("moves", "clicks"), [(CLOCKWISE, 1), (((6, 0), (5, 0), (6, 1), (5, 1)), -1)])
def test_a_click_is_posted_when_its_detent_is_reached_and_not_before(
    driver: GpioDriver,
    pins: Pins,
    events: queue.SimpleQueue[Event],
    moves: tuple[tuple[int, int], ...],
    clicks: int,
) -> None:
    for pin, level in moves[:-1]:
        pins.pull(pin, level)
        pins.settle()
    assert events.empty()
    pins.pull(*moves[-1])
    pins.settle()
    (event,) = taken(events)
    assert event == Clicks(event.time_s, "menu", clicks)


def test_a_lamp_shines_as_asked_for_from_any_level_to_any_other(driver: GpioDriver, pins: Pins) -> None:
    levels = [0.0, 0.25, 0.5, 1.0]
    for before in levels:
        for level in levels:
            driver.show({"1": Light(before)})
            driver.show({"1": Light(level)})
            assert pins.lines[22].shines == level
    assert pins.lines[23].shines == 0.0


def test_a_lamp_that_is_on_or_off_has_no_clock(driver: GpioDriver, pins: Pins) -> None:
    driver.show({"1": Light(0.5)})
    assert pins.lines[22].duty == 0.5
    driver.show({"1": Light(1.0)})
    assert pins.lines[22].duty is None


def test_closed_no_pin_is_claimed_though_a_lamp_was_dimmed(driver: GpioDriver, pins: Pins) -> None:
    driver.show({"1": Light(0.25), "red": Light(0.75)})
    driver.close()
    assert pins.claimed == set()


def test_an_edge_that_comes_while_it_is_closed_is_not_posted_later(
    driver: GpioDriver, pins: Pins, events: queue.SimpleQueue[Event], capsys: pytest.CaptureFixture[str]
) -> None:
    posting, closing = threading.Event(), threading.Event()

    def slow(event: Event) -> None:
        posting.set()
        closing.wait()
        events.put(event)

    driver.close()
    closing.set()
    driver.open(slow)
    taken(events)
    posting.clear()
    closing.clear()
    pins.pull(17, 0)
    posting.wait()
    pins.pull(2, 0)
    closer = threading.Thread(target=driver.close)
    closer.start()
    closing.set()
    closer.join()
    posted = events.qsize()
    pins.settle()
    assert events.qsize() == posted
    assert capsys.readouterr().err == ""


def test_a_pin_that_another_uses_is_said_and_the_rest_let_go(pins: Pins, events: queue.SimpleQueue[Event]) -> None:
    pins.lines[5].taken = True
    driver = GpioDriver(SWITCHES, LIGHTS, {"menu": MENU})
    with pytest.raises(ControlsError) as caught:
        driver.open(events.put)
    assert str(caught.value) == (
        "gpio: a pin can't be used: GPIO busy; end what else uses it, and add whoever runs nampedal to the group gpio"
    )
    assert pins.claimed == set()
    pins.lines[5].taken = False
    driver.open(events.put)
    driver.close()


def test_pins_that_may_not_be_used_are_said(pins: Pins, events: queue.SimpleQueue[Event]) -> None:
    pins.gone = True
    with pytest.raises(ControlsError, match=r"^gpio: a pin can't be used: can not open gpiochip; "):
        GpioDriver(SWITCHES, {}, {}).open(events.put)


@pytest.mark.parametrize("missing", ["lgpio", "RPi.GPIO"])
def test_without_the_library_it_says_what_to_install(
    pins: Pins, events: queue.SimpleQueue[Event], monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ControlsError) as caught:
        GpioDriver(SWITCHES, {}, {}).open(events.put)
    assert str(caught.value) == (
        f"gpio: the pins can't be reached: import of {missing} halted; None in sys.modules; install rpi-lgpio, on a "
        "Raspberry Pi, and start in a folder that can be written to"
    )


def test_a_folder_that_lgpio_can_not_make_its_pipe_in_is_said(
    pins: Pins, events: queue.SimpleQueue[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str) -> None:
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", ".lgd-nfy-3")

    monkeypatch.setattr("nampedal.board.drivers.gpio.import_module", refuse)
    with pytest.raises(ControlsError) as caught:
        GpioDriver(SWITCHES, {}, {}).open(events.put)
    assert str(caught.value) == (
        "gpio: the pins can't be reached: [Errno 2] No such file or directory: '.lgd-nfy-3'; install rpi-lgpio, on a "
        "Raspberry Pi, and start in a folder that can be written to"
    )


def test_elsewhere_than_on_a_raspberry_pi_it_says_so(
    pins: Pins, events: queue.SimpleQueue[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RPI_LGPIO_REVISION")
    with pytest.raises(ControlsError, match=r"reached: This module can only be run on a Raspberry Pi!; install "):
        GpioDriver(SWITCHES, {}, {}).open(events.put)


def test_lights_are_not_shown_before_open(pins: Pins) -> None:
    with pytest.raises(ControlsError, match=r"^gpio: is not open$"):
        GpioDriver({}, LIGHTS, {}).show({"1": Light(1.0)})


def test_a_light_that_can_not_be_set_is_said(driver: GpioDriver, pins: Pins) -> None:
    pins.gpio_free(0, 22)
    with pytest.raises(ControlsError) as caught:
        driver.show({"1": Light(1.0)})
    assert str(caught.value) == (
        "gpio: light '1' can't be set: The GPIO channel has not been set up as an OUTPUT; open it again"
    )


def test_times_are_of_the_monotonic_clock(driver: GpioDriver, pins: Pins, events: queue.SimpleQueue[Event]) -> None:
    before_s = time.monotonic()
    pins.pull(17, 0)
    pins.settle()
    (event,) = taken(events)
    assert before_s <= event.time_s <= time.monotonic()
