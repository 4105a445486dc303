"""A bank as one file to send to somebody: a zip of its files and a manifest with their checksums.

Nothing in such a file is trusted: it is unpacked to a partial folder, checked, tried, and only then renamed to its
final name.
"""

from __future__ import annotations

import io
import os
import shutil
import stat
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from nampedal.firmware.base.errors import (
    AlreadyExistsError,
    BankError,
    FileAccessError,
    NampedalError,
    SettingsError,
    SettingValueError,
)
from nampedal.firmware.base.files import file_names
from nampedal.firmware.base.files.atomic_write import move_into_place, sync_folder, write_pieces_through
from nampedal.firmware.base.files.durable_toml import read_safely
from nampedal.firmware.base.files.toml_schema import (
    check_format,
    check_keys,
    load_toml,
    number_of,
    os_error_text,
    replace_file,
    text_of,
    to_toml,
)
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.banks.bank import (
    Bank,
    BankEntry,
    check_all_presets,
    own_file,
    read_any_bank,
    read_bank,
    unknown_program,
)
from nampedal.firmware.presets.banks.bank_archive import BankArchive, not_a_bank, open_archive
from nampedal.firmware.presets.preset import files_of

FORMAT = 1
SUFFIX = file_names.BANK_FILE
MANIFEST = "manifest.toml"
# Folder of the bank's files in the zip.
INSIDE = "bank/"
MAX_FILES, MAX_BYTES = file_names.MAX_FILES, file_names.MAX_BYTES
MAX_PRESET_BYTES = file_names.MAX_PRESET_BYTES
_MAX_MANIFEST_BYTES = 1 << 20
# Maximum number of names in a message; the rest is counted.
_MAX_NAMED = 5
# The earliest time that a zip can store. A fixed time keeps the bytes the same.
_NO_TIME = (1980, 1, 1, 0, 0, 0)
_REGULAR = stat.S_IFREG | 0o644


@dataclass(frozen=True, slots=True)
class Listed:
    """A file in a manifest.

    path: relative to the bank.
    size: bytes.
    """

    path: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class BankFileContents:
    """The files that an import unpacks.

    left_out: files that neither a preset nor bank.toml needs; they are not unpacked.
    """

    files: tuple[Listed, ...]
    left_out: tuple[str, ...]

    @property
    def size(self) -> int:
        """Return the number of bytes that the bank takes on the disk."""
        return sum(one.size for one in self.files)

    def note(self, path: Path) -> str:
        """Return one line about the files that are left out; empty if there are none. path: of the bank file."""
        return left_out_note(path, self.left_out)


def left_out_note(path: Path, names: Sequence[str]) -> str:
    """Return one line about files that no preset names; empty if there are none.

    path: of the file that they are in.
    """
    if not names:
        return ""
    named = ", ".join(name if name.isprintable() else repr(name) for name in names[:_MAX_NAMED])
    rest = len(names) - _MAX_NAMED
    return f"{path}: left out what no preset names: {named}{f' and {rest} more' if rest > 0 else ''}"


# ---- export ----


def export_bank(folder: Path, path: Path) -> int:
    """Write a bank to a bank file. Return its size in bytes.

    The same bank gives the same bytes.
    Raises AlreadyExistsError, BankError, SettingsError.
    """
    if os.path.lexists(path):
        raise AlreadyExistsError(f"{path}: is there already; name another file with --output, or move it away")
    bank = read_bank(folder)
    files = _gather(bank)
    size = sum(map(len, files.values()))
    if size > MAX_BYTES or len(files) > MAX_FILES:
        raise BankError(
            f"{folder}: holds {len(files)} files of {size:,} bytes; up to {MAX_FILES} of {MAX_BYTES:,} are taken: "
            "divide it into two banks"
        )
    data = _pack(bank.name, files)
    replace_file(data, path)
    return len(data)


def _gather(bank: Bank) -> dict[str, bytes]:
    """Read every file that the bank needs, by its name relative to the bank."""
    entries = check_all_presets(bank)
    found = [*_troubles(entries), *filter(None, [unknown_program(bank)])]
    if found:
        raise BankError(f"{bank.folder}: can't be exported: {'; '.join(found)}; mend or remove it")
    own = own_file(bank.folder)
    texts = [*bank.presets, *([own] if own.exists() else [])]
    names = {name for entry in entries if entry.preset is not None for name in files_of(entry.preset)}
    _check_clash(bank.folder, [*names, *(text.name for text in texts)])
    try:
        files = {name: file_names.find_path(bank.folder, name).read_bytes() for name in names}
    except OSError as error:
        raise FileAccessError(f"{error.filename}: can't be read: {os_error_text(error)}") from error
    return files | {text.name: read_safely(text).data for text in texts}


def _troubles(entries: Sequence[BankEntry]) -> list[str]:
    """Return why presets can't be played; empty if all can."""
    found = []
    for entry in entries:
        found += [f"{entry.path.name}: {name} is missing" for name in entry.missing]
        found += entry.problems
    return found


def _pack(name: str, files: dict[str, bytes]) -> bytes:
    manifest = to_toml({"format": FORMAT, "name": name})
    for path, data in sorted(files.items()):
        listed = {"path": path, "sha256": sha256(data).hexdigest(), "bytes": len(data)}
        manifest += b"\n[[file]]\n" + to_toml(listed)
    out = io.BytesIO()
    # Stored, not deflated: the output of deflate is not the same on all machines.
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(_info(MANIFEST), manifest)
        for path, data in sorted(files.items()):
            archive.writestr(_info(INSIDE + path), data)
    return out.getvalue()


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _NO_TIME)
    info.external_attr = _REGULAR << 16
    # Unix, on every system.
    info.create_system = 3
    return info


# ---- import ----


def import_bank(
    path: Path, banks_folder: Path, name: str | None = None, *, on_note: Callable[[str], object] | None = None
) -> Bank:
    """Unpack a bank file into a new folder, check it, and try every preset. If this fails, nothing is left.

    name: of the new folder; None: the file's name.
    on_note: called with one line if files that no preset names are left out.

    Raises a BankError; SettingsError for a wrong manifest.
    """
    name = folder_name(path, name)
    target, partial = banks_folder / name, banks_folder / f".{name}.partial"
    if os.path.lexists(target):
        raise AlreadyExistsError(f"{target}: is there already; import it under another name with --as")
    with _opened(path) as (archive, contents):
        try:
            # Remove what an interrupted import left.
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            for one in contents.files:
                _unpack(archive, one, partial)
            try_bank(path, partial)
            move_into_place(partial, target)
        except OSError as error:
            if isinstance(error, NampedalError):
                raise
            raise FileAccessError(f"{target}: can't be written: {os_error_text(error)}") from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    note = contents.note(path)
    if note and on_note is not None:
        on_note(note)
    return read_bank(target)


def read_contents(path: Path) -> BankFileContents:
    """Return what an import of this bank file would unpack. Only manifest and presets are read.

    Raises a BankError; SettingsError for a wrong manifest.
    """
    with _opened(path) as (_, contents):
        return contents


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BankArchive, BankFileContents]]:
    with open_archive(path) as archive:
        listed = _read_manifest(archive)
        _check_members(archive, listed)
        needed = _needed(archive, listed)
        files = tuple(one for one in listed if one.path in needed)
        known = {MANIFEST, *(INSIDE + one.path for one in files)}
        left_out = sorted(name.removeprefix(INSIDE) for name in archive.members if name not in known)
        yield archive, BankFileContents(files, tuple(left_out))


def folder_name(path: Path, name: str | None) -> str:
    """Return the folder name for a bank that is imported from this file. Raises BankError."""
    found = path.stem if name is None else name
    is_name = found.isprintable() and found == found.strip() and "/" not in found and found[:1] not in ("", ".")
    if not is_name or not file_names.is_possible(found):
        raise BankError(f"{path}: {found!r} is no name for a bank's folder; give it one with --as")
    return found


def _read_manifest(archive: BankArchive) -> list[Listed]:
    path = archive.path
    if MANIFEST not in archive.members:
        raise not_a_bank(path, f"it has no {MANIFEST}")
    where = f"{path}: {MANIFEST}"
    values = load_toml(where, archive.read(MANIFEST, _MAX_MANIFEST_BYTES))
    check_format(where, values, FORMAT)
    check_keys(where, "", values, ("format", "name", "file"))
    text_of(where, "name", values)
    tables = values["file"]
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        found = repr(tables) if not isinstance(tables, list) else "a list of something else"
        raise SettingValueError(f"{where}: file: is {found}; [[file]] tables are needed, one for each file")
    if len(tables) > MAX_FILES:
        raise BankError(
            f"{path}: holds {len(tables):,} files; up to {MAX_FILES:,} are taken: have it divided into two banks"
        )
    listed = [_listed(where, f"file {number}.", table) for number, table in enumerate(tables, 1)]
    size = sum(one.size for one in listed)
    if size > MAX_BYTES:
        raise BankError(
            f"{path}: holds {len(listed)} files of {size:,} bytes; up to {MAX_FILES} of {MAX_BYTES:,} are taken: "
            "have it divided into two banks"
        )
    return listed


def _listed(where: str, table: str, values: Mapping[str, Any]) -> Listed:
    check_keys(where, table, values, ("path", "sha256", "bytes"))
    name = text_of(where, f"{table}path", values)
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or path.as_posix() != name or name == ".":
        raise BankError(
            f"{where}: {table}path: is {name!r}; a file inside the bank is needed, as cabs/one.wav: do not trust this "
            "bank"
        )
    if not file_names.is_possible(name):
        raise BankError(
            f"{where}: {table}path: is {name!r}, which Windows takes for no file's name; have the file renamed and the "
            "bank exported again"
        )
    if len(path.parts) > file_names.MAX_DEPTH or any(
        len(part.encode("utf-8", "replace")) > file_names.MAX_NAME_BYTES for part in path.parts
    ):
        raise BankError(
            f"{where}: {table}path: has {len(path.parts)} parts, the longest of {max(map(len, path.parts))} letters; "
            f"up to {file_names.MAX_DEPTH} of {file_names.MAX_NAME_BYTES} bytes are taken"
        )
    size = number_of(where, f"{table}bytes", values, (0, MAX_BYTES), whole=True)
    return Listed(name, text_of(where, f"{table}sha256", values), int(size))


def _check_members(archive: BankArchive, listed: Sequence[Listed]) -> None:
    """Check that the zip holds each file of the manifest once and in its full size, and no other bank file."""
    path = archive.path
    wanted: dict[str, int] = {MANIFEST: 1}
    for one in listed:
        wanted[INSIDE + one.path] = wanted.get(INSIDE + one.path, 0) + 1
    found = {name: count for name, count in archive.counts.items() if name in wanted or name.startswith(INSIDE)}
    for name in sorted({*wanted, *found}):
        if (wanted.get(name), found.get(name)) != (1, 1):
            raise BankError(
                f"{path}: {name!r} is {_times(found.get(name, 0))} in the file and {_times(wanted.get(name, 0))} in "
                "its manifest; once is needed: have it sent again"
            )
    clash = file_names.clash(one.path for one in listed)
    if clash is not None:
        raise BankError(
            f"{path}: {clash[0]!r} and {clash[1]!r} can't both be there on every computer; have one of them renamed"
        )
    for one in listed:
        archive.check_packing(INSIDE + one.path)
        if archive.members[INSIDE + one.path].file_size != one.size:
            raise _damaged(archive, one)
        if _is_text(one.path) and one.size > MAX_PRESET_BYTES:
            raise BankError(f"{path}: {one.path!r} has {one.size:,} bytes; a preset has up to {MAX_PRESET_BYTES:,}")


def _is_text(name: str) -> bool:
    """Return True if a file of a bank is a preset, or bank.toml."""
    return "/" not in name and (file_names.is_preset(name) or file_names.is_bank_toml(name))


def _needed(archive: BankArchive, listed: Sequence[Listed]) -> set[str]:
    """Return the presets, bank.toml, and the files that the presets name."""
    needed: set[str] = set()
    for one in listed:
        if not _is_text(one.path):
            continue
        needed.add(one.path)
        if file_names.is_bank_toml(one.path):
            continue
        try:
            data = b"".join(archive.pieces(INSIDE + one.path, one.size))
            needed |= set(preset.files_of(preset.parse(data, one.path)))
        except SettingsError:
            # A broken preset is reported later, when it is tried.
            continue
    return needed


def _times(count: int) -> str:
    return {0: "not", 1: "once"}.get(count, f"{count} times")


def _damaged(archive: BankArchive, listed: Listed) -> BankError:
    size = archive.members[INSIDE + listed.path].file_size
    return BankError(
        f"{archive.path}: {listed.path!r} is not what the manifest says: {size:,} bytes of {listed.size:,}, or others; "
        "have it sent again"
    )


def _unpack(archive: BankArchive, listed: Listed, folder: Path) -> None:
    """Unpack one file and check its checksum. Raises BankError, OSError."""
    target = folder / listed.path
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = sha256()

    def pieces() -> Iterator[bytes]:
        for piece in archive.pieces(INSIDE + listed.path, listed.size):
            digest.update(piece)
            yield piece

    write_pieces_through(pieces(), target)
    if digest.hexdigest() != listed.sha256:
        raise _damaged(archive, listed)
    sync_folder(target.parent)


def try_bank(path: Path, folder: Path) -> None:
    """Check that every preset of a bank folder can be played.

    path: of the file that the bank came from, for messages.

    Raises BankError, also if there is no preset.
    """
    bank = read_any_bank(folder)
    if not bank.presets:
        raise not_a_bank(path, "it has no preset")
    found = _troubles(check_all_presets(bank))
    if bank.problem:
        found.append(bank.problem)
    if found:
        text = "; ".join(found).replace(f"{folder}{os.sep}", "")
        raise BankError(f"{path}: can't be imported: {text}; have it exported again")


def _check_clash(folder: Path, names: Sequence[str]) -> None:
    """Check that all names can exist on every computer. Raises BankError."""
    clash = file_names.clash(names)
    if clash is not None:
        raise BankError(
            f"{folder}: can't be exported: {clash[0]!r} and {clash[1]!r} can't both be there on every computer; rename "
            "one of them"
        )
