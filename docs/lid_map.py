"""Draws what a pedal's footswitches do, to print and tape on its lid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from drawing import GREY, INK, PALE, PAPER, PER_MM, Sheet, Style, text_width, wrap
from nampedal.board.inputs.footswitch import Trigger
from nampedal.board.profiles.pedals import PedalProfile
from nampedal.firmware.actions import bindings
from nampedal.firmware.actions.action import Action

# Width of a cell. Four cells fit on a page of A4.
CELL, MARGIN = 44 * PER_MM, 4 * PER_MM
_BIG, _MIDDLE, _SMALL = 5.2 * PER_MM, 3.9 * PER_MM, 3.1 * PER_MM
_HEAD = 14 * PER_MM
_GESTURES = {"long": "hold", "double": "twice", "repeat": "keep holding", "release": "let go"}


def footswitches(pedal: PedalProfile) -> Mapping[Trigger, Action]:
    """Return the actions of the footswitches: from the profile's map, or else the default for their number."""
    own = bindings.read(pedal.map, pedal.key).footswitches
    return own or bindings.default(pedal.wiring.names("switches")).footswitches


def in_words(action: Action) -> str:
    """Return an action as text, without the action of the second press."""
    words = " ".join(action.words)
    if action.kind in ("next", "previous"):
        return f"{action.kind} preset"
    if action.kind == "bank" and words in ("next", "previous"):
        return f"{words} bank"
    if action.kind == "set":
        return words
    return f"{action.kind} {words}".strip()


def told(pedal: PedalProfile) -> list[str]:
    """Return a sentence for each footswitch gesture."""
    does = footswitches(pedal)
    return [f"{_who(trigger)}: {_full(does[trigger])}." for trigger in does]


def _who(trigger: Trigger) -> str:
    if trigger.kind == "chord":
        return f"Footswitches {' and '.join(trigger.switches)} together"
    how = {"press": "", **{kind: f", {word}" for kind, word in _GESTURES.items()}}[trigger.kind]
    return f"Footswitch {trigger.switches[0]}{how}"


def _full(action: Action) -> str:
    return in_words(action) if action.again is None else f"{in_words(action)}; again: {_full(action.again)}"


def lid_map(pedal: PedalProfile) -> str:
    """Return an SVG with a size in millimetres."""
    names = pedal.wiring.names("switches")
    does = footswitches(pedal)
    sheet = Sheet(2 * MARGIN + len(names) * CELL, f"Footswitches of {pedal.name}")
    sheet.told = told(pedal)
    cells = [_lines(name, does) for name in names]
    tall = max(_HEAD + sum(1.3 * style.size for _, style in lines) for lines in cells) + 2 * PER_MM
    for index, (name, lines) in enumerate(zip(names, cells, strict=True)):
        _cell(sheet, MARGIN + index * CELL, tall, name, lines)
    chords = [trigger for trigger in does if trigger.kind == "chord"]
    return sheet.svg(_chords(sheet, MARGIN + tall, names, {each: does[each] for each in chords}), to_print=True)


def _lines(name: str, does: Mapping[Trigger, Action]) -> list[tuple[str, Style]]:
    """Return the text of a cell: the action of a press in large letters, then the other gestures."""
    room = CELL - 4 * PER_MM
    found: list[tuple[str, Style]] = []
    for trigger, action in does.items():
        if trigger.kind == "chord" or trigger.switches[0] != name:
            continue
        how = _GESTURES.get(trigger.kind)
        big = Style(_SMALL if how else _BIG, INK, bold=not how, anchor="middle")
        small = Style(_SMALL, INK, anchor="middle")
        text = in_words(action) if how is None else f"{how}: {in_words(action)}"
        found += [(line, big) for line in wrap(text, big.size, room, bold=big.bold)]
        if action.again is not None:
            found += [(line, small) for line in wrap(f"again: {_full(action.again)}", _SMALL, room)]
    return found


def _cell(sheet: Sheet, x: float, tall: float, name: str, lines: Sequence[tuple[str, Style]]) -> None:
    middle = x + CELL / 2
    sheet.box(x + PER_MM, MARGIN, (CELL - 2 * PER_MM, tall), PAPER, stroke=GREY, round=2 * PER_MM)
    sheet.dot(middle, MARGIN + 7 * PER_MM, INK, radius=4.6 * PER_MM)
    sheet.text(middle, MARGIN + 7 * PER_MM, name, Style(_BIG, PAPER, bold=True, anchor="middle"))
    y: float = MARGIN + _HEAD
    for line, style in lines:
        sheet.text(middle, y + 0.65 * style.size, line, style)
        y += 1.3 * style.size


def _chords(sheet: Sheet, y: float, names: Sequence[str], does: Mapping[Trigger, Action]) -> float:
    """Draw the chords as bars below the cells, from one footswitch to the other, and return y of their end.

    Bars that do not overlap share a row.
    """
    rows: list[int] = []
    tall, step = 8 * PER_MM, 10 * PER_MM
    for trigger, action in does.items():
        first, last = sorted(names.index(name) for name in trigger.switches)
        row = next((index for index, end in enumerate(rows) if first > end), len(rows))
        rows[row : row + 1] = [last]
        x, width = MARGIN + first * CELL + PER_MM, (last - first + 1) * CELL - 2 * PER_MM
        top = y + 3 * PER_MM + row * step
        sheet.box(x, top, (width, tall), PALE, stroke=GREY, round=tall / 2)
        text = f"{' + '.join(trigger.switches)} together: {_full(action)}"
        size = _MIDDLE if text_width(text, _MIDDLE, bold=True) < width - 4 * PER_MM else _SMALL
        sheet.text(x + width / 2, top + tall / 2, text, Style(size, INK, bold=True, anchor="middle"))
    return y + (3 * PER_MM + len(rows) * step if rows else 0) + MARGIN - (2 * PER_MM if rows else 0)
