from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from jack_server import JackServer


@pytest.fixture
def jack_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[JackServer]:
    """Not yet started. Periods of 128 frames, or of the test's parameter."""
    server = JackServer(f"nampedal-{os.getpid()}-{tmp_path.name[-12:]}", getattr(request, "param", 128))
    yield server
    server.stop()
