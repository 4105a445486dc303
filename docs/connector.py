"""Draws two rows of pins, as on a header or a chip, with a symbol for what is soldered to each pin beside it.

From the pins outwards, to the left and to the right, come: the pin's number, its name, the symbol, the rails (3.3 V,
then ground, if needed), and the control's label. Thus wires cross only rails, and jump over them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from drawing import BLACK, GREY, INK, PALE, PAPER, RED, SHADE, Sheet, Style, text_width, wrap

HAT, SWITCH, LAMP, KNOB, ENCODER, CHIP = "#7a4fa8", "#1f5fb4", "#b45309", "#0a7d55", "#a03070", "#00707f"
POWER = {"3V3": RED, "5V": "#8f4a00", "GND": BLACK}
PIN, NAME, SYMBOL, RAIL, LABEL = 30, 68, 84, 16, 99
# Width of the texts beside a row of pins without wires.
WORDS = 104
SIZE, SMALL = 16.0, 15.0
# Distance above and below a knob's row at which its ends are wired to the rails.
END = 17
# In rows: parts that are at least this far apart get separate ground rails.
APART_ROWS = 4


@dataclass(frozen=True, slots=True)
class Pin:
    """One pin of a header or a chip. name: its label.  power: '3V3', '5V' or 'GND', else ''."""

    number: int
    name: str
    power: str = ""


@dataclass(frozen=True, slots=True)
class Hung:
    """A part that is attached to a pin.

    kind: 'switch', 'lamp', 'knob', 'high' (tied to 3.3 V), 'flag' (a wire that continues elsewhere; label says where),
    or 'words' (text without a wire). value: the part's value, such as 10 kΩ.
    """

    kind: str
    label: str
    colour: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """Two rows of pins, left and right, from top to bottom. hung: parts by pin number.  gap: space between the rows.

    bare: its rails are not connected to any of its own pins.
    """

    rows: Sequence[tuple[Pin, Pin]]
    hung: Mapping[int, Hung]
    gap: float
    bare: bool = False


@dataclass(slots=True)
class Rail:
    """A vertical wire along the pins. u: distance from the middle.  ys: where something is connected to it."""

    u: float
    colour: str
    ys: list[float] = field(default_factory=list)

    def passes(self, y: float) -> bool:
        """Return True if the rail passes this height. Its ends do not count."""
        return bool(self.ys) and min(self.ys) < y < max(self.ys)


@dataclass(slots=True)
class Side:
    """One row of pins. way: -1 left, 1 right.  half: distance from the middle to the pins.  x0: the middle."""

    sheet: Sheet
    way: int
    half: float
    pins: Mapping[float, Pin]
    hung: Mapping[int, Hung]
    pitch: float
    bare: bool
    x0: float = 0
    high: Rail = field(init=False)
    grounds: list[Rail] = field(init=False)

    def __post_init__(self) -> None:
        self.high = Rail(self.symbol + SYMBOL + 4, RED)
        self.grounds = []
        self._plan()

    @property
    def symbol(self) -> float:
        """Return the distance from the middle to the symbols."""
        return self.half + PIN + 6 + NAME + 2

    @property
    def ground_u(self) -> float:
        return self.high.u + (RAIL if self.high.ys else 0)

    @property
    def extent(self) -> float:
        """Return the distance from the middle to the outer edge."""
        kinds = {
            found.kind for number, found in self.hung.items() if number in {pin.number for pin in self.pins.values()}
        }
        return self.symbol + WORDS if kinds <= {"words"} else self.ground_u + 10 + LABEL

    def x(self, u: float) -> float:
        return self.x0 + self.way * u

    def _kind(self, y: float) -> str:
        found = self.hung.get(self.pins[y].number)
        return found.kind if found else ""

    def _free(self, power: str) -> list[float]:
        return [y for y, pin in self.pins.items() if pin.power == power and not self._kind(y)]

    def _plan(self) -> None:
        """Plan the rails: what each connects, and which pin feeds it."""
        users: list[float] = []
        for y in sorted(self.pins):
            kind = self._kind(y)
            if kind == "knob":
                self.high.ys.append(y - END)
                users.append(y + END)
            elif kind == "high":
                self.high.ys.append(y)
            elif kind in ("switch", "lamp"):
                users.append(y)
        if self.high.ys and not self.bare:
            self.high.ys.append(_nearest(self._free("3V3"), self.high.ys))
        groups: list[list[float]] = []
        for y in users:
            if groups and y - groups[-1][-1] < APART_ROWS * self.pitch:
                groups[-1].append(y)
            else:
                groups.append([y])
        for group in groups:
            source = [] if self.bare else [_nearest(self._free("GND"), group)]
            self.grounds.append(Rail(self.ground_u, BLACK, group + source))

    def room(self, y: float) -> float:
        """Return the width available for a text beside a pin."""
        taken = self.high.passes(y) or any(rail.passes(y) for rail in self.grounds)
        return SYMBOL if taken else self.extent - self.symbol

    def draw(self) -> None:
        for y, pin in self.pins.items():
            self._pin(y, pin)
            found = self.hung.get(pin.number)
            if found:
                self._hang(y, pin, found)
            elif y in self.high.ys:
                self._to_high(y, self._start(pin))
            elif any(y in rail.ys for rail in self.grounds):
                self._to_ground(y, self._start(pin))
        for rail in [self.high, *self.grounds]:
            if rail.ys:
                self.sheet.wire([(self.x(rail.u), min(rail.ys)), (self.x(rail.u), max(rail.ys))], rail.colour)
                for y in rail.ys:
                    self.sheet.dot(self.x(rail.u), y, rail.colour)

    def _anchor(self) -> str:
        return "start" if self.way > 0 else "end"

    def _start(self, pin: Pin) -> float:
        """Return the distance from the middle at which a pin's wire begins: after its name."""
        return self.half + PIN + 6 + text_width(pin.name, SIZE, bold=True) + 6

    def _pin(self, y: float, pin: Pin) -> None:
        found = self.hung.get(pin.number)
        used = found is not None or pin.power
        colour = found.colour if found and not pin.power else POWER.get(pin.power, PAPER)
        left = min(self.x(self.half), self.x(self.half + PIN))
        self.sheet.box(
            left, y - 14, (PIN, 28), colour, stroke=colour if used else GREY, round=2 if pin.number == 1 else 8
        )
        white = Style(SIZE, PAPER if used else INK, bold=True, anchor="middle")
        self.sheet.text(left + PIN / 2, y, str(pin.number), white)
        name = Style(SIZE, colour if used else GREY, bold=True, anchor=self._anchor())
        self.sheet.text(self.x(self.half + PIN + 6), y, pin.name, name)

    def _hang(self, y: float, pin: Pin, found: Hung) -> None:
        start = self._start(pin)
        if found.kind == "words":
            self._words(y, found)
            return
        if found.kind == "flag":
            self._flag(y, start, found)
            return
        if found.kind == "high":
            self._to_high(y, start)
        else:
            {"switch": self._switch, "lamp": self._lamp, "knob": self._knob}[found.kind](y, start, found.colour)
        self._label(y, found)

    def _label(self, y: float, found: Hung) -> None:
        """Draw the control's label and below it its value."""
        lines = [(line, True) for line in wrap(found.label, SIZE, LABEL, bold=True)]
        lines += [(found.value, False)] if found.value else []
        for index, (line, bold) in enumerate(lines):
            style = Style(SIZE if bold else SMALL, INK, bold=bold, anchor=self._anchor())
            self.sheet.text(self.x(self.ground_u + 12), y + (index - (len(lines) - 1) / 2) * 19, line, style)

    def _words(self, y: float, found: Hung) -> None:
        lines = wrap(found.label, SMALL, self.room(y))
        self.sheet.lines(self.x(self.symbol), y, lines, Style(SMALL, found.colour, anchor=self._anchor()))

    def _flag(self, y: float, start: float, found: Hung) -> None:
        room = self.room(y) - 24
        lines = wrap(found.label, SMALL, room, bold=True)
        width = max(text_width(line, SMALL, bold=True) for line in lines) + 16
        near = self.symbol + 8
        self.sheet.wire([(self.x(start), y), (self.x(near), y)], found.colour)
        height = 10 + 17 * len(lines)
        left = min(self.x(near), self.x(near + width))
        self.sheet.box(left, y - height / 2, (width, height), PALE, stroke=found.colour, round=6)
        middle = Style(SMALL, found.colour, bold=True, anchor="middle")
        self.sheet.lines(left + width / 2, y, lines, middle)

    def _to_high(self, y: float, start: float) -> None:
        self.sheet.wire([(self.x(start), y), (self.x(self.high.u), y)], RED)

    def _to_ground(self, y: float, start: float) -> None:
        hops = [self.x(self.high.u)] if self.high.passes(y) else []
        self.sheet.wire([(self.x(start), y), (self.x(self.ground_u), y)], BLACK, hops)

    def _switch(self, y: float, start: float, colour: str) -> None:
        near, far = self.symbol + 22, self.symbol + 66
        self.sheet.wire([(self.x(start), y), (self.x(near), y)], colour)
        self.sheet.stroke([(self.x(near), y), (self.x(far - 4), y - 15)], INK)
        self.sheet.dot(self.x(near), y, INK)
        self.sheet.dot(self.x(far), y, INK)
        self._to_ground(y, far)

    def _lamp(self, y: float, start: float, colour: str) -> None:
        box, led = self.symbol + 4, self.symbol + 58
        self.sheet.wire([(self.x(start), y), (self.x(box), y)], colour)
        self.sheet.box(min(self.x(box), self.x(box + 42)), y - 11, (42, 22), PAPER, stroke=INK, round=2)
        self.sheet.text(self.x(box + 21), y, "1 kΩ", Style(14, INK, anchor="middle"))
        self.sheet.wire([(self.x(box + 42), y), (self.x(led), y)], colour)
        tip = led + 17
        self.sheet.stroke([(self.x(led), y - 10), (self.x(led), y + 10), (self.x(tip), y)], INK, fill=colour)
        self.sheet.stroke([(self.x(tip), y - 10), (self.x(tip), y + 10)], INK)
        for shift in (2, 11):
            foot, head = self.x(led + shift), self.x(led + shift + 7)
            self.sheet.stroke([(foot, y - 11), (head, y - 18)], colour)
            self.sheet.stroke([(head - 5 * self.way, y - 18), (head, y - 18), (head, y - 13)], colour)
        self._to_ground(y, tip)

    def _knob(self, y: float, start: float, colour: str) -> None:
        body = self.symbol + 46
        self.sheet.wire([(self.x(start), y), (self.x(body - 18), y)], colour)
        self.sheet.stroke(
            [(self.x(body - 18), y - 6), (self.x(body - 18), y + 6), (self.x(body - 9), y)], colour, fill=colour
        )
        self.sheet.box(self.x(body) - 8, y - 12, (16, 24), PAPER, stroke=INK, round=1)
        self.sheet.wire([(self.x(body), y - 12), (self.x(body), y - END), (self.x(self.high.u), y - END)], RED)
        hops = [self.x(self.high.u)] if self.high.passes(y + END) else []
        low = y + END
        self.sheet.wire([(self.x(body), y + 12), (self.x(body), low), (self.x(self.ground_u), low)], BLACK, hops)


def _nearest(places: Sequence[float], users: Sequence[float]) -> float:
    """Return the pin position that makes the rail shortest; the upper one if two are equal."""
    return min(places, key=lambda y: (max(*users, y) - min(*users, y), y))


def reach(block: Block) -> float:
    """Return the width of a block with everything beside it."""
    return sum(side.extent for side in sides(Sheet(0, ""), 0, SIZE, block))


def sides(sheet: Sheet, y: float, pitch: float, block: Block) -> tuple[Side, Side]:
    """Return the left and right side of a block, centred on the sheet, and draw the body that carries the pins.

    y: of the first row.
    """
    left, right = (
        Side(
            sheet,
            way,
            block.gap / 2,
            {y + index * pitch: row[(way + 1) // 2] for index, row in enumerate(block.rows)},
            block.hung,
            pitch,
            block.bare,
        )
        for way in (-1, 1)
    )
    left.x0 = right.x0 = (sheet.width + left.extent - right.extent) / 2
    out = block.gap / 2 + PIN / 2
    sheet.box(left.x0 - out, y - 20, (2 * out, (len(block.rows) - 1) * pitch + 40), SHADE, round=6)
    return left, right
