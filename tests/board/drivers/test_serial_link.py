"""The driver over real pseudo-terminals; a microcontroller answers at the other end."""

from __future__ import annotations

import importlib
import os
import queue
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from nampedal.board.drivers import serial_link
from nampedal.board.drivers.serial_link import SerialDriver
from nampedal.board.drivers.serial_protocol import (
    EncoderClicks,
    Hello,
    KnobPosition,
    LightLevel,
    Message,
    Started,
    SwitchEdge,
    encode,
)
from nampedal.board.errors import ControlsError
from nampedal.board.inputs.control_events import Clicks, Driver, Edge, Event, Failure, Light, Position
from support.fakes.microcontroller import Microcontroller

HELLO = Hello(1, 2, 2, 1, 2)
STATES = (SwitchEdge(0, False, 0), SwitchEdge(1, True, 0), KnobPosition(0, 0), KnobPosition(1, 65535))
PATIENCE_S = 20.0


class Bench:
    """A port's path, the driver on it, and what that posts."""

    def __init__(self, port: Path) -> None:
        self.port = port
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.plugged: list[Microcontroller] = []
        self.driver: Driver = SerialDriver(
            *("serial", str(port), 115_200), {"1": 0, "2": 1}, {"gain": 0, "tone": 1}, {"menu": 0}, {"1": 0, "red": 1}
        )

    def plug(self, *answers: Message | bytes) -> Microcontroller:
        self.plugged.append(Microcontroller(self.port, *answers))
        return self.plugged[-1]

    def open(self) -> Microcontroller:
        """With a good one at the other end, whose states are taken out of the events."""
        device = self.plug(HELLO, *STATES)
        self.driver.open(self.events.put)
        for _ in STATES:
            self.next()
        return device

    def next(self) -> Event:
        return self.events.get(timeout=PATIENCE_S)

    def refused(self, kind: type[Exception], text: str) -> None:
        with pytest.raises(kind, match=f"^{re.escape(f'serial: {self.port}: {text}')}$"):
            self.driver.open(self.events.put)
        assert self.events.empty()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "controls")
    yield made
    made.driver.close()
    for device in made.plugged:
        device.unplug()


def test_where_everything_stands_is_posted_by_open(bench: Bench) -> None:
    bench.plug(HELLO, *STATES)
    before_s = time.monotonic()
    bench.driver.open(bench.events.put)
    events = [bench.events.get_nowait() for _ in STATES]
    times_s = [event.time_s for event in events]
    assert before_s <= min(times_s) <= max(times_s) <= time.monotonic()
    assert events == [
        Edge(times_s[0], "1", False),
        Edge(times_s[1], "2", True),
        Position(times_s[2], "gain", 0.0),
        Position(times_s[3], "tone", 1.0),
    ]


def test_what_happens_is_posted_in_order(bench: Bench) -> None:
    device = bench.open()
    device.enqueue(SwitchEdge(0, True, 0), KnobPosition(1, 13107), EncoderClicks(0, -3), SwitchEdge(0, False, 0))
    one, two, three, four = (bench.next() for _ in range(4))
    assert one == Edge(one.time_s, "1", True)
    assert two == Position(two.time_s, "tone", 0.2)
    assert three == Clicks(three.time_s, "menu", -3)
    assert four == Edge(four.time_s, "1", False)


def test_an_edge_is_dated_back_by_its_age(bench: Bench) -> None:
    device = bench.open()
    device.enqueue(SwitchEdge(0, True, 2_000_000), KnobPosition(0, 9))
    edge, position = bench.next(), bench.next()
    assert position.time_s - edge.time_s == pytest.approx(2.0)
    assert position.time_s <= time.monotonic()


def test_controls_that_the_profile_does_not_name_are_nobodys_business(bench: Bench) -> None:
    device = bench.plug(Hello(1, 9, 9, 9, 9), *STATES)
    bench.driver.open(bench.events.put)
    for _ in STATES:
        bench.next()
    device.enqueue(SwitchEdge(7, True, 0), KnobPosition(8, 1), EncoderClicks(3, 1), KnobPosition(0, 65535))
    assert isinstance(bench.next(), Position)
    assert bench.events.empty()


def test_what_stays_as_it_is_is_no_news(bench: Bench) -> None:
    device = bench.open()
    device.enqueue(HELLO, *STATES, SwitchEdge(1, False, 0))
    news = bench.next()
    assert news == Edge(news.time_s, "2", False)


def test_lights_are_shown_once_and_go_out_at_the_end(bench: Bench) -> None:
    device = bench.open()
    bench.driver.show({"1": Light(1.0), "red": Light(0.5, (1.0, 0.0, 0.25)), "elsewhere": Light(1.0)})
    assert device.heard.get(timeout=PATIENCE_S) == LightLevel(0, 127, 127, 127, 127)
    assert device.heard.get(timeout=PATIENCE_S) == LightLevel(1, 64, 127, 0, 32)
    bench.driver.show({"1": Light(1.0), "red": Light(0.0, (2.0, -1.0, 0.0))})
    assert device.heard.get(timeout=PATIENCE_S) == LightLevel(1, 0, 127, 0, 0)
    bench.driver.close()
    assert device.heard.get(timeout=PATIENCE_S) == LightLevel(0, 0, 127, 127, 127)
    assert device.heard.empty()


def test_nothing_is_sent_while_nothing_moves(bench: Bench) -> None:
    device = bench.open()
    asked = device.asked
    device.enqueue(SwitchEdge(0, True, 0))
    bench.next()
    time.sleep(2.0 * serial_link.ASK_S)
    assert device.asked == asked
    assert device.heard.empty()


def test_after_a_damaged_frame_all_is_asked_for_and_a_lost_release_made_good(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    device = bench.open()
    device.answers = (HELLO, SwitchEdge(0, False, 0), SwitchEdge(1, False, 0), *STATES[2:])
    device.enqueue(SwitchEdge(0, True, 0), b"\x82\x01\x00garbage", SwitchEdge(0, False, 0))
    assert [(edge.switch, edge.down) for edge in (bench.next(), bench.next()) if isinstance(edge, Edge)] == [
        ("1", True),
        ("1", False),
    ]
    made_good = bench.next()
    assert made_good == Edge(made_good.time_s, "2", False)
    assert caplog.messages == [f"serial: {bench.port}: damaged frames came, now 1; all is asked for again"]


def test_unplugged_is_a_failure_and_plugged_in_again_it_works(bench: Bench) -> None:
    device = bench.open()
    device.unplug()
    failure = bench.next()
    gone = f"serial: {bench.port}: is gone; plug the microcontroller in again"
    assert failure == Failure(failure.time_s, "serial", gone)
    with pytest.raises(ControlsError, match=r"controls: takes nothing: .*; is it plugged in\?$"):
        bench.driver.show({"1": Light(1.0)})
    bench.driver.close()
    bench.driver.close()
    device = bench.open()
    device.enqueue(SwitchEdge(0, True, 0))
    assert isinstance(bench.next(), Edge)
    bench.driver.show({"1": Light(1.0)})
    assert device.heard.get(timeout=PATIENCE_S) == LightLevel(0, 127, 127, 127, 127)


def blink(driver: Driver, times: int) -> None:
    for n in range(times):
        driver.show({"1": Light(n % 2)})


def test_a_microcontroller_that_takes_nothing_is_said_and_keeps_nobody(bench: Bench) -> None:
    bench.open().fall_silent()
    with pytest.raises(ControlsError, match=r"controls: takes nothing: write timeout; is it plugged in\?$"):
        blink(bench.driver, 1_000_000)
    bench.driver.close()


def test_started_again_is_a_failure(bench: Bench) -> None:
    bench.open().enqueue(Started())
    failure = bench.next()
    assert isinstance(failure, Failure)
    assert failure.reason == (
        f"serial: {bench.port}: the microcontroller has started again; if nobody reset it, look at its supply"
    )


def test_started_while_it_is_asked_is_asked_again(bench: Bench) -> None:
    device = bench.plug(Started())
    asked = threading.Event()
    say: Callable[..., None] = device.enqueue

    def answer(*messages: Message | bytes) -> None:
        say(*messages)
        device.answers = (HELLO, *STATES)
        asked.set()

    device.enqueue = answer  # type: ignore[method-assign]
    bench.driver.open(bench.events.put)
    assert asked.is_set()
    assert device.asked == 2


def test_what_was_said_before_hello_is_not_posted(bench: Bench) -> None:
    bench.plug(SwitchEdge(1, False, 5), KnobPosition(0, 77), b"\xff\x00noise", HELLO, *STATES)
    bench.driver.open(bench.events.put)
    first = bench.next()
    assert first == Edge(first.time_s, "1", False)
    assert bench.events.qsize() == len(STATES) - 1


def test_closed_nothing_is_posted_and_no_thread_left(bench: Bench) -> None:
    threads = threading.active_count()
    device = bench.open()
    assert threading.active_count() == threads + 2
    bench.driver.close()
    assert threading.active_count() == threads + 1
    device.enqueue(SwitchEdge(0, True, 0))
    assert bench.events.empty()
    with pytest.raises(ControlsError, match=r"controls: is not open$"):
        bench.driver.show({"1": Light(1.0)})


def test_open_after_open_failed_and_files_are_not_left_open(bench: Bench) -> None:
    device = bench.plug()
    files = len(os.listdir("/proc/self/fd"))
    bench.refused(ControlsError, "nobody says hello within 0.5 s; is it flashed, and is TX wired to RX and RX to TX?")
    assert len(os.listdir("/proc/self/fd")) == files
    device.answers = (HELLO, *STATES)
    bench.driver.open(bench.events.put)
    bench.driver.close()
    assert len(os.listdir("/proc/self/fd")) == files


def test_what_keeps_a_port_from_being_opened_is_said(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.refused(ControlsError, "there is no such port; plug the microcontroller in")
    bench.port.write_bytes(b"")
    what = "name a serial port that the user may open (group dialout)"
    bench.refused(
        ControlsError,
        f"can't be opened at 115200 baud: could not configure port: (25, 'inappropriate ioctl for device'); {what}",
    )
    monkeypatch.setattr(importlib, "import_module", missing)
    bench.refused(ControlsError, "pyserial is missing; run pip install 'nampedal[pedal]'")


def missing(name: str) -> None:
    raise ModuleNotFoundError(name)


def test_a_port_that_another_has_is_left_to_it(bench: Bench) -> None:
    bench.open()
    other = Bench(bench.port)
    other.refused(ControlsError, "another program has it; end that")


def test_another_version_is_said(bench: Bench) -> None:
    bench.plug(Hello(2, 2, 2, 1, 2), *STATES)
    bench.refused(
        ControlsError,
        "speaks version 2 of the protocol; 1 is needed: flash this release's board/serial-controls",
    )


@pytest.mark.parametrize(
    ("hello", "text"),
    [
        (Hello(1, 1, 2, 1, 2), "there is no switch 1 for '2'; it has 1, counted from 0"),
        (Hello(1, 2, 1, 1, 2), "there is no knob 1 for 'tone'; it has 1, counted from 0"),
        (Hello(1, 2, 2, 0, 2), "there is no encoder 0 for 'menu'; it has 0, counted from 0"),
        (Hello(1, 2, 2, 1, 0), "there is no light 0 for '1'; it has 0, counted from 0"),
    ],
)
def test_a_control_that_is_not_there_is_said(bench: Bench, hello: Hello, text: str) -> None:
    bench.plug(hello, *STATES)
    bench.refused(ControlsError, f"{text}: correct the pedal's profile, or the sketch")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (
            b"login: \xff\x80\xc2",
            "what comes is damaged, without a hello within 0.5 s; is it 115200 baud at both ends?",
        ),
        (
            b"".join(encode(message) for message in (HELLO, *STATES[:3])),
            "says hello, but within 0.5 s not where knob 'tone' stands; flash it again",
        ),
    ],
)
def test_answers_that_are_none_are_told_apart(bench: Bench, answer: bytes, text: str) -> None:
    bench.plug(answer)
    bench.refused(ControlsError, text)
