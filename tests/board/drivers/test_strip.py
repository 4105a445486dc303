from __future__ import annotations

import errno
import queue
import sys
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nampedal.board.drivers.strip import HERTZ, MAX_LEDS, MAX_LEVEL, Colour, StripDriver, colour_of, spi_bytes
from nampedal.board.errors import ControlsError
from nampedal.board.inputs.control_events import Driver, Event, Light
from support.fakes import fake_strip
from support.fakes.fake_strip import Line, highs_and_lows, seen

# What all strips take for a 0, for a 1 and, low, for a reset: the data sheets' limits that all of them keep to.
ZERO_NS, ONE_NS, RESET_NS = (250, 380), (650, 750), 280_000
LIGHTS = {"1": 0, "2": 1, "clip": 3}
DARK = (0, 0, 0)
RED, GREEN = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)
# A fifth of 255.
FULL = 51
TRANSFER_BYTES = 4096


def clock_of(core_hertz: int) -> float:
    """Of the bus, as Linux makes it for a Pi: the core's divided by an even number, HERTZ at most."""
    divider = -(-core_hertz // HERTZ)
    return core_hertz / (divider + divider % 2)


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    return fake_strip.install(monkeypatch)


@pytest.fixture
def driver(line: Line) -> Iterator[StripDriver]:
    found = StripDriver("strip", 0, 1, LIGHTS)
    yield found
    found.close()


@pytest.fixture
def events() -> queue.SimpleQueue[Event]:
    return queue.SimpleQueue()


def opened(driver: StripDriver, line: Line) -> None:
    """And what it sends at once is taken."""
    driver.open(lambda _: None)
    line.sent.clear()


def test_a_colour_is_green_red_and_blue_a_byte_a_bit_with_resets_around_it() -> None:
    zero, one, reset = b"\x60", b"\x78", bytes(225)
    green = one + zero * 7
    red = zero * 4 + one * 4
    blue = zero * 7 + one
    assert spi_bytes([(0x0F, 0x80, 0x01)]) == reset + green + red + blue + reset
    assert spi_bytes([]) == reset + reset


@given(st.lists(st.tuples(*[st.integers(0, 255)] * 3)))
def test_the_strip_sees_the_colours_that_were_sent_in_their_order(colours: list[Colour]) -> None:
    assert seen(spi_bytes(colours)) == colours


# Of the Pi 5's RP1, the Pi 3 and the Zero 2 W at rest and busy, the Pi 4.
@pytest.mark.parametrize("core_hertz", [200_000_000, 250_000_000, 400_000_000, 500_000_000])
def test_the_line_is_high_as_long_as_every_data_sheet_allows_on_every_board(core_hertz: int) -> None:
    pulses = highs_and_lows(spi_bytes([(0b1010_0101, 255, 0)]), clock_of(core_hertz))
    highs = sorted({high for high, _ in pulses})
    assert len(highs) == 2
    assert ZERO_NS[0] <= highs[0] <= ZERO_NS[1]
    assert ONE_NS[0] <= highs[1] <= ONE_NS[1]
    # WS2812B V1.0: a bit takes 1250 ns, 600 more or less.
    assert all(650 <= high + low <= 1850 for high, low in pulses[:-1])


def test_the_line_is_low_for_a_reset_before_and_behind_the_colours_at_the_fastest_clock() -> None:
    sent = spi_bytes([(255, 255, 255)])
    before = len(sent) - len(sent.lstrip(b"\0"))
    behind = len(sent) - len(sent.rstrip(b"\0"))
    assert min(before, behind) * 8 * 1e9 / HERTZ >= RESET_NS


@given(st.lists(st.tuples(*[st.integers(0, 255)] * 3), max_size=3))
def test_the_line_is_low_wherever_a_bus_may_pause_between_bytes(colours: list[Colour]) -> None:
    assert not any(byte & 0b1000_0001 for byte in spi_bytes(colours))


def test_the_longest_strip_is_one_transfer_of_what_linux_takes() -> None:
    assert len(spi_bytes([DARK] * MAX_LEDS)) <= TRANSFER_BYTES


@pytest.mark.parametrize(
    ("light", "most_level", "colour"),
    [
        (Light(1.0), 1.0, (255, 255, 255)),
        (Light(1.0, RED), 0.2, (51, 0, 0)),
        (Light(0.0), 1.0, DARK),
        # 255 * 0.5 ** 2.2
        (Light(0.5, GREEN), 1.0, (0, 55, 0)),
        (Light(1.0, (1.0, 0.5, 0.0)), 1.0, (255, 55, 0)),
        (Light(0.5, (1.0, 0.5, 0.0)), 1.0, (55, 12, 0)),
    ],
)
def test_half_a_level_or_colour_looks_like_half(light: Light, most_level: float, colour: Colour) -> None:
    assert colour_of(light, most_level) == colour


@given(st.floats(0.0, 1.0), st.tuples(*[st.floats(0.0, 1.0)] * 3), st.floats(0.01, 1.0))
def test_nothing_is_brighter_than_it_may_be(level: float, colour: tuple[float, float, float], most: float) -> None:
    values = colour_of(Light(level, colour), most)
    assert all(0 <= value <= round(255 * most) for value in values)


@given(st.floats(0.001, 1.0), st.floats(0.01, 1.0))
def test_a_light_that_is_on_is_never_dark(level: float, most_level: float) -> None:
    assert colour_of(Light(level, RED), most_level)[0] >= 1


def test_it_is_a_driver_with_its_name_that_posts_nothing(
    line: Line, driver: StripDriver, events: queue.SimpleQueue[Event]
) -> None:
    one: Driver = driver
    assert one.name == "strip"
    one.open(events.put)
    one.show({"1": Light(1.0)})
    one.close()
    assert events.empty()
    assert line.opened == [(0, 1)]


def test_opening_makes_dark_what_was_left_alight(line: Line, driver: StripDriver) -> None:
    driver.open(lambda _: None)
    assert line.sent == [[DARK] * 4]


def test_a_light_is_shown_at_its_place_and_the_others_stay(line: Line, driver: StripDriver) -> None:
    opened(driver, line)
    driver.show({"2": Light(1.0, GREEN)})
    driver.show({"clip": Light(1.0, RED)})
    assert line.sent == [
        [DARK, (0, FULL, 0), DARK, DARK],
        [DARK, (0, FULL, 0), DARK, (FULL, 0, 0)],
    ]


def test_everything_that_changes_at_once_is_one_transfer(line: Line, driver: StripDriver) -> None:
    opened(driver, line)
    driver.show({"1": Light(1.0, RED), "2": Light(1.0, GREEN), "clip": Light(1.0)})
    assert line.sent == [[(FULL, 0, 0), (0, FULL, 0), DARK, (FULL, FULL, FULL)]]


def test_nothing_is_sent_while_no_colour_changes(line: Line, driver: StripDriver) -> None:
    opened(driver, line)
    driver.show({"1": Light(0.0, RED)})
    driver.show({"tuner": Light(1.0)})
    driver.show({})
    assert line.sent == []
    driver.show({"1": Light(1.0, RED)})
    driver.show({"1": Light(1.0, RED)})
    # Brighter by less than an LED can be told.
    driver.show({"1": Light(0.9999, RED)})
    assert len(line.sent) == 1


def test_it_has_no_thread_that_could_send_anything_by_itself(line: Line, driver: StripDriver) -> None:
    before = threading.active_count()
    driver.open(lambda _: None)
    assert threading.active_count() == before


def test_lights_go_out_at_close_and_nothing_is_sent_after_it(line: Line, driver: StripDriver) -> None:
    driver.close()
    assert line.sent == []
    opened(driver, line)
    driver.show({"1": Light(1.0)})
    driver.close()
    assert line.sent[-1] == [DARK] * 4
    assert not line.is_open
    count = len(line.sent)
    driver.close()
    assert len(line.sent) == count


def test_it_may_be_opened_again_and_shows_what_it_showed_before(line: Line, driver: StripDriver) -> None:
    opened(driver, line)
    driver.show({"1": Light(1.0, RED)})
    driver.close()
    opened(driver, line)
    driver.show({"1": Light(1.0, RED)})
    assert line.sent == [[(FULL, 0, 0), DARK, DARK, DARK]]


def test_what_could_not_be_sent_is_sent_when_it_is_shown_again(line: Line, driver: StripDriver) -> None:
    opened(driver, line)
    line.write_refusal = OSError(errno.EIO, "Input/output error")
    with pytest.raises(ControlsError) as caught:
        driver.show({"1": Light(1.0, RED)})
    assert str(caught.value) == (
        "strip: /dev/spidev0.1 fails: input/output error: check its wiring, and that nothing else uses it"
    )
    line.write_refusal = None
    driver.show({"1": Light(1.0, RED)})
    assert line.sent == [[(FULL, 0, 0), DARK, DARK, DARK]]


def test_a_strip_that_fails_while_it_is_opened_or_closed_is_closed(line: Line, driver: StripDriver) -> None:
    line.write_refusal = OSError(errno.EIO, "Input/output error")
    with pytest.raises(ControlsError):
        driver.open(lambda _: None)
    assert not line.is_open
    line.write_refusal = None
    opened(driver, line)
    line.write_refusal = OSError(errno.EIO, "Input/output error")
    driver.close()
    assert not line.is_open


def test_how_bright_it_gets_is_the_profiles_affair(line: Line) -> None:
    driver = StripDriver("strip", 0, 0, {"1": 0}, most_level=0.5)
    opened(driver, line)
    driver.show({"1": Light(1.0, RED)})
    assert line.sent == [[(128, 0, 0)]]
    driver.close()
    assert round(255 * MAX_LEVEL) == FULL


@pytest.mark.parametrize(
    ("lights", "text"),
    [
        ({"1": 64}, "strip: lights are at places {'1': 64}; at least one at 0 to 63 is needed"),
        ({"1": -1, "2": 0}, "strip: lights are at places {'1': -1}; at least one at 0 to 63 is needed"),
        ({}, "strip: lights are at places none; at least one at 0 to 63 is needed"),
    ],
)
def test_places_that_no_strip_has_are_refused(lights: dict[str, int], text: str) -> None:
    with pytest.raises(ControlsError) as caught:
        StripDriver("strip", 0, 0, lights)
    assert str(caught.value) == text


@pytest.mark.parametrize("most_level", [0.0, -0.5, 1.5, float("nan")])
def test_a_level_that_no_led_has_is_refused(most_level: float) -> None:
    with pytest.raises(ControlsError) as caught:
        StripDriver("strip", 0, 0, LIGHTS, most_level)
    assert str(caught.value) == f"strip: its most_level is {most_level}; above 0, and 1 at most, is allowed"


def test_without_spidev_it_says_what_to_install(driver: StripDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spidev", None)
    with pytest.raises(ControlsError) as caught:
        driver.open(lambda _: None)
    assert str(caught.value) == "strip: the Python package spidev is needed: pip install spidev"


@pytest.mark.parametrize(
    ("number", "kind", "text"),
    [
        (
            errno.ENOENT,
            ControlsError,
            "strip: /dev/spidev0.1 is not there: SPI is off, or has another number: add dtparam=spi=on to "
            "/boot/firmware/config.txt and restart",
        ),
        (
            errno.EACCES,
            ControlsError,
            "strip: /dev/spidev0.1 may not be used: add whoever runs nampedal to the group spi",
        ),
    ],
)
def test_a_device_that_does_not_open_says_why(
    line: Line, driver: StripDriver, number: int, kind: type[Exception], text: str
) -> None:
    line.refusal = OSError(number, "no")
    with pytest.raises(kind) as caught:
        driver.open(lambda _: None)
    assert str(caught.value) == text
