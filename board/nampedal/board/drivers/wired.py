"""The drivers of everything that a pedal is wired to."""

from __future__ import annotations

from nampedal.board.controls import Driver
from nampedal.board.drivers.gpio import GpioDriver
from nampedal.board.drivers.mcp3008 import Mcp3008Driver
from nampedal.board.drivers.mock import MockDriver
from nampedal.board.drivers.serial_link import SerialDriver
from nampedal.board.drivers.strip import MOST_LEVEL, StripDriver
from nampedal.board.wiring import Wiring

# Of a mock of a pedal that has none.
MOCK_SWITCHES = ["1", "2", "3", "4"]


def drivers_of(wiring: Wiring) -> list[Driver]:
    """None of them is open."""
    drivers: list[Driver] = []
    if (gpio := wiring.gpio) is not None:
        encoders = {name: (pins[0], pins[1]) for name, pins in gpio.encoders.items()}
        drivers.append(GpioDriver(gpio.switches, gpio.lights, encoders))
    if (converter := wiring.mcp3008) is not None:
        drivers.append(Mcp3008Driver("mcp3008", converter.bus, converter.device, converter.wires.knobs))
    if (strip := wiring.strip) is not None:
        most_level = MOST_LEVEL if strip.most_level is None else strip.most_level
        drivers.append(StripDriver("strip", strip.bus, strip.device, strip.wires.lights, most_level))
    if (serial := wiring.serial) is not None:
        wires = serial.wires
        numbers = {name: number for name, (number,) in wires.encoders.items()}
        drivers.append(
            SerialDriver("serial", serial.port, serial.baud, wires.switches, wires.knobs, numbers, wires.lights)
        )
    return drivers


def mock_of(wiring: Wiring, reader: int = 0, writer: int = 1) -> MockDriver:
    """Keys and a line of a terminal, in place of everything; of a pedal without footswitches, four.

    reader, writer: file descriptors of the terminal.
    """
    switches = wiring.names("switches") or MOCK_SWITCHES
    lights = wiring.names("lights") or switches
    return MockDriver(switches, wiring.names("knobs"), lights, reader, writer)
