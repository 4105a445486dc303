"""Lights on a strip of RGB LEDs with one data line, WS2812B ("NeoPixel") or SK6812, on an SPI bus's data out.

There is no clock: how long the line is high tells a 1 from a 0. What data sheets allow, in nanoseconds:

    high for             0            1          reset, low for
    WS2812B V1.0         250 to 550   650 to 950  50 us
    WS2812B, newer       220 to 380   580 to 1000 280 us
    SK6812               150 to 450   450 to 750  80 us
    all of them          250 to 380   650 to 750  280 us

A bit is a byte of SPI at 6 MHz: two of its eight bits high for a 0, which is 333 ns, four for a 1, 667 ns. Three bits
of SPI at 2.4 MHz, as is usual, are 417 and 833 ns, and too long for some; at 6.4 MHz four are 625 ns, too short for
others. A byte begins and ends low, for there may be a pause of the bus's between bytes: in the middle of a bit it would
spoil it, and a low that is longer does no harm until it is a reset.

A Pi divides its core clock by an even number, a Pi 5 200 MHz, and rounds the outcome down: 5.88 to 5.95 MHz come of
200, 250, 400 and 500 MHz, and all of 5.33 to 6.15 MHz keep to the table. Before the Pi 5 it does not notice when the
core slows down: core_freq_min in config.txt has to be what core_freq is, if the governor is not 'performance'.

What goes over the bus can be heard through a high-gain capture. So nothing goes unless a colour has changed, and then
everything at once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from nampedal.board.controls import Light, Post
from nampedal.board.drivers.spi import connect, failed, path_of
from nampedal.board.errors import ControlsError, SpiFailedError, StripLevelError, StripPlaceError

# Of the 4096 bytes that Linux takes in one transfer (spidev.bufsiz), 64 LEDs need less than half.
LEDS = 64
HERTZ = 6_000_000
ZERO, ONE = 0b0110_0000, 0b0111_1000
# Before the colours too: where the line was before is not known, and its first edge may look like a bit.
RESET = bytes(225)
# What an eye takes for half as bright is far less than half of the light.
GAMMA = 2.2
# Of what an LED can draw. All of it blinds whoever looks down at the pedal, and is a load that can be heard.
MOST_LEVEL = 0.2

Colour = tuple[int, int, int]
_BITS = [bytes(ONE if value & 0x80 >> bit else ZERO for bit in range(8)) for value in range(256)]


def spi_bytes(colours: Sequence[Colour]) -> bytes:
    """What is sent for a strip: red, green and blue of each LED, 0 to 255, from the one next to the Pi.

    Green goes first, and a value's highest bit.
    """
    bits = b"".join(_BITS[green] + _BITS[red] + _BITS[blue] for red, green, blue in colours)
    return RESET + bits + RESET


def colour_of(light: Light, most_level: float) -> Colour:
    """What an LED is told. most_level: what 255 is multiplied by. What is not dark stays so."""
    red, green, blue = (_value(light.level * part, most_level) for part in light.colour)
    return red, green, blue


class StripDriver:
    """A controls.Driver. bus, device: of /dev/spidevBUS.DEVICE.  lights: names and their places on the strip, from 0.

    LEDs between them stay dark; what follows the last of them is not written.
    """

    def __init__(
        self, name: str, bus: int, device: int, lights: Mapping[str, int], most_level: float = MOST_LEVEL
    ) -> None:
        """most_level: how much an LED may draw of what it can, above 0, to 1.

        Raises StripPlaceError, StripLevelError.
        """
        wrong = {light: place for light, place in lights.items() if place not in range(LEDS)}
        if wrong or not lights:
            raise StripPlaceError(
                f"{name}: lights are at places {wrong or 'none'}; at least one at 0 to {LEDS - 1} is needed"
            )
        if not 0.0 < most_level <= 1.0:
            raise StripLevelError(f"{name}: its most_level is {most_level}; above 0, and 1 at most, is allowed")
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
        """The strip goes dark. Raises SpidevMissingError, SpiOffError, SpiAccessError, SpiFailedError."""
        self._spi = connect(self._name, self._bus, self._device, HERTZ)
        try:
            self._write(self._dark())
        except ControlsError:
            self.close()
            raise

    def show(self, lights: Mapping[str, Light]) -> None:
        """Raises SpiFailedError."""
        if self._spi is None:
            raise SpiFailedError(f"{self._name}: {self._path}: is not open")
        colours = list(self._colours)
        for name, light in lights.items():
            if name in self._places:
                colours[self._places[name]] = colour_of(light, self._most_level)
        if colours != self._colours:
            self._write(colours)

    def close(self) -> None:
        """A strip that can't be written any more stays as it is."""
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
            raise failed(self._name, self._path, error) from error
        self._colours = colours


def _value(share: float, most_level: float) -> int:
    return max(round(255.0 * most_level * share**GAMMA), 1) if share > 0.0 else 0
