"""Draws the wiring and the footswitch map of each shipped pedal: docs/wiring/*.svg, from hw-profiles/pedals.

    python docs/make_wiring.py

The pins of a microcontroller are those of board/serial-controls/serial-controls.ino.
"""

from __future__ import annotations

from pathlib import Path

from connector import ENCODER, HAT, KNOB, LAMP, POWER, SIZE, SMALL, SWITCH, Block, Side, reach, sides
from drawing import BLACK, GREY, INK, PALE, PAPER, RED, Sheet, Style, text_width, wrap
from hookup import EARTH, FEED, HEADER, chip_block, expression_pedals, header_block, pico_block
from lid_map import lid_map
from nampedal.board.profiles.pedals import PedalProfile, read_pedal

ROOT = Path(__file__).parent.parent
OUT = ROOT / "docs" / "wiring"
MARGIN, PITCH, TIGHT = 16.0, 44.0, 32.0
_BOLD = Style(SIZE, INK, bold=True)
_PLAIN = Style(SIZE, INK)


def wiring_sheet(pedal: PedalProfile) -> str:
    wiring = pedal.wiring
    header = header_block(pedal)
    pico = None if wiring.serial is None else pico_block(wiring.serial)
    chip = None if wiring.mcp3008 is None else chip_block(pedal, wiring.mcp3008)
    blocks = [block for block in (pico, header, chip) if block is not None]
    sheet = Sheet(2 * MARGIN + max(map(reach, blocks)), f"Wiring of {pedal.name}")
    y = _title(sheet, pedal)
    if pico is not None:
        y = _microcontroller(sheet, y, pico)
    y = _header(sheet, y, pedal, header)
    if chip is not None and wiring.mcp3008 is not None:
        y = _converter(sheet, y, chip)
        for name, channel in expression_pedals(pedal, wiring.mcp3008).items():
            y = _jack(sheet, y, name, channel)
    return sheet.svg(_legend(sheet, y, pedal))


def _title(sheet: Sheet, pedal: PedalProfile) -> float:
    big = Style(24, INK, bold=True)
    y = 40.0
    for line in wrap(pedal.name, big.size, sheet.width - 2 * MARGIN, bold=True):
        sheet.text(MARGIN, y, line, big)
        y += 30
    return y


def _heading(sheet: Sheet, y: float, title: str, *told: str) -> float:
    """Begin a part of the sheet, and return the y where its drawing can begin."""
    sheet.text(MARGIN, y + 14, title, Style(20, INK, bold=True))
    y += 42
    for paragraph in told:
        for line in wrap(paragraph, SIZE, sheet.width - 2 * MARGIN):
            sheet.text(MARGIN, y, line, _PLAIN)
            y += 21
    return y + 26


def _header(sheet: Sheet, y: float, pedal: PedalProfile, block: Block) -> float:
    alone = all(found.kind == "words" for found in block.hung.values())
    where = "Seen from above, the end with the memory card up: even pins are along the board's edge. Pin 1 is square."
    below = "Who solders from below sees left and right swapped: go by the numbers."
    if pedal.hat.pins:
        note = (
            "Only the HAT is plugged on here: solder nothing to it." if alone else f"The HAT covers the header. {below}"
        )
    else:
        note = "Nothing is soldered here." if alone else below
    y = _heading(sheet, y, "The Raspberry Pi's header", where, note)
    pitch = TIGHT if alone else PITCH
    for side in sides(sheet, y, pitch, block):
        side.draw()
        _tell(sheet, side, "Header pin")
    return y + 20 * pitch


def _microcontroller(sheet: Sheet, y: float, block: Block) -> float:
    note = "Seen from above, the USB socket up. It is joined to the Pi by a USB cable, nothing else."
    y = _heading(sheet, y, "The microcontroller: a Raspberry Pi Pico", note)
    left, right = sides(sheet, y + 50, PITCH, block)
    plug = (70, 34)
    sheet.box(left.x0 - plug[0] / 2, y - 14, plug, PALE, stroke=INK)
    sheet.text(left.x0, y + 3, "USB", Style(SIZE, INK, bold=True, anchor="middle"))
    sheet.wire([(left.x0 + plug[0] / 2, y + 3), (left.x0 + 76, y + 3)], INK)
    sheet.text(left.x0 + 84, y + 3, "cable to the Pi's USB", _PLAIN)
    sheet.told.append("USB: a cable to a USB socket of the Pi.")
    for side in (left, right):
        side.draw()
        _tell(sheet, side, "Pico's pin")
    return y + 50 + 20 * PITCH


def _tell(sheet: Sheet, side: Side, where: str) -> None:
    for pin in side.pins.values():
        if pin.number in side.hung:
            found = side.hung[pin.number]
            owner = "the HAT's " if found.colour == HAT else ""
            sheet.told.append(f"{where} {pin.number} ({pin.name}): {owner}{found.label}.")


def _converter(sheet: Sheet, y: float, block: Block) -> float:
    note = "Seen from above, the notch up. The legs are numbered down the left side and up the right one."
    y = _heading(sheet, y, "The converter for the knobs: an MCP3008", note)
    left, right = sides(sheet, y, PITCH, block)
    low = y + 8 * PITCH
    left.high.ys.append(low)
    left.grounds[0].ys.append(low + 40)
    for side in (left, right):
        side.draw()
        _tell(sheet, side, "MCP3008 leg")
    sheet.stroke(
        [(left.x0 - 9, y - 20), (left.x0 - 7, y - 13), (left.x0, y - 9), (left.x0 + 7, y - 13), (left.x0 + 9, y - 20)],
        GREY,
        fill=PAPER,
    )
    _feed(sheet, left.x(left.high.u), low, left.x0, FEED)
    _feed(sheet, left.x(left.ground_u), low + 40, left.x0, EARTH)
    _capacitor(sheet, right.x0 + 40, low + 20)
    return low + 80


def _flag(sheet: Sheet, x: float, y: float, text: str, colour: str) -> float:
    """Draw a box that says where a wire continues, from x to the right, and return the x of its end."""
    width = text_width(text, SMALL, bold=True) + 16
    sheet.box(x, y - 14, (width, 28), PALE, stroke=colour, round=6)
    sheet.text(x + width / 2, y, text, Style(SMALL, colour, bold=True, anchor="middle"))
    return x + width


def _feed(sheet: Sheet, x: float, y: float, x0: float, place: int) -> None:
    pin = HEADER[place - 1]
    text = f"to pin {place}, {pin.name}"
    colour = POWER[pin.power]
    start = x0 - text_width(text, SMALL, bold=True) - 16
    _flag(sheet, start, y, text, colour)
    sheet.wire([(x, y), (start, y)], colour)


def _capacitor(sheet: Sheet, x: float, y: float) -> None:
    """Draw the capacitor across the converter's supply."""
    end = _flag(sheet, x, y, "leg 16", RED)
    plate = end + 30
    sheet.wire([(end, y), (plate, y)], RED)
    sheet.stroke([(plate, y - 13), (plate, y + 13)], INK)
    sheet.stroke([(plate + 8, y - 13), (plate + 8, y + 13)], INK)
    sheet.wire([(plate + 8, y), (plate + 38, y)], BLACK)
    _flag(sheet, plate + 38, y, "leg 9", BLACK)
    sheet.text(plate + 4, y + 28, "100 nF, right at the chip", Style(SMALL, INK, anchor="middle"))
    sheet.told.append("100 nF from MCP3008 leg 16 to leg 9, right at the chip.")


def _jack(sheet: Sheet, y: float, name: str, channel: int) -> float:
    note = "A stereo jack of 6.3 mm. A pedal whose tip and ring are the other way round: swap the two wires."
    y = 10 + _heading(sheet, y, f"The jack of the {name} pedal", note)
    x, joint, jack = MARGIN, 230.0, 480.0
    rows = [
        ("tip", f"MCP3008 leg {channel + 1}", KNOB),
        ("ring", f"to pin {FEED}, 3V3", RED),
        ("sleeve", f"to pin {EARTH}, GND", BLACK),
    ]
    sheet.box(jack, y - 30, (110, 190), PALE, stroke=INK, round=8)
    for index, (contact, flag, colour) in enumerate(rows):
        at = y + 65 * index
        end = _flag(sheet, x, at, flag, colour)
        sheet.dot(jack, at, INK)
        sheet.text(jack + 16, at, contact, _BOLD)
        if contact == "ring":
            sheet.wire([(end, at), (joint + 80, at)], colour)
            _resistor(sheet, joint + 80, at, "1 kΩ")
            sheet.wire([(joint + 150, at), (jack, at)], KNOB)
        else:
            sheet.wire([(end, at), (jack, at)], colour)
    sheet.dot(joint, y, KNOB)
    sheet.dot(joint, y + 65, RED)
    sheet.wire([(joint, y), (joint, y + 10)], KNOB)
    sheet.box(joint - 11, y + 10, (22, 45), PAPER, stroke=INK, round=2)
    sheet.wire([(joint, y + 55), (joint, y + 65)], RED)
    sheet.text(joint + 22, y + 32, "1 MΩ", _PLAIN)
    tip, ring = f"tip to MCP3008 leg {channel + 1} and through 1 MΩ to 3.3 V", "ring through 1 kΩ to 3.3 V"
    sheet.told.append(f"Jack of the {name} pedal: {tip}, {ring}, sleeve to ground.")
    return y + 190


def _resistor(sheet: Sheet, x: float, y: float, value: str) -> None:
    sheet.box(x, y - 13, (70, 26), PAPER, stroke=INK, round=2)
    sheet.text(x + 35, y, value, Style(SIZE, INK, anchor="middle"))


def _legend(sheet: Sheet, y: float, pedal: PedalProfile) -> float:
    """Draw the legend, and return the height of the sheet."""
    y = _heading(sheet, y, "How to read it") - 22
    for colour, notes in _notes(pedal):
        lines = wrap(notes, SIZE, sheet.width - 2 * MARGIN - 40)
        sheet.box(MARGIN, y - 10, (26, 20), colour, stroke=GREY, round=4)
        for line in lines:
            sheet.text(MARGIN + 40, y, line, _PLAIN)
            y += 21
        y += 9
    return y + 10


def _notes(pedal: PedalProfile) -> list[tuple[str, str]]:
    """Return the legend's colours and texts."""
    wiring = pedal.wiring
    found = []
    if pedal.hat.pins:
        found.append((HAT, f"Taken by the HAT, {pedal.hat.name}: nothing else goes there."))
    if wiring.names("switches"):
        found.append((SWITCH, "Footswitch: a momentary one, between its pin and ground. No resistor."))
    if wiring.names("lights"):
        lamp = "Lamp: the pin, 1 kΩ, the LED's long leg, its short leg, ground. Red, yellow or green."
        found.append((LAMP, lamp))
    if wiring.names("knobs"):
        knob = "Knob: 10 kΩ, linear. The middle leg is the wiper. The end that it reaches clockwise goes to 3V3 (red)."
        found.append((KNOB, knob))
    if wiring.names("encoders"):
        encoder = "Encoder: contacts A and B to their pins, the common one to ground. Turned clockwise, A closes first."
        found.append((ENCODER, encoder))
    found.append((BLACK, "Ground. All pins called GND are one: take whichever is near."))
    found.append((POWER["5V"], "5 V: never on a pin, a knob or the converter. What is wired to a pin stands 3.3 V."))
    return found


def main() -> None:
    """Write all files of docs/wiring."""
    OUT.mkdir(exist_ok=True)
    for name, text in drawings().items():
        (OUT / name).write_text(text, encoding="utf-8")


def drawings() -> dict[str, str]:
    """Return the contents of all files of docs/wiring, by file name."""
    found = {}
    for path in sorted((ROOT / "hw-profiles" / "pedals").glob("*.toml")):
        pedal = read_pedal(path)
        found[f"{path.stem}.svg"] = wiring_sheet(pedal)
        found[f"{path.stem}-footswitches.svg"] = lid_map(pedal)
    return found


if __name__ == "__main__":
    main()
