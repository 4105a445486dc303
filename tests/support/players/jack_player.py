"""A JACK client that acts as a player and records the pedal."""

from __future__ import annotations

import contextlib

import jack
import numpy as np
from nampedal.firmware.engine.inference import Audio
from nampedal.firmware.jack.python_callback import PythonCallback

from support.players.jack_server import wait_for


class Player:
    """A JACK client that plays audio into an input and records what outputs play, in the server's speed."""

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
        """Return a player, or None if the server does not answer yet."""
        try:
            return cls(server)
        except jack.JackOpenError:
            return None

    def connect(self, target: str, sources: list[str]) -> None:
        self._join(self._out.name, target)
        for source, own in zip(sources, self._ins, strict=True):
            self._join(source, own.name)

    def _join(self, source: str, target: str) -> None:
        """Connect two ports. A server whose graph is changing refuses that for a moment."""

        def joined() -> bool:
            with contextlib.suppress(jack.JackError):
                if any(port.name == target for port in self._client.get_all_connections(source)):
                    return True
                self._client.connect(source, target)
                return True
            return False

        wait_for(joined)

    def freewheel(self, on: bool) -> None:
        """Switch freewheel mode on or off. The server notifies every client and waits for it."""
        self._client.set_freewheel(on)

    def play(self, audio: Audio) -> list[Audio]:
        """Play the audio in freewheel mode. Return what each output played, aligned with the audio's first frame."""
        self.freewheel(True)
        got = self.play_on(audio)
        self.freewheel(False)
        return got

    def play_on(self, audio: Audio) -> list[Audio]:
        """Do the same in the server's current mode."""
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
