"""The pedal's log: lines to standard error, for a person or for systemd's journal, with a rate limit."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import TextIO

from nampedal.firmware.base.one_line import plain_lines

# Maximum lines of one kind within the window; further ones are counted.
MAX_LINES = 10
WINDOW_S = 10.0
# Priority of a line in the journal (sd-daemon(3)), by logging level.
_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


def configure_logging(stream: TextIO | None = None) -> None:
    """Set up logging for a program that plays. stream: standard error if None."""
    to = sys.stderr if stream is None else stream
    handler = logging.StreamHandler(to)
    handler.setFormatter(LineFormatter(journal=is_journal(to, os.environ)))
    handler.addFilter(RateLimit())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def is_journal(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Return True if systemd has connected the stream to its journal (systemd.exec(5), JOURNAL_STREAM)."""
    try:
        there = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environment.get("JOURNAL_STREAM") == f"{there.st_dev}:{there.st_ino}"


class LineFormatter(logging.Formatter):
    """Formats each line of a record.

    journal: True puts the priority before each line and leaves out the program name, which the journal knows.
    """

    def __init__(self, *, journal: bool) -> None:
        super().__init__()
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        lines = plain_lines(super().format(record)).split("\n")
        if self._journal:
            return "\n".join(f"<{_PRIORITIES.get(record.levelno, 6)}>{line}" for line in lines)
        return "\n".join(f"nampedal: {line}" for line in lines)


class RateLimit(logging.Filter):
    """Lets the first records of a kind through. The next record after a pause says how many were dropped.

    A kind is the message text before its values are put in.
    now: returns seconds that never go back.
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
        if len(said) >= MAX_LINES:
            self._held[kind] = self._held.get(kind, 0) + 1
            return False
        said.append(now)
        held = self._held.pop(kind, 0)
        if held:
            record.msg, record.args = f"{record.getMessage()} ({held} more like it were not shown)", ()
        return True
