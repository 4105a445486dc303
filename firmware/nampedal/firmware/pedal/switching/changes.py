"""Collects the changes between two rescans: of banks, and of presets in the current bank."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from nampedal.firmware.base.errors import NampedalError

# The maximum number of stored results.
MAX_RESCANS = 16


class Changes:
    """Collects changes until take_changes() returns them."""

    def __init__(self, banks: Sequence[Path], bank: Path, presets: Sequence[Path]) -> None:
        """banks, presets: in the order of their numbers. bank: the current one."""
        self._changed: dict[str, None] = {}
        self._begin(banks, bank, presets)

    def add_changed(self, names: Iterable[str]) -> None:
        """Record the names of presets whose files have changed."""
        self._changed |= dict.fromkeys(names)

    def enter(self, bank: Path, presets: Sequence[Path]) -> None:
        """Record that another bank is the current one. Changes in the old one are dropped."""
        self._changed = {}
        self._bank, self._presets = bank, list(presets)

    def take_changes(self, banks: Sequence[Path], presets: Sequence[Path]) -> dict[str, Any]:
        """Return the collected changes as JSON, and start again."""
        stayed = [path for path in self._presets if path in presets]
        changes = {
            "new_banks": [path.name for path in banks if path not in self._banks],
            "gone_banks": [path.name for path in self._banks if path not in banks],
            "new": [path.stem for path in presets if path not in self._presets],
            "gone": [path.stem for path in self._presets if path not in presets],
            "changed": [path.stem for path in stayed if path.stem in self._changed],
            "reordered": stayed != [path for path in presets if path in self._presets],
        }
        self._begin(banks, self._bank, presets)
        return changes

    def _begin(self, banks: Sequence[Path], bank: Path, presets: Sequence[Path]) -> None:
        self._changed = {}
        self._banks, self._bank, self._presets = list(banks), bank, list(presets)


class Rescans:
    """Stores the results of rescans until a client fetches them."""

    def __init__(self) -> None:
        self._results: dict[int, dict[str, Any] | NampedalError] = {}

    def put(self, number: int, result: dict[str, Any] | NampedalError) -> None:
        self._results[number] = result
        # Drop the oldest results: their clients may have disconnected.
        self._results = dict(list(self._results.items())[-MAX_RESCANS:])

    def take(self, number: int) -> dict[str, Any] | None:
        """Return a result, once; None: the rescan is not finished. Raises the error that ended it."""
        result = self._results.pop(number, None)
        if isinstance(result, NampedalError):
            raise result
        return result
