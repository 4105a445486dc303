"""Says which control of a pedal is wired to which pin of the Pi's header, a Raspberry Pi Pico or an MCP3008."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from connector import CHIP, ENCODER, HAT, KNOB, LAMP, POWER, SWITCH, Block, Hung, Pin
from drawing import BLACK, RED
from nampedal.board.profiles.pedals import PedalProfile
from nampedal.board.profiles.wiring import Adc, SerialController, Wires

SKETCH = Path(__file__).parent.parent / "board" / "serial-controls" / "serial-controls.ino"
# The pins of the Pi's header, from pin 1 on; a number is a GPIO.
_HEADER = (
    "3V3 5V 2 5V 3 GND 4 14 GND 15 17 18 27 GND 22 23 3V3 24 10 GND 9 25 11 8 GND 7 0 1 5 GND 6 12 13 GND 19 16 26 20 "
    "GND 21"
)
# In order of pin numbers: from the USB socket down the left side, then up the right side.
_PICO = (
    "GP0 GP1 GND GP2 GP3 GP4 GP5 GND GP6 GP7 GP8 GP9 GND GP10 GP11 GP12 GP13 GND GP14 GP15 "
    "GP16 GP17 GND GP18 GP19 GP20 GP21 GND GP22 RUN GP26 GP27 GND GP28 VREF 3V3 3V3EN GND VSYS VBUS"
)
# In the same order, from the notch.
_MCP3008 = "CH0 CH1 CH2 CH3 CH4 CH5 CH6 CH7 DGND CS DIN DOUT CLK AGND VREF VDD"
# Pins of the header that supply an MCP3008 and its knobs.
FEED, EARTH = 17, 25
_ANALOG = 26
KNOB_VALUE = "10 kΩ"


def _pins(names: str) -> list[Pin]:
    found = []
    for number, name in enumerate(names.split(), 1):
        called = f"GPIO {name}" if name.isdecimal() else name
        power = "5V" if name in ("VBUS", "VSYS") else name if name in POWER else ""
        found.append(Pin(number, called, power))
    return found


HEADER = _pins(_HEADER)
PLACES = {int(pin.name.removeprefix("GPIO ")): pin.number for pin in HEADER if not pin.power}
PICO = _pins(_PICO)
PICO_PLACES = {int(pin.name.removeprefix("GP")): pin.number for pin in PICO if re.fullmatch("GP[0-9]+", pin.name)}
MCP3008 = _pins(_MCP3008)
LEGS = {pin.name: pin.number for pin in MCP3008}


def header_rows() -> list[tuple[Pin, Pin]]:
    """Return the rows of the Pi's header: odd pins left, even pins right."""
    return list(zip(HEADER[::2], HEADER[1::2], strict=True))


def chip_rows(pins: Sequence[Pin]) -> list[tuple[Pin, Pin]]:
    """Return the rows of a chip. Its pins are numbered down the left side and up the right side."""
    half = len(pins) // 2
    return list(zip(pins[:half], reversed(pins[half:]), strict=True))


def sketch_pins(text: str) -> dict[str, list[tuple[int, ...]]]:
    """Return the Pico's GP numbers in a sketch by kind of control, in the order of the sketch's lists."""

    def one(name: str) -> int:
        return int(name) if name.isdecimal() else _ANALOG + int(name.removeprefix("A"))

    found: dict[str, list[tuple[int, ...]]] = {}
    for kind in ("Switch", "Knob", "Encoder", "Light"):
        match = re.search(rf"k{kind}Pins\[\](?:\[2\])? = {{(.*)}};", text)
        assert match is not None, f"the sketch has no k{kind}Pins"
        names = re.findall("[A0-9]+", match[1])
        step = 2 if kind == "Encoder" else 1
        found[kind] = [tuple(map(one, names[i : i + step])) for i in range(0, len(names), step)]
    return found


def hang_wires(
    wires: Wires, places: Mapping[int, int], uses: Mapping[str, Mapping[str, tuple[int, ...]]]
) -> dict[int, Hung]:
    """Return the controls by pin number. places: the pin number of each GPIO.  uses: the GPIOs of each control, by
    group and name.
    """
    kinds = {
        "switches": ("switch", "Footswitch", SWITCH),
        "lights": ("lamp", "Lamp", LAMP),
        "knobs": ("knob", "Knob", KNOB),
    }
    found = {}
    for group, name in wires.names():
        pins = uses[group][name]
        if group == "encoders":
            for contact, pin in zip("AB", pins, strict=True):
                found[places[pin]] = Hung("switch", f"Encoder {name} {contact}", ENCODER)
        else:
            kind, called, colour = kinds[group]
            found[places[pins[0]]] = Hung(kind, f"{called} {name}", colour, KNOB_VALUE if kind == "knob" else "")
    return found


def gpio_uses(wires: Wires) -> dict[str, dict[str, tuple[int, ...]]]:
    return {
        "switches": {name: (pin,) for name, pin in wires.switches.items()},
        "lights": {name: (pin,) for name, pin in wires.lights.items()},
        "encoders": dict(wires.encoders),
    }


def serial_uses(wires: Wires) -> dict[str, dict[str, tuple[int, ...]]]:
    lists = sketch_pins(SKETCH.read_text())
    return {
        "switches": {name: lists["Switch"][number] for name, number in wires.switches.items()},
        "lights": {name: lists["Light"][number] for name, number in wires.lights.items()},
        "knobs": {name: lists["Knob"][number] for name, number in wires.knobs.items()},
        "encoders": {name: lists["Encoder"][number] for name, (number,) in wires.encoders.items()},
    }


def legs(device: int) -> dict[str, int]:
    """Return the header pin that each leg of an MCP3008 is wired to, on SPI bus 0."""
    gpios = {"CLK": 11, "DOUT": 9, "DIN": 10, "CS": (8, 7)[device]}
    return {
        **{leg: PLACES[gpio] for leg, gpio in gpios.items()},
        "VDD": FEED,
        "VREF": FEED,
        "AGND": EARTH,
        "DGND": EARTH,
    }


def header_block(pedal: PedalProfile) -> Block:
    """Return the Raspberry Pi's header with what is wired to it."""
    wiring = pedal.wiring
    hung = {PLACES[gpio]: Hung("words", use, HAT) for gpio, use in pedal.hat.pins.items()}
    if wiring.mcp3008 is not None:
        assert wiring.mcp3008.bus == 0, "a converter is drawn on SPI bus 0"
        hung[PLACES[(7, 8)[wiring.mcp3008.device]]] = Hung("words", "taken by SPI, leave free", CHIP)
        for leg, place in legs(wiring.mcp3008.device).items():
            if not HEADER[place - 1].power:
                hung[place] = Hung("flag", f"MCP3008 leg {LEGS[leg]}, {leg}", CHIP)
        hung[FEED] = Hung("flag", "MCP3008, knobs: 3V3", RED)
        hung[EARTH] = Hung("flag", "MCP3008, knobs: GND", BLACK)
    if wiring.gpio is not None:
        hung |= hang_wires(wiring.gpio, PLACES, gpio_uses(wiring.gpio))
    return Block(header_rows(), hung, gap=4)


def pico_block(serial: SerialController) -> Block:
    return Block(chip_rows(PICO), hang_wires(serial.wires, PICO_PLACES, serial_uses(serial.wires)), gap=24)


def expression_pedals(pedal: PedalProfile, converter: Adc) -> dict[str, int]:
    """Return the MCP3008 channels of expression pedals, by name."""
    return {
        name: channel
        for name, channel in converter.wires.knobs.items()
        if name in pedal.knobs and pedal.knobs[name].expression
    }


def chip_block(pedal: PedalProfile, converter: Adc) -> Block:
    """Return the MCP3008 with what is wired to it. Unused inputs are tied to 3.3 V."""
    hung = {
        channel + 1: Hung("knob", f"Knob {name}", KNOB, KNOB_VALUE) for name, channel in converter.wires.knobs.items()
    }
    hung |= {channel + 1: Hung("flag", "jack", KNOB) for channel in expression_pedals(pedal, converter).values()}
    hung |= {leg: Hung("high", "not used", RED) for leg in range(1, 9) if leg not in hung}
    for leg, place in legs(converter.device).items():
        pin = HEADER[place - 1]
        hung[LEGS[leg]] = Hung("flag", f"to pin {place}, {pin.name}", POWER.get(pin.power, CHIP))
    return Block(chip_rows(MCP3008), hung, gap=24, bare=True)
