"""The runtimes that updates brought: which is used, which was before it, which is on trial.

nampedal.board.launcher says what lies where. Here is the other half of it: links are made and taken away, always in an
order in which a power cut leaves the old runtime in use, or the new one that has proved itself.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from nampedal.board import places
from nampedal.board.launcher import BEGUN, BESIDE, CURRENT, OVER, RECORD, SLOTS, TRIAL, TRIES
from nampedal.board.settings import reason, sync_folder, write_through
from nampedal.firmware.update.errors import UpdateUnwritableError
from nampedal.firmware.update.system import System

BEFORE = "before"


class Phase(Enum):
    """Of a trial. OVER: it was begun, or can't be, and what runs now is not it.  KEPT: but for the tidying up."""

    NONE = "none"
    WAITS = "waits"
    RUNS = "runs"
    OVER = "over"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Slots:
    """Each the name of a slot; None: the installed runtime, or for a trial: there is none that could be begun.

    marked: there is a link for a trial, whatever it leads to.
    """

    current: str | None
    before: str | None
    trial: str | None
    marked: bool = False
    begun: bool = False
    over: bool = False

    @property
    def phase(self) -> Phase:
        if not self.marked:
            return Phase.NONE
        if self.trial is None:
            return Phase.OVER
        if self.trial == self.current:
            return Phase.KEPT
        if self.over:
            return Phase.OVER
        return Phase.RUNS if self.begun else Phase.WAITS

    @property
    def free(self) -> str:
        """Which slot a new runtime goes to."""
        return next(slot for slot in SLOTS if slot != self.current)


class Runtimes:
    """Of a system."""

    def __init__(self, system: System) -> None:
        self.folder = system.at(places.RUNTIMES)
        self.installed = system.at(places.RUNTIME)

    def path(self, slot: str | None) -> Path:
        return self.installed if slot is None else self.folder / slot

    def look(self) -> Slots:
        """As the launcher sees it: a link to what is not whole, or belongs to another system, is none."""
        current, before, trial = (self._usable(name) for name in (CURRENT, BEFORE, TRIAL))
        begun, over = ((self.folder / mark).is_dir() for mark in (BEGUN, OVER))
        # They are the same where the power was cut before the new one was made the current one.
        before = before if before != current else None
        return Slots(current, before, trial, os.path.lexists(self.folder / TRIAL), begun, over)

    def record(self) -> bytes | None:
        """What the installed runtime is told from any other by."""
        found = sorted(self.installed.glob(RECORD))
        return found[0].read_bytes() if found else None

    def empty(self, slot: str) -> Path:
        """The slot's folder, which does not exist any more. Raises UpdateUnwritableError."""
        path = self.folder / slot
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for name in (BEFORE, CURRENT):
                if self._target(name) == slot:
                    self._link(name, None)
            if path.is_symlink() or path.is_file():
                path.unlink()
            elif path.is_dir():
                if (path / BESIDE).is_file():
                    (path / BESIDE).unlink()
                    sync_folder(path)
                shutil.rmtree(path)
        except OSError as error:
            raise UpdateUnwritableError(f"{path}: can't be removed: {reason(error)}") from error
        return path

    def finish(self, slot: str) -> None:
        """From now on the launcher takes it. Everything in it is on the disk before."""
        os.sync()
        path = self.folder / slot
        try:
            write_through(self.record() or b"", path / BESIDE)
            sync_folder(path)
        except OSError as error:
            raise UpdateUnwritableError(f"{path / BESIDE}: can't be written: {reason(error)}") from error

    def begin(self, slot: str) -> None:
        """Has the daemon try it at its next start, once."""
        try:
            self._clear_marks()
            tries = self.folder / TRIES
            tries.mkdir(exist_ok=True)
            if os.geteuid() == 0:
                _give_to_player(tries)
            sync_folder(self.folder)
            self._link(TRIAL, slot)
        except OSError as error:
            raise UpdateUnwritableError(f"{self.folder}: can't be written: {reason(error)}") from error

    def settle(self, *, keep: bool) -> None:
        """Ends the trial; whatever runs goes on until its next start."""
        slots = self.look()
        try:
            if keep and slots.phase is not Phase.KEPT:
                self._link(BEFORE, slots.current)
                self._link(CURRENT, slots.trial)
            self._link(TRIAL, None)
            self._clear_marks()
        except OSError as error:
            raise UpdateUnwritableError(f"{self.folder}: can't be written: {reason(error)}") from error

    def back(self) -> None:
        """To what was before the current one."""
        slots = self.look()
        try:
            self._link(CURRENT, slots.before)
            self._link(BEFORE, None)
        except OSError as error:
            raise UpdateUnwritableError(f"{self.folder}: can't be written: {reason(error)}") from error

    def _usable(self, name: str) -> str | None:
        """What a link leads to, if the launcher follows it."""
        slot = self._target(name)
        if slot is None:
            return None
        path = self.folder / slot
        try:
            same = os.readlink(path / "bin" / "python3") == os.readlink(self.installed / "bin" / "python3")
            return slot if same and (path / BESIDE).read_bytes() == self.record() else None
        except OSError:
            return None

    def _target(self, name: str) -> str | None:
        try:
            slot = os.readlink(self.folder / name)
        except OSError:
            return None
        return slot if slot in SLOTS else None

    def _link(self, name: str, slot: str | None) -> None:
        path = self.folder / name
        if slot is None:
            path.unlink(missing_ok=True)
        else:
            new = self.folder / f".{name}.new"
            new.unlink(missing_ok=True)
            os.symlink(slot, new)
            os.replace(new, path)
        sync_folder(self.folder)

    def _clear_marks(self) -> None:
        """And whatever else the player has put there, who owns the folder."""
        tries = self.folder / TRIES
        if tries.is_dir() and not tries.is_symlink():
            shutil.rmtree(tries)
        else:
            tries.unlink(missing_ok=True)
        sync_folder(self.folder)


def _give_to_player(folder: Path) -> None:
    """The daemon sets its marks there; where nobody is called so, it is root's."""
    try:
        shutil.chown(folder, places.USER, places.USER)
    except LookupError:
        return
