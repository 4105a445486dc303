"""Turns MIDI messages into actions and settings of a running pedal, as the bindings say."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

from nampedal.firmware.actions.action import Action
from nampedal.firmware.actions.bindings import Bindings, BindingTarget
from nampedal.firmware.actions.midi import (
    MAX_VALUE,
    ON_THRESHOLD,
    BankSelect,
    ControlChange,
    MidiDecoder,
    MidiEvent,
    NoteMessage,
    PressDetector,
    ProgramChange,
)
from nampedal.firmware.base.errors import BankError, NampedalError, NoSuchPresetError
from nampedal.firmware.controls.action_dispatcher import ActionDispatcher
from nampedal.firmware.pedal.daemon import Pedal
from nampedal.firmware.presets.banks.bank import OWN_FILE, by_name
from nampedal.firmware.presets.banks.bank_programs import BankPrograms

# The maximum number of stored messages: more than a MIDI cable carries between two requests of 'nampedal learn'.
REMEMBERED = 1024

_log = logging.getLogger(__name__)


class MidiControls:
    """Processes MIDI. For the thread that runs the pedal.

    channel: 1 to 16; 0: all; None: MIDI is off.
    move: moves a setting to a position within its range, 0 to 1; returns the error if that fails.
    heard: the last messages, the newest last.
    count: the number of all messages so far.
    problem: why the last message that is bound to something did nothing; empty: it succeeded.
    """

    def __init__(
        self,
        channel: int | None,
        pedal: Pedal,
        dispatcher: ActionDispatcher,
        move: Callable[[BindingTarget, float], NampedalError | None],
    ) -> None:
        self.heard: deque[MidiEvent] = deque(maxlen=REMEMBERED)
        self.count = 0
        self.problem = ""
        self._pedal, self._dispatcher, self._move = pedal, dispatcher, move
        self._decoder = MidiDecoder(channel) if channel is not None else None
        self._presses = PressDetector()
        self._programs = BankPrograms()

    def handle(self, message: bytes, does: Bindings) -> NampedalError | None:
        """Process one complete message. Return the error of its action, which is already logged."""
        heard = self._decoder.decode(message) if self._decoder is not None else None
        if heard is None:
            return None
        self.heard.append(heard)
        self.count += 1
        error, is_bound = self._dispatch_bound(heard, does)
        if is_bound:
            self.problem = str(error or "")
        return error

    @property
    def last(self) -> str:
        """Return the last message that can be mapped, as text for the user; empty: none yet."""
        return describe(self.heard[-1]) if self.heard else ""

    def since(self, count: int) -> Sequence[MidiEvent]:
        """Return the messages after the first `count` ones, as far as they are still stored."""
        return list(islice(self.heard, max(0, len(self.heard) - max(0, self.count - count)), None))

    def _dispatch_bound(self, heard: MidiEvent, does: Bindings) -> tuple[NampedalError | None, bool]:
        """Carry out what a message is bound to. Return the error, if any, and True if it is bound to something."""
        match heard:
            case ProgramChange():
                action = does.programs.get(heard.number + 1)
                return (self._dispatcher.dispatch(action) if action is not None else self._program(heard)), True
            case NoteMessage():
                return self._switch(does.notes.get(heard.number), heard.velocity > 0, pressed=heard.velocity > 0)
            case ControlChange():
                # Track control changes that are not mapped here, too: the next preset may map them.
                pressed = self._presses.feed(heard)
                mapped = does.control_changes.get(heard.number)
                if isinstance(mapped, BindingTarget):
                    return self._move(mapped, heard.value / MAX_VALUE), True
                return self._switch(mapped, heard.value >= ON_THRESHOLD, pressed=pressed)

    def _switch(self, action: Action | None, on: bool, *, pressed: bool) -> tuple[NampedalError | None, bool]:
        if action is not None and action.follows:
            wanted = Action(action.kind, ("on" if on else "off",))
            # A knob sends about a hundred messages in one turn: act only on a change.
            return (None if self._dispatcher.is_active(wanted) else self._dispatcher.dispatch(wanted)), True
        if action is None or not pressed:
            return None, False
        return self._dispatcher.dispatch(action), True

    def _program(self, program: ProgramChange) -> NampedalError | None:
        """Change to a preset of the selected bank. If the bank or the preset is missing, nothing changes."""
        if self._pedal.manager is None:
            return None
        try:
            folder = self._bank(program.bank) if program.bank is not None else self._pedal.bank
            name = self._programs.of(folder).get(program.number + 1)
            try:
                self._pedal.go_to(folder, by_name(name) if name is not None else str(program.number + 1))
            except NoSuchPresetError as error:
                named = f"{folder / OWN_FILE}: programs.{program.number + 1}: " if name is not None else ""
                raise NoSuchPresetError(f"{named}{error}") from error
        except NampedalError as error:
            _log.warning("MIDI, %s, changes nothing: %s", describe(program), error)
            return error
        return None

    def _bank(self, selected: BankSelect) -> Path:
        folders = self._pedal.banks or [self._pedal.bank]
        for number in selected.numbers:
            if number < len(folders):
                return folders[number]
        known = ", ".join(f"{number} {folder.name}" for number, folder in enumerate(folders, 1))
        raise BankError(f"{selected} is not there; there are {known}")


def describe(heard: MidiEvent) -> str:
    """Return a message as text for the user."""
    match heard:
        case ProgramChange():
            return f"program {heard.number + 1} on channel {heard.channel}"
        case NoteMessage():
            return f"note {heard.number} = {heard.velocity} on channel {heard.channel}"
        case ControlChange():
            return f"control change {heard.number} = {heard.value} on channel {heard.channel}"
