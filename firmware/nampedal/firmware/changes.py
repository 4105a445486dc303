"""What is other than it was when somebody last asked: banks, and presets of the bank that plays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from nampedal.board.errors import NampedalError

# Answers that are kept for who asked.
MOST_RESCANS = 16


class Changes:
    """Collects until it is told."""

    def __init__(self, banks: Sequence[Path], bank: Path, presets: Sequence[Path]) -> None:
        """banks, presets: in the order in which they are numbered. bank: the one that plays."""
        self._changed: dict[str, None] = {}
        self._begin(banks, bank, presets)

    def see(self, names: Iterable[str]) -> None:
        """Presets whose files have changed."""
        self._changed |= dict.fromkeys(names)

    def enter(self, bank: Path, presets: Sequence[Path]) -> None:
        """Another bank plays: what changed in the one before is told no more."""
        self._changed = {}
        self._bank, self._presets = bank, list(presets)

    def tell(self, banks: Sequence[Path], presets: Sequence[Path]) -> dict[str, Any]:
        """As JSON, and begins anew."""
        stayed = [path for path in self._presets if path in presets]
        told = {
            "new_banks": [path.name for path in banks if path not in self._banks],
            "gone_banks": [path.name for path in self._banks if path not in banks],
            "new": [path.stem for path in presets if path not in self._presets],
            "gone": [path.stem for path in self._presets if path not in presets],
            "changed": [path.stem for path in stayed if path.stem in self._changed],
            "reordered": stayed != [path for path in presets if path in self._presets],
        }
        self._begin(banks, self._bank, presets)
        return told

    def _begin(self, banks: Sequence[Path], bank: Path, presets: Sequence[Path]) -> None:
        self._changed = {}
        self._banks, self._bank, self._presets = list(banks), bank, list(presets)


class Rescans:
    """What is to be told of them, until it is."""

    def __init__(self) -> None:
        self._told: dict[int, dict[str, Any] | NampedalError] = {}

    def put(self, number: int, told: dict[str, Any] | NampedalError) -> None:
        self._told[number] = told
        # Who asked may have hung up.
        self._told = dict(list(self._told.items())[-MOST_RESCANS:])

    def take(self, number: int) -> dict[str, Any] | None:
        """Once; None: it is not done yet. Raises what it ended with."""
        told = self._told.pop(number, None)
        if isinstance(told, NampedalError):
            raise told
        return told
