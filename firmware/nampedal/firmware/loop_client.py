"""Plays into a cable and hears what comes out of it, through a JACK server, beside whatever else plays there.

Python's callback is good enough: nobody listens, and what an xrun has spoilt is measured again.
"""

from __future__ import annotations

import threading
import time

import numpy as np
from nampedal.firmware.engine import Audio
from nampedal.firmware.errors import JackXrunError, NoJackServerError
from nampedal.firmware.jack_client import JackPorts, Wiring
from nampedal.firmware.loop import Loop, excitation, measure
from nampedal.firmware.python_callback import PythonCallback

NAME = "nampedal-loop"
IN_PORT = "in"
OUT_PORT = "out"
TRIES = 3
# Beyond the time that the sound takes.
PATIENCE_S = 10.0
_LOOK_S = 0.05


class LoopClient(JackPorts):
    """An input and an output; between them the cable."""

    def __init__(self, server: str | None = None) -> None:
        super().__init__(server, NAME, (IN_PORT,), (OUT_PORT,))
        self._sent = excitation(self.sample_rate)
        self._heard = np.zeros_like(self._sent)
        self._at = len(self._sent)
        self._ended = threading.Event()
        self._callback: PythonCallback | None = None

    def connect(self, wiring: Wiring) -> None:
        """To one input, and one output. Raises JackPortError."""
        self._callback = PythonCallback(self._client, self._process)
        self._start(wiring)

    def close(self) -> None:
        """Also after the server is gone."""
        if self._callback is None:
            super().close()
        else:
            self._callback.close()

    def measure(self) -> Loop:
        """Of what is connected, in three seconds or nine. Raises JackXrunError, NoJackServerError, LoopError."""
        for _ in range(TRIES):
            xruns = self.xruns
            heard = self._play()
            if self.xruns == xruns:
                return measure(self._sent, heard, self.sample_rate)
        raise JackXrunError(
            f"{self._shown}: the sound broke up (xruns) each of the {TRIES} times that the loop was measured; end "
            "other programs, or start jackd with longer periods (-p)"
        )

    def _play(self) -> Audio:
        self._ended.clear()
        self._at = 0
        end_s = time.monotonic() + len(self._sent) / self.sample_rate + PATIENCE_S
        while not self._ended.wait(_LOOK_S):
            if self.lost.is_set() or time.monotonic() > end_s:
                raise NoJackServerError(f"{self._shown}: went away while the loop was measured; start jackd again")
        return self._heard

    def _process(self, frames: int) -> None:
        out = self._outs[0].get_array()
        at = self._at
        count = min(frames, len(self._sent) - at)
        out[:count] = self._sent[at : at + count]
        out[count:] = 0.0
        if count > 0:
            self._heard[at : at + count] = self._ins[0].get_array()[:count]
            self._at = at + count
            if self._at == len(self._sent):
                self._ended.set()
