"""What a service tells systemd: that it is ready, what it does, and that it is alive (sd_notify(3))."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping

# Of the time after which systemd takes a service for hung.
ALIVE_PART = 0.25


class Notifier:
    """Says nothing where nobody listens. environment: with NOTIFY_SOCKET and WATCHDOG_USEC, where systemd sets them."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        path = environment.get("NOTIFY_SOCKET", "")
        # An @ is systemd's way to write the zero byte that abstract names begin with.
        self._address = "\0" + path[1:] if path.startswith("@") else path
        usec = environment.get("WATCHDOG_USEC", "")
        self._alive_s = ALIVE_PART * int(usec) / 1e6 if usec.isdecimal() else None
        self._extend_usec = usec
        self._said = ""
        self._ready = False
        self._alive_at_s: float | None = None

    def tick(self, now_s: float, said: str, *, ready: bool) -> None:
        """Call it often. said: what the service does, a line.  ready: the first time it is so, systemd is told."""
        lines = []
        if ready and not self._ready:
            self._ready = True
            lines.append("READY=1")
        if said != self._said:
            self._said = said
            lines.append(f"STATUS={said}")
        if self._alive_s is not None and (self._alive_at_s is None or now_s - self._alive_at_s >= self._alive_s):
            self._alive_at_s = now_s
            lines.append("WATCHDOG=1")
            if not self._ready:
                # Who waits may wait for as long as it takes: only who does not answer has failed.
                lines.append(f"EXTEND_TIMEOUT_USEC={self._extend_usec}")
        self._send(lines)

    def stop(self) -> None:
        """The service ends of its own will."""
        self._send(["STOPPING=1"])

    def _send(self, lines: list[str]) -> None:
        if not self._address or not lines:
            return
        # Who does not listen any more restarts us anyway.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
            to.setblocking(False)
            to.sendto("\n".join(lines).encode(), self._address)
