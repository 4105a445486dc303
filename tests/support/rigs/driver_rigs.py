"""Every driver with fake hardware that a test can move, observe, remove and bring back."""

from __future__ import annotations

import errno
import os
import select
import sys
from pathlib import Path
from typing import Protocol

import pytest
from nampedal.board.drivers.gpio import GpioDriver
from nampedal.board.drivers.mcp3008 import Mcp3008Driver
from nampedal.board.drivers.mock import MockDriver
from nampedal.board.drivers.serial_link import SerialDriver
from nampedal.board.drivers.serial_protocol import Hello, KnobPosition, LightLevel, SwitchEdge
from nampedal.board.drivers.strip import StripDriver
from nampedal.board.inputs.control_events import Driver, Edge, Event, Position

from support.fakes.fake_lgpio import Pins
from support.fakes.fake_spidev import Chip
from support.fakes.fake_strip import Line
from support.fakes.microcontroller import Microcontroller

Said = tuple[str, bool | float]


def said(event: Event) -> Said:
    """Return the control and the value of an event, without its time."""
    assert isinstance(event, Edge | Position)
    return (event.switch, event.down) if isinstance(event, Edge) else (event.knob, event.value)


class Rig(Protocol):
    """A driver and its fake hardware. stand: the initial events of all controls.  moved: the first
    event after move().
    """

    name: str
    driver: Driver
    stand: list[Said]
    moved: Said

    def plug(self) -> None:
        """Connect the hardware, with nothing moved."""

    def unplug(self) -> None:
        """Disconnect the hardware, so that opening it fails."""

    def lose(self) -> None:
        """Disconnect the hardware while the driver is open."""

    def move(self) -> None:
        """Move a control, as a foot or hand does."""

    def settle(self) -> None:
        """Wait until the hardware has no more events to send."""

    def sent(self) -> list[bool]:
        """Return the states that LED "1" was set to since the last call (True: lit), by the driver
        or by anything else.
        """

    def end(self) -> None: ...


class GpioRig:
    def __init__(self, pins: Pins, monkeypatch: pytest.MonkeyPatch) -> None:
        self.name = "gpio"
        self.stand: list[Said] = [("1", False), ("2", False)]
        self.moved: Said = ("1", True)
        self._pins, self._monkeypatch = pins, monkeypatch
        self._lgpio = sys.modules["lgpio"]
        self.driver: Driver = GpioDriver({"1": 17, "2": 27}, {"1": 22, "2": 23}, {})

    def plug(self) -> None:
        self._monkeypatch.setitem(sys.modules, "lgpio", self._lgpio)
        self._pins.pull(17, 1)

    def unplug(self) -> None:
        self._monkeypatch.setitem(sys.modules, "lgpio", None)

    def lose(self) -> None:
        raise NotImplementedError("pins are part of the Pi")

    def move(self) -> None:
        self._pins.pull(17, 0)

    def settle(self) -> None:
        self._pins.settle()

    def sent(self) -> list[bool]:
        line = self._pins.lines[22]
        found, line.sent = line.sent or [], []
        return [level > 0.5 for level in found]

    def end(self) -> None: ...


class Mcp3008Rig:
    def __init__(self, chip: Chip) -> None:
        self.name = "mcp3008"
        self.stand: list[Said] = [("gain", 100 / 1023), ("tone", 400 / 1023)]
        self.moved: Said = ("tone", 900 / 1023)
        self._chip = chip
        self.driver: Driver = Mcp3008Driver("mcp3008", 0, 1, {"gain": 0, "tone": 3})

    def plug(self) -> None:
        with self._chip.changed:
            self._chip.refusal = None
            self._chip.codes[3] = 400

    def unplug(self) -> None:
        self._chip.refusal = FileNotFoundError(errno.ENOENT, "No such file or directory")

    def lose(self) -> None:
        with self._chip.changed:
            self._chip.refusal = OSError(errno.EIO, "Input/output error")

    def move(self) -> None:
        with self._chip.changed:
            self._chip.codes[3] = 900

    def settle(self) -> None: ...

    def sent(self) -> list[bool]:
        raise NotImplementedError("it has no lights")

    def end(self) -> None: ...


class StripRig:
    """A rig with LEDs only."""

    def __init__(self, line: Line) -> None:
        self.name = "strip"
        self.stand: list[Said] = []
        self.moved: Said = ("", False)
        self._line = line
        self.driver: Driver = StripDriver("strip", 0, 1, {"1": 0, "2": 1})

    def plug(self) -> None:
        self._line.refusal = None

    def unplug(self) -> None:
        self._line.refusal = FileNotFoundError(errno.ENOENT, "No such file or directory")

    def lose(self) -> None:
        raise NotImplementedError("it says nothing, and so nobody hears that it is gone")

    def move(self) -> None:
        raise NotImplementedError("nothing on it moves")

    def settle(self) -> None: ...

    def sent(self) -> list[bool]:
        found, self._line.sent = self._line.sent, []
        return [colours[0] != (0, 0, 0) for colours in found]

    def end(self) -> None: ...


class MockRig:
    """A rig with a terminal. After each loss the terminal is a new one at the same file descriptor."""

    def __init__(self) -> None:
        self.name = "mock"
        self.stand: list[Said] = [("1", False), ("2", False), ("gain", 0.5)]
        self.moved: Said = ("1", True)
        self._master, self._slave = os.openpty()
        self.driver: Driver = MockDriver(["1", "2"], ["gain"], ["1", "2"], self._slave, self._slave)

    def plug(self) -> None:
        if self._master < 0:
            self._master, slave = os.openpty()
            os.dup2(slave, self._slave)
            os.close(slave)

    def unplug(self) -> None:
        self.lose()

    def lose(self) -> None:
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def move(self) -> None:
        os.write(self._master, b"1")

    def settle(self) -> None: ...

    def sent(self) -> list[bool]:
        text = ""
        while select.select([self._master], [], [], 0.0)[0]:
            text += os.read(self._master, 1000).decode()
        return ["1●" in line for line in text.split("\r") if "1" in line]

    def end(self) -> None:
        self.lose()
        os.close(self._slave)


class SerialRig:
    def __init__(self, folder: Path) -> None:
        self.name = "serial"
        self.stand: list[Said] = [("1", False), ("2", True), ("gain", 1.0)]
        self.moved: Said = ("1", True)
        self._port = folder / "controls"
        self._device: Microcontroller | None = None
        self.driver: Driver = SerialDriver(
            *("serial", str(self._port), 115_200), {"1": 0, "2": 1}, {"gain": 0}, {}, {"1": 0, "2": 1}
        )

    def plug(self) -> None:
        if self._device is None:
            states = (SwitchEdge(0, False, 0), SwitchEdge(1, True, 0), KnobPosition(0, KnobPosition.MAX))
            self._device = Microcontroller(self._port, Hello(1, 2, 1, 0, 2), *states)

    def unplug(self) -> None:
        self.lose()

    def lose(self) -> None:
        if self._device is not None:
            self._device.unplug()
            self._port.unlink()
            self._device = None

    def move(self) -> None:
        assert self._device is not None
        self._device.enqueue(SwitchEdge(0, True, 0))

    def settle(self) -> None: ...

    def sent(self) -> list[bool]:
        assert self._device is not None
        found = [message for message in self._device.heard_so_far() if isinstance(message, LightLevel)]
        return [message.level > LightLevel.MAX // 2 for message in found if message.number == 0]

    def end(self) -> None:
        self.lose()
