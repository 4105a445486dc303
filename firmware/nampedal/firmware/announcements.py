"""What lights tell for a moment though the pedal plays: that something came, or that something is wrong aside."""

from __future__ import annotations

from collections import deque
from pathlib import Path

from nampedal.board import places
from nampedal.firmware.lamps import ANNOUNCED, CARD_TROUBLE, ROUNDS, round_s

# Where a boot leaves what it has to say, a code a line.
LEFT = places.CARD_NEWS
# A stick with a hundred banks is one piece of news.
MOST_WAITING = 4


class Announcements:
    """One behind the other, each for as many rounds of its code as `ROUNDS` says."""

    def __init__(self) -> None:
        self._waiting: deque[int] = deque()
        self._since_s: float | None = None

    def say(self, code: int) -> None:
        """code: one of `lamps.ANNOUNCED`. What waits already is said once."""
        if code not in self._waiting and len(self._waiting) < MOST_WAITING:
            self._waiting.append(code)

    def now(self, now_s: float) -> tuple[int, float]:
        """The code that is shown, and since when; 0: none. Each begins when it is first asked for."""
        while self._waiting:
            code = self._waiting[0]
            if self._since_s is None:
                self._since_s = now_s
            if now_s - self._since_s < ROUNDS.get(code, 1) * round_s(code):
                return code, self._since_s
            self._waiting.popleft()
            self._since_s = None
        return 0, 0.0


def left(path: Path = LEFT) -> list[int]:
    """What the boot has to say; nothing where there was none.

    Of one that began, as its folder shows, and left nothing: that something is wrong.
    """
    if path.parent.is_dir() and not path.exists():
        return [CARD_TROUBLE]
    try:
        words = path.read_text(encoding="ascii", errors="replace").split()
    except OSError:
        return []
    return [int(word) for word in words if word.isdecimal() and int(word) in ANNOUNCED]
