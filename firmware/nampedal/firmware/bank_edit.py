"""Banks made and changed: what is put in is tried first, and what is there is never overwritten."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from nampedal.board.errors import NampedalError, SettingsUnreadableError
from nampedal.board.settings import reason, replace_file, sync_folder
from nampedal.firmware import artifact, impulse_response, preset
from nampedal.firmware.bank import (
    OWN_FILE,
    TRIED_FRAMES,
    TRIED_RATE_HZ,
    Bank,
    Entry,
    look_at_preset,
    read_any_bank,
    which,
    write_order,
)
from nampedal.firmware.chain import Chain
from nampedal.firmware.errors import (
    BankExistsError,
    BankIncompleteError,
    BankNameError,
    BankTooLargeError,
    BankUnwritableError,
    FileTakenError,
    NoSuchBankError,
    NotForBanksError,
)
from nampedal.firmware.file_names import MOST_BYTES, is_same
from nampedal.firmware.preset import Nam, Preset
from nampedal.firmware.store import read_safely, remove_safely, unsealed, write_safely

# What nampedal knows to be no impulse response without looking.
_OTHERS = {
    ".nam": "is a capture that is not converted yet; make an artifact of it with 'nampedal convert'",
    ".tflite": f"is for other programs; a bank holds {artifact.SUFFIX} artifacts",
    ".nampedal-bank": "is a whole bank; unpack it with 'nampedal bank import'",
}


def make_bank(folder: Path, name: str | None = None) -> None:
    """An empty one. name: for people; None: the folder's. Raises BankExistsError, SettingsError."""
    if os.path.lexists(folder):
        raise BankExistsError(f"{folder}: is there already; name a folder that is not")
    write_order(Bank(folder, name if name is not None else folder.resolve().name, ()))


def open_bank(folder: Path) -> Bank:
    """To be changed; it may be empty. Raises NoSuchBankError, SettingsUnreadableError."""
    if not folder.is_dir():
        raise NoSuchBankError(f"{folder}: is no folder; make a bank with 'nampedal bank new {folder}'")
    return read_any_bank(folder)


@dataclass(frozen=True, slots=True)
class Added:
    """A file of the bank. what: it is.  new: it was not there already."""

    name: str
    what: str
    new: bool


class _Plan:
    """What is to come into a bank, before anything does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[str, bytes] = {}
        self.what: dict[str, str] = {}

    def put(self, name: str, data: bytes, what: str) -> None:
        """name: relative to the bank. Raises FileTakenError, BankTooLargeError."""
        self._check_other(name)
        if sum(map(len, self.files.values())) + len(data) > MOST_BYTES:
            raise BankTooLargeError(f"{self.folder}: up to {MOST_BYTES:,} bytes can be added at once; add fewer files")
        there = self._there(name)
        if there is not None and unsealed(there) != unsealed(data):
            raise FileTakenError(f"{self.folder / name}: is there already, and another; rename one of them")
        self.files[name] = data
        self.what[name] = what

    def carry_out(self) -> list[Added]:
        """Presets last: none without its files. Raises SettingsUnwritableError."""
        added = []
        for name in sorted(self.files, key=lambda name: name.endswith(preset.SUFFIX)):
            path, data = self.folder / name, self.files[name]
            new = not path.exists()
            if new and name.endswith(preset.SUFFIX):
                write_safely(path, data)
            elif new:
                replace_file(data, path)
            added.append(Added(name, self.what[name], new))
        return added

    def _check_other(self, name: str) -> None:
        """That no other file has this name on some computers. Raises FileTakenError."""
        path = self.folder / name
        beside = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
        parent = PurePosixPath(name).parent
        for other in (*self.files, *(str(parent / one) for one in beside)):
            if other != name and is_same(other, name):
                raise FileTakenError(f"{path}: is the same file as {other} on some computers; rename one of them")

    def _there(self, name: str) -> bytes | None:
        if name in self.files:
            return self.files[name]
        path = self.folder / name
        return _read(path) if path.exists() else None


def add(folder: Path, paths: Sequence[Path]) -> list[Added]:
    """Artifacts, impulse responses, and presets with the files that they name; an artifact brings a preset of its own.

    Everything is tried before anything is written.
    Raises NoSuchBankError, NotForBanksError, BankIncompleteError, BankNameError, FileTakenError, ArtifactError,
    AudioFileError, ImpulseResponseError, SettingsError.
    """
    plan = _Plan(open_bank(folder).folder)
    for path in paths:
        if path.suffix in _OTHERS:
            raise NotForBanksError(f"{path}: {_OTHERS[path.suffix]}")
        if path.suffix == preset.SUFFIX:
            _plan_preset(plan, path)
        elif path.suffix == artifact.SUFFIX:
            _plan_artifact(plan, path)
        else:
            impulse_response.read(path, TRIED_RATE_HZ)
            plan.put(path.name, _read(path), "impulse response")
    return plan.carry_out()


def _plan_preset(plan: _Plan, path: Path) -> None:
    _check_name(path)
    entry = look_at_preset(path)
    if entry.missing or entry.problems:
        raise BankIncompleteError(f"{path}: can't be played: {'; '.join(troubles(entry))}")
    for name in entry.files:
        plan.put(name, _read(path.parent / name), "artifact" if name.endswith(artifact.SUFFIX) else "impulse response")
    plan.put(path.name, read_safely(path).data, "preset")


def _plan_artifact(plan: _Plan, path: Path) -> None:
    own = path.with_suffix(preset.SUFFIX)
    _check_name(own)
    plain = Preset(path.stem, (Nam(path.name),))
    # Opened only, it may be small and need memory without end once it is played.
    Chain.prepare(plain, path.parent, sample_rate=TRIED_RATE_HZ, max_frames=TRIED_FRAMES)
    plan.put(path.name, _read(path), "artifact")
    there = plan.folder / own.name
    # One that plays it may have more blocks by now.
    if not (there.exists() and path.name in look_at_preset(there).files):
        plan.put(own.name, preset.pack(plain), "preset")


def _check_name(path: Path) -> None:
    """Of a preset's file."""
    if path.name == OWN_FILE or path.name.startswith("."):
        raise BankNameError(f"{path}: a preset can't be called {path.stem!r}; rename it")


def troubles(entry: Entry) -> list[str]:
    """Why a preset can't be played; none if it can."""
    return [*(f"{name} is missing" for name in entry.missing), *entry.problems]


@dataclass(frozen=True, slots=True)
class Removal:
    """What goes from a bank. files: that nothing else names.

    unclear: presets that can't be read and may name them: because of these, `kept` stay.
    """

    preset: Path
    files: tuple[Path, ...]
    kept: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()


def plan_removal(bank: Bank, name: str) -> Removal:
    """Of a preset, by its short name or number, and of the files that it alone names. Raises NoSuchPresetError."""
    path = bank.presets[which(name, bank.preset_names)]
    others = [_named(other) for other in bank.presets if other != path]
    used = set().union(*(files for files in others if files is not None))
    own = [one for one in _named(path) or () if one not in used and _is_ours(bank.folder, one)]
    unclear = tuple(other.name for other in bank.presets if other != path and _named(other) is None)
    if unclear and own:
        return Removal(path, (), tuple(own), unclear)
    return Removal(path, tuple(bank.folder / one for one in own))


def carry_out(removal: Removal) -> None:
    """The preset first: none without its files. Raises SettingsUnwritableError, BankUnwritableError."""
    remove_safely(removal.preset)
    for path in removal.files:
        try:
            path.unlink()
            sync_folder(path.parent)
        except OSError as error:
            raise BankUnwritableError(f"{path}: can't be removed: {reason(error)}") from error


def _named(path: Path) -> tuple[str, ...] | None:
    """The files that a preset names; None where it can't be read."""
    try:
        return preset.files_of(preset.parse(read_safely(path).data, str(path)))
    except NampedalError:
        return None


def _is_ours(folder: Path, name: str) -> bool:
    """Whether it is there, in the bank's own folder even behind links, and no preset."""
    path = folder / name
    return path.is_file() and path.resolve().is_relative_to(folder.resolve()) and PurePosixPath(name).suffix != ".toml"


def _read(path: Path) -> bytes:
    """A file as long as a bank may be. Raises SettingsUnreadableError, BankTooLargeError."""
    try:
        # A pipe would have us wait for its other end.
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(number, "rb") as file:
            status = os.fstat(number)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EINVAL, "is no plain file")
            if status.st_size > MOST_BYTES:
                raise BankTooLargeError(f"{path}: has {status.st_size:,} bytes; a bank has up to {MOST_BYTES:,}")
            return file.read()
    except OSError as error:
        raise SettingsUnreadableError(f"{path}: can't be read: {reason(error)}") from error
