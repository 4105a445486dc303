"""What MIDI says to a pedal: program changes with their bank, and control changes (MIDI 1.0 detailed specification)."""

from __future__ import annotations

from dataclasses import dataclass

CONTROL_CHANGE = 0xB0
PROGRAM_CHANGE = 0xC0
BANK_COARSE, BANK_FINE = 0, 32
MOST = 127


@dataclass(frozen=True, slots=True)
class Program:
    """number: 0 to 127.  bank: 0 to 16383, as selected before on that channel; None: never."""

    channel: int
    number: int
    bank: int | None


@dataclass(frozen=True, slots=True)
class Control:
    """number and value: 0 to 127."""

    channel: int
    number: int
    value: int


class Midi:
    """Messages to what they mean. channel: 1 to 16, the only one that is heard; 0: all."""

    def __init__(self, channel: int = 0) -> None:
        self._channel = channel
        self._banks: dict[int, int] = {}

    def hear(self, message: bytes) -> Program | Control | None:
        """Of one whole message; None: nothing for us. Takes any bytes."""
        if len(message) < 2 or any(byte > MOST for byte in message[1:]):
            return None
        kind, channel = message[0] & 0xF0, (message[0] & 0x0F) + 1
        if self._channel not in (0, channel):
            return None
        if kind == PROGRAM_CHANGE and len(message) == 2:
            return Program(channel, message[1], self._banks.get(channel))
        if kind == CONTROL_CHANGE and len(message) == 3:
            return self._control(Control(channel, message[1], message[2]))
        return None

    def _control(self, control: Control) -> Control | None:
        bank = self._banks.get(control.channel, 0)
        if control.number == BANK_COARSE:
            self._banks[control.channel] = control.value << 7 | bank & MOST
        elif control.number == BANK_FINE:
            self._banks[control.channel] = bank & ~MOST | control.value
        else:
            return control
        return None
