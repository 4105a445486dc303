"""Plays into a cable and records what returns, through a JACK server that may also serve other clients.

A Python callback is good enough: nobody listens, and a measurement with an xrun is repeated.
"""

from __future__ import annotations

import threading
import time

import numpy as np
from nampedal.firmware.base.errors import JackRefusedError, MeasurementError, NoJackServerError
from nampedal.firmware.engine.inference import Audio
from nampedal.firmware.jack.jack_client import JackPorts, PortConnections
from nampedal.firmware.jack.loopback_latency import Loop, excitation, measure
from nampedal.firmware.jack.python_callback import PythonCallback

NAME = "nampedal-loop"
IN_PORT = "in"
OUT_PORT = "out"
TRIES = 3
# The timeout of a measurement, in addition to the duration of its signal.
PATIENCE_S = 10.0
_POLL_S = 0.05


class LoopbackClient(JackPorts):
    """A JACK client with one input and one output. A cable connects the two."""

    def __init__(self, server: str | None = None) -> None:
        super().__init__(server, NAME, (IN_PORT,), (OUT_PORT,))
        self._sent = excitation(self.sample_rate)
        self._recorded = np.zeros_like(self._sent)
        self._at = len(self._sent)
        self._ended = threading.Event()
        self._callback: PythonCallback | None = None

    def connect(self, wiring: PortConnections) -> None:
        """Connect to one input and one output. Raises NoJackServerError, JackRefusedError."""
        with self._answered():
            self._callback = PythonCallback(self._client, self._process)
        if not self._start(wiring):
            raise JackRefusedError(
                f"{self._shown}: the sound card's ports come and go; try again, or name --input-port, --output-port"
            )

    def close(self) -> None:
        """Close the client. It also works after the server is gone."""
        if self._callback is None:
            super().close()
        else:
            self._callback.close()

    def measure(self) -> Loop:
        """Measure the loop: three seconds for each of up to three attempts.

        Raises MeasurementError, NoJackServerError.
        """
        for _ in range(TRIES):
            xruns = self.xruns
            heard = self._play()
            if self.xruns == xruns:
                return measure(self._sent, heard, self.sample_rate)
        raise MeasurementError(
            f"{self._shown}: the sound broke up (xruns) each of the {TRIES} times that the loop was measured; end "
            f"other programs, or {self.server.longer}"
        )

    def _play(self) -> Audio:
        self._ended.clear()
        self._at = 0
        end_s = time.monotonic() + len(self._sent) / self.sample_rate + PATIENCE_S
        while not self._ended.wait(_POLL_S):
            if self.lost.is_set() or time.monotonic() > end_s:
                raise NoJackServerError(
                    f"{self._shown}: went away while the loop was measured; start {self.server.program} again"
                )
        return self._recorded

    def _process(self, frames: int) -> None:
        out = self._outs[0].get_array()
        at = self._at
        count = min(frames, len(self._sent) - at)
        out[:count] = self._sent[at : at + count]
        out[count:] = 0.0
        if count > 0:
            self._recorded[at : at + count] = self._ins[0].get_array()[:count]
            self._at = at + count
            if self._at == len(self._sent):
                self._ended.set()
