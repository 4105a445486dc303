"""Draws an SVG sheet: straight lines, simple shapes and text, in absolute coordinates of one pixel.

The same calls always produce the same bytes. Wires are parallel to the axes, so that a test can check what they cross.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

FONT = "Arial, Helvetica, 'Liberation Sans', Roboto, sans-serif"
INK, PAPER, GREY, PALE, SHADE = "#1c2430", "#ffffff", "#667080", "#eef1f5", "#d5dae1"
RED, BLACK = "#c0202b", "#22262c"
# Advance widths of Helvetica and Helvetica Bold from the space to the tilde, in thousandths of the font size. Arial and
# Liberation Sans have the same widths, and Roboto is a little narrower.
_REGULAR = (
    "278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 556 556 278 278 "
    "584 584 584 556 1015 667 667 722 722 667 611 778 722 278 500 667 556 833 722 778 667 778 722 667 611 722 667 944 "
    "667 667 611 278 278 278 469 556 333 556 556 500 556 556 278 556 556 222 222 500 222 833 556 556 556 556 333 500 "
    "278 556 500 722 500 500 500 334 260 334 584"
)
_BOLD = (
    "278 333 474 556 556 889 722 238 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 556 556 333 333 "
    "584 584 584 611 975 722 722 722 722 667 611 778 722 278 556 722 611 833 722 778 667 778 722 667 611 722 667 944 "
    "667 667 611 333 278 333 584 556 333 556 611 556 611 556 333 611 611 278 278 556 278 889 611 611 611 611 389 556 "
    "333 611 556 778 556 556 500 389 280 389 584"
)
_WIDTHS = {
    bold: dict(zip(map(chr, range(32, 127)), map(int, table.split()), strict=True))
    for bold, table in ((False, _REGULAR), (True, _BOLD))
}
_WIDEST = 1015
HOP = 6
# Pixels per millimetre, for sheets to print.
PER_MM = 4


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a line of text. A character that is not in ASCII counts as the widest one."""
    return sum(_WIDTHS[bold].get(sign, _WIDEST) for sign in text) * size / 1000


def wrap(text: str, size: float, width: float, *, bold: bool = False) -> list[str]:
    """Return the lines of a text with as many words in each as fit. A word wider than the line gets
    a line of its own.
    """
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size, bold=bold) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


@dataclass(frozen=True, slots=True)
class Style:
    """The style of a text. anchor: the meaning of x: 'start', 'middle' or 'end'."""

    size: float = 17
    fill: str = INK
    bold: bool = False
    anchor: str = "start"


class Sheet:
    """An SVG drawing in the making. title, told: the texts for screen readers."""

    def __init__(self, width: float, title: str) -> None:
        self.width = width
        self.title = title
        self.told: list[str] = []
        self._shapes: list[str] = []
        self._texts: list[str] = []

    def text(self, x: float, y: float, text: str, style: Style) -> None:
        """Draw one line of text, vertically centred at y."""
        weight = ' font-weight="bold"' if style.bold else ""
        anchor = "" if style.anchor == "start" else f' text-anchor="{style.anchor}"'
        # Digits and capitals are 0.72 of the font size high.
        baseline = y + 0.36 * style.size
        self._texts.append(
            f'<text x="{_n(x)}" y="{_n(baseline)}" font-size="{_n(style.size)}" fill="{style.fill}"{weight}{anchor}>'
            f"{escape(text, quote=False)}</text>"
        )

    def lines(self, x: float, y: float, lines: Sequence[str], style: Style) -> None:
        """Draw several lines of text, vertically centred at y as a whole."""
        step = 1.15 * style.size
        for index, line in enumerate(lines):
            self.text(x, y + (index - (len(lines) - 1) / 2) * step, line, style)

    def wire(self, points: Sequence[tuple[float, float]], colour: str, hops: Sequence[float] = ()) -> None:
        """Draw a wire from point to point, parallel to the axes. hops: x of wires that a horizontal part jumps over."""
        path = [f"M{_n(points[0][0])} {_n(points[0][1])}"]
        for (x0, y0), (x1, y1) in pairwise(points):
            if x0 == x1:
                path.append(f"V{_n(y1)}")
                continue
            assert y0 == y1, "a wire runs along the axes"
            way = 1 if x1 > x0 else -1
            for hop in sorted((at for at in hops if min(x0, x1) + HOP < at < max(x0, x1) - HOP), reverse=way < 0):
                sweep = 1 if way > 0 else 0
                path.append(f"H{_n(hop - way * HOP)}a{HOP} {HOP} 0 0 {sweep} {_n(way * 2 * HOP)} 0")
            path.append(f"H{_n(x1)}")
        self._shapes.append(f'<path class="wire" d="{"".join(path)}" stroke="{colour}"/>')

    def dot(self, x: float, y: float, colour: str, radius: float = 4.5) -> None:
        """Draw a dot: a joint of wires, or a contact."""
        self._shapes.append(f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}" fill="{colour}"/>')

    def box(
        self, x: float, y: float, size: tuple[float, float], fill: str, stroke: str = "none", round: float = 3
    ) -> None:
        """Draw a rectangle from its upper left corner."""
        self._shapes.append(
            f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(size[0])}" height="{_n(size[1])}" rx="{_n(round)}" '
            f'fill="{fill}" stroke="{stroke}" stroke-width="1.6"/>'
        )

    def stroke(self, points: Sequence[tuple[float, float]], colour: str, fill: str = "none") -> None:
        """Draw a part of a symbol: straight lines in any direction. With fill: a closed shape."""
        where = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
        kind = "polyline" if fill == "none" else "polygon"
        self._shapes.append(f'<{kind} class="part" points="{where}" stroke="{colour}" fill="{fill}"/>')

    def svg(self, height: float, *, to_print: bool = False) -> str:
        """Return the whole file. to_print: give it a size in millimetres; otherwise it fills the available width."""
        sizes = f' width="{_n(self.width / PER_MM)}mm" height="{_n(height / PER_MM)}mm"'
        size = sizes if to_print else ""
        told = " ".join(self.told)
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(self.width)} {_n(height)}"{size} role="img" '
            f'aria-labelledby="title desc" font-family="{FONT}">\n'
            f'<title id="title">{escape(self.title, quote=False)}</title>\n'
            f'<desc id="desc">{escape(told, quote=False)}</desc>\n'
            "<style>.wire{fill:none;stroke-width:2.6;stroke-linejoin:round;stroke-linecap:round}"
            ".part{stroke-width:2.2;stroke-linejoin:round;stroke-linecap:round}</style>\n"
        )
        page = f'<rect width="{_n(self.width)}" height="{_n(height)}" rx="10" fill="{PAPER}"/>\n'
        return head + page + "\n".join([*self._shapes, *self._texts]) + "\n</svg>\n"


def _n(number: float) -> str:
    """Return a coordinate as text with at most two decimals, and never "-0"."""
    return f"{round(number, 2) + 0.0:g}"
