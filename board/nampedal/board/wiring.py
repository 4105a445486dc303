"""What a pedal's controls are wired to: pins of the Pi, channels of a converter, numbers on a microcontroller.

Names of controls are the player's: footswitches "1", "2", ... from left to right; knobs, encoders and lights as people
call them. A light with the name of a footswitch is the one beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from nampedal.board.errors import ControlNameError, PinConflictError, SettingValueError, SpiSharedError
from nampedal.board.hats import MOST_PIN
from nampedal.board.settings import Values, check_keys, name_of, number_of, table_of, text_of

GROUPS = ("switches", "knobs", "encoders", "lights")
# By bus. Both chip selects of the first belong to Linux's SPI driver, whichever is used: cs-gpios of spi0 in Raspberry
# Pi's device trees. Those of the second are chosen with its overlay.
SPI_PINS = {
    0: {7: "SPI chip select 1", 8: "SPI chip select 0", 9: "SPI data in", 10: "SPI data out", 11: "SPI clock"},
    1: {19: "SPI data in", 20: "SPI data out", 21: "SPI clock"},
}
UART_PINS = {14: "serial data out", 15: "serial data in"}
# Names of the port that is on GPIO 14 and 15.
HEADER_PORTS = ("/dev/serial0", "/dev/ttyAMA0", "/dev/ttyS0")
MOST_NUMBER = 63
MOST_LEVELS = (0.01, 1)
BAUDS = (1200, 4_000_000)


@dataclass(frozen=True, slots=True)
class Wires:
    """By the name of the control: a pin, a channel or a number. encoders: one number, or the pins of both contacts."""

    switches: Mapping[str, int] = field(default_factory=dict)
    knobs: Mapping[str, int] = field(default_factory=dict)
    encoders: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    lights: Mapping[str, int] = field(default_factory=dict)

    def names(self) -> Iterator[tuple[str, str]]:
        """Of all controls, with their groups."""
        for group in GROUPS:
            for name in getattr(self, group):
                yield group, name


@dataclass(frozen=True, slots=True)
class Converter:
    """An MCP3008 at an SPI bus of the Pi's. device: its chip select."""

    bus: int
    device: int
    wires: Wires


@dataclass(frozen=True, slots=True)
class Strip:
    """RGB LEDs in a row at an SPI bus of the Pi's. lights: places from 0.  most_level: 0 to 1; None: the driver's."""

    bus: int
    device: int
    most_level: float | None
    wires: Wires


@dataclass(frozen=True, slots=True)
class Serial:
    """A microcontroller. port: as /dev/serial0."""

    port: str
    baud: int
    wires: Wires


@dataclass(frozen=True, slots=True)
class Wiring:
    """All of a pedal. midi_channel: 1 to 16, 0: all; None: MIDI is not heard."""

    gpio: Wires | None = None
    mcp3008: Converter | None = None
    strip: Strip | None = None
    serial: Serial | None = None
    midi_channel: int | None = 0

    def names(self, group: str) -> list[str]:
        """Of all controls of a group, in order."""
        return sorted(name for wires in self._all() for kind, name in wires.names() if kind == group)

    def _all(self) -> list[Wires]:
        found = [] if self.gpio is None else [self.gpio]
        return found + [part.wires for part in (self.mcp3008, self.strip, self.serial) if part is not None]


KEYS = ("gpio", "mcp3008", "strip", "serial", "midi")


def wiring_of(where: str, values: Values, hat_pins: Mapping[int, str]) -> Wiring:
    """Of a profile's tables `KEYS`.

    Raises SettingsError, ControlNameError, PinConflictError and SpiSharedError among them.
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
        switches=_numbers(where, "gpio.switches", table, MOST_PIN),
        encoders=_group(where, "gpio.encoders", table, _two_pins),
        lights=_numbers(where, "gpio.lights", table, MOST_PIN),
    )


def _mcp3008(where: str, values: Values) -> Converter:
    table = table_of(where, "mcp3008", values, "bus, device and knobs")
    check_keys(where, "mcp3008.", table, ("bus", "device", "knobs"))
    return Converter(*_spi(where, "mcp3008", table), Wires(knobs=_numbers(where, "mcp3008.knobs", table, 7)))


def _strip(where: str, values: Values) -> Strip:
    table = table_of(where, "strip", values, "bus, device and lights")
    check_keys(where, "strip.", table, ("bus", "device", "lights"), ("most_level",))
    most_level = float(number_of(where, "strip.most_level", table, MOST_LEVELS)) if "most_level" in table else None
    wires = Wires(lights=_numbers(where, "strip.lights", table, MOST_NUMBER))
    return Strip(*_spi(where, "strip", table), most_level, wires)


def _spi(where: str, key: str, table: Values) -> tuple[int, int]:
    """Bus and device."""
    bus = number_of(where, f"{key}.bus", table, (0, 6), whole=True)
    return int(bus), int(number_of(where, f"{key}.device", table, (0, 2), whole=True))


def _serial(where: str, values: Values) -> Serial:
    table = table_of(where, "serial", values, f"port, baud, {', '.join(GROUPS)}")
    check_keys(where, "serial.", table, ("port",), ("baud", *GROUPS))
    return Serial(
        port=text_of(where, "serial.port", table),
        baud=int(number_of(where, "serial.baud", table, BAUDS, whole=True)) if "baud" in table else 115_200,
        wires=Wires(
            switches=_numbers(where, "serial.switches", table, MOST_NUMBER),
            knobs=_numbers(where, "serial.knobs", table, MOST_NUMBER),
            encoders=_single(where, "serial.encoders", _group(where, "serial.encoders", table, _one_number)),
            lights=_numbers(where, "serial.lights", table, MOST_NUMBER),
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
    """None of the numbers is there twice."""
    numbers = [number for own in found.values() for number in own]
    twice = [number for number in numbers if numbers.count(number) > 1]
    if twice:
        raise SettingValueError(f"{where}: {key}: {twice[0]} is there twice; each control needs one of its own")
    return found


def _one_number(where: str, key: str, values: Values) -> tuple[int, ...]:
    return (int(number_of(where, key, values, (0, MOST_NUMBER), whole=True)),)


def _two_pins(where: str, key: str, values: Values) -> tuple[int, ...]:
    value = values[key.rpartition(".")[2]]
    pins = value if isinstance(value, list) else []
    right = len(pins) == 2 and all(type(pin) is int and 0 <= pin <= MOST_PIN for pin in pins)
    if not right or pins[0] == pins[1]:
        raise SettingValueError(
            f"{where}: {key}: is {value!r}; the pins of both contacts, 0 to {MOST_PIN}, are needed, as [22, 27]"
        )
    return tuple(pins)


def _check_names(where: str, wiring: Wiring) -> None:
    for group in GROUPS:
        names = wiring.names(group)
        for name in names:
            if names.count(name) > 1:
                raise ControlNameError(f"{where}: {group}: {name!r} is there twice; each control needs its own name")
            if group == "switches" and not (name.isdecimal() and 1 <= int(name) <= 9 and len(name) == 1):
                raise ControlNameError(f"{where}: {group}: {name!r} is no footswitch; they are called 1 to 9")


def _check_pins(where: str, wiring: Wiring, hat_pins: Mapping[int, str]) -> None:
    taken = {pin: f"the HAT's {what}" for pin, what in hat_pins.items()}
    _check_bus(where, wiring)
    for part, owner in ((wiring.mcp3008, "converter"), (wiring.strip, "strip")):
        if part is not None:
            pins = SPI_PINS.get(part.bus, {})
            _take(where, taken, {pin: f"the {owner}'s {what}" for pin, what in pins.items()})
    if wiring.serial is not None and wiring.serial.port in HEADER_PORTS:
        _take(where, taken, {pin: f"the microcontroller's {what}" for pin, what in UART_PINS.items()})
    if wiring.gpio is not None:
        for group, name in wiring.gpio.names():
            found = getattr(wiring.gpio, group)[name]
            for pin in found if isinstance(found, tuple) else (found,):
                _take(where, taken, {pin: f"gpio.{group}.{name}"})


def _check_bus(where: str, wiring: Wiring) -> None:
    strip, converter = wiring.strip, wiring.mcp3008
    if strip is not None and converter is not None and strip.bus == converter.bus:
        raise SpiSharedError(
            f"{where}: strip.bus: is {strip.bus}, and so is mcp3008.bus; a strip has no chip select, and takes what "
            "the converter is asked for colours: give the converter another bus (1 is on the pins of I2S), or wire the "
            "knobs or the lights to a microcontroller"
        )


def _take(where: str, taken: dict[int, str], wanted: Mapping[int, str]) -> None:
    for pin, what in wanted.items():
        if pin in taken:
            raise PinConflictError(
                f"{where}: pin {pin}: is {taken[pin]} already, and {what} wants it; wire one of them elsewhere"
            )
        taken[pin] = what
