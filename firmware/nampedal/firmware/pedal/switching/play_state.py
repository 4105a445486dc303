"""What the pedal is to do: one frozen state, and the function that brings a stage to it.

`Playback` owns the state. Footswitches, knobs, MIDI, the control socket and load shedding replace it; LEDs, status and
the saved state read it. It outlives stages: a new JACK sample rate needs a new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from nampedal.board.profiles.pedals import REFERENCE_HZ
from nampedal.firmware.presets.quality import QualityLevel

# By preset file, the settings that were changed but not saved, by their full names.
Edits = Mapping[Path, Mapping[str, float]]


class _Stage(Protocol):
    def mute(self, on: bool) -> bool: ...


class TunerTap(Protocol):
    """What the tuner listens with: the audio tap of a stage."""

    def tune(self, on: bool, reference_hz: float) -> None: ...


class _Presets(Protocol):
    def play_at(self, step: QualityLevel, *, bypass: bool) -> None: ...
    def apply_edits(self, edits: Edits) -> None: ...
    def go_to(self, preset: Path, direction: int = 0) -> None: ...


_FULL_QUALITY = QualityLevel(0)


@dataclass(frozen=True, slots=True)
class PlayState:
    """The state of a pedal.

    bank: its folder.
    preset: the file of the preset that plays, or will as soon as it is ready; None: none of the bank.
    edits: of all banks that were played.
    silent_tuning: the output is muted while the tuner is on.
    reference_hz: the frequency of A4 for the tuner.
    quality: the level that all presets play at.
    """

    bank: Path
    preset: Path | None = None
    edits: Edits = field(default_factory=dict)
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

    def edited(self, preset: Path, name: str, value: float) -> PlayState:
        """Return the state with one setting of a preset changed."""
        return replace(self, edits={**self.edits, preset: {**self.edits.get(preset, {}), name: value}})


def reconcile(state: PlayState, stage: _Stage, tap: TunerTap, presets: _Presets, direction: int = 0) -> bool:
    """Bring a stage, its audio tap and its presets to a state. What matches the state already is not touched.

    direction: of the player's step to the preset, as in `PresetManager.go_to`.

    Returns False if the stage's command queue is full: call it again.
    Raises ArgumentError.
    """
    presets.apply_edits(state.edits)
    presets.play_at(state.quality, bypass=state.bypass)
    tap.tune(state.tuning, state.reference_hz)
    if state.preset is not None:
        presets.go_to(state.preset, direction)
    return stage.mute(state.silent)
