"""Strips of LEDs in a profile: `[strip]`."""

from __future__ import annotations

import tomllib

import pytest
from nampedal.board.drivers.driver_factory import create_drivers, create_mock
from nampedal.board.drivers.strip import MAX_LEDS, MAX_LEVEL
from nampedal.board.profiles.wiring import MAX_NUMBER, Wiring, parse_wiring
from nampedal.firmware.base.errors import NampedalError, SettingValueError

STRIP = "[strip]\nbus = 0\ndevice = 0\nlights = {1 = 0, 2 = 1, clip = 4}\n"
CONVERTER = "[mcp3008]\nbus = %d\ndevice = %d\nknobs = {drive = 0}\n"
I2S = {18: "I2S bit clock", 19: "I2S frame clock", 20: "I2S data from the HAT", 21: "I2S data to the HAT"}


def wiring(text: str, hat_pins: dict[int, str] = I2S) -> Wiring:
    return parse_wiring("mine.toml", tomllib.loads(text), hat_pins)


def refusal(kind: type[NampedalError], text: str, hat_pins: dict[int, str] = I2S) -> str:
    with pytest.raises(kind) as caught:
        wiring(text, hat_pins)
    assert type(caught.value) is kind
    return str(caught.value)


def test_lights_of_a_strip_are_places_on_it() -> None:
    found = wiring(STRIP)
    assert found.strip is not None
    assert (found.strip.bus, found.strip.device, found.strip.most_level) == (0, 0, None)
    assert found.strip.wires.lights == {"1": 0, "2": 1, "clip": 4}
    assert found.names("lights") == ["1", "2", "clip"]
    assert wiring("").strip is None


def test_a_driver_is_built_for_it_and_a_mock_has_its_lights() -> None:
    assert [driver.name for driver in create_drivers(wiring(STRIP))] == ["strip"]
    assert create_drivers(wiring("")) == []
    assert create_mock(wiring(STRIP)).name == "mock"


LEVELS = [("", MAX_LEVEL), ("most_level = 0.5\n", 0.5), ("most_level = 1\n", 1.0)]


@pytest.mark.parametrize(("line", "most_level"), LEVELS)
def test_its_brightness_is_the_profiles_or_the_drivers(
    monkeypatch: pytest.MonkeyPatch, line: str, most_level: float
) -> None:
    made: list[tuple[object, ...]] = []
    monkeypatch.setattr("nampedal.board.drivers.driver_factory.StripDriver", lambda *values: made.append(values))
    create_drivers(wiring(STRIP + line))
    assert made == [("strip", 0, 0, {"1": 0, "2": 1, "clip": 4}, most_level)]


def test_every_place_that_a_profile_may_name_is_one_that_the_driver_has() -> None:
    assert MAX_NUMBER == MAX_LEDS - 1


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        (STRIP.replace("bus = 0\n", ""), SettingValueError, "mine.toml: strip.bus: is missing, and needed"),
        (
            STRIP + "lihgts = 3\n",
            SettingValueError,
            "mine.toml: strip.lihgts: is no known key; did you mean strip.lights?",
        ),
        (
            STRIP.replace("bus = 0", "bus = 7"),
            SettingValueError,
            "mine.toml: strip.bus: is 7; a whole number from 0 to 6 is needed",
        ),
        (
            STRIP.replace("device = 0", "device = 3"),
            SettingValueError,
            "mine.toml: strip.device: is 3; a whole number from 0 to 2 is needed",
        ),
        (
            STRIP.replace("4}", "64}"),
            SettingValueError,
            "mine.toml: strip.lights.clip: is 64; a whole number from 0 to 63 is needed",
        ),
        (
            STRIP.replace("4}", "1}"),
            SettingValueError,
            "mine.toml: strip.lights: 1 is there twice; each control needs one of its own",
        ),
        (
            STRIP + "most_level = 0\n",
            SettingValueError,
            "mine.toml: strip.most_level: is 0; a number from 0.01 to 1 is needed",
        ),
        (
            STRIP + "[gpio.lights]\nclip = 5\n",
            SettingValueError,
            "mine.toml: lights: 'clip' is there twice; each control needs its own name",
        ),
    ],
)
def test_a_damaged_table_is_refused(text: str, kind: type[NampedalError], said: str) -> None:
    assert refusal(kind, text) == said


@pytest.mark.parametrize("pin", [7, 8, 9, 10, 11])
def test_no_footswitch_is_on_a_pin_of_its_bus(pin: int) -> None:
    said = refusal(SettingValueError, f"{STRIP}[gpio.switches]\n1 = {pin}\n")
    assert said.startswith(f"mine.toml: pin {pin}: is the strip's SPI ")
    assert said.endswith(" already, and gpio.switches.1 wants it; wire one of them elsewhere")


def test_a_hat_that_uses_its_bus_has_no_strip() -> None:
    said = refusal(SettingValueError, STRIP, {10: "display data"})
    assert said == (
        "mine.toml: pin 10: is the HAT's display data already, and the strip's SPI data out wants it; wire one of them "
        "elsewhere"
    )


@pytest.mark.parametrize("device", [0, 1])
def test_a_converter_on_its_bus_is_refused_whatever_its_chip_select(device: int) -> None:
    assert refusal(SettingValueError, STRIP + CONVERTER % (0, device)) == (
        "mine.toml: strip.bus: is 0, and so is mcp3008.bus; a strip has no chip select, and takes what the converter "
        "is asked for colours: give the converter another bus (1 is on the pins of I2S), or wire the knobs or the "
        "lights to a microcontroller"
    )


def test_a_converter_on_a_bus_of_its_own_goes_with_a_strip() -> None:
    found = wiring(STRIP + CONVERTER % (4, 0))
    assert [driver.name for driver in create_drivers(found)] == ["mcp3008", "strip"]
    assert wiring(STRIP + CONVERTER % (1, 0), hat_pins={}).mcp3008 is not None


@pytest.mark.parametrize(
    ("text", "owner"), [(CONVERTER % (1, 0), "converter"), (STRIP.replace("bus = 0", "bus = 1"), "strip")]
)
def test_bus_1_is_on_the_pins_of_i2s(text: str, owner: str) -> None:
    assert refusal(SettingValueError, text) == (
        f"mine.toml: pin 19: is the HAT's I2S frame clock already, and the {owner}'s SPI data in wants it; wire one of "
        "them elsewhere"
    )
