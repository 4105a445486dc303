"""Names of nampedal's files, and the size limits of a bank."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from nampedal.firmware.base.listing import is_clutter, suffix_of

ARTIFACT = ".stomp"
# What nampedal writes for LiteRT. A preset plays it like an artifact.
TFLITE = ".tflite"
# Captures that a bank can hold. Where files differ only by these suffixes, the first is played.
PLAYABLE = (ARTIFACT, TFLITE)
# The trainer's output and the converter's input.
CAPTURE = ".nam"
PRESET = ".toml"
# File in a bank's folder with the bank's name, the order of its presets, and their MIDI programs.
BANK = "bank.toml"
# Updates: of nampedal, and of a whole system.
WHEEL = ".whl"
IMAGES = (".img", ".img.xz", ".img.zst")
# A whole bank, packed into one file.
BANK_FILE = ".nampedal-bank"
MAX_FILES = 1000
MAX_BYTES = 128 << 20
# Maximum size of a preset file.
MAX_PRESET_BYTES = 1 << 20
# The bank's files, plus what a zip and its manifest store for each.
MAX_BANK_FILE_BYTES = MAX_BYTES + (2 << 20)
# Maximum folder depth in a bank.
MAX_DEPTH = 8
# Maximum length of one name (Linux, NAME_MAX).
MAX_NAME_BYTES = 255
# Names that Windows takes for a device in any folder, with any suffix, and characters that no name has there
# (MicrosoftDocs/win32 at 128492abecc3, desktop-src/FileIO/naming-a-file.md; the other devices are those of ntpath).
# A colon names a drive, or a stream of a file.
_WINDOWS_DEVICE = re.compile(r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[1-9\xb9\xb2\xb3]) *(\..*)?", re.IGNORECASE)
_NOT_ON_WINDOWS = re.compile(r'[\x00-\x1f<>:"|?*\\]')


def without_doubles(names: Iterable[str]) -> list[str]:
    """Return the names without each .tflite that has an artifact of the same name beside it, in the same order."""
    listed = list(names)
    artifacts = {os.path.splitext(name)[0] for name in listed if suffix_of(name) == ARTIFACT}
    return [name for name in listed if suffix_of(name) != TFLITE or os.path.splitext(name)[0] not in artifacts]


def find(folder: Path, name: str) -> str:
    """Return the name, relative to a folder, of the file that a preset there calls `name`. Raises no error.

    It is the exact name, or else the only file that some computers treat as the same: macOS stores accents apart from
    their letters, and Windows and macOS ignore case. If there is none, or more than one, it is `name` itself.
    """
    parts: list[str] = []
    for part in PurePosixPath(name).parts:
        here = folder.joinpath(*parts)
        if not os.path.lexists(here / part):
            try:
                alike = [one for one in os.listdir(here) if is_same(one, part)]
            except (OSError, ValueError):
                return name
            if len(alike) != 1:
                return name
            parts.append(alike[0])
        else:
            parts.append(part)
    return "/".join(parts)


def find_path(folder: Path, name: str) -> Path:
    """Return the full path of the file that `find` finds."""
    return folder / find(folder, name)


def matched(asked: Iterable[str], names: Iterable[str]) -> list[str]:
    """Return, for each asked name that matches one of the names as in `find`, the name that it matches."""
    there = dict.fromkeys(names)
    alike: dict[str, list[str]] = {}
    for name in there:
        alike.setdefault(_folded(name), []).append(name)
    found = []
    for one in asked:
        same = [one] if one in there else alike.get(_folded(one), [])
        found += same if len(same) == 1 else []
    return found


def is_preset(name: str) -> bool:
    """Return True if this is the name of a preset file in a bank's folder."""
    return suffix_of(name) == PRESET and not is_clutter(name) and not is_bank_toml(name)


def is_bank_toml(name: str) -> bool:
    """Return True if this is the name of a bank's bank.toml, in any case."""
    return name.lower() == BANK


def clash(names: Iterable[str]) -> tuple[str, str] | None:
    """Return two of the paths that can't exist together on every computer; None if there are none.

    Names clash if they differ only in case (FAT, NTFS, APFS), only in Unicode form (APFS, HFS+), or only in dots and
    blanks at their end (FAT, NTFS), or if a file has the name of another file's folder.
    """
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for name in names:
        key = _folded(name)
        if key in files:
            return files[key], name
        files[key] = name
        for parent in PurePosixPath(key).parents:
            folders.setdefault(str(parent), name)
    return next(((files[key], folders[key]) for key in files if key in folders), None)


def is_possible(name: str) -> bool:
    """Return True if this system takes a path, relative and with slashes, for a file of exactly that name.

    Linux and macOS do so with every path that has no zero byte.
    """
    if sys.platform != "win32":
        return True
    return not any(
        _NOT_ON_WINDOWS.search(part) or _WINDOWS_DEVICE.fullmatch(part) or part != part.rstrip(" .")
        for part in PurePosixPath(name).parts
    )


def is_same(one: str, other: str) -> bool:
    """Return True if two names are the same file on some computers."""
    return _folded(one) == _folded(other)


def to_nfc(name: str) -> str:
    """Return the name with accents combined with their letters (NFC)."""
    return unicodedata.normalize("NFC", name)


def _folded(name: str) -> str:
    """Return a key that is equal for names that some computers treat as the same.

    It is canonical caseless matching (Unicode 15.0, section 3.13, D145), without dots and blanks at the end of a part.
    """
    parts = (part.rstrip(" .") or part for part in name.split("/"))
    decomposed = unicodedata.normalize("NFD", "/".join(parts))
    return unicodedata.normalize("NFD", decomposed.casefold())
