"""A real JACK server without a sound card, and a player at the other end of its cables."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jack
import numpy as np
from nampedal.firmware.engine import Audio

RATE = 48_000
PATIENCE_S = 20.0


def wait_for(what: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
    """The first answer that is true."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        answer = what()
        if answer:
            return answer
        time.sleep(0.01)
    raise AssertionError(f"{what} did not come true in {patience_s} s")


@contextmanager
def ended(child: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """A program that a failing test does not wait for."""
    try:
        with child:
            try:
                yield child
            except BaseException:
                child.kill()
                raise
    finally:
        child.kill()


class JackServer:
    """jackd with its dummy driver."""

    def __init__(self, name: str, period: int, rate: int = RATE) -> None:
        self.name, self.period, self.rate = name, period, rate
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        jackd = shutil.which("jackd")
        assert jackd is not None, "jackd is not installed"
        command = [jackd, "-n", self.name, "--no-realtime", "-d", "dummy", "-r", str(self.rate), "-p", str(self.period)]
        environment = {**os.environ, "JACK_NO_AUDIO_RESERVATION": "1"}
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, start_new_session=True
        )

    def kill(self) -> None:
        """As kill -9 does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None


class Player:
    """A JACK client that plays audio into an input and records what outputs play, as fast as the server goes."""

    def __init__(self, server: str) -> None:
        self._client = jack.Client("player", no_start_server=True, servername=server)
        self._out = self._client.outports.register("out")
        self._ins = [self._client.inports.register(f"in{number}") for number in range(2)]
        self._given = np.zeros(0, np.float32)
        self._got: list[list[Audio]] = [[], []]
        self._at = -1
        self._client.set_process_callback(self._process)
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
        self._client.close()

    def _process(self, frames: int) -> None:
        out = self._out.get_array()
        if not 0 <= self._at < len(self._given):
            out[:] = 0.0
            return
        out[:] = self._given[self._at : self._at + frames]
        for blocks, port in zip(self._got, self._ins, strict=True):
            blocks.append(port.get_array().copy())
        self._at += frames
