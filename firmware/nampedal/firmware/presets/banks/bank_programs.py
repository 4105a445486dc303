"""Maps MIDI program numbers to presets, as the bank's bank.toml says, also after it was edited."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nampedal.firmware.presets.banks.bank import OWN_FILE, read_own
from nampedal.firmware.presets.preset_content import Stamp, file_stamp


class BankPrograms:
    """Caches the programs of one bank. It reads bank.toml again if the bank or the file has changed."""

    def __init__(self) -> None:
        self._read: tuple[Path, Stamp] | None = None
        self._programs: Mapping[int, str] = {}

    def of(self, folder: Path) -> Mapping[int, str]:
        """Return short preset names by program number, counted from 1; empty if bank.toml is damaged or missing."""
        now = folder, file_stamp(folder / OWN_FILE)
        if now != self._read:
            self._read, self._programs = now, read_own(folder).programs
        return self._programs
