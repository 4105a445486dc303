"""Tells systemd that the service is ready, what it does, and that it is alive (sd_notify(3))."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping

# The interval of watchdog messages, as a part of the watchdog timeout of systemd.
ALIVE_PART = 0.25


class Notifier:
    """Sends notifications to systemd. Does nothing if systemd does not listen.

    environment: systemd sets NOTIFY_SOCKET and WATCHDOG_USEC in it.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        path = environment.get("NOTIFY_SOCKET", "")
        # systemd writes @ for the zero byte that starts the name of an abstract socket.
        self._address = "\0" + path[1:] if path.startswith("@") else path
        usec = environment.get("WATCHDOG_USEC", "")
        self._alive_s = ALIVE_PART * int(usec) / 1e6 if usec.isdecimal() else None
        self._extend_usec = usec
        self._status = ""
        self._ready = False
        self._alive_at_s: float | None = None

    def tick(self, now_s: float, status: str, *, ready: bool) -> None:
        """Send what has changed, and the watchdog message when it is due. Call it often.

        status: the status text of the service, one line.
        ready: when it is True for the first time, READY=1 is sent.
        """
        lines = []
        if ready and not self._ready:
            self._ready = True
            lines.append("READY=1")
        if status != self._status:
            self._status = status
            lines.append(f"STATUS={status}")
        if self._alive_s is not None and (self._alive_at_s is None or now_s - self._alive_at_s >= self._alive_s):
            self._alive_at_s = now_s
            lines.append("WATCHDOG=1")
            if not self._ready:
                # The start may take any time: it fails only if the service hangs.
                lines.append(f"EXTEND_TIMEOUT_USEC={self._extend_usec}")
        self._send(lines)

    def stop(self) -> None:
        """Tell systemd that the service stops normally."""
        self._send(["STOPPING=1"])

    def _send(self, lines: list[str]) -> None:
        if not self._address or not lines:
            return
        # If systemd does not listen any more, it restarts the service anyway.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
            to.setblocking(False)
            to.sendto("\n".join(lines).encode(), self._address)
