"""Creates and edits banks. New files are tried first, and existing files are never overwritten."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from nampedal.firmware.audio import impulse_response
from nampedal.firmware.base.errors import (
    AlreadyExistsError,
    BankError,
    FileAccessError,
    NampedalError,
    SettingsUnreadableError,
)
from nampedal.firmware.base.files import file_names
from nampedal.firmware.base.files.atomic_write import sync_folder
from nampedal.firmware.base.files.durable_toml import read_safely, remove_safely, strip_checksum, write_safely
from nampedal.firmware.base.files.file_names import MAX_BYTES, find_path, is_same
from nampedal.firmware.base.files.open_file import open_to_read
from nampedal.firmware.base.files.toml_schema import os_error_text, replace_file
from nampedal.firmware.base.listing import is_clutter, suffix_of
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.banks import bank_sources
from nampedal.firmware.presets.banks.bank import (
    TRIED_FRAMES,
    TRIED_RATE_HZ,
    Bank,
    BankEntry,
    check_preset,
    index_of_preset,
    read_any_bank,
    write_order,
)
from nampedal.firmware.presets.chain import Chain
from nampedal.firmware.presets.preset import Nam, Preset

# Files that can't be impulse responses, by suffix.
_OTHERS = {
    ".nam": "is a capture that is not converted yet; make an artifact of it with 'nampedal convert'",
    ".nampedal-bank": "is a whole bank; unpack it with 'nampedal bank import'",
}


def make_bank(folder: Path, name: str | None = None) -> None:
    """Create an empty bank. Raises AlreadyExistsError, SettingsError.

    name: for people; None: the folder's name.
    """
    if os.path.lexists(folder):
        raise AlreadyExistsError(f"{folder}: is there already; name a folder that is not")
    write_order(Bank(folder, name if name is not None else folder.resolve().name, ()))


def open_bank(folder: Path) -> Bank:
    """Read a bank that will be changed; it may be empty. Raises BankError, SettingsUnreadableError."""
    if not folder.is_dir():
        raise BankError(f"{folder}: is no folder; make a bank with 'nampedal bank new {folder}'")
    return read_any_bank(folder)


@dataclass(frozen=True, slots=True)
class Added:
    """A file that was added to a bank.

    what: its kind, in words.
    new: False if the same file was there already.
    """

    name: str
    what: str
    new: bool


class _Plan:
    """The files to add to a bank; nothing is written before `carry_out`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[str, bytes] = {}
        self.what: dict[str, str] = {}

    def put(self, name: str, data: bytes, what: str) -> None:
        """Plan one file. Raises AlreadyExistsError, BankError.

        name: relative to the bank.
        """
        self._check_other(name)
        if sum(map(len, self.files.values())) + len(data) > MAX_BYTES:
            raise BankError(f"{self.folder}: up to {MAX_BYTES:,} bytes can be added at once; add fewer files")
        there = self._there(name)
        if there is not None and strip_checksum(there) != strip_checksum(data):
            raise AlreadyExistsError(f"{self.folder / name}: is there already, and another; rename one of them")
        self.files[name] = data
        self.what[name] = what

    def carry_out(self) -> list[Added]:
        """Write the planned files, presets last, so that each preset has its files.

        Raises SettingsUnwritableError.
        """
        added = []
        for name in sorted(self.files, key=lambda name: suffix_of(name) == preset.SUFFIX):
            path, data = self.folder / name, self.files[name]
            new = not path.exists()
            if new and suffix_of(name) == preset.SUFFIX:
                write_safely(path, data)
            elif new:
                replace_file(data, path)
            added.append(Added(name, self.what[name], new))
        return added

    def _check_other(self, name: str) -> None:
        """Check that no other file has the same name on some computers. Raises AlreadyExistsError."""
        path = self.folder / name
        beside = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
        parent = PurePosixPath(name).parent
        for other in (*self.files, *(str(parent / one) for one in beside)):
            if other != name and is_same(other, name):
                raise AlreadyExistsError(f"{path}: is the same file as {other} on some computers; rename one of them")

    def _there(self, name: str) -> bytes | None:
        if name in self.files:
            return self.files[name]
        path = self.folder / name
        return _read(path) if path.exists() else None


def add(folder: Path, paths: Sequence[Path]) -> list[Added]:
    """Add artifacts, .tflite files, impulse responses, and presets with the files that they name. Return the added
    files.

    Each artifact or .tflite also gets a preset of its own. Everything is tried before anything is written.
    paths: files; a folder or pack stands for the files in it.

    Raises BankError, AlreadyExistsError, ArtifactError, MissingPackageError, FileAccessError, AudioError,
    SettingsError.
    """
    plan = _Plan(open_bank(folder).folder)
    with bank_sources.opened(paths) as files:
        for path in files:
            _plan(plan, path)
        return plan.carry_out()


def _plan(plan: _Plan, path: Path) -> None:
    suffix = suffix_of(path)
    if suffix in _OTHERS:
        raise BankError(f"{path}: {_OTHERS[suffix]}")
    if suffix == preset.SUFFIX:
        _plan_preset(plan, path)
    elif suffix in file_names.PLAYABLE:
        _plan_artifact(plan, path)
    else:
        impulse_response.read(path, TRIED_RATE_HZ)
        plan.put(path.name, _read(path), "impulse response")


def _plan_preset(plan: _Plan, path: Path) -> None:
    _check_name(path)
    entry = check_preset(path)
    if entry.missing or entry.problems:
        raise BankError(f"{path}: can't be played: {'; '.join(troubles(entry))}")
    for name in entry.files:
        plan.put(name, _read(find_path(path.parent, name)), _kind(name))
    plan.put(path.name, read_safely(path).data, "preset")


def _plan_artifact(plan: _Plan, path: Path) -> None:
    own = path.with_suffix(preset.SUFFIX)
    _check_name(own)
    plain = Preset(path.stem, (Nam(path.name),))
    # Opening alone is not enough: a small file may need unlimited memory when it is played.
    Chain.prepare(plain, path.parent, sample_rate=TRIED_RATE_HZ, max_frames=TRIED_FRAMES)
    plan.put(path.name, _read(path), _kind(path.name))
    there = plan.folder / own.name
    # The existing preset may play this artifact and have more blocks by now.
    if not (there.exists() and path.name in check_preset(there).files):
        plan.put(own.name, preset.pack(plain), "preset")


def _kind(name: str) -> str:
    """Return what a file that a preset names is, in words."""
    kinds = {file_names.ARTIFACT: "artifact", file_names.TFLITE: "TensorFlow Lite model"}
    return kinds.get(suffix_of(name), "impulse response")


def _check_name(path: Path) -> None:
    """Check that a preset's file can have this name. Raises BankError."""
    if not path.name.isprintable():
        raise BankError(f"{path}: has signs in its name that a preset can't have, or is not UTF-8; rename it")
    if file_names.is_bank_toml(path.name) or is_clutter(path.name):
        raise BankError(f"{path}: a preset can't be called {path.stem!r}; rename it")


def troubles(entry: BankEntry) -> list[str]:
    """Return why a preset can't be played; empty if it can."""
    return [*(f"{name} is missing" for name in entry.missing), *entry.problems]


@dataclass(frozen=True, slots=True)
class Removal:
    """The files to remove from a bank together with a preset.

    files: files that only this preset names.
    kept: files that stay because of `unclear`.
    unclear: presets that can't be read and may name those files.
    bank: the bank before the removal.
    """

    preset: Path
    files: tuple[Path, ...]
    kept: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()
    bank: Bank | None = field(default=None, compare=False)

    @property
    def programs(self) -> list[int]:
        """Return the MIDI program numbers that bank.toml has for the preset; they are removed, too."""
        return [number for number, name in self.bank.programs.items() if name == self.preset.stem] if self.bank else []


def plan_removal(bank: Bank, name: str) -> Removal:
    """Plan to remove a preset that `index_of` finds, and the files that only it names. Raises NoSuchPresetError."""
    path = bank.presets[index_of_preset(name, bank.preset_names)]
    others = [_named(other) for other in bank.presets if other != path]
    used = set().union(*(files for files in others if files is not None))
    own = [one for one in _named(path) or () if one not in used and _is_ours(bank.folder, one)]
    unclear = tuple(other.name for other in bank.presets if other != path and _named(other) is None)
    if unclear and own:
        return Removal(path, (), tuple(own), unclear, bank)
    return Removal(path, tuple(find_path(bank.folder, one) for one in own), bank=bank)


def carry_out(removal: Removal) -> None:
    """Remove the preset, then its files, so that no preset is without its files.

    Raises SettingsError, FileAccessError.
    """
    remove_safely(removal.preset)
    if removal.bank is not None and removal.programs:
        left = {number: name for number, name in removal.bank.programs.items() if number not in removal.programs}
        presets = tuple(path for path in removal.bank.presets if path != removal.preset)
        write_order(replace(removal.bank, presets=presets, programs=left))
    for path in removal.files:
        try:
            path.unlink()
            sync_folder(path.parent)
        except OSError as error:
            raise FileAccessError(f"{path}: can't be removed: {os_error_text(error)}") from error


def _named(path: Path) -> tuple[str, ...] | None:
    """Return the files that a preset names; None if it can't be read."""
    try:
        return preset.files_of(preset.parse(read_safely(path).data, str(path)))
    except NampedalError:
        return None


def _is_ours(folder: Path, name: str) -> bool:
    """Return True if the file exists, is no preset, and is really inside the bank's folder, with links resolved."""
    path = find_path(folder, name)
    return path.is_file() and path.resolve().is_relative_to(folder.resolve()) and suffix_of(name) != preset.SUFFIX


def _read(path: Path) -> bytes:
    """Read a file of at most the size of a bank. Raises SettingsUnreadableError, BankError."""
    try:
        number = open_to_read(path)
        with open(number, "rb") as file:
            status = os.fstat(number)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EINVAL, "is no plain file")
            if status.st_size > MAX_BYTES:
                raise BankError(f"{path}: has {status.st_size:,} bytes; a bank has up to {MAX_BYTES:,}")
            return file.read()
    except OSError as error:
        raise SettingsUnreadableError(f"{path}: can't be read: {os_error_text(error)}") from error
