"""Draws figures as SVG for embedding in a page. They use the page's colours and font, and no external references."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

# Placeholder colours. `inline_svg` replaces them with the page's CSS variables, so that they follow the light and dark
# theme.
INK, SOFT, FAINT, ORIGINAL = "#010001", "#010002", "#010003", "#010004"
TIERS = ("#020000", "#020001", "#020002", "#020003", "#020004")
_VARIABLES = {INK: "ink", SOFT: "soft", FAINT: "faint", ORIGINAL: "original"} | {
    colour: f"tier-{i}" for i, colour in enumerate(TIERS)
}
_DASHES = ("-", (0, (6, 2)), (0, (2, 2)))

# A page on a phone is only slightly narrower, so text stays readable there.
WIDTH_IN, HEIGHT_IN = 5.0, 3.1
_STYLE: Any = {
    "axes.axisbelow": True,
    "axes.edgecolor": FAINT,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": "medium",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": "medium",
    "figure.dpi": 72,
    "figure.labelsize": "medium",
    "font.size": 10.5,
    "grid.color": FAINT,
    "grid.linewidth": 0.5,
    "lines.solid_capstyle": "round",
    "svg.fonttype": "none",
    "text.color": INK,
    "xtick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.color": FAINT,
    "ytick.labelcolor": INK,
}


def tier_colour(index: int) -> str:
    return TIERS[index % len(TIERS)]


def tier_line(index: int) -> dict[str, Any]:
    """Return the line style of a tier: a colour of its own, and another dash pattern when the colours repeat."""
    return {"color": tier_colour(index), "linestyle": _DASHES[index // len(TIERS) % len(_DASHES)], "linewidth": 1.5}


@contextmanager
def figure(height_in: float = HEIGHT_IN) -> Iterator[Figure]:
    """Yield an empty figure in the page's style."""
    with mpl.rc_context():
        # Ignore the user's matplotlibrc.
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield Figure(figsize=(WIDTH_IN, height_in), layout="constrained")


def inline_svg(figure: Figure, name: str, description: str) -> str:
    """Return the figure as an <svg> element; the same figure gives the same bytes. name: unique on the page."""
    written = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name}):
        figure.savefig(
            written, format="svg", transparent=True, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type"))
        )
    svg = written.getvalue()
    width, height = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups()  # type: ignore[union-attr]
    body = svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    # Keep matplotlib's font size, but use the page's font.
    body = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1", body)
    for colour, variable in _VARIABLES.items():
        body = body.replace(colour, f"var(--{variable})")
    used = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', body))
    body = re.sub(r' id="([^"]+)"', lambda found: found.group(0) if found.group(1) in used else "", body)
    body = re.sub(r"\n\s*", "\n", body)
    return f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{description}">{body}</svg>'
