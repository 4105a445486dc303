"""Opens and watches all drivers of a pedal's controls, and opens a driver again after it fails.

A driver that fails, when it is opened or later, is logged and tried again. It does not block the other drivers.
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

from nampedal.board.inputs.control_events import Driver, Edge, Event, Failure, Light
from nampedal.firmware.base.faults import FaultIsolator, describe_failure

# Wait before a failed driver is tried again. It doubles with each retry, up to MAX_RETRY_S.
RETRY_S = 0.5
MAX_RETRY_S = 8.0
# After a driver has worked for this long, the wait starts at RETRY_S again.
STABLE_S = 10.0

_log = logging.getLogger(__name__)


class Waker:
    """Wakes a thread that waits in select(), from any other thread. fileno(): the file descriptor to wait for."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)

    def fileno(self) -> int:
        return self._reader

    def wake(self) -> None:
        # If the pipe is full, the reader is going to wake anyway.
        with contextlib.suppress(BlockingIOError):
            os.write(self._writer, b"!")

    def rest(self) -> None:
        """Clear all wake-ups so far; fileno() is not readable until the next wake()."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self._reader, 4096):
                pass

    def close(self) -> None:
        os.close(self._reader)
        os.close(self._writer)


@dataclass(slots=True, eq=False)
class _Slot:
    driver: Driver
    # Why the driver does not work. None: it works. Empty: it was not opened yet.
    trouble: str | None = ""
    due_s: float = 0.0
    wait_s: float = RETRY_S
    opened_s: float = 0.0
    # Footswitches that are pressed.
    down: set[str] = field(default_factory=set)
    # Opening may take a while, so it runs in a thread of its own and footswitches stay responsive.
    opener: threading.Thread | None = None
    # The reason of a failure that came before the opening thread finished.
    early: str | None = None
    shown: dict[str, Light] = field(default_factory=dict)


class DriverSupervisor:
    """Supervises all drivers of a pedal. For use by one thread.

    fileno(): a file descriptor that is readable when tick() has something to do.
    """

    def __init__(self, drivers: Sequence[Driver]) -> None:
        self._slots = [_Slot(driver) for driver in drivers]
        self._events: queue.SimpleQueue[tuple[_Slot, Event]] = queue.SimpleQueue()
        self._released: list[Edge] = []
        self._opened: queue.SimpleQueue[tuple[_Slot, str | None]] = queue.SimpleQueue()
        self._waker = Waker()
        self._faults = FaultIsolator()
        self._lights: dict[str, Light] = {}

    def fileno(self) -> int:
        return self._waker.fileno()

    def close(self) -> None:
        """Wait for drivers that are being opened, then close all drivers."""
        for slot in self._slots:
            if slot.opener is not None:
                slot.opener.join()
            self._close(slot)
        self._waker.close()

    @property
    def failures(self) -> dict[str, str]:
        """The reason for each driver that does not work, by the driver's name."""
        return {slot.driver.name: slot.trouble for slot in self._slots if slot.trouble}

    def tick(self) -> list[Event]:
        """Return the events since the last call, and start to open the drivers that are due."""
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
        # This comes after the failures, so that an old failure does not count for a driver that is opened now.
        for slot in self._slots:
            if slot.trouble is not None and slot.opener is None and now_s >= slot.due_s:
                slot.early = None
                slot.opener = threading.Thread(target=self._open, args=(slot,), name="open", daemon=True)
                slot.opener.start()
        released, self._released = self._released, []
        return events + released

    def show(self, lights: Mapping[str, Light]) -> None:
        """Show the lights on every driver. Only lights that have changed are sent."""
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
        except Exception as error:
            # Catch every exception: otherwise the driver would never be opened again.
            trouble = describe_failure(slot.driver.name, "can't be opened", error)
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
        # Log the same reason only once.
        if trouble != slot.trouble:
            _log.warning("%s", trouble)
        if slot.trouble is None and now_s - slot.opened_s >= STABLE_S:
            slot.wait_s = RETRY_S
        slot.trouble = trouble
        # A closed driver reports no release, so release its pressed footswitches here.
        self._released += [Edge(now_s, switch, False) for switch in sorted(slot.down)]
        slot.down.clear()
        self._waker.wake()
        slot.due_s, slot.wait_s = now_s + slot.wait_s, min(2.0 * slot.wait_s, MAX_RETRY_S)
        self._close(slot)

    def _close(self, slot: _Slot) -> None:
        self._faults.run(f"closing {slot.driver.name}", slot.driver.close)

    def _show(self, slot: _Slot) -> None:
        changed = {name: light for name, light in self._lights.items() if slot.shown.get(name) != light}
        if not changed:
            return
        try:
            slot.driver.show(changed)
        except Exception as error:
            self._give_up(slot, describe_failure(slot.driver.name, "can't show its lights", error), time.monotonic())
            return
        slot.shown |= changed
