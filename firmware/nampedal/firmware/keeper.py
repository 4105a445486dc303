"""Keeps where the player is, once nothing has changed for a while: a foot does not wait for a disk."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from nampedal.board.errors import SettingsError
from nampedal.firmware.state import State, write_state

QUIET_S = 3.0

_log = logging.getLogger(__name__)


class Keeper:
    """path: of the state.  kept: what is there."""

    def __init__(self, path: Path, state: State | None) -> None:
        self._path = path
        self.kept = self._seen = state
        self._since_s = 0.0
        self._thread: threading.Thread | None = None

    def see(self, now_s: float, state: State) -> None:
        """Where the player is now. Call it often."""
        if state != self._seen:
            self._seen, self._since_s = state, now_s
        elif state != self.kept and now_s - self._since_s >= QUIET_S and not self._busy():
            self.kept = state
            self._thread = threading.Thread(target=self._write, args=(state,), name="keep")
            self._thread.start()

    def close(self) -> None:
        """With the last that was seen."""
        if self._thread is not None:
            self._thread.join()
        if self._seen is not None and self._seen != self.kept:
            self.kept = self._seen
            self._write(self._seen)

    def _busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _write(self, state: State) -> None:
        try:
            write_state(state, self._path)
        except SettingsError as error:
            _log.warning("%s", error)
