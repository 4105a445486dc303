"""Shows the progress of a conversion as a bar or as lines of text, and handles Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Event
from types import FrameType
from typing import Any

from nampedal.converter.follower import ConversionProgress
from nampedal.firmware.base.one_line import one_line
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

# Without a terminal: seconds between one line and the next. The last value repeats.
LINES_S = (10.0, 10.0, 20.0, 30.0)
# Minimum seconds before the first line.
FIRST_S = 2.0
# Minimum seconds between two progress messages from a worker process to the main process.
TELL_S = 1.0


class ProgressView(ConversionProgress):
    """Shows the progress of one or several conversions, and notes the user's request to end.

    what: the name that is shown.  show(ends_s, doing): updates the bar; None: there is no terminal.  write: prints a
    line.

    The first Ctrl-C asks the conversion to end early and keep its best result so far, if it has one, and prints that.
    The next Ctrl-C, or one when there is nothing to keep, raises KeyboardInterrupt.
    """

    def __init__(
        self, what: str, show: Callable[[float | None, str], None] | None, write: Callable[[str], None]
    ) -> None:
        self._what, self._show, self._write = what, show, write
        self._began_s = self._told_s = time.monotonic()
        self._lines = 0
        self._ends_asked = False
        self.before = ""

    def report_progress(self, doing: str, ends_s: float | None = None) -> None:
        doing = f"{self.before}{doing}"
        if self._show is not None:
            self._show(ends_s, doing)
            return
        now = time.monotonic()
        # A conversion that will take longer prints its first line early. One that ends within seconds prints nothing.
        late = now - self._began_s >= FIRST_S
        first = self._lines == 0 and late and ends_s is not None and ends_s - now > LINES_S[0]
        if first or now - self._told_s >= LINES_S[min(self._lines, len(LINES_S) - 1)]:
            self._told_s = now
            self._lines += 1
            self._write(
                f"nampedal: {self._what}: {minutes_text(now - self._began_s)} gone, "
                f"{time_left_text(ends_s, now)}, {doing}"
            )

    def note(self, text: str) -> None:
        self._write(f"nampedal: {text}")

    def asks_to_end(self) -> bool:
        return self._ends_asked

    def on_sigint(self, number: int, frame: FrameType | None) -> None:
        """Handle SIGINT."""
        if self._ends_asked or self.keeping is None:
            raise KeyboardInterrupt
        self._ends_asked = True
        # os.write, not Python's streams: the interrupted code may be in the middle of writing to them.
        start = "\r\x1b[2K" if self._show is not None else ""
        text = f"{start}nampedal: Ctrl-C: {self.keeping}; once more: ends at once and writes nothing\n"
        os.write(sys.stderr.fileno(), text.encode("utf-8", "backslashreplace"))


class WorkerProgress(ConversionProgress):
    """The progress callbacks of a worker process. Asks to end when the main process says so, and reports the current
    step to it at most once each `TELL_S` seconds.
    """

    def __init__(self, ends: Event, told: SimpleQueue[str]) -> None:
        self._ends, self._messages = ends, told
        self._told_s = -TELL_S
        self.before = ""

    def report_progress(self, doing: str, ends_s: float | None = None) -> None:
        now = time.monotonic()
        if now - self._told_s >= TELL_S:
            self._told_s = now
            self._messages.put(f"{self.before}{doing}")

    def asks_to_end(self) -> bool:
        return self._ends.is_set()


@contextmanager
def show_progress(what: str) -> Iterator[ProgressView]:
    """Show progress on stderr and handle Ctrl-C while the context is open."""
    errors = Console(stderr=True)
    parts = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        _Left(),
        TextColumn("{task.fields[doing]}", markup=False),
    )
    with Progress(*parts, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task(one_line(what), total=1.0, doing="", ends_s=None, began_s=time.monotonic())

        def show(ends_s: float | None, doing: str) -> None:
            bar.update(task, doing=one_line(doing), ends_s=ends_s, completed=_done(bar.tasks[0], ends_s))

        def write(text: str) -> None:
            errors.print(one_line(text), markup=False, highlight=False, soft_wrap=True)

        follower = ProgressView(what, show if errors.is_terminal else None, write)
        before = signal.signal(signal.SIGINT, follower.on_sigint)
        try:
            yield follower
        finally:
            signal.signal(signal.SIGINT, before)


def minutes_text(seconds: float) -> str:
    """Return minutes and seconds as text, for example "12:05"."""
    whole = max(0, round(seconds))
    return f"{whole // 60}:{whole % 60:02}"


def time_left_text(ends_s: float | None, now: float) -> str:
    return "time left not known yet" if ends_s is None else f"{minutes_text(ends_s - now)} left"


def _done(task: Task, ends_s: float | None) -> float:
    if ends_s is None:
        return 0.0
    now, began_s = time.monotonic(), task.fields["began_s"]
    return float((now - began_s) / max(ends_s - began_s, 1e-3))


class _Left(ProgressColumn):
    """A column with the time left, which counts down also while no progress is reported."""

    def render(self, task: Task) -> Text:
        ends_s: Any = task.fields["ends_s"]
        task.completed = min(1.0, _done(task, ends_s)) if ends_s is not None else task.completed
        return Text(time_left_text(ends_s, time.monotonic()) if ends_s is not None else "")
