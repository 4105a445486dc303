"""Drives a strip of RGB LEDs with one data line, WS2812B ("NeoPixel") or SK6812, from the data output of an SPI bus.

There is no clock line: a 1 and a 0 differ in how long the line is high. The data sheets allow, in nanoseconds:

    high for             0            1          reset, low for
    WS2812B V1.0         250 to 550   650 to 950  50 us
    WS2812B, newer       220 to 380   580 to 1000 280 us
    SK6812               150 to 450   450 to 750  80 us
    all of them          250 to 380   650 to 750  280 us

Each LED bit is one SPI byte at 6 MHz: two of its eight bits are high for a 0 (333 ns), four for a 1 (667 ns). The usual
way, three SPI bits at 2.4 MHz, gives 417 and 833 ns, which is too long for some LEDs; four bits at 6.4 MHz give 625 ns,
which is too short for others. Each byte starts and ends low, because the bus may pause between bytes: a pause in the
high part would spoil the LED bit, but a longer low part is harmless until it is as long as a reset.

A Pi divides its core clock (a Pi 5: 200 MHz) by an even number, so that the SPI clock is not above the requested one:
core clocks of 200, 250, 400 and 500 MHz give 5.88 to 5.95 MHz. All clocks from 5.33 to 6.15 MHz are within the table.
A Pi before the Pi 5 does not adjust the divider when the core clock drops: if the CPU governor is not 'performance',
core_freq_min in config.txt has to be equal to core_freq.

Traffic on the bus can be heard through a high-gain capture. So data is sent only when a colour has changed, and then
for all LEDs at once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from nampedal.board.drivers.spi import open_spi, path_of, spi_error
from nampedal.board.errors import ControlsError
from nampedal.board.inputs.control_events import Light, Post

# Maximum number of LEDs. 64 LEDs need less than half of the 4096 bytes of one transfer in Linux (spidev.bufsiz).
MAX_LEDS = 64
HERTZ = 6_000_000
ZERO, ONE = 0b0110_0000, 0b0111_1000
# Low time of a reset. It is sent before the colours too: the line's earlier level is unknown, and its first edge may
# look like a bit.
RESET = bytes(225)
# The eye perceives far less than half of the light as half of the brightness.
GAMMA = 2.2
# Default maximum, as a share of full brightness. Full brightness dazzles the player, and its current can be heard.
MAX_LEVEL = 0.2

Colour = tuple[int, int, int]
_BITS = [bytes(ONE if value & 0x80 >> bit else ZERO for bit in range(8)) for value in range(256)]


def spi_bytes(colours: Sequence[Colour]) -> bytes:
    """Return the SPI bytes for a strip. colours: red, green and blue of each LED, 0 to 255, starting next to the Pi.

    Each LED gets green first, and each value starts with its highest bit.
    """
    bits = b"".join(_BITS[green] + _BITS[red] + _BITS[blue] for red, green, blue in colours)
    return RESET + bits + RESET


def colour_of(light: Light, most_level: float) -> Colour:
    """Return the colour values for an LED. most_level: factor for the maximum of 255.

    A colour component above 0 always gives a value of at least 1.
    """
    red, green, blue = (_value(light.level * part, most_level) for part in light.colour)
    return red, green, blue


class StripDriver:
    """Driver of an LED strip. bus, device: of /dev/spidevBUS.DEVICE.  lights: positions on the strip from 0, by name.

    LEDs between the named ones stay dark. LEDs after the last named one are not written.
    """

    def __init__(
        self, name: str, bus: int, device: int, lights: Mapping[str, int], most_level: float = MAX_LEVEL
    ) -> None:
        """Create a driver that is not open. most_level: maximum brightness of an LED, above 0 and up to 1.

        Raises ControlsError.
        """
        wrong = {light: place for light, place in lights.items() if place not in range(MAX_LEDS)}
        if wrong or not lights:
            raise ControlsError(
                f"{name}: lights are at places {wrong or 'none'}; at least one at 0 to {MAX_LEDS - 1} is needed"
            )
        if not 0.0 < most_level <= 1.0:
            raise ControlsError(f"{name}: its most_level is {most_level}; above 0, and 1 at most, is allowed")
        self._name = name
        self._path = path_of(bus, device)
        self._bus, self._device = bus, device
        self._places = dict(lights)
        self._most_level = most_level
        self._spi: Any = None
        self._colours = self._dark()

    @property
    def name(self) -> str:
        return self._name

    def open(self, post: Post) -> None:
        """Open the bus and turn all LEDs off.

        Raises ControlsError.
        """
        self._spi = open_spi(self._name, self._bus, self._device, HERTZ)
        try:
            self._write(self._dark())
        except BaseException:
            self.close()
            raise

    def show(self, lights: Mapping[str, Light]) -> None:
        """Set the lights; write the strip only if a colour has changed. Raises ControlsError."""
        if self._spi is None:
            raise ControlsError(f"{self._name}: {self._path}: is not open")
        colours = list(self._colours)
        for name, light in lights.items():
            if name in self._places:
                colours[self._places[name]] = colour_of(light, self._most_level)
        if colours != self._colours:
            self._write(colours)

    def close(self) -> None:
        """Turn all LEDs off if the strip can still be written, and close the bus."""
        if self._spi is None:
            return
        with contextlib.suppress(ControlsError):
            self._write(self._dark())
        self._spi.close()
        self._spi = None

    def _dark(self) -> list[Colour]:
        return [(0, 0, 0)] * (max(self._places.values()) + 1)

    def _write(self, colours: list[Colour]) -> None:
        try:
            self._spi.xfer2(list(spi_bytes(colours)))
        except OSError as error:
            raise spi_error(self._name, self._path, error) from error
        self._colours = colours


def _value(share: float, most_level: float) -> int:
    return max(round(255.0 * most_level * share**GAMMA), 1) if share > 0.0 else 0
