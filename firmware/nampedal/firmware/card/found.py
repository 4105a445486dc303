"""What lies in a folder of the card or of a stick that can be taken over, and how it is read.

Nothing there is trusted. No link is followed, nothing but plain files is opened, and every count and size has an end.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath

from nampedal.board.errors import NampedalError
from nampedal.board.settings import reason
from nampedal.firmware import artifact, bank_file, preset
from nampedal.firmware.bank import OWN_FILE
from nampedal.firmware.bank_file import MOST_BYTES, MOST_FILES
from nampedal.firmware.card.errors import (
    ImportFileError,
    ImportFolderError,
    ImportTooLargeError,
    NothingToImportError,
)
from nampedal.firmware.store import unsealed

ARTIFACT, BANK_FILE, BANK = "artifact", "bank file", "bank"
# As the artifact's own reader.
MOST_ARTIFACT_BYTES = 64 << 20
# A bank's files, and what a zip says about each.
MOST_BANK_FILE_BYTES = MOST_BYTES + (2 << 20)
MOST_PRESET_BYTES = 1 << 20
MOST_ENTRIES = 1000
MOST_DEPTH = 8
_PIECE = 1 << 20
# Where only what can be taken over belongs, what is wrong with others; what is not here is passed over.
_HINTS = {
    ".nam": "is a capture that is not converted yet; make an artifact of it with 'nampedal convert' on a computer",
    ".tflite": f"is for other programs; put the capture's {artifact.SUFFIX} artifact here",
    **dict.fromkeys(
        (".wav", ".flac", ".aif", ".aiff"),
        "is an impulse response alone; put it into a folder, with a preset that names it",
    ),
    preset.SUFFIX: "is a preset alone; put it into a folder, with the files that it names",
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
    found, problems = [], []
    for entry in entries:
        try:
            one = _look_at(entry, sure=sure)
        except NampedalError as error:
            problems.append(error)
        except OSError as error:
            problems.append(ImportFileError(f"{shown(entry.path)}: can't be read: {reason(error)}"))
        else:
            found += [one] if one is not None else []
    return found, problems


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """By name; hidden ones are nobody's business. Raises ImportTooLargeError, OSError."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith("."):
                found.append(entry)
            if len(found) > MOST_ENTRIES:
                raise ImportTooLargeError(f"{shown(folder)}: holds more than {MOST_ENTRIES} files; put fewer there")
    return sorted(found, key=lambda entry: entry.name)


def _look_at(entry: os.DirEntry[str], *, sure: bool) -> Found | None:
    """Raises NothingToImportError, ImportTooLargeError, OSError."""
    path, suffix = Path(entry.path), Path(entry.name).suffix.lower()
    if entry.is_dir(follow_symlinks=False):
        return _look_at_folder(path, sure=sure)
    if not entry.is_file(follow_symlinks=False):
        return None
    kind = {artifact.SUFFIX: ARTIFACT, bank_file.SUFFIX: BANK_FILE}.get(suffix)
    if kind is not None:
        status = entry.stat(follow_symlinks=False)
        return Found(path, kind, _stamp(path, [(entry.name, status)]))
    if not sure and suffix in _HINTS:
        raise NothingToImportError(f"{shown(path)}: {_HINTS[suffix]}")
    return None


def _look_at_folder(folder: Path, *, sure: bool) -> Found | None:
    names = [entry.name for entry in _entries(folder)]
    presets = [name for name in names if name.endswith(preset.SUFFIX)]
    if sure and not (OWN_FILE in names or (presets and any(name.endswith(artifact.SUFFIX) for name in names))):
        return None
    if not presets:
        if any(name.lower().endswith((*_HINTS, artifact.SUFFIX, bank_file.SUFFIX)) for name in names):
            raise NothingToImportError(
                f"{shown(folder)}: is no bank: it holds no preset; put artifacts and bank files beside it, not into it"
            )
        return None
    return Found(folder, BANK, _stamp(folder, list(_below(folder, ""))))


def _below(folder: Path, inside: str, depth: int = 0, count: int = 0) -> Iterator[tuple[str, os.stat_result]]:
    """Every plain file of a folder, or below. Raises ImportTooLargeError, OSError."""
    for entry in _entries(folder):
        if entry.is_dir(follow_symlinks=False):
            if depth == MOST_DEPTH:
                raise ImportTooLargeError(f"{shown(entry.path)}: is {depth + 1} folders deep; {depth} are allowed")
            for one in _below(Path(entry.path), f"{inside}{entry.name}/", depth + 1, count):
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


# ---- what is in it ----


@contextmanager
def opened(folder: Path, name: str = "") -> Iterator[int]:
    """A plain file in a folder, which no link leads to; of no name, the path itself. Raises ImportFileError."""
    parts = PurePosixPath(name).parts if name else (folder.name,)
    start = folder if name else folder.parent
    files: list[int] = []
    try:
        try:
            files.append(os.open(start, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
            for number, part in enumerate(parts, 1):
                # What is no file does not have us wait for who is at its other end.
                kind = os.O_NONBLOCK if number == len(parts) else os.O_DIRECTORY
                flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | kind
                files.append(os.open(part, flags, dir_fd=files[-1]))
            if not stat.S_ISREG(os.fstat(files[-1]).st_mode):
                raise ImportFileError(f"{shown(folder / name)}: is no plain file; put the file itself there")
        except OSError as error:
            if isinstance(error, NampedalError):
                raise
            raise ImportFileError(f"{shown(folder / name)}: can't be read: {reason(error)}") from error
        yield files[-1]
    finally:
        for file in reversed(files):
            os.close(file)


def read(folder: Path, name: str = "", most: int = MOST_BYTES) -> bytes:
    """Raises ImportFileError, ImportTooLargeError."""
    return b"".join(pieces(folder, name, most))


def pieces(folder: Path, name: str, most: int) -> Iterator[bytes]:
    """Of a file, up to so many bytes. Raises ImportFileError, ImportTooLargeError."""
    with opened(folder, name) as file:
        left = most
        while True:
            try:
                piece = os.read(file, min(_PIECE, left + 1))
            except OSError as error:
                raise ImportFileError(f"{shown(folder / name)}: can't be read: {reason(error)}") from error
            if not piece:
                return
            left -= len(piece)
            if left < 0:
                raise ImportTooLargeError(f"{shown(folder / name)}: is longer than {most:,} bytes, which are allowed")
            yield piece


def files_of_bank(folder: Path) -> list[str]:
    """What of a folder is the bank's: presets, bank.toml, and what the presets name. Raises as `read`, and OSError."""
    names = [entry.name for entry in _entries(folder) if entry.is_file(follow_symlinks=False)]
    texts = [name for name in names if name.endswith(preset.SUFFIX)]
    named: set[str] = set()
    for name in texts:
        data = read(folder, name, MOST_PRESET_BYTES)
        try:
            if name != OWN_FILE:
                named |= set(preset.files_of(preset.parse(data, name)))
        except NampedalError:
            # It is tried once more where it is told what is wrong.
            continue
    there = [name for name in sorted(named) if _is_there(folder, name)]
    return [*texts, *there]


def _is_there(folder: Path, name: str) -> bool:
    try:
        with opened(folder, name):
            return True
    except ImportFileError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return False
        raise


def digest(found: Found) -> str:
    """Of its contents, wherever it is and whatever it is called. Raises ImportFileError, ImportTooLargeError."""
    if found.kind != BANK:
        most = MOST_ARTIFACT_BYTES if found.kind == ARTIFACT else MOST_BANK_FILE_BYTES
        whole = sha256()
        for piece in pieces(found.path, "", most):
            whole.update(piece)
        return whole.hexdigest()
    lines, left = [], MOST_BYTES
    try:
        names = files_of_bank(found.path)
    except OSError as error:
        if isinstance(error, NampedalError):
            raise
        raise ImportFileError(f"{shown(found.path)}: can't be read: {reason(error)}") from error
    for name in names:
        data = read(found.path, name, left)
        left -= len(data)
        lines.append(f"{name!r} {sha256(unsealed(data) if name.endswith(preset.SUFFIX) else data).hexdigest()}")
    return sha256("\n".join(lines).encode()).hexdigest()
