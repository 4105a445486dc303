from __future__ import annotations

import pytest
from nampedal.board.drivers.driver_factory import create_drivers, create_mock
from nampedal.board.drivers.gpio import GpioDriver
from nampedal.board.drivers.mcp3008 import Mcp3008Driver
from nampedal.board.drivers.mock import MockDriver
from nampedal.board.drivers.serial_link import SerialDriver
from nampedal.board.drivers.strip import StripDriver
from nampedal.board.errors import ControlsError
from nampedal.board.inputs.control_events import Event, Light
from nampedal.board.profiles.wiring import Adc, LedStrip, SerialController, Wires, Wiring
from support.fakes.fake_lgpio import Pins

GPIO = Wires(switches={"1": 17, "2": 27}, encoders={"menu": (5, 6)}, lights={"red": 22})
CONVERTER = Adc(0, 1, Wires(knobs={"gain": 3}))
STRIP = LedStrip(0, 0, None, Wires(lights={"clip": 0}))
SERIAL = SerialController("/dev/nowhere", 9600, Wires({"3": 0}, {"tone": 1}, {"page": (2,)}, {"3": 3}))


def ignore(event: Event) -> None:
    """Of a test that is not about events."""


def test_a_pedal_without_wires_has_no_drivers() -> None:
    assert create_drivers(Wiring()) == []


def test_every_part_has_its_driver_with_its_name() -> None:
    drivers = create_drivers(Wiring(GPIO, CONVERTER, STRIP, SERIAL))
    assert [type(driver) for driver in drivers] == [GpioDriver, Mcp3008Driver, StripDriver, SerialDriver]
    assert [driver.name for driver in drivers] == ["gpio", "mcp3008", "strip", "serial"]


def test_pins_go_where_the_wiring_says(pins: Pins) -> None:
    (driver,) = create_drivers(Wiring(GPIO))
    driver.open(ignore)
    driver.show({"red": Light(1.0)})
    assert pins.claimed == {17, 27, 5, 6, 22}
    assert pins.lines[22].shines == 1.0
    driver.close()


def test_a_converter_goes_where_the_wiring_says() -> None:
    with pytest.raises(ControlsError, match=r"^mcp3008: knobs are on channels \{'gain': 8\}; "):
        create_drivers(Wiring(mcp3008=Adc(0, 1, Wires(knobs={"gain": 8}))))


def test_a_port_is_the_one_of_the_wiring() -> None:
    (driver,) = create_drivers(Wiring(serial=SERIAL))
    with pytest.raises(ControlsError, match=r"^serial: /dev/nowhere: there is no such port; "):
        driver.open(ignore)


def test_a_mock_has_all_that_the_pedal_has() -> None:
    made = create_mock(Wiring(GPIO, CONVERTER, STRIP, SERIAL))
    assert vars(made) == vars(MockDriver(["1", "2", "3"], ["gain", "tone"], ["3", "clip", "red"]))


def test_a_mock_of_a_pedal_that_has_none_has_four_footswitches_with_a_light_each() -> None:
    made = create_mock(Wiring())
    assert vars(made) == vars(MockDriver(["1", "2", "3", "4"], [], ["1", "2", "3", "4"]))


def test_footswitches_without_lights_get_some() -> None:
    made = create_mock(Wiring(Wires(switches={"1": 4, "2": 5})))
    assert vars(made) == vars(MockDriver(["1", "2"], [], ["1", "2"]))
