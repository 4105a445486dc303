"""What commands share: options, tables, progress."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

EXIT_FAILED = 1
EXIT_MISTAKE = 2
EXIT_INTERRUPTED = 130

# What goes into a file or another program is not broken into lines.
console = Console(highlight=False, markup=False, soft_wrap=True, width=None if sys.stdout.isatty() else 400)
FILE = click.Path(path_type=Path)


def examples(*lines: str) -> str:
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


verbose = click.option("--verbose", is_flag=True, expose_value=False, help="Show the whole traceback of an error.")
tier = click.option("--tier", type=int, default=0, show_default=True, help="Which size of the capture; 0 is full.")
exact = click.option("--exact", is_flag=True, help="The C library's tanh and exp instead of the fast ones.")
force = click.option("--force", is_flag=True, help="Overwrite the output.")
as_json = click.option("--json", "as_json", is_flag=True, help="For programs.")


def columns(*headers: str, left: tuple[str, ...] = ()) -> Table:
    """A plain table; numbers stand to the right, what is in `left` to the left."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="")
    for header in headers:
        table.add_column(header, justify="left" if header in left else "right")
    return table


def decibels(value: float | None, unit: str = "dB") -> str:
    return "none" if value is None or not math.isfinite(value) else f"{value:.1f} {unit}"


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on the terminal, if there is one: (done, total). Shown once there is a total."""
    errors = Console(stderr=True)
    parts = TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn()
    with Progress(*parts, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task(what, visible=False)
        yield lambda done, total: bar.update(task, completed=done, total=total, visible=total > 0)


@contextmanager
def share(what: str) -> Iterator[Callable[[float, str], None]]:
    """The same for what is told as a share of the whole, with what is being done."""
    errors = Console(stderr=True)
    parts = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[doing]}", markup=False),
    )
    with Progress(*parts, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task(what, total=1.0, doing="")
        yield lambda done, doing: bar.update(task, completed=done, doing=doing)
