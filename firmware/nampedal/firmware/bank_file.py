"""A bank as one file, to be mailed and unpacked elsewhere: a zip of its files and a manifest with their checksums.

Nothing in such a file is trusted: it is unpacked beside its place, checked, tried, and only then gets its name.
"""

from __future__ import annotations

import io
import os
import shutil
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from nampedal.board.errors import NampedalError, SettingValueError
from nampedal.board.settings import (
    check_format,
    check_keys,
    load_toml,
    number_of,
    reason,
    replace_file,
    sync_folder,
    text_of,
    to_toml,
    write_through,
)
from nampedal.firmware import file_names
from nampedal.firmware.bank import OWN_FILE, Bank, Entry, look_at, read_any_bank, read_bank
from nampedal.firmware.errors import (
    BankExistsError,
    BankFileDamagedError,
    BankFileUnreadableError,
    BankFileUnsafeError,
    BankIncompleteError,
    BankNameError,
    BankTooLargeError,
    BankUnwritableError,
    NotABankFileError,
)
from nampedal.firmware.preset import files_of
from nampedal.firmware.store import read_safely

FORMAT = 1
SUFFIX = file_names.BANK_FILE
MANIFEST = "manifest.toml"
# Where the bank's files are in the zip.
INSIDE = "bank/"
MOST_FILES, MOST_BYTES = file_names.MOST_FILES, file_names.MOST_BYTES
_MOST_MANIFEST_BYTES = 1 << 20
# The earliest that a zip can say.
_NO_TIME = (1980, 1, 1, 0, 0, 0)
_REGULAR = stat.S_IFREG | 0o644
_ENCRYPTED = 1
_PIECE = 1 << 20
# What reading a damaged zip raises.
_NO_ZIP = (
    *(zipfile.BadZipFile, zlib.error, struct.error),
    *(EOFError, NotImplementedError, RuntimeError, ValueError, OverflowError),
)


@dataclass(frozen=True, slots=True)
class Listed:
    """A file of a manifest. path: relative to the bank."""

    path: str
    sha256: str
    size: int


# ---- out ----


def export_bank(folder: Path, path: Path) -> int:
    """The same bank, the same bytes. Returns how many.

    Raises BankExistsError, BankIncompleteError, BankTooLargeError, SettingsError.
    """
    if os.path.lexists(path):
        raise BankExistsError(f"{path}: is there already; name another file with --output, or move it away")
    bank = read_bank(folder)
    files = _gather(bank)
    size = sum(map(len, files.values()))
    if size > MOST_BYTES or len(files) > MOST_FILES:
        raise BankTooLargeError(
            f"{folder}: holds {len(files)} files of {size:,} bytes; up to {MOST_FILES} of {MOST_BYTES:,} are taken: "
            "divide it into two banks"
        )
    data = _pack(bank.name, files)
    replace_file(data, path)
    return len(data)


def _gather(bank: Bank) -> dict[str, bytes]:
    """Every file that the bank needs, by its name relative to it."""
    entries = look_at(bank)
    found = _troubles(entries)
    if found:
        raise BankIncompleteError(f"{bank.folder}: can't be exported: {'; '.join(found)}; mend or remove it")
    own = bank.folder / OWN_FILE
    texts = [*bank.presets, *([own] if own.exists() else [])]
    names = {name for entry in entries if entry.preset is not None for name in files_of(entry.preset)}
    try:
        files = {name: (bank.folder / name).read_bytes() for name in names}
    except OSError as error:
        raise BankFileUnreadableError(f"{error.filename}: can't be read: {reason(error)}") from error
    return files | {text.name: read_safely(text).data for text in texts}


def _troubles(entries: Sequence[Entry]) -> list[str]:
    """Why presets can't be played; none if all can."""
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
    # Stored: what deflate makes of it differs from machine to machine.
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(_info(MANIFEST), manifest)
        for path, data in sorted(files.items()):
            archive.writestr(_info(INSIDE + path), data)
    return out.getvalue()


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _NO_TIME)
    info.external_attr = _REGULAR << 16
    # Unix, whatever this is.
    info.create_system = 3
    return info


# ---- in ----


def import_bank(path: Path, banks_folder: Path, name: str | None = None) -> Bank:
    """Unpacked, checked and tried; nothing is left of one that fails. name: of the new folder; None: the file's.

    Raises a BankError; SettingsError of the manifest.
    """
    name = _folder_name(path, name)
    target, partial = banks_folder / name, banks_folder / f".{name}.partial"
    if os.path.lexists(target):
        raise BankExistsError(f"{target}: is there already; import it under another name with --as")
    with _open(path) as archive:
        members = {info.filename: info for info in archive.infolist()}
        listed = _read_manifest(archive, path, members)
        _check_members(path, archive.infolist(), listed)
        try:
            # Of an import that a power cut ended.
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
            for one in listed:
                _unpack(_read_member(archive, path, members[INSIDE + one.path]), path, one, partial)
            sync_folder(partial)
            _try(path, partial)
            os.rename(partial, target)
            sync_folder(banks_folder)
        except OSError as error:
            if isinstance(error, NampedalError):
                raise
            raise BankUnwritableError(f"{target}: can't be written: {reason(error)}") from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return read_bank(target)


def _folder_name(path: Path, name: str | None) -> str:
    found = path.stem if name is None else name
    if not found.isprintable() or found != found.strip() or "/" in found or found[:1] in ("", "."):
        raise BankNameError(f"{path}: {found!r} is no name for a bank's folder; give it one with --as")
    return found


def _open(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except OSError as error:
        raise BankFileUnreadableError(f"{path}: can't be read: {reason(error)}") from error
    except _NO_ZIP as error:
        raise _no_bank(path, error) from error


def _no_bank(path: Path, why: object) -> NotABankFileError:
    said = str(why)
    return NotABankFileError(f"{path}: is no bank, or is damaged: {said[:1].lower()}{said[1:]}; have it sent again")


def _read_member(archive: zipfile.ZipFile, path: Path, info: zipfile.ZipInfo) -> bytes:
    """As long as it says, at most."""
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & _ENCRYPTED:
        raise _no_bank(path, f"{info.filename!r} is packed in a way that is not read here")
    try:
        with archive.open(info) as member:
            # Piece by piece: a piece is never unpacked to more than was asked for.
            return b"".join(iter(lambda: member.read(_PIECE), b""))
    except (*_NO_ZIP, OSError) as error:
        raise _no_bank(path, error) from error


def _read_manifest(archive: zipfile.ZipFile, path: Path, members: Mapping[str, zipfile.ZipInfo]) -> list[Listed]:
    if MANIFEST not in members:
        raise _no_bank(path, f"it has no {MANIFEST}")
    if members[MANIFEST].file_size > _MOST_MANIFEST_BYTES:
        raise _no_bank(path, f"{MANIFEST} is longer than {_MOST_MANIFEST_BYTES:,} bytes")
    where = f"{path}: {MANIFEST}"
    values = load_toml(where, _read_member(archive, path, members[MANIFEST]))
    check_format(where, values, FORMAT)
    check_keys(where, "", values, ("format", "name", "file"))
    text_of(where, "name", values)
    tables = values["file"]
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise SettingValueError(f"{where}: file: is {tables!r}; [[file]] tables are needed, one for each file")
    listed = [_listed(where, f"file {number}.", table) for number, table in enumerate(tables, 1)]
    size = sum(one.size for one in listed)
    if size > MOST_BYTES or len(listed) > MOST_FILES:
        raise BankTooLargeError(
            f"{path}: holds {len(listed)} files of {size:,} bytes; up to {MOST_FILES} of {MOST_BYTES:,} are taken: "
            "have it divided into two banks"
        )
    return listed


def _listed(where: str, table: str, values: Mapping[str, Any]) -> Listed:
    check_keys(where, table, values, ("path", "sha256", "bytes"))
    name = text_of(where, f"{table}path", values)
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or path.as_posix() != name or name == ".":
        raise BankFileUnsafeError(
            f"{where}: {table}path: is {name!r}; a file inside the bank is needed, as cabs/one.wav: do not trust this "
            "bank"
        )
    size = number_of(where, f"{table}bytes", values, (0, MOST_BYTES), whole=True)
    return Listed(name, text_of(where, f"{table}sha256", values), int(size))


def _check_members(path: Path, members: Sequence[zipfile.ZipInfo], listed: Sequence[Listed]) -> None:
    """That the zip holds what the manifest lists, all of it plain files, each once."""
    wanted = Counter((MANIFEST, *(INSIDE + one.path for one in listed)))
    found = Counter(info.filename for info in members)
    for name in sorted((wanted | found).keys()):
        if (wanted[name], found[name]) != (1, 1):
            raise BankFileDamagedError(
                f"{path}: {name!r} is {_times(found[name])} in the file and {_times(wanted[name])} in its manifest; "
                "once is needed: have it sent again"
            )
    for info in members:
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise BankFileUnsafeError(f"{path}: {info.filename!r} is no plain file; do not trust this bank")


def _times(count: int) -> str:
    return {0: "not", 1: "once"}.get(count, f"{count} times")


def _unpack(data: bytes, path: Path, listed: Listed, folder: Path) -> None:
    """Raises BankFileDamagedError, OSError."""
    if len(data) != listed.size or sha256(data).hexdigest() != listed.sha256:
        raise BankFileDamagedError(
            f"{path}: {listed.path!r} is not what the manifest says: {len(data):,} bytes of {listed.size:,}, or "
            "others; have it sent again"
        )
    target = folder / listed.path
    target.parent.mkdir(parents=True, exist_ok=True)
    write_through(data, target)
    sync_folder(target.parent)


def _try(path: Path, folder: Path) -> None:
    """That every preset can be played. Raises BankIncompleteError, EmptyBankError."""
    bank = read_any_bank(folder)
    if not bank.presets:
        raise _no_bank(path, "it has no preset")
    found = _troubles(look_at(bank))
    if bank.problem:
        found.append(bank.problem)
    if found:
        text = "; ".join(found).replace(f"{folder}/", "")
        raise BankIncompleteError(f"{path}: can't be imported: {text}; have it exported again")
