"""The slots of the runtimes that updates install: which one is used, which one was before it, which one is on trial.

`launcher.py` describes the layout of the folder. This module makes and removes the links, always in an order in which
a power cut leaves either the old runtime in use, or the new one after a successful trial.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import FileAccessError
from nampedal.firmware.base.files.atomic_write import move_into_place, sync_folder, write_through
from nampedal.firmware.base.files.toml_schema import os_error_text
from nampedal.firmware.system.launcher import BEGUN, BESIDE, CURRENT, OVER, RECORD, SLOTS, TRIAL, TRIES
from nampedal.firmware.system.update.update_host import UpdateHost

BEFORE = "before"


class Phase(Enum):
    """The phase of a trial.

    NONE: there is no trial.  WAITS: it begins at the daemon's next start.  RUNS: the new runtime runs.
    OVER: it was begun or can't begin, and another runtime runs now.  KEPT: kept, but not cleaned up yet.
    """

    NONE = "none"
    WAITS = "waits"
    RUNS = "runs"
    OVER = "over"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Slots:
    """The use of the slots.

    current, before: the name of a slot; None: the installed runtime.
    trial: the name of a slot; None: there is no trial that could begin.
    marked: the link for a trial exists, even if its target is unusable.
    begun, over: the launcher has begun the trial; a later start has ended it.
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
        """The slot for a new runtime."""
        return next(slot for slot in SLOTS if slot != self.current)


class Runtimes:
    """The runtimes of a system: the installed one, and those in slots."""

    def __init__(self, system: UpdateHost) -> None:
        self.folder = system.under_root(system_paths.RUNTIMES)
        self.installed = system.under_root(system_paths.RUNTIME)

    def path(self, slot: str | None) -> Path:
        return self.installed if slot is None else self.folder / slot

    def read_slots(self) -> Slots:
        """Return the use of the slots as the launcher sees it.

        A link to a runtime that is incomplete or belongs to another installation does not count.
        """
        current, before, trial = (self._usable(name) for name in (CURRENT, BEFORE, TRIAL))
        begun, over = ((self.folder / mark).is_dir() for mark in (BEGUN, OVER))
        # Both are the same if the power was cut before `settle` changed the current one.
        before = before if before != current else None
        return Slots(current, before, trial, os.path.lexists(self.folder / TRIAL), begun, over)

    def record(self) -> bytes | None:
        """Return the RECORD file that identifies the installed runtime; None if there is none."""
        found = sorted(self.installed.glob(RECORD))
        return found[0].read_bytes() if found else None

    def empty(self, slot: str) -> Path:
        """Remove a slot's folder and the links to it. Return the folder's path. Raises FileAccessError."""
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
            raise FileAccessError(f"{path}: can't be removed: {os_error_text(error)}") from error
        return path

    def finish(self, slot: str) -> None:
        """Mark a slot as complete, so that the launcher accepts it. Its files are synced to the disk before.

        Raises FileAccessError.
        """
        os.sync()
        path = self.folder / slot
        try:
            write_through(self.record() or b"", path / BESIDE)
            sync_folder(path)
        except OSError as error:
            raise FileAccessError(f"{path / BESIDE}: can't be written: {os_error_text(error)}") from error

    def begin(self, slot: str) -> None:
        """Have the daemon try a slot's runtime once, at its next start. Raises FileAccessError."""
        try:
            self._clear_marks()
            tries = self.folder / TRIES
            tries.mkdir(exist_ok=True)
            if os.geteuid() == 0:
                _give_to_player(tries)
            sync_folder(self.folder)
            self._link(TRIAL, slot)
        except OSError as error:
            raise FileAccessError(f"{self.folder}: can't be written: {os_error_text(error)}") from error

    def settle(self, *, keep: bool) -> None:
        """End the trial. The running daemon continues until its next start. Raises FileAccessError."""
        slots = self.read_slots()
        try:
            if keep and slots.phase is not Phase.KEPT:
                self._link(BEFORE, slots.current)
                self._link(CURRENT, slots.trial)
            self._link(TRIAL, None)
            self._clear_marks()
        except OSError as error:
            raise FileAccessError(f"{self.folder}: can't be written: {os_error_text(error)}") from error

    def go_back(self) -> None:
        """Make the runtime before the current one the current one. Raises FileAccessError."""
        slots = self.read_slots()
        try:
            self._link(CURRENT, slots.before)
            self._link(BEFORE, None)
        except OSError as error:
            raise FileAccessError(f"{self.folder}: can't be written: {os_error_text(error)}") from error

    def _usable(self, name: str) -> str | None:
        """Return the slot that a link leads to if the launcher would follow it; otherwise None."""
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
            sync_folder(self.folder)
        else:
            new = self.folder / f".{name}.new"
            new.unlink(missing_ok=True)
            os.symlink(slot, new)
            move_into_place(new, path)

    def _clear_marks(self) -> None:
        """Remove the marks of a trial, and all other files there: the folder belongs to the unprivileged user."""
        tries = self.folder / TRIES
        if tries.is_dir() and not tries.is_symlink():
            shutil.rmtree(tries)
        else:
            tries.unlink(missing_ok=True)
        sync_folder(self.folder)


def _give_to_player(folder: Path) -> None:
    """Give a folder to the daemon's user, who makes the marks in it. Without such a user it stays root's."""
    try:
        shutil.chown(folder, system_paths.USER, system_paths.USER)
    except LookupError:
        return
