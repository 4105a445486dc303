"""Closing a client while Python is in its process callback."""

from __future__ import annotations

import jack
from nampedal.firmware.jack.python_callback import PythonCallback
from support.players.jack_server import JackServer, wait_for

CLOSINGS = 10


class Busy:
    """Holds Python's lock longer than a period takes: a thread that is cancelled is cancelled there."""

    def __init__(self, server: str) -> None:
        self.client = jack.Client("busy", no_start_server=True, servername=server)
        self.calls = 0
        self.callback = PythonCallback(self.client, self._process)
        self.client.activate()

    def _process(self, frames: int) -> None:
        self.calls += 1
        sum(range(1_000_000))


def opened(server: JackServer) -> Busy | None:
    """Return None while the server does not answer yet."""
    try:
        return Busy(server.name)
    except jack.JackOpenError:
        return None


def busy_client(server: JackServer) -> Busy:
    """Return one that was called a few times."""
    busy: Busy = wait_for(lambda: opened(server))
    wait_for(lambda: busy.calls > 3)
    return busy


def test_a_client_whose_callback_is_busy_is_closed(jack_server: JackServer) -> None:
    jack_server.start()
    for _ in range(CLOSINGS):
        busy_client(jack_server).callback.close()


def test_a_client_whose_server_is_gone_is_closed(jack_server: JackServer) -> None:
    jack_server.start()
    busy = busy_client(jack_server)
    jack_server.kill()
    busy.callback.close()
