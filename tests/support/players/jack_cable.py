"""A JACK client that acts as a cable with a delay and a gain."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import jack
import numpy as np
from nampedal.firmware.jack.python_callback import PythonCallback

# Thirty periods of 128 frames at 48 kHz.
STALL_S = 0.08


class Cable:
    """A JACK client that passes on its input. stalls: how often it is far too late when sound begins.

    heard, stalled: events that are set once it has passed on sound, or was too late.
    """

    def __init__(self, server: str, delay: int, gain: float, stalls: int = 0) -> None:
        self._client = jack.Client("cable", no_start_server=True, servername=server)
        self._in = self._client.inports.register("in")
        self._out = self._client.outports.register("out")
        self._line = np.zeros(delay, np.float32)
        self._gain = gain
        self._stalls = stalls
        self._sounds = False
        self.heard, self.stalled = threading.Event(), threading.Event()
        self._callback = PythonCallback(self._client, self._process)
        self._client.activate()

    @contextmanager
    def freewheeling(self) -> Iterator[None]:
        """Let the server run in freewheel mode: as fast as it can, without xruns.

        Meanwhile the server accepts no connections, and lets no client disconnect.
        """
        self._client.set_freewheel(True)
        try:
            yield
        finally:
            self._client.set_freewheel(False)

    def close(self) -> None:
        self._callback.close()

    def _process(self, frames: int) -> None:
        audio = self._in.get_array()
        began, self._sounds = not self._sounds and audio.any(), bool(audio.any())
        if began:
            self.heard.set()
        if began and self._stalls:
            self._stalls -= 1
            time.sleep(STALL_S)
            self.stalled.set()
        line = np.concatenate([self._line, self._gain * audio])
        self._out.get_array()[:] = line[:frames]
        self._line = line[frames:]
