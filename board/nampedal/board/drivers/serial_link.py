"""Drives a microcontroller with footswitches, knobs, encoders and lights on a serial port, with pyserial.

The protocol is in serial_protocol.py and in docs/reference/serial-controls.md.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import logging
import os
import select
import termios
import threading
import time
from collections.abc import Mapping
from typing import Any

from nampedal.board.drivers import serial_protocol
from nampedal.board.drivers.serial_protocol import (
    Decoder,
    EncoderClicks,
    Hello,
    KnobPosition,
    LightLevel,
    Message,
    Started,
    SwitchEdge,
    Who,
)
from nampedal.board.errors import ControlsError
from nampedal.board.inputs.control_events import Clicks, Edge, Event, Failure, Light, Position, Post
from nampedal.firmware.base.faults import describe_failure

# Timeout for the answers when the port is opened. A running microcontroller answers within a few milliseconds.
ANSWER_S = 0.5
ASK_S = 0.1
# Minimum time between two requests (Who) that are sent because of damaged frames.
ASK_AGAIN_S = 1.0
WRITE_S = 0.1
MAX_READ = 4096
_MISSING = (errno.ENOENT, errno.ENODEV, errno.ENXIO)
_BUSY = (errno.EAGAIN, errno.EBUSY)

_log = logging.getLogger(__name__)


class SerialDriver:
    """Driver of a microcontroller on a serial port.

    switches, knobs, encoders, lights: numbers on the microcontroller, by name.
    After a damaged frame, the driver requests all states again and posts those that have changed. So a lost release
    does not leave a footswitch pressed.
    """

    def __init__(
        self,
        name: str,
        port: str,
        baud: int,
        switches: Mapping[str, int],
        knobs: Mapping[str, int],
        encoders: Mapping[str, int],
        lights: Mapping[str, int],
    ) -> None:
        self.name = name
        self._port, self._baud = port, baud
        self._wanted = {"switch": switches, "knob": knobs, "encoder": encoders, "light": lights}
        self._shown: dict[str, LightLevel] = {}
        self._line: _Line | None = None
        self._thread: threading.Thread | None = None

    def open(self, post: Post) -> None:
        """Open the port, post all states, and start the reading thread.

        Raises ControlsError at once.
        Raises ControlsError after ANSWER_S, or as soon as the failure is known.
        """
        where = f"{self.name}: {self._port}"
        line = _Line(where, self._port, self._baud)
        try:
            session = _Session(where, self._wanted)
            events = session.greet(line, self._baud)
        except BaseException:
            line.close()
            raise
        for event in events:
            post(event)
        self._line, self._shown = line, {}
        self._thread = threading.Thread(target=self._run, args=(line, session, post), name=self.name, daemon=True)
        self._thread.start()

    def show(self, lights: Mapping[str, Light]) -> None:
        """Set the lights; send only those that have changed. Raises ControlsError."""
        if self._line is None:
            raise ControlsError(f"{self.name}: {self._port}: is not open")
        for name, light in lights.items():
            number = self._wanted["light"].get(name)
            if number is None:
                continue
            message = LightLevel(number, *map(_seven_bits, (light.level, *light.colour)))
            if self._shown.get(name) != message:
                self._line.send(message)
                self._shown[name] = message

    def close(self) -> None:
        if self._line is None or self._thread is None:
            return
        with contextlib.suppress(ControlsError):
            self.show({name: Light(0.0) for name, message in self._shown.items() if message.level})
        self._line.wake()
        self._thread.join()
        self._line.close()
        self._line = self._thread = None

    def _run(self, line: _Line, session: _Session, post: Post) -> None:
        try:
            while (got := line.receive(session.until_question_s())) is not None:
                for event in session.receive(*got):
                    post(event)
                if session.until_question_s() == 0.0:
                    session.ask(line)
        except Exception as error:
            # Catch every exception: otherwise the controls would stop without a message.
            post(Failure(time.monotonic(), self.name, describe_failure(self.name, "stopped", error)))


class _Session:
    """State of the communication since the port was opened."""

    def __init__(self, where: str, wanted: Mapping[str, Mapping[str, int]]) -> None:
        self._where = where
        self._wanted = wanted
        self._names = {kind: {number: name for name, number in wanted[kind].items()} for kind in wanted}
        self._decoder = Decoder()
        self._greeted = False
        self._stand: dict[tuple[str, int], int] = {}
        self._asked_s = float("-inf")
        self._bad_then = 0

    def greet(self, line: _Line, baud: int) -> list[Event]:
        """Wait for Hello and the states of all switches and knobs; return them as events.

        Raises ControlsError after ANSWER_S.
        """
        end_s = time.monotonic() + ANSWER_S
        events: list[Event] = []
        while not self._greeted or self._unknown():
            now_s = time.monotonic()
            if now_s >= end_s:
                raise self._silence(baud)
            if now_s >= self._asked_s + ASK_S:
                self.ask(line)
            got = line.receive(min(end_s, self._asked_s + ASK_S) - now_s)
            events += self.receive(*got) if got is not None else []
        return events

    def ask(self, line: _Line) -> None:
        if self._greeted and self._decoder.bad > self._bad_then:
            _log.warning("%s: damaged frames came, now %d; all is asked for again", self._where, self._decoder.bad)
        self._asked_s, self._bad_then = time.monotonic(), self._decoder.bad
        line.send(Who())

    def until_question_s(self) -> float | None:
        """Return the seconds until the next request; None if no request is needed."""
        if self._decoder.bad == self._bad_then:
            return None
        return max(0.0, self._asked_s + ASK_AGAIN_S - time.monotonic())

    def receive(self, time_s: float, data: bytes) -> list[Event]:
        found = (self._handle(message, time_s) for message in self._decoder.feed(data))
        return [event for event in found if event is not None]

    def _handle(self, message: Message, time_s: float) -> Event | None:
        if isinstance(message, Hello):
            self._check(message)
            self._greeted = True
        elif isinstance(message, Started):
            if self._greeted:
                raise ControlsError(
                    f"{self._where}: the microcontroller has started again; if nobody reset it, look at its supply"
                )
            self._asked_s = float("-inf")
        # Messages before Hello may be old; ignore them.
        return self._event(message, time_s) if self._greeted else None

    def _event(self, message: Message, time_s: float) -> Event | None:
        match message:
            case SwitchEdge(number, down, age_us) if self._changes("switch", number, down):
                return Edge(time_s - age_us / 1e6, self._names["switch"][number], down)
            case KnobPosition(number, position) if self._changes("knob", number, position):
                return Position(time_s, self._names["knob"][number], position / KnobPosition.MAX)
            case EncoderClicks(number, clicks) if number in self._names["encoder"]:
                return Clicks(time_s, self._names["encoder"][number], clicks)
        return None

    def _changes(self, kind: str, number: int, stands: int) -> bool:
        if number not in self._names[kind] or self._stand.get((kind, number)) == stands:
            return False
        self._stand[kind, number] = stands
        return True

    def _unknown(self) -> list[str]:
        """Return the switches and knobs whose state is not known yet."""
        asked = [(kind, name, number) for kind in ("switch", "knob") for name, number in self._wanted[kind].items()]
        return [f"{kind} {name!r}" for kind, name, number in asked if (kind, number) not in self._stand]

    def _check(self, hello: Hello) -> None:
        if hello.version != serial_protocol.VERSION:
            raise ControlsError(
                f"{self._where}: speaks version {hello.version} of the protocol; {serial_protocol.VERSION} is needed: "
                "flash this release's board/serial-controls"
            )
        there = (hello.switches, hello.knobs, hello.encoders, hello.lights)
        for (kind, numbers), count in zip(self._wanted.items(), there, strict=True):
            for name, number in numbers.items():
                if number >= count:
                    raise ControlsError(
                        f"{self._where}: there is no {kind} {number} for {name!r}; it has {count}, counted from 0: "
                        "correct the pedal's profile, or the sketch"
                    )

    def _silence(self, baud: int) -> ControlsError:
        if self._greeted:
            found = f"says hello, but within {ANSWER_S:g} s not where {self._unknown()[0]} stands; flash it again"
        elif self._decoder.bad:
            found = f"what comes is damaged, without a hello within {ANSWER_S:g} s; is it {baud} baud at both ends?"
        else:
            found = f"nobody says hello within {ANSWER_S:g} s; is it flashed, and is TX wired to RX and RX to TX?"
        return ControlsError(f"{self._where}: {found}")


class _Line:
    """An open serial port. Only one thread at a time may call receive(); all other methods are thread-safe."""

    def __init__(self, where: str, port: str, baud: int) -> None:
        self._where = where
        self._port = _open_port(where, port, baud)
        self._file: int = self._port.fileno()
        self._woken, self._waker = os.pipe()
        self._ready = select.poll()
        self._ready.register(self._file, select.POLLIN)
        self._ready.register(self._woken, select.POLLIN)
        self._sending = threading.Lock()

    def receive(self, patience_s: float | None) -> tuple[float, bytes] | None:
        """Wait for bytes. Return the time of arrival and the bytes; no bytes: timeout; None: wake() was called.

        patience_s: timeout; None: wait without a limit. Raises ControlsError.
        """
        ready = self._ready.poll(None if patience_s is None else 1e3 * patience_s)
        time_s = time.monotonic()
        if not ready:
            return time_s, b""
        if any(file == self._woken for file, _ in ready):
            return None
        try:
            data = os.read(self._file, MAX_READ)
        except BlockingIOError:
            return time_s, b""
        except OSError as error:
            raise self._gone() from error
        if not data:
            raise self._gone()
        return time_s, data

    def send(self, message: Message) -> None:
        """Send a message. Raises ControlsError."""
        try:
            with self._sending:
                self._port.write(serial_protocol.encode(message))
        # pyserial's own errors are OSErrors; some texts start with "write failed".
        except OSError as error:
            why = str(error).lower().removeprefix("write failed: ")
            raise ControlsError(f"{self._where}: takes nothing: {why}; is it plugged in?") from error

    def wake(self) -> None:
        os.write(self._waker, b"!")

    def close(self) -> None:
        # Closing raises OSError too if the device was unplugged.
        with contextlib.suppress(OSError):
            self._port.close()
        os.close(self._woken)
        os.close(self._waker)

    def _gone(self) -> ControlsError:
        return ControlsError(f"{self._where}: is gone; plug the microcontroller in again")


def _open_port(where: str, port: str, baud: int) -> Any:
    try:
        serial = importlib.import_module("serial")
    except ImportError as error:
        raise ControlsError(f"{where}: pyserial is missing; run pip install 'nampedal[pedal]'") from error
    try:
        return serial.Serial(port, baud, exclusive=True, timeout=0.0, write_timeout=WRITE_S)
    # pyserial does not convert all exceptions to its own: bad baud rates, and errors of termios.
    except (OSError, ValueError, OverflowError, termios.error) as error:
        number = getattr(error, "errno", None)
        if number in _MISSING:
            raise ControlsError(f"{where}: there is no such port; plug the microcontroller in") from error
        if number in _BUSY:
            raise ControlsError(f"{where}: another program has it; end that") from error
        why = os.strerror(number).lower() if number else str(error).lower()
        raise ControlsError(
            f"{where}: can't be opened at {baud} baud: {why}; name a serial port that the user may open (group dialout)"
        ) from error


def _seven_bits(value: float) -> int:
    return min(max(round(value * LightLevel.MAX), 0), LightLevel.MAX)
