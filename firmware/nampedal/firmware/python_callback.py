"""A JACK process callback in Python whose client can be closed without a deadlock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import jack

# JACK calls many times a second, unless the server is gone.
PATIENCE_S = 0.5
# Longer than closing takes.
_WAITS_S = 60.0


class PythonCallback:
    """Set as a client's process callback when it is made, before the client is activated.

    Closing a client cancels the thread in which JACK calls it, wherever that thread is (jackaudio/jack2,
    posix/JackPosixThread.cpp at 004016f, Kill). If it holds Python's lock at that moment, nobody gets the lock again.
    So `close` first has the thread sleep, which it does without the lock.
    """

    def __init__(self, client: jack.Client, process: Callable[[int], None]) -> None:
        self._client, self._process = client, process
        self._ends = False
        self._sleeps = threading.Event()
        client.set_process_callback(self._call)

    def close(self) -> None:
        """Close the client, also after its server is gone."""
        self._ends = True
        self._sleeps.wait(PATIENCE_S)
        self._client.close()

    def _call(self, frames: int) -> None:
        if self._ends:
            self._sleeps.set()
            time.sleep(_WAITS_S)
            return
        self._process(frames)
