"""Footswitches on a terminal's keys, lamps on its line: to try a pedal without one.

1 to 9 tap a footswitch; with Shift, on a US keyboard, they hold it until the same again. + and - turn the first
knob, ] and [ the second.
"""

from __future__ import annotations

import os
import select
import termios
import threading
import time
import tty
from collections.abc import Mapping, Sequence
from typing import Any

from nampedal.board.controls import Edge, Light, Position, Post
from nampedal.board.errors import NoTerminalError

HOLD = dict(zip("!@#$%^&*(", "123456789", strict=True))
TURN = {"+": (0, 1), "-": (0, -1), "]": (1, 1), "[": (1, -1)}
STEP = 0.05
TAP_S = 0.05


class MockDriver:
    """reader, writer: file descriptors of a terminal."""

    def __init__(
        self, switches: Sequence[str], knobs: Sequence[str], lights: Sequence[str], reader: int = 0, writer: int = 1
    ) -> None:
        self.name = "mock"
        self._switches, self._knobs, self._names = tuple(switches), tuple(knobs), tuple(lights)
        self._reader, self._writer = reader, writer
        self._lights: dict[str, Light] = {}
        self._positions = dict.fromkeys(self._knobs, 0.5)
        self._held: set[str] = set()
        self._before: list[Any] | None = None
        self._thread: threading.Thread | None = None
        self._end = (-1, -1)

    def open(self, post: Post) -> None:
        try:
            self._before = termios.tcgetattr(self._reader)
        except termios.error as error:
            raise NoTerminalError(
                "mock: there is no terminal whose keys could be footswitches; start it in one"
            ) from error
        tty.setcbreak(self._reader)
        self._end = os.pipe()
        for name in self._switches:
            post(Edge(time.monotonic(), name, False))
        for name, value in self._positions.items():
            post(Position(time.monotonic(), name, value))
        self._thread = threading.Thread(target=self._read, args=(post,), name="mock", daemon=True)
        self._thread.start()

    def show(self, lights: Mapping[str, Light]) -> None:
        self._lights |= {name: light for name, light in lights.items() if name in self._names}
        shown = "  ".join(f"{name}{'●' if self._level(name) > 0.5 else '○'}" for name in self._names)
        os.write(self._writer, f"\r{shown} \r".encode())

    def close(self) -> None:
        if self._thread is None:
            return
        os.write(self._end[1], b"!")
        self._thread.join()
        self._thread = None
        for end in self._end:
            os.close(end)
        if self._before is not None:
            termios.tcsetattr(self._reader, termios.TCSADRAIN, self._before)

    def _level(self, name: str) -> float:
        return self._lights[name].level if name in self._lights else 0.0

    def _read(self, post: Post) -> None:
        while True:
            ready, _, _ = select.select([self._reader, self._end[0]], [], [])
            if self._end[0] in ready:
                return
            try:
                keys = os.read(self._reader, 64).decode("utf-8", "replace")
            # The terminal is gone.
            except OSError:
                keys = ""
            if not keys:
                return
            for key in keys:
                self._press(post, key)

    def _press(self, post: Post, key: str) -> None:
        if key in self._switches:
            post(Edge(time.monotonic(), key, True))
            time.sleep(TAP_S)
            post(Edge(time.monotonic(), key, False))
        elif HOLD.get(key) in self._switches:
            name = HOLD[key]
            self._held ^= {name}
            post(Edge(time.monotonic(), name, name in self._held))
        elif key in TURN and TURN[key][0] < len(self._knobs):
            number, way = TURN[key]
            name = self._knobs[number]
            self._positions[name] = min(1.0, max(0.0, self._positions[name] + way * STEP))
            post(Position(time.monotonic(), name, self._positions[name]))
