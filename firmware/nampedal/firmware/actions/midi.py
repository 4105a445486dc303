"""Decodes MIDI messages for the pedal: program changes with bank select, control changes and notes (MIDI 1.0 spec)."""

from __future__ import annotations

from dataclasses import dataclass

NOTE_OFF = 0x80
NOTE_ON = 0x90
CONTROL_CHANGE = 0xB0
PROGRAM_CHANGE = 0xC0
BANK_COARSE, BANK_FINE = 0, 32
MAX_VALUE = 127

# A control change that is a switch is on from this value, as the specification says for numbers 64 to 69.
ON_THRESHOLD = 64
# A control that triggered at ON triggers again only after it was below this. The value of an untouched pedal jitters by
# one or two steps of its converter, and by more under a foot. One eighth of the range is more than both, and no switch
# sends a value in between.
REARM_THRESHOLD = 48


@dataclass(frozen=True, slots=True)
class BankSelect:
    """The bank number that was last selected on a channel.

    coarse, fine: the last values of control changes 0 and 32; None: never received.
    alone: the half that was received alone before this program change; empty: both, or none.
    """

    coarse: int | None = None
    fine: int | None = None
    alone: str = ""

    @property
    def numbers(self) -> tuple[int, ...]:
        """Return the candidate bank indices, from 0. The first one that exists is used.

        Both halves form one number of 14 bits. Some controllers count in one half only and send 0, or nothing, in the
        other. So if no bank has the full number, the half that was received alone is tried; if the fine half is 0, the
        coarse half is tried.
        """
        if self.coarse is None or self.fine is None:
            return tuple(half for half in (self.coarse, self.fine) if half is not None)
        found = [self.coarse << 7 | self.fine]
        if self.alone == "fine":
            found.append(self.fine)
        elif self.alone == "coarse" or self.fine == 0:
            found.append(self.coarse)
        return tuple(dict.fromkeys(found))

    def __str__(self) -> str:
        halves = ((BANK_COARSE, self.coarse), (BANK_FINE, self.fine))
        said = " and ".join(f"CC {number} = {value}" for number, value in halves if value is not None)
        return f"{said}: bank {' or '.join(str(number + 1) for number in self.numbers)}"


@dataclass(frozen=True, slots=True)
class ProgramChange:
    """A program change.

    number: 0 to 127.
    bank: the bank that was selected before on that channel; None: never.
    """

    channel: int
    number: int
    bank: BankSelect | None = None


@dataclass(frozen=True, slots=True)
class ControlChange:
    """A control change. number and value: 0 to 127."""

    channel: int
    number: int
    value: int


@dataclass(frozen=True, slots=True)
class NoteMessage:
    """A note on or note off.

    number: 0 to 127.
    velocity: 1 to 127; 0: note off.
    """

    channel: int
    number: int
    velocity: int


MidiEvent = ProgramChange | ControlChange | NoteMessage


class MidiDecoder:
    """Decodes MIDI messages.

    channel: 1 to 16: only this channel is used; 0: all channels.
    """

    def __init__(self, channel: int = 0) -> None:
        self._channel = channel
        self._banks: dict[int, BankSelect] = {}
        # By channel: the halves that were received since its last program change.
        self._fresh: dict[int, set[str]] = {}

    def decode(self, message: bytes) -> MidiEvent | None:
        """Decode one complete message. Return None if it is not used. Any bytes are accepted."""
        if len(message) < 2 or any(byte > MAX_VALUE for byte in message[1:]):
            return None
        kind, channel = message[0] & 0xF0, (message[0] & 0x0F) + 1
        if self._channel not in (0, channel):
            return None
        if kind == PROGRAM_CHANGE and len(message) == 2:
            return self._program(channel, message[1])
        if len(message) != 3:
            return None
        if kind == CONTROL_CHANGE:
            return self._control(ControlChange(channel, message[1], message[2]))
        if kind in (NOTE_ON, NOTE_OFF):
            return NoteMessage(channel, message[1], message[2] if kind == NOTE_ON else 0)
        return None

    def _program(self, channel: int, number: int) -> ProgramChange:
        fresh = self._fresh.pop(channel, set())
        bank = self._banks.get(channel)
        if bank is not None and fresh:
            alone = fresh.pop() if len(fresh) == 1 else ""
            self._banks[channel] = bank = BankSelect(bank.coarse, bank.fine, alone)
        return ProgramChange(channel, number, bank)

    def _control(self, control: ControlChange) -> ControlChange | None:
        if control.number not in (BANK_COARSE, BANK_FINE):
            return control
        before, fresh = self._banks.get(control.channel, BankSelect()), self._fresh.setdefault(control.channel, set())
        if control.number == BANK_COARSE:
            self._banks[control.channel] = BankSelect(control.value, before.fine, before.alone)
            fresh.add("coarse")
        else:
            self._banks[control.channel] = BankSelect(before.coarse, control.value, before.alone)
            fresh.add("fine")
        return None


class PressDetector:
    """Decides which control changes are presses of a switch.

    A press is a value of ON or more, if the value was below REARM since the last press. So a sweep is one press, and so
    is a value that jitters around ON. The same value again is also a press, unless other values came since the press:
    some switches send 127 for each press and nothing for the release.
    """

    def __init__(self) -> None:
        # By channel and number: the value of the current press; None: other values came since.
        self._pressed: dict[tuple[int, int], int | None] = {}

    def feed(self, control: ControlChange) -> bool:
        """Return True if it is a press. Pass every control change, mapped or not."""
        key, value = (control.channel, control.number), control.value
        if value < REARM_THRESHOLD:
            self._pressed.pop(key, None)
            return False
        if key not in self._pressed:
            if value >= ON_THRESHOLD:
                self._pressed[key] = value
            return value >= ON_THRESHOLD
        if self._pressed[key] != value:
            self._pressed[key] = None
        return self._pressed[key] is not None
