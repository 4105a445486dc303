"""Reads knobs and expression pedals from an MCP3008, an ADC with eight 10-bit inputs on an SPI bus.

Traffic on the bus can be heard through a high-gain capture, and this ADC has to be polled. So it is polled seldom: an
input at rest about ten times a second; a moving one eighty times a second, until it has rested for a second. Each poll
takes three bytes. Neither poll period is a multiple or a fraction of the mains period (50 or 60 Hz): so hum on an open
input looks like hum, and not like a slow movement.

The data sheet is Microchip's DS21295. Tie an unused input to the supply, not to ground: otherwise an ADC with all knobs
at 0 looks like a missing one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from nampedal.board.drivers.spi import open_spi, path_of, spi_error
from nampedal.board.errors import ControlsError
from nampedal.board.inputs.control_events import Failure, Light, Position, Post
from nampedal.firmware.base.faults import describe_failure

CHANNELS = 8
FULL_SCALE = 1023
# Slow for this chip: this gives its sampling capacitor six microseconds to charge from a pot of tens of kohm.
HERTZ = 240_000
# Minimum and maximum clock. Slower, the capacitor leaks; faster is not specified at 2.7 V (DS21295, 6.2 and 1.0).
CLOCK = (10_000, 1_350_000)
REST_S = 0.094
MOVE_S = 0.012
HOLD_S = 1.0
# In codes: a change of this size or smaller is noise of the ADC.
JITTER = 1


def request(channel: int) -> list[int]:
    """Return the three bytes that request a single-ended conversion of a channel: start bit, mode, channel.

    Source: DS21295, 6.1.
    """
    return [0b0000_0001, 0b1000_0000 | channel << 4, 0]


def decode_answer(answer: Sequence[int]) -> int | None:
    """Return the 10-bit code from the three bytes of the answer; None if the null bit before it is not low."""
    _, high, low = answer
    return None if high & 0b100 else (high & 0b11) << 8 | low


class AdcInput:
    """State of one input: the last reported code, and the time of the next reading. The caller supplies the time."""

    def __init__(self, knob: str, channel: int) -> None:
        self.knob = knob
        self.channel = channel
        self.due_s = 0.0
        self._posted: int | None = None
        self._hold_s = 0.0

    def update(self, now_s: float, read: int) -> bool:
        """Take a code that was read. Return True if it has to be posted.

        This is so for the first code, after a change of more than JITTER, and for any change that reaches an end.
        """
        told = self._posted
        moved = told is not None and read != told and (abs(read - told) > JITTER or read in (0, FULL_SCALE))
        if moved:
            self._hold_s = now_s + HOLD_S
        if moved or told is None:
            self._posted = read
        self.due_s = now_s + (MOVE_S if now_s < self._hold_s else REST_S)
        return moved or told is None


class Mcp3008Driver:
    """Driver of an MCP3008. bus, device: of /dev/spidevBUS.DEVICE.  knobs: channels by name."""

    def __init__(self, name: str, bus: int, device: int, knobs: Mapping[str, int], hertz: int = HERTZ) -> None:
        """Create a driver that is not open. hertz: clock of the bus. Raises ControlsError."""
        wrong = {knob: channel for knob, channel in knobs.items() if channel not in range(CHANNELS)}
        if wrong or not knobs:
            raise ControlsError(
                f"{name}: knobs are on channels {wrong or 'none'}; at least one on 0 to {CHANNELS - 1} is needed"
            )
        if not CLOCK[0] <= hertz <= CLOCK[1]:
            raise ControlsError(f"{name}: its clock is {hertz} Hz; {CLOCK[0]} to {CLOCK[1]} is allowed")
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
        """Open the bus, post the current positions, and start the polling thread.

        Raises ControlsError.
        """
        self._spi = open_spi(self._name, self._bus, self._device, self._hertz)
        try:
            self._check_answers()
            inputs = [AdcInput(knob, channel) for knob, channel in self._knobs.items()]
            self._poll(inputs, post)
        except BaseException:
            self.close()
            raise
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(inputs, post), name=self._name, daemon=True)
        self._thread.start()

    def show(self, lights: Mapping[str, Light]) -> None:
        """Do nothing: an MCP3008 has no lights."""

    def close(self) -> None:
        """Stop the polling thread, wait until it has ended, and close the bus."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._spi is not None:
            self._spi.close()
            self._spi = None

    def _check_answers(self) -> None:
        # Without an ADC the line stays high or low. High: the null bit is not 0. Low: all codes are 0.
        if not any(self._read(channel) for channel in range(CHANNELS)):
            raise ControlsError(
                f"{self._name}: only zeros come from {self._path}: there is no MCP3008, or all its inputs are at 0: "
                "check its wiring and its power, and tie an input that is not used to 3.3 V"
            )

    def _run(self, inputs: Sequence[AdcInput], post: Post) -> None:
        try:
            while not self._stop.wait(max(min(one.due_s for one in inputs) - time.monotonic(), 0.0)):
                self._poll(inputs, post)
        except Exception as error:
            # Catch every exception: otherwise the knobs would stop without a message.
            post(Failure(time.monotonic(), self._name, describe_failure(self._name, "stopped", error)))

    def _poll(self, inputs: Sequence[AdcInput], post: Post) -> None:
        """Read the inputs that are due, and post those that have moved."""
        for one in inputs:
            now_s = time.monotonic()
            if one.due_s > now_s:
                continue
            read = self._read(one.channel)
            if one.update(now_s, read):
                post(Position(now_s, one.knob, read / FULL_SCALE))

    def _read(self, channel: int) -> int:
        try:
            read = decode_answer(self._spi.xfer2(request(channel)))
        except OSError as error:
            raise spi_error(self._name, self._path, error) from error
        if read is None:
            raise ControlsError(
                f"{self._name}: no MCP3008 answers on {self._path}: where a 0 has to come, a 1 does: check its wiring "
                "and its power"
            )
        return read
