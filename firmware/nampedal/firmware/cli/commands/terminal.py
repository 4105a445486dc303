"""A terminal page: changing lines above a question, while the user types a line below it.

A terminal that cannot move the cursor up gets only the lines that have changed. The kernel edits the typed line (the
terminal is never in raw mode), so nothing has to be restored at the end.
"""

from __future__ import annotations

import os
import select
import shutil
import sys
import textwrap
import time
from collections.abc import Sequence

import click

PROMPT = "> "
# Minimum time between two updates: of a page that is redrawn in place, and of lines that are printed one after another.
REDRAW_S = 0.05
PRINT_S = 0.5


class TypedLines:
    """Reads lines from standard input. fileno(): for select().  eof: standard input has ended."""

    def __init__(self) -> None:
        self.eof = False
        self._buffer = b""

    def fileno(self) -> int:
        return sys.stdin.fileno()

    def line(self, patience_s: float | None = 0.0) -> str | None:
        """Return the next line without its line end, or None if there is no complete line yet.

        patience_s: how long to wait for input; None: wait without a limit.
        """
        if b"\n" not in self._buffer and select.select([self], [], [], patience_s)[0]:
            data = os.read(self.fileno(), 4096)
            self.eof = not data
            self._buffer += data
        line, end, rest = self._buffer.partition(b"\n")
        if not end:
            return None
        self._buffer = rest
        return line.decode("utf-8", "replace").rstrip("\r")


class Page:
    """The lines and the question on the screen. A terminal that cannot move the cursor up, or has too few rows, gets
    only the lines that have changed.
    """

    def __init__(self) -> None:
        self._goes_up = sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in ("", "dumb")
        self._lines: list[str] = []
        self._question = ""
        # Rows drawn above the cursor.
        self._rows = 0
        self._drawn_s = 0.0

    def show(self, lines: Sequence[str], question: str, notes: Sequence[str], entered: bool) -> None:
        """Draw the lines and the question. notes: printed once, above the rest.  entered: Enter was pressed since the
        last call.
        """
        now_s = time.monotonic()
        changed = list(lines) != self._lines
        size = shutil.get_terminal_size()
        block = [line[: size.columns - 1] for line in lines] + ["", *_wrapped(question, size.columns)]
        if not self._goes_up or len(block) + 2 > size.lines:
            self._print(lines, question, notes, now_s)
        elif notes or entered or question != self._question or not self._rows:
            self._erase(entered)
            click.echo("\n".join([*notes, *block, PROMPT]), nl=False)
            self._lines, self._question, self._rows, self._drawn_s = list(lines), question, len(block), now_s
        elif changed and now_s - self._drawn_s >= REDRAW_S:
            rows = "".join(f"{row}\x1b[K\n" for row in block)
            # Save the cursor, redraw the rows above it, and restore it to where the user types.
            click.echo(f"\x1b7\x1b[{self._rows}A\r{rows}\x1b8", nl=False)
            self._lines, self._drawn_s = list(lines), now_s

    def end(self, notes: Sequence[str], entered: bool) -> None:
        """Erase the page and print the last notes."""
        self._erase(entered)
        for note in notes:
            click.echo(note)

    def _erase(self, entered: bool) -> None:
        if self._rows:
            click.echo(f"\x1b[{self._rows + entered}A\r\x1b[J", nl=False)
        self._rows = 0

    def _print(self, lines: Sequence[str], question: str, notes: Sequence[str], now_s: float) -> None:
        for note in notes:
            click.echo(note)
        if now_s - self._drawn_s >= PRINT_S:
            for line in lines:
                if line not in self._lines:
                    click.echo(line)
            self._lines, self._drawn_s = list(lines), now_s
        if question != self._question:
            click.echo(question)
            self._question = question
        self._rows = 0


def _wrapped(text: str, columns: int) -> list[str]:
    return textwrap.wrap(text, max(columns - 1, 1)) or [""]
