"""Packs: zips of presets, artifacts, captures and impulse responses from download sites.

A pack has no manifest: its files are found by their names, within the limits of a bank file. Nothing in it is trusted:
it is unpacked to a partial folder, tried, and only then renamed to its final name.
"""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from nampedal.firmware.base.errors import AlreadyExistsError, BankError, FileAccessError, NampedalError, SettingsError
from nampedal.firmware.base.files import file_names
from nampedal.firmware.base.files.atomic_write import move_into_place, sync_folder, write_pieces_through, write_through
from nampedal.firmware.base.files.file_names import (
    ARTIFACT,
    MAX_BYTES,
    MAX_DEPTH,
    MAX_FILES,
    MAX_NAME_BYTES,
    PLAYABLE,
    PRESET,
)
from nampedal.firmware.base.files.toml_schema import os_error_text
from nampedal.firmware.base.listing import is_clutter, suffix_of
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.banks.bank_archive import BankArchive, not_a_bank, open_archive
from nampedal.firmware.presets.banks.bank_file import MANIFEST, left_out_note, try_bank

SUFFIX = ".zip"
CAPTURE = ".nam"
SOUNDS = (".wav", ".wave", ".flac", ".aif", ".aiff", ".aifc", ".ogg", ".caf", ".w64", ".rf64", ".mp3")
# Files of a pack that are used for a bank. Captures are included only to report that they are there.
KINDS = (PRESET, *PLAYABLE, CAPTURE, *SOUNDS)
# Maximum number of names in a message; the rest is counted.
_MAX_NAMED = 5
# Maximum letters of a pack folder's name inside a bank's name; a letter may take four bytes.
_MAX_LETTERS = 40
# Bit 11 of the general purpose flags: the name is UTF-8 (PKWARE APPNOTE.TXT 6.3.10, 4.4.4).
_UTF8 = 1 << 11


@dataclass(frozen=True, slots=True)
class _Planned:
    """A bank that will be made.

    members: name in the zip, by name in the bank.
    presets: contents of presets that are generated, by name.
    """

    name: str
    members: Mapping[str, str]
    presets: Mapping[str, bytes]


def is_pack(path: Path) -> bool:
    """Return True if the file is a zip, but not a bank file. Raises the errors of `open_archive`."""
    if suffix_of(path) != SUFFIX:
        return False
    with open_archive(path) as archive:
        return MANIFEST not in archive.members


@contextmanager
def unpacked(path: Path, kinds: Sequence[str] = KINDS) -> Iterator[Path]:
    """Unpack the pack's files of these kinds to a temporary folder for the time of the context. Raises a BankError."""
    with TemporaryDirectory(prefix="nampedal-") as name:
        folder = Path(name)
        with open_archive(path) as archive:
            members = _members(archive, kinds)
            for inside, member in members.items():
                _write(archive, member, folder / inside)
        yield folder


def size_of(path: Path) -> int:
    """Return the maximum number of bytes that its banks take on the disk. Raises a BankError."""
    with open_archive(path) as archive:
        return sum(archive.members[member].file_size for member in _members(archive, KINDS).values())


def import_pack(
    path: Path, banks_folder: Path, name: str, *, on_note: Callable[[str], object] = lambda line: None
) -> list[Path]:
    """Make banks from a pack: one for each folder that holds presets, or else one of all its artifacts.

    name: of the first bank; the names of the others are this name with their folder's name appended.
    on_note: called with one line if files are left out.

    Returns the folders of the banks. Raises a BankError if nothing can be made; nothing is then left on the disk.
    """
    with open_archive(path) as archive:
        members = _members(archive, KINDS)
        plans = _plans(archive, members, name)
        _check_free([banks_folder / plan.name for plan in plans])
        try:
            # The first bank is made last: if it exists, all of them exist.
            for plan in plans[::-1]:
                _make(archive, plan, banks_folder)
        except OSError as error:
            if isinstance(error, NampedalError):
                raise
            raise FileAccessError(f"{banks_folder / name}: can't be written: {os_error_text(error)}") from error
        used = {member for plan in plans for member in plan.members.values()}
    note = left_out_note(path, sorted(one for one, member in members.items() if member not in used))
    if note:
        on_note(note)
    return [banks_folder / plan.name for plan in plans]


def _members(archive: BankArchive, kinds: Sequence[str]) -> dict[str, str]:
    """Return the names in the zip, by path, of the files of those kinds.

    Raises BankError.
    """
    path, found, size = archive.path, {}, 0
    for info in archive.members.values():
        name = PurePosixPath(_name_of(info))
        if suffix_of(name) not in kinds or any(is_clutter(part) for part in name.parts if part != ".."):
            continue
        _check_name(path, name)
        if archive.counts[info.filename] > 1 or str(name) in found:
            raise not_a_bank(path, f"{str(name)!r} is in it twice")
        archive.check_packing(info.filename)
        found[str(name)] = info.filename
        size += info.file_size
    if len(found) > MAX_FILES or size > MAX_BYTES:
        raise BankError(
            f"{path}: holds {len(found)} files of {size:,} bytes; up to {MAX_FILES} of {MAX_BYTES:,} are taken: "
            "unpack it, and take a part of it"
        )
    clash = file_names.clash(found)
    if clash is not None:
        raise BankError(f"{path}: {clash[0]!r} and {clash[1]!r} can't both be there on every computer")
    return _without_top(found)


def _name_of(info: zipfile.ZipInfo) -> str:
    """Return a member's name, corrected.

    macOS writes UTF-8 without setting the flag; some Windows programs separate folders by backslashes.
    """
    name = info.filename
    if not info.flag_bits & _UTF8:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return name.replace("\\", "/")


def _check_name(path: Path, name: PurePosixPath) -> None:
    if name.is_absolute() or ".." in name.parts or ":" in name.parts[0]:
        raise BankError(f"{path}: {str(name)!r} leads out of the zip; do not trust this pack")
    if not file_names.is_possible(str(name)):
        raise BankError(f"{path}: {str(name)!r} is what Windows takes for no file's name; unpack it, and rename it")
    if len(name.parts) > MAX_DEPTH or any(len(os.fsencode(part)) > MAX_NAME_BYTES for part in name.parts):
        raise BankError(
            f"{path}: {str(name)!r} has {len(name.parts)} parts; up to {MAX_DEPTH} of {MAX_NAME_BYTES} bytes are taken"
        )


def _without_top(names: dict[str, str]) -> dict[str, str]:
    """Remove the top folders that all names share; they say no more than the zip's own name."""
    while names and all("/" in name for name in names) and len({name.split("/")[0] for name in names}) == 1:
        names = {name.partition("/")[2]: member for name, member in names.items()}
    return names


def _plans(archive: BankArchive, members: Mapping[str, str], name: str) -> list[_Planned]:
    """Return the banks that can be made of a pack. Raises BankError if there is none."""
    tops = sorted({_parent(one) for one in members if _is_preset(one)})
    # A .toml file in a subfolder of a bank is not a preset of that bank.
    tops = [top for top in tops if not any(_is_below(top, other) for other in tops if other != top)]
    if tops:
        return [
            _Planned(name if not at else f"{name} {_shown(top)[:_MAX_LETTERS]}", _of_bank(archive, members, top), {})
            for at, top in enumerate(tops)
        ]
    artifacts = file_names.without_doubles(one for one in members if suffix_of(one) in PLAYABLE)
    if artifacts:
        presets = {
            f"{PurePosixPath(one).with_suffix('').as_posix().replace('/', ' ')}{PRESET}": preset.pack(
                preset.Preset(_title(one), (preset.Nam(one),))
            )
            for one in artifacts
        }
        return [_Planned(name, {one: members[one] for one in artifacts}, presets)]
    captures = [one for one in members if suffix_of(one) == CAPTURE]
    if captures:
        raise BankError(
            f"{archive.path}: holds captures that are not converted yet ({_listed(captures)}); make artifacts of them "
            "with 'nampedal convert' on a computer"
        )
    raise BankError(f"{archive.path}: holds no presets and no {ARTIFACT} artifacts; unpack it and look what is in it")


def _of_bank(archive: BankArchive, members: Mapping[str, str], top: str) -> dict[str, str]:
    """Return the presets, the bank.toml, and the files that the presets name, by name in the bank."""
    inside = {one[len(top) + bool(top) :]: member for one, member in members.items() if _is_below(one, top)}
    texts = [one for one in inside if "/" not in one and suffix_of(one) == PRESET]
    needed = set(texts)
    for one in texts:
        if file_names.is_bank_toml(one):
            continue
        data = archive.read(inside[one], file_names.MAX_PRESET_BYTES)
        # A broken preset is reported later, when it is tried.
        with suppress(SettingsError):
            needed |= set(file_names.matched(preset.files_of(preset.parse(data, one)), inside))
    return {one: inside[one] for one in inside if one in needed}


def _parent(name: str) -> str:
    return name.rpartition("/")[0]


def _is_preset(name: str) -> bool:
    return file_names.is_preset(PurePosixPath(name).name)


def _is_below(name: str, top: str) -> bool:
    return not top or name.startswith(f"{top}/")


def _title(name: str) -> str:
    """Return the display name for a preset of an artifact."""
    return _shown(PurePosixPath(name).stem).strip() or "artifact"


def _shown(name: str) -> str:
    return "".join(letter if letter.isprintable() and letter != "/" else " " for letter in name)


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - _MAX_NAMED
    return ", ".join(names[:_MAX_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _check_free(targets: Sequence[Path]) -> None:
    for target in targets:
        if os.path.lexists(target):
            raise AlreadyExistsError(f"{target}: is there already; import it under another name with --as")


def _make(archive: BankArchive, plan: _Planned, banks_folder: Path) -> None:
    """Make one bank. Raises a BankError, OSError."""
    partial = banks_folder / f".{plan.name}.partial"
    try:
        # Remove what an interrupted import left.
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        for name, member in plan.members.items():
            _write(archive, member, partial / name)
        for name, data in plan.presets.items():
            write_through(data, partial / name)
        try_bank(archive.path, partial)
        move_into_place(partial, banks_folder / plan.name)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write(archive: BankArchive, member: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    write_pieces_through(archive.pieces(member, archive.members[member].file_size), target)
    sync_folder(target.parent)
