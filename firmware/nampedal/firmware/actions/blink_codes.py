"""Queues blink codes that LEDs show for a short time while the pedal plays, such as an error or a finished import."""

from __future__ import annotations

from collections import deque
from pathlib import Path

from nampedal.firmware.actions.led_state import ANNOUNCED, CARD_TROUBLE, REPEATS, duration_s
from nampedal.firmware.base import system_paths

# The boot writes its codes to this file, one on each line.
BOOT_CODES_PATH = system_paths.CARD_ANNOUNCEMENT
# More are dropped: an import of a hundred banks is one code.
MAX_WAITING = 4


class BlinkCodes:
    """Shows queued codes one after another. Each is repeated as often as `REPEATS` says."""

    def __init__(self) -> None:
        self._waiting: deque[int] = deque()
        self._since_s: float | None = None

    def enqueue(self, code: int) -> None:
        """Add a code to the queue, unless it is there already.

        code: one of `led_state.ANNOUNCED`.
        """
        if code not in self._waiting and len(self._waiting) < MAX_WAITING:
            self._waiting.append(code)

    def now(self, now_s: float) -> tuple[int, float]:
        """Return the code that is shown and its start time in seconds; (0, 0.0): none.

        A code starts when this is first called for it.
        """
        while self._waiting:
            code = self._waiting[0]
            if self._since_s is None:
                self._since_s = now_s
            if now_s - self._since_s < REPEATS.get(code, 1) * duration_s(code):
                return code, self._since_s
            self._waiting.popleft()
            self._since_s = None
        return 0, 0.0


def read_boot_codes(path: Path = BOOT_CODES_PATH) -> list[int]:
    """Return the codes that the boot has written for the pedal; an empty list if there was no such boot.

    If the boot started (its folder exists) but wrote no file, return CARD_TROUBLE.
    """
    if path.parent.is_dir() and not path.exists():
        return [CARD_TROUBLE]
    try:
        words = path.read_text(encoding="ascii", errors="replace").split()
    except OSError:
        return []
    return [int(word) for word in words if word.isdecimal() and int(word) in ANNOUNCED]
