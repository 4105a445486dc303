from __future__ import annotations

import errno
import queue
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nampedal.board.drivers.mcp3008 import (
    FULL_SCALE,
    HOLD_S,
    MOVE_S,
    REST_S,
    AdcInput,
    Mcp3008Driver,
    decode_answer,
    request,
)
from nampedal.board.errors import ControlsError
from nampedal.board.inputs.control_events import Driver, Event, Failure, Light, Position
from support.fakes import fake_spidev
from support.fakes.fake_spidev import PATIENCE_S, Chip

KNOBS = {"drive": 0, "volume": 3}


@pytest.fixture
def chip(monkeypatch: pytest.MonkeyPatch) -> Chip:
    return fake_spidev.install(monkeypatch)


@pytest.fixture
def driver(chip: Chip) -> Iterator[Mcp3008Driver]:
    found = Mcp3008Driver("mcp3008", 0, 1, KNOBS)
    yield found
    found.close()


@pytest.fixture
def events() -> queue.SimpleQueue[Event]:
    return queue.SimpleQueue()


def opened(driver: Mcp3008Driver, events: queue.SimpleQueue[Event]) -> None:
    """And what it tells at once is taken."""
    driver.open(events.put)
    while not events.empty():
        events.get()


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


@given(st.integers(0, 7), st.integers(0, 1023), st.integers(0, 255), st.integers(0, 31))
def test_ten_bits_come_back_behind_a_null_bit_whatever_stands_before_it(
    channel: int, value: int, before: int, undriven: int
) -> None:
    assert request(channel) == [1, 0x80 + 16 * channel, 0]
    assert decode_answer([before, undriven << 3 | value >> 8, value & 255]) == value
    assert decode_answer([before, undriven << 3 | 4 | value >> 8, value & 255]) is None


def test_it_is_a_driver_with_its_name_and_no_lights(driver: Mcp3008Driver, events: queue.SimpleQueue[Event]) -> None:
    one: Driver = driver
    assert one.name == "mcp3008"
    one.open(events.put)
    one.show({"1": Light(1.0)})


def test_where_all_knobs_stand_is_posted_before_open_returns(
    chip: Chip, driver: Mcp3008Driver, events: queue.SimpleQueue[Event]
) -> None:
    before_s = time.monotonic()
    driver.open(events.put)
    found = [events.get_nowait(), events.get_nowait()]
    assert [(event.knob, event.value) for event in found if isinstance(event, Position)] == [
        ("drive", 100 / 1023),
        ("volume", 400 / 1023),
    ]
    assert before_s <= found[0].time_s <= found[1].time_s <= time.monotonic()
    assert chip.opened == [(0, 1)]


def test_a_knob_that_moves_is_posted_and_the_other_is_not(
    chip: Chip, driver: Mcp3008Driver, events: queue.SimpleQueue[Event]
) -> None:
    opened(driver, events)
    chip.codes[3] = 410
    event = events.get(timeout=PATIENCE_S)
    assert isinstance(event, Position)
    assert (event.knob, event.value) == ("volume", 410 / 1023)
    chip.wait_for_reads(0)
    assert events.empty()


def test_a_flip_to_the_next_code_is_not_posted(
    chip: Chip, driver: Mcp3008Driver, events: queue.SimpleQueue[Event]
) -> None:
    opened(driver, events)
    for read in (401, 399, 400):
        chip.codes[3] = read
        chip.wait_for_reads(3)
    assert events.empty()


@pytest.mark.parametrize("end", [0, FULL_SCALE])
def test_both_ends_are_posted(chip: Chip, driver: Mcp3008Driver, events: queue.SimpleQueue[Event], end: int) -> None:
    opened(driver, events)
    chip.codes[3] = abs(end - 1)
    assert events.get(timeout=PATIENCE_S) is not None
    chip.codes[3] = end
    event = events.get(timeout=PATIENCE_S)
    assert isinstance(event, Position)
    assert event.value == float(end == FULL_SCALE)


def test_only_what_is_wired_is_asked_while_somebody_plays(
    chip: Chip, driver: Mcp3008Driver, events: queue.SimpleQueue[Event]
) -> None:
    opened(driver, events)
    before = list(chip.reads)
    chip.wait_for_reads(0, 5)
    asked = {channel for channel in range(8) if chip.reads[channel] != before[channel]}
    assert asked <= set(KNOBS.values())


def test_what_rests_is_asked_seldom_and_what_moves_often_until_it_has_rested() -> None:
    one, now_s = AdcInput("drive", 0), 100.0
    assert one.update(now_s, 500)
    assert one.due_s == now_s + REST_S
    now_s = one.due_s
    assert not one.update(now_s, 501)
    assert one.due_s == now_s + REST_S
    moved_s = one.due_s
    assert one.update(moved_s, 502)
    assert one.due_s == moved_s + MOVE_S
    reads = 0
    while one.due_s < moved_s + HOLD_S + MOVE_S:
        assert not one.update(one.due_s, 502)
        reads += 1
    assert reads == pytest.approx(HOLD_S / MOVE_S, abs=1)
    now_s = one.due_s
    assert not one.update(now_s, 502)
    assert one.due_s == now_s + REST_S


@pytest.mark.parametrize("hertz", [50.0, 60.0, 100.0, 120.0])
@pytest.mark.parametrize("pace_s", [REST_S, MOVE_S])
def test_hum_turns_far_enough_from_one_reading_to_the_next_to_be_seen(hertz: float, pace_s: float) -> None:
    turns = hertz * pace_s
    assert abs(turns - round(turns)) > 0.1
    assert abs(2.0 * turns - round(2.0 * turns)) > 0.1


@given(st.lists(st.integers(0, FULL_SCALE), min_size=1))
def test_what_was_told_is_never_further_from_what_was_read_than_jitter(reads: list[int]) -> None:
    one, told = AdcInput("drive", 0), -1
    for at, read in enumerate(reads):
        if one.update(float(at), read):
            assert read != told
            told = read
        assert abs(told - read) <= 1
        assert read not in (0, FULL_SCALE) or told == read


def test_nothing_is_posted_or_read_after_close_and_it_may_be_closed_twice(
    chip: Chip, driver: Mcp3008Driver, events: queue.SimpleQueue[Event]
) -> None:
    driver.close()
    opened(driver, events)
    assert "mcp3008" in threads()
    driver.close()
    assert "mcp3008" not in threads()
    assert not chip.is_open
    chip.codes[3] = 900
    driver.close()
    assert events.empty()


def test_it_may_be_opened_again(chip: Chip, driver: Mcp3008Driver, events: queue.SimpleQueue[Event]) -> None:
    opened(driver, events)
    driver.close()
    chip.codes[3] = 900
    driver.open(events.put)
    found = [events.get_nowait(), events.get_nowait()]
    assert [event.value for event in found if isinstance(event, Position)] == [100 / 1023, 900 / 1023]
    chip.codes[0] = 50
    assert events.get(timeout=PATIENCE_S) is not None


@pytest.mark.parametrize(
    ("knobs", "text"),
    [
        ({"drive": 8}, "mcp3008: knobs are on channels {'drive': 8}; at least one on 0 to 7 is needed"),
        ({"drive": -1, "mid": 1}, "mcp3008: knobs are on channels {'drive': -1}; at least one on 0 to 7 is needed"),
        ({}, "mcp3008: knobs are on channels none; at least one on 0 to 7 is needed"),
    ],
)
def test_channels_that_it_does_not_have_are_refused(knobs: dict[str, int], text: str) -> None:
    with pytest.raises(ControlsError) as caught:
        Mcp3008Driver("mcp3008", 0, 0, knobs)
    assert str(caught.value) == text


@pytest.mark.parametrize("hertz", [9_999, 1_350_001])
def test_a_clock_that_it_does_not_take_is_refused(hertz: int) -> None:
    with pytest.raises(ControlsError) as caught:
        Mcp3008Driver("mcp3008", 0, 0, KNOBS, hertz)
    assert str(caught.value) == f"mcp3008: its clock is {hertz} Hz; 10000 to 1350000 is allowed"


def test_without_spidev_it_says_what_to_install(
    driver: Mcp3008Driver, events: queue.SimpleQueue[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "spidev", None)
    with pytest.raises(ControlsError) as caught:
        driver.open(events.put)
    assert str(caught.value) == "mcp3008: the Python package spidev is needed: pip install spidev"


@pytest.mark.parametrize(
    ("number", "kind", "text"),
    [
        (
            errno.ENOENT,
            ControlsError,
            "mcp3008: /dev/spidev0.1 is not there: SPI is off, or has another number: add dtparam=spi=on to "
            "/boot/firmware/config.txt and restart",
        ),
        (
            errno.EACCES,
            ControlsError,
            "mcp3008: /dev/spidev0.1 may not be used: add whoever runs nampedal to the group spi",
        ),
        (
            errno.EBUSY,
            ControlsError,
            "mcp3008: /dev/spidev0.1 fails: device or resource busy: check its wiring, and that nothing else uses it",
        ),
    ],
)
def test_a_device_that_does_not_open_says_why(
    chip: Chip, driver: Mcp3008Driver, events: queue.SimpleQueue[Event], number: int, kind: type[Exception], text: str
) -> None:
    chip.refusal = OSError(number, {errno.EBUSY: "Device or resource busy"}.get(number, "no"))
    with pytest.raises(kind) as caught:
        driver.open(events.put)
    assert str(caught.value) == text
    assert events.empty()


def test_a_device_that_takes_no_clock_is_closed_again(
    chip: Chip, driver: Mcp3008Driver, events: queue.SimpleQueue[Event]
) -> None:
    chip.set_up_refusal = OSError(errno.EINVAL, "Invalid argument")
    with pytest.raises(ControlsError, match=r"^mcp3008: /dev/spidev0\.1 fails: invalid argument: "):
        driver.open(events.put)
    assert not chip.is_open


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (
            0xFF,
            "mcp3008: no MCP3008 answers on /dev/spidev0.1: where a 0 has to come, a 1 does: check its wiring and its "
            "power",
        ),
        (
            0x00,
            "mcp3008: only zeros come from /dev/spidev0.1: there is no MCP3008, or all its inputs are at 0: check its "
            "wiring and its power, and tie an input that is not used to 3.3 V",
        ),
    ],
)
def test_a_line_that_nobody_drives_is_no_converter(
    chip: Chip, driver: Mcp3008Driver, events: queue.SimpleQueue[Event], line: int, text: str
) -> None:
    chip.line = line
    with pytest.raises(ControlsError) as caught:
        driver.open(events.put)
    assert str(caught.value) == text
    assert events.empty()
    assert not chip.is_open


def test_knobs_that_are_all_down_are_positions_if_another_input_is_not(
    chip: Chip, driver: Mcp3008Driver, events: queue.SimpleQueue[Event]
) -> None:
    chip.codes = [0] * 7 + [1023]
    driver.open(events.put)
    found = [events.get_nowait(), events.get_nowait()]
    assert [event.value for event in found if isinstance(event, Position)] == [0.0, 0.0]


def test_a_converter_that_goes_silent_later_is_a_failure_and_the_last_event(
    chip: Chip, driver: Mcp3008Driver, events: queue.SimpleQueue[Event]
) -> None:
    opened(driver, events)
    with chip.changed:
        chip.line = 0xFF
    event = events.get(timeout=PATIENCE_S)
    assert isinstance(event, Failure)
    assert event.driver == "mcp3008"
    assert event.reason.startswith("mcp3008: no MCP3008 answers on /dev/spidev0.1: ")
    driver.close()
    assert events.empty()
    with chip.changed:
        chip.line = None
    driver.open(events.put)
    assert isinstance(events.get_nowait(), Position)


def test_a_bus_that_fails_later_is_a_failure(
    chip: Chip, driver: Mcp3008Driver, events: queue.SimpleQueue[Event]
) -> None:
    opened(driver, events)
    with chip.changed:
        chip.refusal = OSError(errno.EIO, "Input/output error")
    event = events.get(timeout=PATIENCE_S)
    assert isinstance(event, Failure)
    assert event.reason == (
        "mcp3008: /dev/spidev0.1 fails: input/output error: check its wiring, and that nothing else uses it"
    )
