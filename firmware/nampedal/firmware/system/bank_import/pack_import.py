"""Imports zip files from a card or a USB stick: packs without a manifest, and bank files that were renamed to .zip."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nampedal.firmware.presets.banks import bank_file, pack

SUFFIX = pack.SUFFIX


def bring(path: Path, banks: Path, name: str, on_note: Callable[[str], object]) -> None:
    """Import the banks in a zip file; the first one gets the name. on_note: called with lines about the other parts.

    Raises a NampedalError.
    """
    if not pack.is_pack(path):
        bank_file.import_bank(path, banks, name, on_note=on_note)
        return
    pack.import_pack(path, banks, name, on_note=on_note)


def size_of(path: Path) -> int:
    """Return the unpacked size of a zip file, in bytes. Raises a NampedalError."""
    return pack.size_of(path) if pack.is_pack(path) else bank_file.read_contents(path).size
