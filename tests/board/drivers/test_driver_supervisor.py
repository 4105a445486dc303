from __future__ import annotations

import logging
import select
import threading
from collections.abc import Iterator, Mapping

import pytest
from nampedal.board.drivers.driver_supervisor import MAX_RETRY_S, RETRY_S, STABLE_S, DriverSupervisor, Waker
from nampedal.board.errors import ControlsError
from nampedal.board.inputs.control_events import Edge, Event, Failure, Light, Post

PATIENCE_S = 60.0
LIGHTS = {"1": Light(1.0), "2": Light(0.0)}


class Clock:
    """In place of the module time."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s


class Hardware:
    """A driver that does as it is told, and notes what is asked of it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.trouble: str | None = None
        self.fault: Exception | None = None
        self.light_trouble: str | None = None
        self.may_open = threading.Event()
        self.may_open.set()
        self.posted, self.may_end = threading.Event(), threading.Event()
        self.may_end.set()
        self.asked: list[str] = []
        self.shown: list[dict[str, Light]] = []
        self.at_open: list[Event] = []
        self.post: Post

    def open(self, post: Post) -> None:
        self.may_open.wait()
        self.asked.append("open")
        if self.fault is not None:
            raise self.fault
        if self.trouble is not None:
            raise ControlsError(self.trouble)
        self.post = post
        for event in self.at_open:
            post(event)
        self.posted.set()
        self.may_end.wait()

    def show(self, lights: Mapping[str, Light]) -> None:
        if self.light_trouble is not None:
            raise ControlsError(self.light_trouble)
        self.shown.append(dict(lights))

    def close(self) -> None:
        self.asked.append("close")


class Bench:
    def __init__(self, clock: Clock, *names: str) -> None:
        self.clock = clock
        self.drivers = [Hardware(name) for name in names]
        self.panel = DriverSupervisor(self.drivers)

    def awake(self) -> bool:
        return bool(select.select([self.panel], [], [], 0.0)[0])

    def next(self) -> list[Event]:
        """After the panel has woken its thread."""
        assert select.select([self.panel], [], [], PATIENCE_S)[0]
        return self.panel.tick()

    def open(self) -> None:
        """All drivers' openers start, and end, one way or another."""
        self.panel.tick()
        for thread in threading.enumerate():
            if thread.name == "open":
                thread.join()
        self.panel.tick()

    def pass_s(self, seconds: float) -> None:
        self.clock.now_s += seconds
        self.open()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("nampedal.board.drivers.driver_supervisor.time", made)
    return made


@pytest.fixture
def bench(clock: Clock) -> Iterator[Bench]:
    made = Bench(clock, "gpio", "serial")
    yield made
    for driver in made.drivers:
        driver.may_open.set()
        driver.may_end.set()
    made.panel.close()


def test_a_waker_can_be_read_from_wake_to_rest_however_often_it_was_woken() -> None:
    waker = Waker()
    assert not select.select([waker], [], [], 0.0)[0]
    for _ in range(100_000):
        waker.wake()
    assert select.select([waker], [], [], 0.0)[0]
    waker.rest()
    assert not select.select([waker], [], [], 0.0)[0]
    waker.close()


def test_a_driver_that_takes_long_to_open_keeps_nobody_waiting(bench: Bench) -> None:
    slow, quick = bench.drivers
    slow.may_open.clear()
    bench.panel.tick()
    while not quick.shown:
        bench.panel.show(LIGHTS)
        bench.next()
    quick.post(Edge(1.0, "1", True))
    assert bench.next() == [Edge(1.0, "1", True)]
    assert (slow.asked, slow.shown) == ([], [])
    slow.may_open.set()
    bench.next()
    assert slow.shown == [LIGHTS]


def test_no_driver_is_opened_twice(bench: Bench) -> None:
    for _ in range(3):
        bench.open()
    assert [driver.asked for driver in bench.drivers] == [["open"], ["open"]]


def test_the_panel_can_be_read_while_there_are_events_and_not_else(bench: Bench) -> None:
    bench.open()
    assert not bench.awake()
    bench.drivers[0].post(Edge(1.0, "1", True))
    bench.drivers[1].post(Edge(2.0, "2", True))
    assert bench.awake()
    assert bench.panel.tick() == [Edge(1.0, "1", True), Edge(2.0, "2", True)]
    assert not bench.awake()
    assert bench.panel.tick() == []


def test_what_open_posts_is_there_when_it_is_open(bench: Bench) -> None:
    bench.drivers[0].at_open = [Edge(1.0, "1", False)]
    bench.panel.tick()
    found: list[Event] = []
    while not found:
        found = bench.next()
    assert found == [Edge(1.0, "1", False)]


def test_only_lights_that_change_are_shown(bench: Bench) -> None:
    bench.open()
    for lights in (LIGHTS, LIGHTS, LIGHTS | {"2": Light(0.5)}):
        bench.panel.show(lights)
    assert bench.drivers[0].shown == [LIGHTS, {"2": Light(0.5)}]


def test_a_driver_that_does_not_open_is_told_of_once_and_tried_after_growing_pauses(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    broken, other = bench.drivers
    broken.trouble = "gpio: a pin can't be used"
    bench.open()
    assert bench.panel.failures == {"gpio": "gpio: a pin can't be used"}
    pause_s, tried = RETRY_S, 1
    for _ in range(7):
        bench.pass_s(0.9 * pause_s)
        assert broken.asked.count("open") == tried
        bench.pass_s(0.2 * pause_s)
        tried += 1
        assert broken.asked.count("open") == tried
        pause_s = min(2.0 * pause_s, MAX_RETRY_S)
    assert pause_s == MAX_RETRY_S
    assert caplog.messages == ["gpio: a pin can't be used"]
    assert other.asked == ["open"]


def test_other_trouble_is_news(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    for trouble in ("gpio: one", "gpio: one", "gpio: another"):
        bench.drivers[0].trouble = trouble
        bench.pass_s(MAX_RETRY_S)
    assert caplog.messages == ["gpio: one", "gpio: another"]


def test_a_driver_that_works_again_is_told_of_and_shows_all_lights(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    driver = bench.drivers[0]
    bench.open()
    assert caplog.messages == []
    bench.panel.show(LIGHTS)
    driver.post(Failure(bench.clock.now_s, "gpio", "gpio: is gone"))
    assert bench.panel.tick() == []
    assert driver.asked == ["open", "close"]
    assert bench.panel.failures == {"gpio": "gpio: is gone"}
    bench.pass_s(RETRY_S)
    assert driver.shown == [LIGHTS, LIGHTS]
    assert bench.drivers[1].shown == [LIGHTS]
    assert bench.panel.failures == {}
    assert caplog.messages == ["gpio: is gone", "gpio works again"]


def test_the_pauses_of_a_driver_that_worked_again_are_short_again(bench: Bench) -> None:
    driver = bench.drivers[0]
    driver.trouble = "gpio: one"
    for _ in range(5):
        bench.pass_s(MAX_RETRY_S)
    driver.trouble = None
    bench.pass_s(MAX_RETRY_S)
    for works_s, pause_s in ((0.0, MAX_RETRY_S), (STABLE_S, RETRY_S)):
        bench.pass_s(works_s)
        driver.post(Failure(bench.clock.now_s, "gpio", "gpio: is gone"))
        tried = driver.asked.count("open")
        bench.open()
        bench.pass_s(0.9 * pause_s)
        assert driver.asked.count("open") == tried
        bench.pass_s(0.1 * pause_s + 0.01)
        assert driver.asked.count("open") == tried + 1


def test_a_foot_on_a_driver_that_fails_is_off_it(bench: Bench) -> None:
    bench.open()
    driver, other = bench.drivers
    for hardware, switch in ((driver, "1"), (driver, "2"), (other, "3")):
        hardware.post(Edge(100.0, switch, True))
    driver.post(Edge(100.1, "2", False))
    bench.panel.tick()
    driver.post(Failure(100.2, "gpio", "gpio: is gone"))
    assert bench.next() == [Edge(100.2, "1", False)]
    bench.pass_s(RETRY_S)
    other.post(Edge(101.0, "3", False))
    assert bench.next() == [Edge(101.0, "3", False)]


def test_a_driver_that_fails_before_its_opener_has_ended_is_tried_again(bench: Bench) -> None:
    driver = bench.drivers[0]
    driver.at_open = [Failure(bench.clock.now_s, "gpio", "gpio: is gone")]
    driver.may_end.clear()
    while bench.drivers[1].shown == []:
        bench.panel.show(LIGHTS)
        bench.panel.tick()
    assert driver.posted.wait(PATIENCE_S)
    bench.panel.tick()
    assert bench.panel.failures == {}
    driver.may_end.set()
    bench.open()
    assert bench.panel.failures == {"gpio": "gpio: is gone"}
    driver.at_open = []
    bench.pass_s(RETRY_S)
    assert bench.panel.failures == {}


def test_a_failure_of_before_is_none_of_what_is_opened_now(bench: Bench) -> None:
    driver = bench.drivers[0]
    bench.open()
    driver.light_trouble = "gpio: takes nothing"
    driver.post(Failure(bench.clock.now_s, "gpio", "gpio: is gone"))
    bench.panel.show(LIGHTS)
    driver.light_trouble = None
    bench.pass_s(MAX_RETRY_S)
    assert bench.panel.failures == {}


def test_a_driver_whose_lights_fail_is_opened_again(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    driver, other = bench.drivers
    bench.open()
    driver.light_trouble = "gpio: takes nothing"
    bench.panel.show(LIGHTS)
    assert other.shown == [LIGHTS]
    assert bench.panel.failures == {"gpio": "gpio: takes nothing"}
    driver.light_trouble = None
    bench.pass_s(RETRY_S)
    assert driver.asked == ["open", "close", "open"]
    assert driver.shown == [LIGHTS]
    assert caplog.messages == ["gpio: takes nothing"]


def test_close_waits_for_what_opens_and_closes_all(clock: Clock) -> None:
    bench = Bench(clock, "gpio", "serial")
    for driver in bench.drivers:
        driver.may_open.clear()
    bench.panel.tick()
    closer = threading.Thread(target=bench.panel.close)
    closer.start()
    assert [driver.asked for driver in bench.drivers] == [[], []]
    for driver in bench.drivers:
        driver.may_open.set()
    closer.join()
    assert [driver.asked for driver in bench.drivers] == [["open", "close"], ["open", "close"]]
    assert not [thread for thread in threading.enumerate() if thread.name == "open"]


@pytest.mark.parametrize("fault", [ValueError("odd\nhardware"), MemoryError(), KeyError("x"), ImportError("no module")])
def test_a_driver_that_fails_as_nobody_has_thought_of_is_told_of_and_opened_again(
    bench: Bench, fault: Exception
) -> None:
    bad, good = bench.drivers
    bad.fault = fault
    bench.open()
    trouble = bench.panel.failures["gpio"]
    assert trouble.startswith(f"gpio: can't be opened: {type(fault).__name__}")
    assert "\n" not in trouble
    assert good.posted.is_set()
    bad.fault = None
    bench.pass_s(RETRY_S)
    assert bench.panel.failures == {}
    assert bad.posted.is_set()


def test_a_driver_that_can_not_be_closed_keeps_no_other_from_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = bench.drivers
    bench.open()

    def fail() -> None:
        raise OSError("stuck")

    with monkeypatch.context() as patch:
        patch.setattr(bad, "close", fail)
        bench.panel.close()
    assert good.asked == ["open", "close"]
    monkeypatch.setattr(bench.panel, "close", lambda: None)
