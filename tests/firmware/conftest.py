from __future__ import annotations

import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from support.players.jack_server import JackServer, wait_for


@pytest.fixture
def jack_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[JackServer]:
    """Not yet started. Periods of 128 frames, or of the test's parameter."""
    server = JackServer(f"nampedal-{os.getpid()}-{tmp_path.name[-12:]}", getattr(request, "param", 128))
    yield server
    server.stop()


@pytest.fixture
def server(jack_server: JackServer) -> JackServer:
    """One that is started, and takes clients."""
    # Where the engine alone is tested, emulated, there is no library of JACK's.
    player = import_module("support.players.jack_player").Player
    jack_server.start()
    wait_for(lambda: player.open(jack_server.name)).close()
    return jack_server
