"""What systemd hears, through a real socket."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from nampedal.firmware.pedal.notify import Notifier


class Systemd:
    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.setblocking(False)

    def heard(self) -> str:
        """The next message; '': none."""
        try:
            return self._socket.recv(4096).decode()
        except BlockingIOError:
            return ""

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["a path", "an abstract name"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Systemd, Notifier]]:
    path = str(tmp_path / "notify")
    abstract = request.param == "an abstract name"
    made = Systemd("\0" + path if abstract else path)
    yield made, Notifier({"NOTIFY_SOCKET": f"@{path}" if abstract else path, "WATCHDOG_USEC": "8000000"})
    made.close()


def test_a_service_is_ready_once_says_what_changes_and_that_it_is_alive(systemd: tuple[Systemd, Notifier]) -> None:
    heard, notifier = systemd[0].heard, systemd[1]
    notifier.tick(10.0, "waiting for JACK", ready=False)
    # It is not late for as long as it is alive: READY=1 may take as long as the server does.
    assert heard() == "STATUS=waiting for JACK\nWATCHDOG=1\nEXTEND_TIMEOUT_USEC=8000000"
    notifier.tick(10.5, "waiting for JACK", ready=False)
    assert heard() == ""
    notifier.tick(11.0, "playing crunch", ready=True)
    assert heard() == "READY=1\nSTATUS=playing crunch"
    # A quarter of the eight seconds after which it would be taken for hung.
    notifier.tick(12.0, "playing crunch", ready=True)
    assert heard() == "WATCHDOG=1"
    notifier.tick(12.1, "waiting for JACK", ready=False)
    notifier.tick(12.2, "playing crunch", ready=True)
    assert (heard(), heard()) == ("STATUS=waiting for JACK", "STATUS=playing crunch")
    notifier.stop()
    assert heard() == "STOPPING=1"


def test_nobody_has_to_listen(tmp_path: Path) -> None:
    for environment in ({}, {"NOTIFY_SOCKET": str(tmp_path / "gone")}):
        notifier = Notifier(environment)
        notifier.tick(0.0, "playing", ready=True)
        notifier.stop()


def test_without_a_watchdog_nobody_is_told_that_it_is_alive(tmp_path: Path) -> None:
    systemd = Systemd(str(tmp_path / "notify"))
    notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify")})
    for now_s in range(100):
        notifier.tick(float(now_s), "playing", ready=True)
    assert (systemd.heard(), systemd.heard()) == ("READY=1\nSTATUS=playing", "")
    systemd.close()
