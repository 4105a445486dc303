"""The owner of the play state: replaces it as its clients ask, and brings the stage to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nampedal.firmware.base.errors import ArgumentError, NoSuchPresetError, SettingsUnwritableError
from nampedal.firmware.engine import _engine
from nampedal.firmware.pedal.switching.play_state import PlayState, TunerTap, reconcile
from nampedal.firmware.pedal.switching.preset_manager import PresetManager
from nampedal.firmware.presets.banks.bank import index_of_preset


class Playback:
    """Owns the state of one pedal, for the control thread.

    state: replace it with `bring_to`.
    presets: the presets of the bank, in the order of their numbers, each once.
    manager: of the current stage; None: there was no stage yet.
    """

    def __init__(self, state: PlayState, presets: Sequence[Path]) -> None:
        self.state = state
        self.presets = _each_once(presets)
        self.manager: PresetManager | None = None
        self._stage: _engine.Stage | None = None
        self._tap: TunerTap | None = None
        # True if the stage's command queue was full, so that a part of the state has not reached the stage.
        self._stage_is_behind = False

    def attach(self, stage: _engine.Stage, tap: TunerTap, manager: PresetManager, first: str | None = None) -> None:
        """Bring a new stage to the state. If the state has no preset of the bank, choose one.

        first: text that `index_of_preset` accepts; None: the first preset, if there is one.
        Raises NoSuchPresetError.
        """
        self._stage, self._tap, self.manager = stage, tap, manager
        if self.state.preset not in self.presets:
            chosen = self.presets[self._index(first)] if first is not None else next(iter(self.presets), None)
            self.state = replace(self.state, preset=chosen)
        self.reconcile()

    def bring_to(self, state: PlayState) -> None:
        """Make this the state, and bring the stage to it if there is one. Raises ArgumentError."""
        self.state = state
        self.reconcile()

    def reconcile(self, direction: int = 0) -> None:
        """Bring the stage to the state. direction: of a step to the preset, as in `PresetManager.go_to`."""
        if self._stage is None or self._tap is None or self.manager is None:
            return
        self._stage_is_behind = not reconcile(self.state, self._stage, self._tap, self.manager, direction)
        self._adopt()

    def catch_up(self) -> None:
        """Try again to bring the stage to the state, if its command queue was full. Call it often."""
        if self._stage_is_behind:
            self.reconcile()

    def tick(self) -> None:
        """Prepare and switch presets. Call it often."""
        if self.manager is not None:
            self.manager.tick()
            self._adopt()

    def _adopt(self) -> None:
        """Copy the manager's decisions into the state: another preset for one that fails, and dropped edits."""
        assert self.manager is not None
        slot = self.manager.wanted or (None if self.manager.in_fallback else self.manager.current)
        preset = slot.path if slot is not None else None
        if (preset, self.manager.edits) != (self.state.preset, self.state.edits):
            self.state = replace(self.state, preset=preset, edits=self.manager.edits)

    # ---- what its clients ask for ----

    def is_at(self, name: str) -> bool:
        """Return True if the preset plays, or will play as soon as it is ready."""
        try:
            return self.presets[self._index(name)] == self.state.preset
        except NoSuchPresetError:
            return False

    def select(self, name: str) -> None:
        """Change to a preset of the bank. name: text that `index_of_preset` accepts. Raises NoSuchPresetError."""
        self._go_to(self.presets[self._index(name)])

    def move(self, by: int) -> None:
        """Change to the preset that is this many places further, with wrap-around.

        It counts from the requested preset if that one does not play yet.
        """
        if not self.presets:
            return
        here = self._place()
        at = here if here is not None else -1 if by > 0 else 0
        self._go_to(self.presets[(at + by) % len(self.presets)], by)

    def change_bank(self, bank: Path, presets: Sequence[Path], at: int | None = None) -> None:
        """Change to a preset of another bank.

        at: its index; None: the same index as now, or the last one.
        """
        here = self._place() or 0
        self.state = replace(self.state, bank=bank)
        self.update_presets(presets)
        self._go_to(self.presets[at if at is not None else min(here, len(self.presets) - 1)])

    def update_presets(self, presets: Sequence[Path]) -> None:
        """Update the list of presets of the same bank. The current preset plays on, even if it is not in the list."""
        self.presets = _each_once(presets)
        if self.manager is not None:
            self.manager.update_presets(self.presets)
            self._adopt()

    def return_to(self, bank: Path, presets: Sequence[Path]) -> None:
        """Return to the bank of the preset that still plays."""
        self.state = replace(self.state, bank=bank)
        self.update_presets(presets)

    def set(self, name: str, value: float) -> None:
        """Change a setting of the preset that plays. Raises ArgumentError."""
        if self.manager is None:
            raise ArgumentError(f"setting {name!r}: can't be set now: no preset plays")
        self.bring_to(self.state.edited(*self.manager.setting(name, value), value))

    def save(self) -> None:
        """Save the preset that plays with its edits. Raises SettingsUnwritableError."""
        if self.manager is None:
            raise SettingsUnwritableError("save: no preset plays")
        self.manager.save()
        self._adopt()

    def _go_to(self, preset: Path, direction: int = 0) -> None:
        self.state = replace(self.state, preset=preset)
        self.reconcile(direction)

    def _index(self, name: str) -> int:
        return index_of_preset(name, [path.stem for path in self.presets])

    def _place(self) -> int | None:
        """Return the index of the state's preset; None: it belongs to another bank."""
        return self.presets.index(self.state.preset) if self.state.preset in self.presets else None


def _each_once(presets: Sequence[Path]) -> list[Path]:
    """Return the files without repetitions: the state names a preset by its file."""
    return list(dict.fromkeys(presets))
