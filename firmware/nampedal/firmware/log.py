"""The log of a pedal: lines to standard error, for a person or for systemd's journal, never a flood of them."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import TextIO

# Of one kind, so many lines within the window; the others are counted.
MOST_LINES = 10
WINDOW_S = 10.0
# What the journal takes as a line's priority (sd-daemon(3)), by the level of the record.
_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


def set_up(stream: TextIO | None = None) -> None:
    """For a program that plays. stream: standard error."""
    to = sys.stderr if stream is None else stream
    handler = logging.StreamHandler(to)
    handler.setFormatter(Lines(journal=is_journal(to, os.environ)))
    handler.addFilter(RateLimit())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def is_journal(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether systemd has connected the stream to its journal (systemd.exec(5), JOURNAL_STREAM)."""
    try:
        there = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environment.get("JOURNAL_STREAM") == f"{there.st_dev}:{there.st_ino}"


class Lines(logging.Formatter):
    """A record a line. journal: its priority before it, and no name: the journal knows who speaks."""

    def __init__(self, *, journal: bool) -> None:
        super().__init__()
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        lines = super().format(record).splitlines()
        if self._journal:
            return "\n".join(f"<{_PRIORITIES.get(record.levelno, 6)}>{line}" for line in lines)
        return "\n".join(f"nampedal: {line}" for line in lines)


class RateLimit(logging.Filter):
    """Lets the first of a kind through; the next one after a pause says how many were held back.

    A kind is a message before its values are put in.  now: seconds that only grow.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._now = now
        self._said: dict[str, deque[float]] = {}
        self._held: dict[str, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        kind, now = str(record.msg), self._now()
        said = self._said.setdefault(kind, deque())
        while said and said[0] <= now - WINDOW_S:
            said.popleft()
        if len(said) >= MOST_LINES:
            self._held[kind] = self._held.get(kind, 0) + 1
            return False
        said.append(now)
        held = self._held.pop(kind, 0)
        if held:
            record.msg, record.args = f"{record.getMessage()} ({held} more like it were not shown)", ()
        return True
