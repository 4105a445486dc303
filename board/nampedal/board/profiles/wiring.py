"""Parses and checks the wiring of a pedal: GPIO pins, channels of an ADC, numbers on a microcontroller.

Controls have names that the player chooses: footswitches are "1", "2", ... from left to right; knobs, encoders and
lights have any name. A light with the name of a footswitch is next to that footswitch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from nampedal.board.profiles.hats import MAX_PIN
from nampedal.firmware.base.errors import SettingValueError
from nampedal.firmware.base.files.toml_schema import Values, check_keys, name_of, number_of, table_of, text_of

GROUPS = ("switches", "knobs", "encoders", "lights")
# Pins by SPI bus. Linux's SPI driver takes both chip selects of bus 0, even if only one is used: cs-gpios of spi0 in
# Raspberry Pi's device trees. The chip selects of bus 1 depend on its overlay, so they are not listed.
SPI_PINS = {
    0: {7: "SPI chip select 1", 8: "SPI chip select 0", 9: "SPI data in", 10: "SPI data out", 11: "SPI clock"},
    1: {19: "SPI data in", 20: "SPI data out", 21: "SPI clock"},
}
UART_PINS = {14: "serial data out", 15: "serial data in"}
# Names of the serial port on GPIO 14 and 15.
HEADER_PORTS = ("/dev/serial0", "/dev/ttyAMA0", "/dev/ttyS0")
MAX_NUMBER = 63
MAX_LEVELS = (0.01, 1)
BAUDS = (1200, 4_000_000)


@dataclass(frozen=True, slots=True)
class Wires:
    """The controls of one part, by name, each with its pin, channel or number.

    encoders: one number, or the pins of both contacts.
    """

    switches: Mapping[str, int] = field(default_factory=dict)
    knobs: Mapping[str, int] = field(default_factory=dict)
    encoders: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    lights: Mapping[str, int] = field(default_factory=dict)

    def names(self) -> Iterator[tuple[str, str]]:
        """Yield the group and the name of every control."""
        for group in GROUPS:
            for name in getattr(self, group):
                yield group, name


@dataclass(frozen=True, slots=True)
class Adc:
    """An MCP3008 (an ADC) on an SPI bus of the Pi. device: its chip select."""

    bus: int
    device: int
    wires: Wires


@dataclass(frozen=True, slots=True)
class LedStrip:
    """A strip of RGB LEDs on an SPI bus of the Pi.

    most_level: maximum brightness, from 0 to 1; None: the driver's default.  wires: lights, by their positions from 0.
    """

    bus: int
    device: int
    most_level: float | None
    wires: Wires


@dataclass(frozen=True, slots=True)
class SerialController:
    """A microcontroller on a serial port. port: a device path such as /dev/serial0."""

    port: str
    baud: int
    wires: Wires


@dataclass(frozen=True, slots=True)
class Wiring:
    """The wiring of a whole pedal. midi_channel: 1 to 16; 0: all channels; None: MIDI is ignored."""

    gpio: Wires | None = None
    mcp3008: Adc | None = None
    strip: LedStrip | None = None
    serial: SerialController | None = None
    midi_channel: int | None = 0

    def names(self, group: str) -> list[str]:
        """Return the names of all controls of a group, sorted."""
        return sorted(name for wires in self._all() for kind, name in wires.names() if kind == group)

    def _all(self) -> list[Wires]:
        found = [] if self.gpio is None else [self.gpio]
        return found + [part.wires for part in (self.mcp3008, self.strip, self.serial) if part is not None]


WIRING_TABLES = ("gpio", "mcp3008", "strip", "serial", "midi")


def parse_wiring(where: str, values: Values, hat_pins: Mapping[int, str]) -> Wiring:
    """Parse and check the tables `WIRING_TABLES` of a profile. hat_pins: the pins that the HAT uses.

    Raises SettingsError; this includes SettingValueError.
    """
    wiring = Wiring(
        gpio=_gpio(where, values) if "gpio" in values else None,
        mcp3008=_mcp3008(where, values) if "mcp3008" in values else None,
        strip=_strip(where, values) if "strip" in values else None,
        serial=_serial(where, values) if "serial" in values else None,
        midi_channel=_midi(where, values) if "midi" in values else 0,
    )
    _check_names(where, wiring)
    _check_pins(where, wiring, hat_pins)
    return wiring


def _gpio(where: str, values: Values) -> Wires:
    table = table_of(where, "gpio", values, "switches, encoders and lights")
    check_keys(where, "gpio.", table, (), ("switches", "encoders", "lights"))
    return Wires(
        switches=_numbers(where, "gpio.switches", table, MAX_PIN),
        encoders=_group(where, "gpio.encoders", table, _two_pins),
        lights=_numbers(where, "gpio.lights", table, MAX_PIN),
    )


def _mcp3008(where: str, values: Values) -> Adc:
    table = table_of(where, "mcp3008", values, "bus, device and knobs")
    check_keys(where, "mcp3008.", table, ("bus", "device", "knobs"))
    return Adc(*_spi(where, "mcp3008", table), Wires(knobs=_numbers(where, "mcp3008.knobs", table, 7)))


def _strip(where: str, values: Values) -> LedStrip:
    table = table_of(where, "strip", values, "bus, device and lights")
    check_keys(where, "strip.", table, ("bus", "device", "lights"), ("most_level",))
    most_level = float(number_of(where, "strip.most_level", table, MAX_LEVELS)) if "most_level" in table else None
    wires = Wires(lights=_numbers(where, "strip.lights", table, MAX_NUMBER))
    return LedStrip(*_spi(where, "strip", table), most_level, wires)


def _spi(where: str, key: str, table: Values) -> tuple[int, int]:
    """Return bus and device."""
    bus = number_of(where, f"{key}.bus", table, (0, 6), whole=True)
    return int(bus), int(number_of(where, f"{key}.device", table, (0, 2), whole=True))


def _serial(where: str, values: Values) -> SerialController:
    table = table_of(where, "serial", values, f"port, baud, {', '.join(GROUPS)}")
    check_keys(where, "serial.", table, ("port",), ("baud", *GROUPS))
    return SerialController(
        port=text_of(where, "serial.port", table),
        baud=int(number_of(where, "serial.baud", table, BAUDS, whole=True)) if "baud" in table else 115_200,
        wires=Wires(
            switches=_numbers(where, "serial.switches", table, MAX_NUMBER),
            knobs=_numbers(where, "serial.knobs", table, MAX_NUMBER),
            encoders=_single(where, "serial.encoders", _group(where, "serial.encoders", table, _one_number)),
            lights=_numbers(where, "serial.lights", table, MAX_NUMBER),
        ),
    )


def _midi(where: str, values: Values) -> int | None:
    table = table_of(where, "midi", values, "channel")
    check_keys(where, "midi.", table, ("channel",))
    channel = table["channel"]
    if channel == "none":
        return None
    if type(channel) is not int or not 0 <= channel <= 16:
        raise SettingValueError(
            f'{where}: midi.channel: is {channel!r}; a channel from 1 to 16, 0 for all, or "none" is needed'
        )
    return channel


def _group(
    where: str, key: str, table: Values, one: Callable[[str, str, Values], tuple[int, ...]]
) -> dict[str, tuple[int, ...]]:
    group = key.rpartition(".")[2]
    if group not in table:
        return {}
    found = table_of(where, key, table, "names")
    return {name_of(where, key, name): one(where, f"{key}.{name}", found) for name in found}


def _numbers(where: str, key: str, table: Values, most: int) -> dict[str, int]:
    def one(where: str, key: str, values: Values) -> tuple[int, ...]:
        return (int(number_of(where, key, values, (0, most), whole=True)),)

    return {name: number for name, (number,) in _single(where, key, _group(where, key, table, one)).items()}


def _single(where: str, key: str, found: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """Return `found` unchanged if no number is used twice. Raises SettingValueError otherwise."""
    numbers = [number for own in found.values() for number in own]
    twice = [number for number in numbers if numbers.count(number) > 1]
    if twice:
        raise SettingValueError(f"{where}: {key}: {twice[0]} is there twice; each control needs one of its own")
    return found


def _one_number(where: str, key: str, values: Values) -> tuple[int, ...]:
    return (int(number_of(where, key, values, (0, MAX_NUMBER), whole=True)),)


def _two_pins(where: str, key: str, values: Values) -> tuple[int, ...]:
    value = values[key.rpartition(".")[2]]
    pins = value if isinstance(value, list) else []
    right = len(pins) == 2 and all(type(pin) is int and 0 <= pin <= MAX_PIN for pin in pins)
    if not right or pins[0] == pins[1]:
        raise SettingValueError(
            f"{where}: {key}: is {value!r}; the pins of both contacts, 0 to {MAX_PIN}, are needed, as [22, 27]"
        )
    return tuple(pins)


def _check_names(where: str, wiring: Wiring) -> None:
    for group in GROUPS:
        names = wiring.names(group)
        for name in names:
            if names.count(name) > 1:
                raise SettingValueError(f"{where}: {group}: {name!r} is there twice; each control needs its own name")
            if group == "switches" and not (name.isdecimal() and 1 <= int(name) <= 9 and len(name) == 1):
                raise SettingValueError(f"{where}: {group}: {name!r} is no footswitch; they are called 1 to 9")


def _check_pins(where: str, wiring: Wiring, hat_pins: Mapping[int, str]) -> None:
    taken = {pin: f"the HAT's {what}" for pin, what in hat_pins.items()}
    _check_bus(where, wiring)
    for part, owner in ((wiring.mcp3008, "converter"), (wiring.strip, "strip")):
        if part is not None:
            pins = SPI_PINS.get(part.bus, {})
            _claim_pins(where, taken, {pin: f"the {owner}'s {what}" for pin, what in pins.items()})
    if wiring.serial is not None and wiring.serial.port in HEADER_PORTS:
        _claim_pins(where, taken, {pin: f"the microcontroller's {what}" for pin, what in UART_PINS.items()})
    if wiring.gpio is not None:
        for group, name in wiring.gpio.names():
            found = getattr(wiring.gpio, group)[name]
            for pin in found if isinstance(found, tuple) else (found,):
                _claim_pins(where, taken, {pin: f"gpio.{group}.{name}"})


def _check_bus(where: str, wiring: Wiring) -> None:
    strip, converter = wiring.strip, wiring.mcp3008
    if strip is not None and converter is not None and strip.bus == converter.bus:
        raise SettingValueError(
            f"{where}: strip.bus: is {strip.bus}, and so is mcp3008.bus; a strip has no chip select, and takes what "
            "the converter is asked for colours: give the converter another bus (1 is on the pins of I2S), or wire the "
            "knobs or the lights to a microcontroller"
        )


def _claim_pins(where: str, taken: dict[int, str], wanted: Mapping[int, str]) -> None:
    """Add pins to the taken ones. Raises SettingValueError if one is taken already."""
    for pin, what in wanted.items():
        if pin in taken:
            raise SettingValueError(
                f"{where}: pin {pin}: is {taken[pin]} already, and {what} wants it; wire one of them elsewhere"
            )
        taken[pin] = what
