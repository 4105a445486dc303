"""Tables of numbers, as plain text."""

from __future__ import annotations

import sys
from typing import Any

from nampedal.firmware.base.one_line import one_line
from rich.console import Console
from rich.table import Table

# Width in characters when the output is a file or a pipe, so that nothing is cut off.
_WIDE = 400


class _Rows(Table):
    """A table that escapes control characters in its cells. str() returns its lines of text."""

    def add_row(self, *cells: Any, **others: Any) -> None:
        super().add_row(*(one_line(cell) if isinstance(cell, str) else cell for cell in cells), **others)

    def __str__(self) -> str:
        console = Console(highlight=False, markup=False, soft_wrap=True, width=None if sys.stdout.isatty() else _WIDE)
        with console.capture() as captured:
            console.print(self)
        return "\n".join(line.rstrip() for line in captured.get().splitlines())


def columns(*headers: str, left: tuple[str, ...] = ()) -> Table:
    """Return a plain table. Columns are aligned to the right, those in `left` to the left."""
    table = _Rows(box=None, padding=(0, 2, 0, 0), header_style="")
    for header in headers:
        table.add_column(header, justify="left" if header in left else "right")
    return table
