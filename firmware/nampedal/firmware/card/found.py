"""What lies in a folder of the card or of a stick that can be taken over. Nothing of it is opened.

Nothing there is trusted: no link is followed, and every count has an end.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from nampedal.board import signature
from nampedal.board.errors import NampedalError
from nampedal.board.settings import reason
from nampedal.firmware import file_names
from nampedal.firmware.card.errors import (
    ImportFileError,
    ImportFolderError,
    ImportTooLargeError,
    NothingToImportError,
)
from nampedal.firmware.file_names import MOST_DEPTH, MOST_FILES

ARTIFACT, BANK_FILE, BANK = "artifact", "bank file", "bank"
MOST_ENTRIES = 1000
# Of all folders together: a boot looks at them before there is sound.
MOST_ALL = 20_000
# Where only what can be taken over belongs, what is wrong with others; what is not here is passed over.
_HINTS = {
    ".nam": "is a capture that is not converted yet; make an artifact of it with 'nampedal convert' on a computer",
    ".tflite": f"is for other programs; put the capture's {file_names.ARTIFACT} artifact here",
    **dict.fromkeys(
        (".wav", ".flac", ".aif", ".aiff"),
        "is an impulse response alone; put it into a folder, with a preset that names it",
    ),
    file_names.PRESET: "is a preset alone; put it into a folder, with the files that it names",
    **dict.fromkeys(
        (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".xz"),
        f"is packed; unpack it on a computer and put the bank's folder here, or a {file_names.BANK_FILE} file",
    ),
}


@dataclass(frozen=True, slots=True)
class Found:
    """kind: `ARTIFACT`, `BANK_FILE` or `BANK`, which is a folder.  stamp: another one as soon as anything of it is."""

    path: Path
    kind: str
    stamp: str


def shown(text: object) -> str:
    """As one line: names on a card may hold anything."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(text))


def look_in(folder: Path, *, sure: bool = False) -> tuple[list[Found], list[NampedalError]]:
    """By name, and what is wrong with the rest. A folder that is not there holds nothing.

    sure: it is a folder of anything: what may be something else is passed over, without a word.
    """
    try:
        entries = _entries(folder)
    except FileNotFoundError:
        return [], []
    except ImportTooLargeError as error:
        return [], [error]
    except OSError as error:
        return [], [ImportFolderError(f"{shown(folder)}: can't be read: {reason(error)}")]
    found: list[Found] = []
    problems: list[NampedalError] = []
    budget = _Budget(folder)
    for entry in entries:
        try:
            found += _look_at(entry, budget, sure=sure)
        except _TooMuchError as error:
            return found, [*problems, ImportTooLargeError(str(error))]
        except NampedalError as error:
            problems.append(error)
        except OSError as error:
            problems.append(ImportFileError(f"{shown(entry.path)}: can't be read: {reason(error)}"))
    return found, problems


class _TooMuchError(Exception):
    """There is too much below a folder for all of it to be looked at."""


class _Budget:
    """How much may be looked at below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._left = MOST_ALL

    def spend(self, count: int) -> None:
        """Raises _TooMuchError."""
        self._left -= count
        if self._left < 0:
            raise _TooMuchError(f"{shown(self._folder)}: holds more than {MOST_ALL:,} files in all; put fewer there")


def _entries(folder: Path, budget: _Budget | None = None) -> list[os.DirEntry[str]]:
    """By name; hidden ones are nobody's business. Raises ImportTooLargeError, _TooMuchError, OSError."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith("."):
                found.append(entry)
            if len(found) > MOST_ENTRIES:
                raise ImportTooLargeError(f"{shown(folder)}: holds more than {MOST_ENTRIES} files; put fewer there")
    if budget is not None:
        budget.spend(len(found))
    return sorted(found, key=lambda entry: entry.name)


def plain_files(folder: Path) -> list[str]:
    """Their names, in order. Raises ImportTooLargeError, OSError."""
    return [entry.name for entry in _entries(folder) if entry.is_file(follow_symlinks=False)]


def _look_at(entry: os.DirEntry[str], budget: _Budget, *, sure: bool) -> list[Found]:
    """Raises NothingToImportError, ImportTooLargeError, _TooMuchError, OSError."""
    path, suffix = Path(entry.path), Path(entry.name).suffix.lower()
    if entry.is_dir(follow_symlinks=False):
        return _look_at_folder(path, budget, sure=sure)
    if not entry.is_file(follow_symlinks=False):
        return []
    kind = {file_names.ARTIFACT: ARTIFACT, file_names.BANK_FILE: BANK_FILE}.get(suffix)
    if kind is not None:
        # A signature that is put right has the file looked at once more.
        files = [(name.name, name.lstat()) for name in (path, signature.beside(path)) if os.path.lexists(name)]
        return [Found(path, kind, _stamp(path, files))]
    if not sure and suffix in _HINTS:
        raise NothingToImportError(f"{shown(path)}: {_HINTS[suffix]}")
    return []


def _look_at_folder(folder: Path, budget: _Budget, *, sure: bool, inner: bool = False) -> list[Found]:
    """inner: it is in a folder that is no bank."""
    entries = _entries(folder, budget)
    names = [entry.name for entry in entries]
    presets = [name for name in names if name.endswith(file_names.PRESET)]
    if sure and not (
        file_names.BANK in names or (presets and any(name.endswith(file_names.ARTIFACT) for name in names))
    ):
        return []
    if presets:
        return [Found(folder, BANK, _stamp(folder, list(_below(folder, "", budget))))]
    if any(name.lower().endswith((*_HINTS, file_names.ARTIFACT, file_names.BANK_FILE)) for name in names):
        raise NothingToImportError(
            f"{shown(folder)}: is no bank: it holds no preset; put artifacts and bank files beside it, not into it"
        )
    folders = [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
    if inner:
        if folders:
            raise NothingToImportError(
                f"{shown(folder)}: is no bank: it holds folders only; put the folder with the presets beside it"
            )
        return []
    # Programs that unpack put the bank's folder into another of the same name.
    return [one for below in folders for one in _look_at_folder(below, budget, sure=sure, inner=True)]


def _below(
    folder: Path, inside: str, budget: _Budget, depth: int = 0, count: int = 0
) -> Iterator[tuple[str, os.stat_result]]:
    """Every plain file of a folder, or below. Raises ImportTooLargeError, _TooMuchError, OSError."""
    for entry in _entries(folder, budget):
        if entry.is_dir(follow_symlinks=False):
            if depth == MOST_DEPTH:
                raise ImportTooLargeError(f"{shown(entry.path)}: is {depth + 1} folders deep; {depth} are allowed")
            for one in _below(Path(entry.path), f"{inside}{entry.name}/", budget, depth + 1, count):
                count += 1
                yield one
        elif entry.is_file(follow_symlinks=False):
            count += 1
            yield inside + entry.name, entry.stat(follow_symlinks=False)
        if count > MOST_FILES:
            raise ImportTooLargeError(f"{shown(folder)}: holds more than {MOST_FILES} files; divide it into two banks")


def _stamp(path: Path, files: Sequence[tuple[str, os.stat_result]]) -> str:
    lines = [repr(str(path)), *(f"{name!r} {status.st_size} {status.st_mtime_ns}" for name, status in files)]
    return sha256("\n".join(lines).encode()).hexdigest()
