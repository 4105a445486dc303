"""A player at the other end of the pedal's cables."""

from __future__ import annotations

import jack
import numpy as np
from jack_server import wait_for
from nampedal.firmware.engine import Audio
from nampedal.firmware.python_callback import PythonCallback


class Player:
    """A JACK client that plays audio into an input and records what outputs play, as fast as the server goes."""

    def __init__(self, server: str) -> None:
        self._client = jack.Client("player", no_start_server=True, servername=server)
        self._out = self._client.outports.register("out")
        self._ins = [self._client.inports.register(f"in{number}") for number in range(2)]
        self._given = np.zeros(0, np.float32)
        self._got: list[list[Audio]] = [[], []]
        self._at = -1
        self._callback = PythonCallback(self._client, self._process)
        self._client.activate()

    @classmethod
    def open(cls, server: str) -> Player | None:
        """None where the server does not answer yet."""
        try:
            return cls(server)
        except jack.JackOpenError:
            return None

    def connect(self, target: str, sources: list[str]) -> None:
        self._client.connect(self._out.name, target)
        for source, own in zip(sources, self._ins, strict=True):
            self._client.connect(source, own.name)

    def freewheel(self, on: bool) -> None:
        """Whether the server goes as fast as it can. Every client is told, and waited for."""
        self._client.set_freewheel(on)

    def play(self, audio: Audio) -> list[Audio]:
        """What each output played meanwhile, the first frame at the audio's first; in freewheel mode."""
        self.freewheel(True)
        got = self.play_on(audio)
        self.freewheel(False)
        return got

    def play_on(self, audio: Audio) -> list[Audio]:
        """The same in whatever mode the server is."""
        whole = -len(audio) % self._client.blocksize
        self._given = np.concatenate([audio, np.zeros(whole, np.float32)])
        self._got = [[], []]
        self._at = 0
        wait_for(lambda: self._at >= len(self._given), 120.0)
        self._at = -1
        return [np.concatenate(blocks)[: len(audio)] for blocks in self._got]

    def close(self) -> None:
        self._callback.close()

    def _process(self, frames: int) -> None:
        out = self._out.get_array()
        if not 0 <= self._at < len(self._given):
            out[:] = 0.0
            return
        out[:] = self._given[self._at : self._at + frames]
        for blocks, port in zip(self._got, self._ins, strict=True):
            blocks.append(port.get_array().copy())
        self._at += frames
