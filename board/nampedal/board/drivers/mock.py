"""Simulates a pedal's controls on a terminal: keys are footswitches and knobs, one line shows the lights.

Keys 1 to 9 tap a footswitch. With Shift, on a US keyboard, they hold it until the same key is pressed again. + and -
turn the first knob, ] and [ the second.
"""

from __future__ import annotations

import contextlib
import os
import select
import termios
import threading
import time
import tty
from collections.abc import Mapping, Sequence
from typing import Any

from nampedal.board.errors import ControlsError
from nampedal.board.inputs.control_events import Edge, Failure, Light, Position, Post
from nampedal.firmware.base.faults import describe_failure

HOLD = dict(zip("!@#$%^&*(", "123456789", strict=True))
TURN = {"+": (0, 1), "-": (0, -1), "]": (1, 1), "[": (1, -1)}
# Key presses from one end of a knob to the other.
STEPS = 20
TAP_S = 0.05
GONE = "mock: the terminal is gone; start it in another"


class MockDriver:
    """Driver that simulates all controls. reader, writer: file descriptors of a terminal."""

    def __init__(
        self, switches: Sequence[str], knobs: Sequence[str], lights: Sequence[str], reader: int = 0, writer: int = 1
    ) -> None:
        self.name = "mock"
        self._switches = tuple(switches)
        self._reader, self._writer = reader, writer
        self._lit = dict.fromkeys(lights, False)
        self._line = ""
        self._steps = dict.fromkeys(knobs, STEPS // 2)
        self._held: set[str] = set()
        self._before: list[Any] = []
        self._thread: threading.Thread | None = None
        self._end = (-1, -1)

    def open(self, post: Post) -> None:
        """Post the state of all controls, and start to read keys in a thread. Raises ControlsError."""
        try:
            self._before = termios.tcgetattr(self._reader)
            tty.setcbreak(self._reader)
        except termios.error as error:
            raise ControlsError(
                "mock: there is no terminal whose keys could be footswitches; start it in one"
            ) from error
        self._end = os.pipe()
        for name in self._switches:
            post(Edge(time.monotonic(), name, name in self._held))
        for name, step in self._steps.items():
            post(Position(time.monotonic(), name, step / STEPS))
        self._thread = threading.Thread(target=self._run, args=(post,), name="mock", daemon=True)
        self._thread.start()

    def show(self, lights: Mapping[str, Light]) -> None:
        """Write the line of lights if it has changed. Raises ControlsError."""
        if self._thread is None:
            raise ControlsError("mock: is not open")
        self._lit |= {name: light.level > 0.5 for name, light in lights.items() if name in self._lit}
        line = "  ".join(f"{name}{'●' if on else '○'}" for name, on in self._lit.items())
        if line == self._line:
            return
        try:
            os.write(self._writer, f"\r{line} \r".encode())
        except OSError as error:
            raise ControlsError(GONE) from error
        self._line = line

    def close(self) -> None:
        if self._thread is None:
            return
        with contextlib.suppress(ControlsError):
            self.show(dict.fromkeys(self._lit, Light(0.0)))
        os.write(self._end[1], b"!")
        self._thread.join()
        self._thread, self._line = None, ""
        for end in self._end:
            os.close(end)
        # If the terminal is gone, its settings cannot be restored.
        with contextlib.suppress(termios.error):
            termios.tcsetattr(self._reader, termios.TCSADRAIN, self._before)

    def _run(self, post: Post) -> None:
        try:
            self._read(post)
        except Exception as error:
            post(Failure(time.monotonic(), self.name, describe_failure(self.name, "stopped", error)))

    def _read(self, post: Post) -> None:
        while True:
            ready, _, _ = select.select([self._reader, self._end[0]], [], [])
            if self._end[0] in ready:
                return
            try:
                keys = os.read(self._reader, 64).decode("utf-8", "replace")
            except OSError:
                keys = ""
            if not keys:
                post(Failure(time.monotonic(), self.name, GONE))
                return
            for key in keys:
                self._press(post, key)

    def _press(self, post: Post, key: str) -> None:
        if key in self._switches:
            self._held.discard(key)
            post(Edge(time.monotonic(), key, True))
            time.sleep(TAP_S)
            post(Edge(time.monotonic(), key, False))
        elif HOLD.get(key) in self._switches:
            name = HOLD[key]
            self._held ^= {name}
            post(Edge(time.monotonic(), name, name in self._held))
        elif key in TURN and TURN[key][0] < len(self._steps):
            number, way = TURN[key]
            name = list(self._steps)[number]
            self._steps[name] = min(STEPS, max(0, self._steps[name] + way))
            post(Position(time.monotonic(), name, self._steps[name] / STEPS))
