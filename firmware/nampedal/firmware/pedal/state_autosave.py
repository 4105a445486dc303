"""Saves the pedal's state some seconds after the last change.

It does so in its own thread, so that no footswitch waits for the disk.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from nampedal.firmware.base.faults import describe_failure
from nampedal.firmware.pedal.saved_state import SavedState, write_state

QUIET_S = 3.0

_log = logging.getLogger(__name__)


class StateAutosave:
    """Saves the state when it has not changed for QUIET_S seconds.

    path: the state file.
    kept: the state that is saved.
    """

    def __init__(self, path: Path, state: SavedState | None) -> None:
        self._path = path
        self.kept = self._last_state = state
        self._since_s = 0.0
        self._thread: threading.Thread | None = None

    def update(self, now_s: float, state: SavedState) -> None:
        """Report the current state. Call it often."""
        if state != self._last_state:
            self._last_state, self._since_s = state, now_s
        elif state != self.kept and now_s - self._since_s >= QUIET_S and not self._busy():
            self._thread = threading.Thread(target=self._write, args=(state,), name="keep")
            self._thread.start()
            self.kept = state

    def close(self) -> None:
        """Wait for a running write, then save the last reported state."""
        if self._thread is not None:
            self._thread.join()
        if self._last_state is not None and self._last_state != self.kept:
            self.kept = self._last_state
            self._write(self._last_state)

    def _busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _write(self, state: SavedState) -> None:
        try:
            write_state(state, self._path)
        except Exception as error:
            _log.warning("%s", describe_failure(self._path, "can't be written", error))
