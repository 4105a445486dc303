"""Handles unexpected exceptions: prints them in one line, isolates the part that failed, limits the log.

Nothing here catches what must end the program: KeyboardInterrupt and SystemExit are not subclasses of Exception.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from nampedal.firmware.base.errors import NampedalError

# A fault that repeats is logged at most once in this time.
SAY_S = 60.0
MAX_LETTERS = 300

_log = logging.getLogger(__name__)


def describe_error(error: BaseException) -> str:
    """Return an exception as one line of at most MAX_LETTERS: nampedal's own message, or class and text."""
    try:
        text = str(error)
    except Exception:
        text = ""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    if not isinstance(error, NampedalError):
        line = f"{type(error).__name__}: {line}" if line else type(error).__name__
    return line if len(line) <= MAX_LETTERS else f"{line[:MAX_LETTERS]}..."


def describe_failure(whom: object, what: str, error: BaseException) -> str:
    """Return why something failed, as one line.

    whom: the thing that failed, such as a file. It is left out for a NampedalError, which names it already.
    what: the failure, such as "can't be prepared".
    """
    return str(error) if isinstance(error, NampedalError) else f"{whom}: {what}: {describe_error(error)}"


class FaultIsolator:
    """Isolates the faults of one part from the other parts. For one thread.

    now: returns seconds that never go back.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        # By part and exception class: when it was logged last, and how many times it happened since.
        self._logged_s: dict[tuple[str, str], float] = {}
        self._held: dict[tuple[str, str], int] = {}

    def run(self, what: str, do: Callable[[], object]) -> bool:
        """Call a function and catch any exception. Return True if there was none. what: the part, for the log."""
        try:
            do()
        except Exception as error:
            self.report(what, error)
            return False
        return True

    def report(self, what: str, error: Exception) -> None:
        """Log a fault with its traceback. If it was logged within SAY_S, only count it."""
        now_s, key = self._now(), (what, type(error).__name__)
        last_s = self._logged_s.get(key)
        if last_s is not None and now_s - last_s < SAY_S:
            self._held[key] = self._held.get(key, 0) + 1
            return
        self._logged_s[key] = now_s
        held = self._held.pop(key, 0)
        more = f" ({held} more like it since the last line)" if held else ""
        # The traceback is logged only once: it would be the same again.
        trace = error if last_s is None else None
        _log.error("%s went wrong, and goes on: %s%s", what, describe_error(error), more, exc_info=trace)


def qualified_name(function: Callable[..., object]) -> str:
    """Return the module and name of a function, for the log."""
    module = str(getattr(function, "__module__", "")).rpartition(".")[2]
    return f"{module}.{getattr(function, '__qualname__', type(function).__name__)}"
