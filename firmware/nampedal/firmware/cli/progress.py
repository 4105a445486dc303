"""Progress bars on the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nampedal.firmware.base.one_line import one_line
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar on stderr if that is a terminal. Yields the callback (done, total).

    The bar appears with the first total above 0.
    """
    errors = Console(stderr=True)
    parts = TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn()
    with Progress(*parts, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task(one_line(what), visible=False)
        yield lambda done, total: bar.update(task, completed=done, total=total, visible=total > 0)


@contextmanager
def fraction_bar(what: str) -> Iterator[Callable[[float, str], None]]:
    """Show a progress bar whose callback takes (fraction done from 0 to 1, text of the current step)."""
    errors = Console(stderr=True)
    parts = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[doing]}", markup=False),
    )
    with Progress(*parts, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task(one_line(what), total=1.0, doing="")
        yield lambda done, doing: bar.update(task, completed=done, doing=one_line(doing))
