"""Finds names for imported banks and files: valid on every file system, and not in use."""

from __future__ import annotations

from pathlib import Path

from nampedal.firmware.base.errors import AlreadyExistsError
from nampedal.firmware.base.files.file_names import is_same
from nampedal.firmware.presets.banks import bank_file
from nampedal.firmware.system.bank_import import pack_import
from nampedal.firmware.system.bank_import.import_scan import BANK

MAX_SAME_NAMES = 99
# In characters: a file name has at most 255 bytes, and a character up to four.
MAX_LETTERS = 60


def clean(path: Path) -> str:
    """Return a valid bank name made of the name of this file or folder."""
    stem = path.stem if path.suffix.lower() in (bank_file.SUFFIX, pack_import.SUFFIX) else path.name
    plain = "".join(letter if letter.isprintable() and letter != "?" else "-" for letter in stem)
    return plain.strip(" .")[:MAX_LETTERS].strip() or BANK


def free_name(name: str, folder: Path) -> str:
    """Return the name, with a number behind it if it is in use in the folder. Raises AlreadyExistsError."""
    there = [path.name for path in folder.iterdir()]
    for one in numbered(name):
        # Names that differ only in case are the same: the banks may be copied to a case-insensitive file system.
        if not any(is_same(one, other) for other in there):
            return one
    raise AlreadyExistsError(f"{folder / name}: is there {MAX_SAME_NAMES} times already; remove some of them")


def numbered(name: str) -> list[str]:
    """Return the names to try in order: the name itself, then the name with a number behind it."""
    return [name, *(f"{name}-{number}" for number in range(2, MAX_SAME_NAMES + 1))]
