"""Carries out actions on a pedal, whoever asks for them."""

from __future__ import annotations

import logging

from nampedal.board.errors import NampedalError
from nampedal.firmware.action import Action
from nampedal.firmware.pedal import Pedal

_log = logging.getLogger(__name__)


class Performer:
    """For the thread that runs the pedal. muted, tuning: what the player asked for."""

    def __init__(self, pedal: Pedal) -> None:
        self._pedal = pedal
        self.muted = False
        self.tuning = False
        self._silent_tuning = False

    def do(self, action: Action) -> None:
        """Raises what the preset manager refuses; nothing while no server is there."""
        manager = self._pedal.manager
        if manager is None or action.kind == "none":
            return
        if action.again is not None and self.is_so(action):
            self.do(action.again)
            return
        match action.kind, action.words:
            case "preset", (name,):
                manager.select(name)
            case "bank", (name,):
                self._pedal.change_bank(name)
            case "next", _:
                manager.move(1)
            case "previous", _:
                manager.move(-1)
            case "bypass", words:
                manager.set_bypass(_wanted(words, manager.bypass))
            case "tuner", words:
                self.tune(_wanted(words, self.tuning), mute=True)
            case "mute", words:
                self.mute(_wanted(words, self.muted))
            case "save", _:
                manager.save()
            case "set", (name, value):
                manager.set(name, float(value))

    def try_to(self, action: Action) -> NampedalError | None:
        """Do it, or log why not, and return that."""
        try:
            self.do(action)
        except NampedalError as error:
            _log.warning("%s", error)
            return error
        return None

    def mute(self, on: bool) -> None:
        self.muted = on
        self._silence()

    def tune(self, on: bool, *, mute: bool) -> None:
        """mute: the sound is off meanwhile."""
        self.tuning = on
        if self._pedal.listener is not None:
            self._pedal.listener.tune(on)
        self._silent_tuning = on and mute
        self._silence()

    def _silence(self) -> None:
        if self._pedal.stage is not None:
            self._pedal.stage.mute(self.muted or self._silent_tuning)

    def is_so(self, action: Action) -> bool:
        """Whether what it is for is so: its preset plays, or is going to; it is bypassed, tuned or muted as it says."""
        manager = self._pedal.manager
        if manager is None:
            return False
        if action.kind == "preset":
            return manager.is_at(action.words[0])
        states = {"bypass": manager.bypass, "tuner": self.tuning, "mute": self.muted}
        return action.kind in states and states[action.kind] == (action.words != ("off",))


def _wanted(words: tuple[str, ...], now: bool) -> bool:
    """on, off, or the other way round."""
    return words[0] == "on" if words else not now
