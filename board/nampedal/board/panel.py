"""All controls of a pedal: their drivers opened, watched, and opened again when they fail.

A driver that fails, at once or later, is told of, tried again, and is in nobody's way.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from nampedal.board.controls import Driver, Edge, Event, Failure, Light
from nampedal.board.errors import ControlsError

# Until a driver that failed is tried again: twice as long each time, up to the last.
RETRY_S = 0.5
LAST_RETRY_S = 8.0
# What works for so long begins anew with the first pause.
LASTING_S = 10.0

_log = logging.getLogger(__name__)


class Waker:
    """Ends a wait in select() from any other thread. fileno(): to be waited for."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)

    def fileno(self) -> int:
        return self._reader

    def wake(self) -> None:
        # A full pipe wakes as well as a fuller one.
        with contextlib.suppress(BlockingIOError):
            os.write(self._writer, b"!")

    def rest(self) -> None:
        """Until the next wake()."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self._reader, 4096):
                pass

    def close(self) -> None:
        os.close(self._reader)
        os.close(self._writer)


@dataclass(slots=True, eq=False)
class _Slot:
    driver: Driver
    # None: it works.
    trouble: str | None = ""
    due_s: float = 0.0
    wait_s: float = RETRY_S
    opened_s: float = 0.0
    # Footswitches that a foot is on.
    down: set[str] = field(default_factory=set)
    # Opening may take a while, and feet don't wait for it.
    opener: threading.Thread | None = None
    # It failed before its opener could say that it works.
    early: str | None = None
    shown: dict[str, Light] = field(default_factory=dict)


class Panel:
    """For one thread. fileno(): readable when there are events."""

    def __init__(self, drivers: Sequence[Driver]) -> None:
        self._slots = [_Slot(driver) for driver in drivers]
        self._events: queue.SimpleQueue[tuple[_Slot, Event]] = queue.SimpleQueue()
        self._released: list[Edge] = []
        self._opened: queue.SimpleQueue[tuple[_Slot, str | None]] = queue.SimpleQueue()
        self._waker = Waker()
        self._lights: dict[str, Light] = {}

    def fileno(self) -> int:
        return self._waker.fileno()

    def close(self) -> None:
        for slot in self._slots:
            if slot.opener is not None:
                slot.opener.join()
            slot.driver.close()
        self._waker.close()

    @property
    def troubles(self) -> dict[str, str]:
        """Of drivers that do not work, why."""
        return {slot.driver.name: slot.trouble for slot in self._slots if slot.trouble}

    def tick(self) -> list[Event]:
        """What has come to pass since the last call; opens what is due."""
        self._waker.rest()
        now_s = time.monotonic()
        while not self._opened.empty():
            self._end_opening(*self._opened.get(), now_s)
        events: list[Event] = []
        while not self._events.empty():
            slot, event = self._events.get()
            if isinstance(event, Failure):
                self._fail(slot, event)
                continue
            if isinstance(event, Edge):
                (slot.down.add if event.down else slot.down.discard)(event.switch)
            events.append(event)
        # After the failures: one of before is none of what is opened now.
        for slot in self._slots:
            if slot.trouble is not None and slot.opener is None and now_s >= slot.due_s:
                slot.early = None
                slot.opener = threading.Thread(target=self._open, args=(slot,), name="open", daemon=True)
                slot.opener.start()
        released, self._released = self._released, []
        return events + released

    def show(self, lights: Mapping[str, Light]) -> None:
        """On every driver that has them. Nothing is sent of lights that stay as they are."""
        self._lights = dict(lights)
        for slot in self._slots:
            if slot.trouble is None:
                self._show(slot)

    def _post(self, slot: _Slot, event: Event) -> None:
        self._events.put((slot, event))
        self._waker.wake()

    def _open(self, slot: _Slot) -> None:
        try:
            slot.driver.open(partial(self._post, slot))
            trouble = None
        except ControlsError as error:
            trouble = str(error)
        self._opened.put((slot, trouble))
        self._waker.wake()

    def _end_opening(self, slot: _Slot, trouble: str | None, now_s: float) -> None:
        slot.opener = None
        trouble = trouble or slot.early
        if trouble is not None:
            self._give_up(slot, trouble, now_s)
            return
        if slot.trouble:
            _log.info("%s works again", slot.driver.name)
        slot.trouble, slot.opened_s, slot.shown = None, now_s, {}
        self._show(slot)

    def _fail(self, slot: _Slot, failure: Failure) -> None:
        if slot.opener is not None:
            slot.early = failure.reason
        elif slot.trouble is None:
            self._give_up(slot, failure.reason, failure.time_s)

    def _give_up(self, slot: _Slot, trouble: str, now_s: float) -> None:
        # The same again is no news.
        if trouble != slot.trouble:
            _log.warning("%s", trouble)
        if slot.trouble is None and now_s - slot.opened_s >= LASTING_S:
            slot.wait_s = RETRY_S
        slot.trouble = trouble
        # Nobody will tell of these feet any more.
        self._released += [Edge(now_s, switch, False) for switch in sorted(slot.down)]
        slot.down.clear()
        self._waker.wake()
        slot.due_s, slot.wait_s = now_s + slot.wait_s, min(2.0 * slot.wait_s, LAST_RETRY_S)
        slot.driver.close()

    def _show(self, slot: _Slot) -> None:
        changed = {name: light for name, light in self._lights.items() if slot.shown.get(name) != light}
        if not changed:
            return
        try:
            slot.driver.show(changed)
        except ControlsError as error:
            self._give_up(slot, str(error), time.monotonic())
            return
        slot.shown |= changed
