"""Carries out actions on a pedal, from any source."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from nampedal.board.profiles.pedals import REFERENCE_HZ
from nampedal.firmware.actions.action import Action
from nampedal.firmware.audio.tuner import check_reference
from nampedal.firmware.base.errors import ControlMapError, NampedalError
from nampedal.firmware.base.faults import describe_error
from nampedal.firmware.pedal.daemon import Pedal
from nampedal.firmware.pedal.switching.play_state import PlayState

_log = logging.getLogger(__name__)


class ActionDispatcher:
    """Carries out actions, in the thread that runs the pedal. It has no state of its own, only `Pedal.state`."""

    def __init__(self, pedal: Pedal, reference_hz: float = REFERENCE_HZ) -> None:
        self._pedal = pedal
        self._change(reference_hz=reference_hz)

    @property
    def state(self) -> PlayState:
        return self._pedal.state

    def do(self, action: Action) -> None:
        """Carry out an action. Do nothing before the first JACK server is connected.

        Raises the errors of `Playback` and `Pedal.change_bank`.
        """
        playback = self._pedal.playback
        if playback.manager is None or action.kind == "none":
            return
        if action.again is not None and self.is_active(action):
            self.do(action.again)
            return
        match action.kind, action.words:
            case "preset", (name,):
                playback.select(name)
            case "bank", (name,):
                self._pedal.change_bank(name)
            case "next", _:
                playback.move(1)
            case "previous", _:
                playback.move(-1)
            case "bypass", words:
                self.bypass(_wanted(words, self.state.bypass))
            case "tuner", words:
                self.tune(_wanted(words, self.state.tuning), mute=True)
            case "mute", words:
                self.mute(_wanted(words, self.state.muted))
            case "save", _:
                playback.save()
            case "set", (name, value):
                playback.set(name, float(value))

    def dispatch(self, action: Action) -> NampedalError | None:
        """Carry out an action. If it fails, log the error and return it."""
        try:
            self.do(action)
        except NampedalError as error:
            _log.warning("%s", error)
            return error
        except Exception as error:
            # Catch everything, so that the next actions are still carried out.
            _log.exception("action %s", action)
            return ControlMapError(f"action {action}: failed: {describe_error(error)}")
        return None

    def bypass(self, on: bool) -> None:
        self._change(bypass=on)

    def mute(self, on: bool) -> None:
        self._change(muted=on)

    def tune(self, on: bool, *, mute: bool) -> None:
        """Switch the tuner on or off.

        mute: mute the output while the tuner is on.
        """
        self._change(tuning=on, silent_tuning=on and mute)

    def set_reference(self, reference_hz: float) -> None:
        """Set the frequency of A4 for the tuner, in Hz, until the pedal ends. Raises ArgumentError."""
        check_reference(reference_hz)
        self._change(reference_hz=reference_hz)

    def _change(self, **changes: Any) -> None:
        """Replace fields of the pedal's state."""
        self._pedal.bring_to(replace(self._pedal.state, **changes))

    def is_active(self, action: Action) -> bool:
        """Return True if the target state of the action is already active.

        For a preset: it plays, or was requested. For bypass, tuner and mute: the state is what the action asks for.
        """
        playback = self._pedal.playback
        if playback.manager is None:
            return False
        if action.kind == "preset":
            return playback.is_at(action.words[0])
        states = {"bypass": self.state.bypass, "tuner": self.state.tuning, "mute": self.state.muted}
        return action.kind in states and states[action.kind] == (action.words != ("off",))


def _wanted(words: tuple[str, ...], now: bool) -> bool:
    """Return the state that "on", "off" or no word (toggle) asks for."""
    return words[0] == "on" if words else not now
