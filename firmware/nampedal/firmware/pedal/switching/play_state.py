"""What the pedal is to do apart from its preset: one frozen state, and the function that brings a stage to it.

The pedal's thread owns the state (`Pedal.state`). Footswitches, knobs, MIDI, the control socket and load shedding
replace it by `Pedal.bring_to`; LEDs and status read it. It outlives stages: a new JACK sample rate needs a new one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from nampedal.board.profiles.pedals import REFERENCE_HZ
from nampedal.firmware.presets.quality import QualityLevel


class _Stage(Protocol):
    def mute(self, on: bool) -> bool: ...


class _AudioTap(Protocol):
    def tune(self, on: bool, reference_hz: float) -> None: ...


class _Presets(Protocol):
    def play_at(self, step: QualityLevel, *, bypass: bool) -> None: ...


_FULL_QUALITY = QualityLevel(0)


@dataclass(frozen=True, slots=True)
class PlayState:
    """The state of a pedal.

    silent_tuning: the output is muted while the tuner is on.
    reference_hz: the frequency of A4 for the tuner.
    quality: the level that all presets play at.
    """

    bypass: bool = False
    muted: bool = False
    tuning: bool = False
    silent_tuning: bool = False
    reference_hz: float = REFERENCE_HZ
    quality: QualityLevel = _FULL_QUALITY

    @property
    def silent(self) -> bool:
        """Return True if the output must be silent."""
        return self.muted or self.silent_tuning


def reconcile(state: PlayState, stage: _Stage, tap: _AudioTap, presets: _Presets) -> bool:
    """Bring a stage, its audio tap and its presets to a state. What is so already stays untouched.

    Returns False if the stage's command queue is full: call it again.
    Raises ArgumentError.
    """
    presets.play_at(state.quality, bypass=state.bypass)
    tap.tune(state.tuning, state.reference_hz)
    return stage.mute(state.silent)
