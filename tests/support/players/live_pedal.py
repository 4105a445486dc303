"""Runs nampedal play with a real JACK server, in a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nampedal.firmware.actions.control_socket import ask
from nampedal.firmware.base.errors import NampedalError

from support.players.jack_player import Player
from support.players.jack_server import JackServer, ended, wait_for


@contextmanager
def playing(server: JackServer, what: Path, socket: Path, *more: str) -> Iterator[Path]:
    """Start the server and a pedal that plays `what`, and yield the pedal's control socket."""
    server.start()
    wait_for(lambda: Player.open(server.name)).close()
    command = [sys.executable, "-m", "nampedal.firmware.cli", "play", str(what), "--tier", "0", "--controls", "none"]
    command += ["--server", server.name, "--socket", str(socket), *more]
    with ended(subprocess.Popen(command, stderr=subprocess.PIPE, text=True)) as child:
        wait_for(lambda: status(socket).get("preset"))
        yield socket
        child.send_signal(signal.SIGTERM)
        assert child.wait(30.0) == 0


def status(at: Path) -> dict[str, Any]:
    try:
        return ask(at, {"do": "status"})
    except NampedalError:
        return {}
