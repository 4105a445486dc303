"""What files of ours are called, and how much a bank may hold."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

ARTIFACT = ".stomp"
PRESET = ".toml"
# Which presets a bank has, and in which order: in its folder.
BANK = "bank.toml"
# A whole bank, packed.
BANK_FILE = ".nampedal-bank"
MOST_FILES = 1000
MOST_BYTES = 128 << 20
# Of a preset's text.
MOST_PRESET_BYTES = 1 << 20
# A bank's files, and what a zip and its manifest say about each.
MOST_BANK_FILE_BYTES = MOST_BYTES + (2 << 20)
# Folders in a bank, one in the other.
MOST_DEPTH = 8
# Of one name in a folder (Linux, NAME_MAX).
MOST_NAME_BYTES = 255


def clash(names: Iterable[str]) -> tuple[str, str] | None:
    """Two of the paths that can't be two files on every computer; None if there are none.

    Such are names that differ by case only (FAT, NTFS, APFS), by their Unicode form only (APFS, HFS+), or by dots and
    blanks at their end (FAT, NTFS), and a file that has the name of another one's folder.
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


def is_same(one: str, other: str) -> bool:
    """Whether two names are one file on some computers."""
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    """Canonical caseless matching (Unicode 15.0, section 3.13, D145), and no dot or blank at an end."""
    parts = (part.rstrip(" .") or part for part in name.split("/"))
    decomposed = unicodedata.normalize("NFD", "/".join(parts))
    return unicodedata.normalize("NFD", decomposed.casefold())
