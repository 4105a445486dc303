"""Scans a folder of the card or of a USB stick for files that can be imported. No file is opened.

The content is not trusted: no symbolic link is followed, and every count is limited.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from nampedal.firmware.base.errors import CardError, FileAccessError, NampedalError
from nampedal.firmware.base.faults import describe_failure
from nampedal.firmware.base.files import file_names, signature
from nampedal.firmware.base.files.file_names import MAX_DEPTH, MAX_FILES
from nampedal.firmware.base.files.toml_schema import os_error_text
from nampedal.firmware.base.listing import is_clutter, suffix_of
from nampedal.firmware.base.one_line import one_line

ARTIFACT, BANK_FILE, BANK, PACK = "artifact", "bank file", "bank", "pack"
MAX_ENTRIES = 1000
# Maximum number of entries of all folders together: the boot scans them before the first sound.
MAX_ALL = 20_000
_ZIP = ".zip"
# Advice for files in the import folder that can't be imported, by suffix. Files with other suffixes are ignored.
_HINTS = {
    ".nam": "is a capture that is not converted yet; make an artifact of it with 'nampedal convert' on a computer",
    **dict.fromkeys(
        (".wav", ".flac", ".aif", ".aiff"),
        "is an impulse response alone; put it into a folder, with a preset that names it",
    ),
    file_names.PRESET: "is a preset alone; put it into a folder, with the files that it names",
    **dict.fromkeys(
        (".7z", ".rar", ".tar", ".gz", ".tgz", ".xz"),
        f"is packed; unpack it on a computer and put the bank's folder, a .zip or a {file_names.BANK_FILE} file here",
    ),
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file or folder that may be imported.

    kind: `ARTIFACT` (also a .tflite), `BANK_FILE`, `PACK` (a zip), or `BANK` (a folder).
    stamp: a SHA-256 of path, sizes and modification times: it changes if the files change.
    """

    path: Path
    kind: str
    stamp: str


def shown(text: object) -> str:
    """Return a text as one printable line: file names on a card may hold any character."""
    return one_line(text)


def scan_folder(folder: Path, *, sure: bool = False) -> tuple[list[Candidate], list[NampedalError]]:
    """Return the candidates in a folder, sorted by name, and the problems of the other files. It may be missing.

    sure: the folder is not an import folder and may hold anything, so only unmistakable banks and artifacts count and
    other files are ignored without a problem.
    """
    try:
        entries = _entries(folder)
    except FileNotFoundError:
        return [], []
    except CardError as error:
        return [], [error]
    except OSError as error:
        return [], [FileAccessError(f"{shown(folder)}: can't be read: {os_error_text(error)}")]
    found: list[Candidate] = []
    problems: list[NampedalError] = []
    budget = _Budget(folder)
    for entry in entries:
        try:
            found += _scan_entry(entry, budget, sure=sure)
        except _TooMuchError as error:
            return found, [*problems, CardError(str(error))]
        except NampedalError as error:
            problems.append(error)
        except OSError as error:
            problems.append(FileAccessError(f"{shown(entry.path)}: can't be read: {os_error_text(error)}"))
        except Exception as error:
            problems.append(FileAccessError(describe_failure(shown(entry.path), "can't be read", error)))
    return found, problems


class _TooMuchError(Exception):
    """There are too many files below a folder."""


class _Budget:
    """The number of entries below a folder that may still be scanned."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._left = MAX_ALL

    def spend(self, count: int) -> None:
        """Count scanned entries. Raises _TooMuchError if there are too many."""
        self._left -= count
        if self._left < 0:
            raise _TooMuchError(f"{shown(self._folder)}: holds more than {MAX_ALL:,} files in all; put fewer there")


def _entries(folder: Path, budget: _Budget | None = None) -> list[os.DirEntry[str]]:
    """Return a folder's entries, sorted by name, without hidden files and files that operating systems create.

    Raises CardError, _TooMuchError, OSError.
    """
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if not is_clutter(entry.name):
                found.append(entry)
            if len(found) > MAX_ENTRIES:
                raise CardError(f"{shown(folder)}: holds more than {MAX_ENTRIES} files; put fewer there")
    if budget is not None:
        budget.spend(len(found))
    return sorted(found, key=lambda entry: entry.name)


def plain_files(folder: Path) -> list[str]:
    """Return the sorted names of a folder's plain files. Raises CardError, OSError."""
    return [entry.name for entry in _entries(folder) if entry.is_file(follow_symlinks=False)]


def _scan_entry(entry: os.DirEntry[str], budget: _Budget, *, sure: bool) -> list[Candidate]:
    """Return the candidates in an entry. sure: see `scan_folder`.

    Raises CardError, _TooMuchError, OSError.
    """
    path, suffix = Path(entry.path), suffix_of(entry.name)
    if entry.is_dir(follow_symlinks=False):
        return _scan_subfolder(path, budget, sure=sure)
    if not entry.is_file(follow_symlinks=False):
        return []
    kind = {**dict.fromkeys(file_names.PLAYABLE, ARTIFACT), file_names.BANK_FILE: BANK_FILE, _ZIP: PACK}.get(suffix)
    if kind is not None and not (sure and kind == PACK):
        # The stamp includes the signature file: a corrected signature makes the file be read again.
        files = [(name.name, name.lstat()) for name in (path, signature.signature_path(path)) if os.path.lexists(name)]
        return [Candidate(path, kind, _stamp(path, files))]
    if not sure and suffix in _HINTS:
        raise CardError(f"{shown(path)}: {_HINTS[suffix]}")
    return []


def _scan_subfolder(folder: Path, budget: _Budget, *, sure: bool, inner: bool = False) -> list[Candidate]:
    """Return the candidates in a folder. inner: it is inside a folder that is not a bank.  sure: see `scan_folder`.

    Raises as `_scan_entry`.
    """
    entries = _entries(folder, budget)
    names = [entry.name for entry in entries]
    presets = [name for name in names if suffix_of(name) == file_names.PRESET]
    if sure and not (
        any(map(file_names.is_bank_toml, names))
        or (presets and any(suffix_of(name) in file_names.PLAYABLE for name in names))
    ):
        return []
    if presets:
        return [Candidate(folder, BANK, _stamp(folder, list(_below(folder, "", budget))))]
    captures = [name for name in names if suffix_of(name) == ".nam"]
    if captures and not sure:
        raise CardError(f"{shown(folder)}: holds captures as {shown(captures[0])}: each {_HINTS['.nam']}")
    if any(suffix_of(name) in (*_HINTS, _ZIP, *file_names.PLAYABLE, file_names.BANK_FILE) for name in names):
        raise CardError(
            f"{shown(folder)}: is no bank: it holds no preset; put artifacts and bank files beside it, not into it"
        )
    folders = [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
    if inner:
        if folders:
            raise CardError(
                f"{shown(folder)}: is no bank: it holds folders only; put the folder with the presets beside it"
            )
        return []
    # Programs that unpack archives often put the bank's folder into another folder of the same name.
    return [one for below in folders for one in _scan_subfolder(below, budget, sure=sure, inner=True)]


def _below(
    folder: Path, inside: str, budget: _Budget, depth: int = 0, count: int = 0
) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the relative path and the status of every plain file in a folder and its subfolders.

    Raises CardError, _TooMuchError, OSError.
    """
    for entry in _entries(folder, budget):
        if entry.is_dir(follow_symlinks=False):
            if depth == MAX_DEPTH:
                raise CardError(f"{shown(entry.path)}: is {depth + 1} folders deep; {depth} are allowed")
            for one in _below(Path(entry.path), f"{inside}{entry.name}/", budget, depth + 1, count):
                count += 1
                yield one
        elif entry.is_file(follow_symlinks=False):
            count += 1
            yield inside + entry.name, entry.stat(follow_symlinks=False)
        if count > MAX_FILES:
            raise CardError(f"{shown(folder)}: holds more than {MAX_FILES} files; divide it into two banks")


def _stamp(path: Path, files: Sequence[tuple[str, os.stat_result]]) -> str:
    lines = [repr(str(path)), *(f"{name!r} {status.st_size} {status.st_mtime_ns}" for name, status in files)]
    return sha256("\n".join(lines).encode()).hexdigest()
