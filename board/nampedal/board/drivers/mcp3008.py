"""Knobs and expression pedals on an MCP3008, a converter with eight inputs of 10 bits on an SPI bus.

What goes over a bus while somebody plays can be heard through a high-gain capture, and this converter tells nothing by
itself. So it is asked seldom: what rests about ten times a second, what moves eighty times until it has rested for a
second; three bytes each. Neither pace goes into the period of 50 or 60 Hz: hum on an open input looks like hum, and not
like a slow movement.

The data sheet is Microchip's DS21295. An input that is not used is tied to the supply, not to ground: a converter whose
knobs all are down is not taken for none then.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from nampedal.board.controls import Failure, Light, Position, Post
from nampedal.board.drivers.spi import connect, failed, path_of
from nampedal.board.errors import ControlsError, Mcp3008ChannelError, Mcp3008MissingError, SpiClockError

CHANNELS = 8
FULL_SCALE = 1023
# Slow for this chip: its sampling capacitor then has six microseconds to follow a pot of tens of kohm.
HERTZ = 240_000
# Slower, the capacitor leaks; faster is beyond what it does at 2.7 V (DS21295, 6.2 and 1.0).
CLOCK = (10_000, 1_350_000)
REST_S = 0.094
MOVE_S = 0.012
HOLD_S = 1.0
# In codes: a change as small as that is the converter's.
JITTER = 1


def request(channel: int) -> list[int]:
    """The three bytes that ask for a single-ended conversion of a channel (DS21295, 6.1): start bit, mode, channel."""
    return [0b0000_0001, 0b1000_0000 | channel << 4, 0]


def code(answer: Sequence[int]) -> int | None:
    """The ten bits of the three bytes that come back, behind a null bit that is low; None: it is not."""
    _, high, low = answer
    return None if high & 0b100 else (high & 0b11) << 8 | low


class Input:
    """One of the inputs: what was told of it, and when it is to be read again. It knows no clock."""

    def __init__(self, knob: str, channel: int) -> None:
        self.knob = knob
        self.channel = channel
        self.due_s = 0.0
        self._told: int | None = None
        self._hold_s = 0.0

    def hear(self, now_s: float, read: int) -> bool:
        """A code that was read; whether it is to be told. An end is told even if it is the next code."""
        told = self._told
        moved = told is not None and read != told and (abs(read - told) > JITTER or read in (0, FULL_SCALE))
        if moved:
            self._hold_s = now_s + HOLD_S
        if moved or told is None:
            self._told = read
        self.due_s = now_s + (MOVE_S if now_s < self._hold_s else REST_S)
        return moved or told is None


class Mcp3008Driver:
    """A controls.Driver. bus, device: of /dev/spidevBUS.DEVICE.  knobs: names and the channels that they are on."""

    def __init__(self, name: str, bus: int, device: int, knobs: Mapping[str, int], hertz: int = HERTZ) -> None:
        """hertz: of the bus's clock. Raises Mcp3008ChannelError, SpiClockError."""
        wrong = {knob: channel for knob, channel in knobs.items() if channel not in range(CHANNELS)}
        if wrong or not knobs:
            raise Mcp3008ChannelError(
                f"{name}: knobs are on channels {wrong or 'none'}; at least one on 0 to {CHANNELS - 1} is needed"
            )
        if not CLOCK[0] <= hertz <= CLOCK[1]:
            raise SpiClockError(f"{name}: its clock is {hertz} Hz; {CLOCK[0]} to {CLOCK[1]} is allowed")
        self._name = name
        self._path = path_of(bus, device)
        self._bus, self._device = bus, device
        self._knobs = dict(knobs)
        self._hertz = hertz
        self._spi: Any = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def name(self) -> str:
        return self._name

    def open(self, post: Post) -> None:
        """Raises SpidevMissingError, SpiOffError, SpiAccessError, SpiFailedError, Mcp3008MissingError."""
        self._spi = connect(self._name, self._bus, self._device, self._hertz)
        try:
            self._check_answers()
            inputs = [Input(knob, channel) for knob, channel in self._knobs.items()]
            self._look(inputs, post)
        except ControlsError:
            self.close()
            raise
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(inputs, post), name=self._name, daemon=True)
        self._thread.start()

    def show(self, lights: Mapping[str, Light]) -> None:
        """It has none."""

    def close(self) -> None:
        """Returns when its thread has ended."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._spi is not None:
            self._spi.close()
            self._spi = None

    def _check_answers(self) -> None:
        # Where nobody drives the line it rests high or low: no null bit, or nothing but zeros.
        if not any(self._read(channel) for channel in range(CHANNELS)):
            raise Mcp3008MissingError(
                f"{self._name}: only zeros come from {self._path}: there is no MCP3008, or all its inputs are at 0: "
                "check its wiring and its power, and tie an input that is not used to 3.3 V"
            )

    def _run(self, inputs: Sequence[Input], post: Post) -> None:
        try:
            while not self._stop.wait(max(min(one.due_s for one in inputs) - time.monotonic(), 0.0)):
                self._look(inputs, post)
        except ControlsError as error:
            post(Failure(time.monotonic(), self._name, str(error)))

    def _look(self, inputs: Sequence[Input], post: Post) -> None:
        """Reads what is due, and posts what has moved."""
        for one in inputs:
            now_s = time.monotonic()
            if one.due_s > now_s:
                continue
            read = self._read(one.channel)
            if one.hear(now_s, read):
                post(Position(now_s, one.knob, read / FULL_SCALE))

    def _read(self, channel: int) -> int:
        try:
            read = code(self._spi.xfer2(request(channel)))
        except OSError as error:
            raise failed(self._name, self._path, error) from error
        if read is None:
            raise Mcp3008MissingError(
                f"{self._name}: no MCP3008 answers on {self._path}: where a 0 has to come, a 1 does: check its wiring "
                "and its power"
            )
        return read
