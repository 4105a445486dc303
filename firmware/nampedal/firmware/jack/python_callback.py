"""A JACK process callback in Python, for a client that can be closed without a deadlock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import jack

# The timeout for the next callback: JACK calls many times a second, unless the server is gone.
PATIENCE_S = 0.5
# The sleep is longer than closing takes.
_WAITS_S = 60.0


class PythonCallback:
    """Sets itself as the process callback of a client. Create it before the client is activated.

    Closing a client cancels JACK's thread at any point of its work (jackaudio/jack2, posix/JackPosixThread.cpp at
    004016f, Kill). If that thread holds Python's global lock then, no other thread ever gets the lock. So `close` first
    makes the thread sleep, because a sleeping thread does not hold the lock.
    """

    def __init__(self, client: jack.Client, process: Callable[[int], None]) -> None:
        self._client, self._process = client, process
        self._ends = False
        self._sleeps = threading.Event()
        client.set_process_callback(self._call)

    def close(self) -> None:
        """Close the client. It also works after the server is gone."""
        self._ends = True
        self._sleeps.wait(PATIENCE_S)
        self._client.close()

    def _call(self, frames: int) -> None:
        if self._ends:
            self._sleeps.set()
            time.sleep(_WAITS_S)
            return
        self._process(frames)
