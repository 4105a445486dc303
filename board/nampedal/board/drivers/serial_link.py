"""A microcontroller with footswitches, knobs, encoders and lights on a serial port, by pyserial.

What the two say to each other is in serial_protocol.py, and in docs/serial-controls.md.
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

from nampedal.board import serial_protocol
from nampedal.board.controls import Clicks, Edge, Event, Failure, Light, Position, Post
from nampedal.board.errors import (
    SerialControlError,
    SerialError,
    SerialLibraryError,
    SerialPortBusyError,
    SerialPortError,
    SerialPortMissingError,
    SerialRestartError,
    SerialSilenceError,
    SerialVersionError,
)
from nampedal.board.serial_protocol import (
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

# Who opens a driver waits: a microcontroller that runs answers within some milliseconds.
ANSWER_S = 0.5
ASK_S = 0.1
# Between two questions because of damaged frames.
ASK_AGAIN_S = 1.0
WRITE_S = 0.1
MOST_READ = 4096
_MISSING = (errno.ENOENT, errno.ENODEV, errno.ENXIO)
_BUSY = (errno.EAGAIN, errno.EBUSY)

_log = logging.getLogger(__name__)


class SerialDriver:
    """switches, knobs, encoders, lights: names, and their numbers on the microcontroller.

    After a damaged frame everything is asked for once more, and what has changed is posted: no footswitch stays down.
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
        """Raises SerialLibraryError, SerialPortMissingError, SerialPortBusyError or SerialPortError at once.

        Raises SerialSilenceError after ANSWER_S; SerialVersionError or SerialControlError as soon as it is known.
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
        """Raises SerialPortError. Nothing is sent of a light that would shine as before."""
        if self._line is None:
            raise SerialPortError(f"{self.name}: {self._port}: is not open")
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
        with contextlib.suppress(SerialError):
            self.show({name: Light(0.0) for name, message in self._shown.items() if message.level})
        self._line.wake()
        self._thread.join()
        self._line.close()
        self._line = self._thread = None

    def _run(self, line: _Line, session: _Session, post: Post) -> None:
        try:
            while (got := line.receive(session.until_question_s())) is not None:
                for event in session.hear(*got):
                    post(event)
                if session.until_question_s() == 0.0:
                    session.ask(line)
        except SerialError as error:
            post(Failure(time.monotonic(), self.name, str(error)))


class _Session:
    """What has been said since the port was opened."""

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
        """Where every switch and knob stands."""
        end_s = time.monotonic() + ANSWER_S
        events: list[Event] = []
        while not self._greeted or self._unknown():
            now_s = time.monotonic()
            if now_s >= end_s:
                raise self._silence(baud)
            if now_s >= self._asked_s + ASK_S:
                self.ask(line)
            got = line.receive(min(end_s, self._asked_s + ASK_S) - now_s)
            events += self.hear(*got) if got is not None else []
        return events

    def ask(self, line: _Line) -> None:
        if self._greeted and self._decoder.bad > self._bad_then:
            _log.warning("%s: damaged frames came, now %d; all is asked for again", self._where, self._decoder.bad)
        self._asked_s, self._bad_then = time.monotonic(), self._decoder.bad
        line.send(Who())

    def until_question_s(self) -> float | None:
        """None: there is no question."""
        if self._decoder.bad == self._bad_then:
            return None
        return max(0.0, self._asked_s + ASK_AGAIN_S - time.monotonic())

    def hear(self, time_s: float, data: bytes) -> list[Event]:
        found = (self._take(message, time_s) for message in self._decoder.feed(data))
        return [event for event in found if event is not None]

    def _take(self, message: Message, time_s: float) -> Event | None:
        if isinstance(message, Hello):
            self._check(message)
            self._greeted = True
        elif isinstance(message, Started):
            if self._greeted:
                raise SerialRestartError(
                    f"{self._where}: the microcontroller has started again; if nobody reset it, look at its supply"
                )
            self._asked_s = float("-inf")
        # What was said before is from another life.
        return self._event(message, time_s) if self._greeted else None

    def _event(self, message: Message, time_s: float) -> Event | None:
        match message:
            case SwitchEdge(number, down, age_us) if self._changes("switch", number, down):
                return Edge(time_s - age_us / 1e6, self._names["switch"][number], down)
            case KnobPosition(number, position) if self._changes("knob", number, position):
                return Position(time_s, self._names["knob"][number], position / KnobPosition.MOST)
            case EncoderClicks(number, clicks) if number in self._names["encoder"]:
                return Clicks(time_s, self._names["encoder"][number], clicks)
        return None

    def _changes(self, kind: str, number: int, stands: int) -> bool:
        if number not in self._names[kind] or self._stand.get((kind, number)) == stands:
            return False
        self._stand[kind, number] = stands
        return True

    def _unknown(self) -> list[str]:
        """What has not said where it stands."""
        asked = [(kind, name, number) for kind in ("switch", "knob") for name, number in self._wanted[kind].items()]
        return [f"{kind} {name!r}" for kind, name, number in asked if (kind, number) not in self._stand]

    def _check(self, hello: Hello) -> None:
        if hello.version != serial_protocol.VERSION:
            raise SerialVersionError(
                f"{self._where}: speaks version {hello.version} of the protocol; {serial_protocol.VERSION} is needed: "
                "flash this release's board/serial-controls"
            )
        there = (hello.switches, hello.knobs, hello.encoders, hello.lights)
        for (kind, numbers), count in zip(self._wanted.items(), there, strict=True):
            for name, number in numbers.items():
                if number >= count:
                    raise SerialControlError(
                        f"{self._where}: there is no {kind} {number} for {name!r}; it has {count}, counted from 0: "
                        "correct the pedal's profile, or the sketch"
                    )

    def _silence(self, baud: int) -> SerialSilenceError:
        if self._greeted:
            found = f"says hello, but within {ANSWER_S:g} s not where {self._unknown()[0]} stands; flash it again"
        elif self._decoder.bad:
            found = f"what comes is damaged, without a hello within {ANSWER_S:g} s; is it {baud} baud at both ends?"
        else:
            found = f"nobody says hello within {ANSWER_S:g} s; is it flashed, and is TX wired to RX and RX to TX?"
        return SerialSilenceError(f"{self._where}: {found}")


class _Line:
    """An open port. receive() in one thread at a time; everything else in any."""

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
        """Waits for bytes; none: nothing came in time. With when they came. None: was woken."""
        ready = self._ready.poll(None if patience_s is None else 1e3 * patience_s)
        time_s = time.monotonic()
        if not ready:
            return time_s, b""
        if any(file == self._woken for file, _ in ready):
            return None
        try:
            data = os.read(self._file, MOST_READ)
        except BlockingIOError:
            return time_s, b""
        except OSError as error:
            raise self._gone() from error
        if not data:
            raise self._gone()
        return time_s, data

    def send(self, message: Message) -> None:
        """Raises SerialPortError."""
        try:
            with self._sending:
                self._port.write(serial_protocol.encode(message))
        # Pyserial's own errors are OSErrors; the text of some begins with "write failed".
        except OSError as error:
            why = str(error).lower().removeprefix("write failed: ")
            raise SerialPortError(f"{self._where}: takes nothing: {why}; is it plugged in?") from error

    def wake(self) -> None:
        os.write(self._waker, b"!")

    def close(self) -> None:
        # Linux tells of a device that is gone here, too.
        with contextlib.suppress(OSError):
            self._port.close()
        os.close(self._woken)
        os.close(self._waker)

    def _gone(self) -> SerialPortError:
        return SerialPortError(f"{self._where}: is gone; plug the microcontroller in again")


def _open_port(where: str, port: str, baud: int) -> Any:
    try:
        serial = importlib.import_module("serial")
    except ImportError as error:
        raise SerialLibraryError(f"{where}: pyserial is missing; run pip install 'nampedal[pedal]'") from error
    try:
        return serial.Serial(port, baud, exclusive=True, timeout=0.0, write_timeout=WRITE_S)
    # What pyserial does not make an error of its own: baud rates, and what termios refuses.
    except (OSError, ValueError, OverflowError, termios.error) as error:
        number = getattr(error, "errno", None)
        if number in _MISSING:
            raise SerialPortMissingError(f"{where}: there is no such port; plug the microcontroller in") from error
        if number in _BUSY:
            raise SerialPortBusyError(f"{where}: another program has it; end that") from error
        why = os.strerror(number).lower() if number else str(error).lower()
        raise SerialPortError(
            f"{where}: can't be opened at {baud} baud: {why}; name a serial port that the user may open (group dialout)"
        ) from error


def _seven_bits(value: float) -> int:
    return min(max(round(value * LightLevel.MOST), 0), LightLevel.MOST)
