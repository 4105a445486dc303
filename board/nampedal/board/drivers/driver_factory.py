"""Creates the drivers for the wiring of a pedal."""

from __future__ import annotations

from nampedal.board.drivers.gpio import GpioDriver
from nampedal.board.drivers.mcp3008 import Mcp3008Driver
from nampedal.board.drivers.mock import MockDriver
from nampedal.board.drivers.serial_link import SerialDriver
from nampedal.board.drivers.strip import MAX_LEVEL, StripDriver
from nampedal.board.inputs.control_events import Driver
from nampedal.board.profiles.wiring import Wiring

# Where controls come from: the pedal's own hardware, the keys of a terminal in its place, or nowhere.
CONTROLS = ("pedal", "mock", "none")
# The footswitches of the mock for a pedal that has none.
MOCK_SWITCHES = ["1", "2", "3", "4"]


def create_drivers(wiring: Wiring) -> list[Driver]:
    """Create a driver for each part of the wiring. None of them is open yet."""
    drivers: list[Driver] = []
    if (gpio := wiring.gpio) is not None:
        encoders = {name: (pins[0], pins[1]) for name, pins in gpio.encoders.items()}
        drivers.append(GpioDriver(gpio.switches, gpio.lights, encoders))
    if (converter := wiring.mcp3008) is not None:
        drivers.append(Mcp3008Driver("mcp3008", converter.bus, converter.device, converter.wires.knobs))
    if (strip := wiring.strip) is not None:
        most_level = MAX_LEVEL if strip.most_level is None else strip.most_level
        drivers.append(StripDriver("strip", strip.bus, strip.device, strip.wires.lights, most_level))
    if (serial := wiring.serial) is not None:
        wires = serial.wires
        numbers = {name: number for name, (number,) in wires.encoders.items()}
        drivers.append(
            SerialDriver("serial", serial.port, serial.baud, wires.switches, wires.knobs, numbers, wires.lights)
        )
    return drivers


def create_mock(wiring: Wiring, reader: int = 0, writer: int = 1) -> MockDriver:
    """Create a mock driver, which replaces all hardware with the keys and one line of a terminal.

    A pedal without footswitches gets MOCK_SWITCHES.
    reader, writer: file descriptors of the terminal.
    """
    switches = wiring.names("switches") or MOCK_SWITCHES
    lights = wiring.names("lights") or switches
    return MockDriver(switches, wiring.names("knobs"), lights, reader, writer)
