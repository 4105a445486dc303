"""A real JACK server without a sound card."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

RATE = 48_000
PATIENCE_S = 20.0


def wait_for(what: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
    """Wait until the function returns a true value, and return that. Raises AssertionError after the timeout."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        answer = what()
        if answer:
            return answer
        time.sleep(0.01)
    raise AssertionError(f"{what} did not come true in {patience_s} s")


@contextmanager
def ended(child: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """Yield a child process. If the test fails, the process is killed instead of waited for."""
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
        self._killed = False

    def start(self) -> None:
        jackd = shutil.which("jackd")
        assert jackd is not None, "jackd is not installed"
        command = [jackd, "-n", self.name, "--no-realtime", "-d", "dummy", "-r", str(self.rate), "-p", str(self.period)]
        environment = {**os.environ, "JACK_NO_AUDIO_RESERVATION": "1"}
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, start_new_session=True
        )

    def kill(self) -> None:
        """Kill the server, like kill -9."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None
            self._killed = True

    def stop(self) -> None:
        if self._killed and self._process is None:
            # JACK has eight places for servers. A killed one keeps its place until one of the same name ends normally.
            self.start()
            time.sleep(0.5)
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None
