"""What the system was before: a file in its root, written before anything else is, and removed last."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nampedal.board.install.errors import JournalError
from nampedal.board.install.files import State, checked_place, make_folders, put, root_file, state_of
from nampedal.board.install.target import Target

PLACE = Path("/opt/nampedal/install.json")
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """ours: what was put there: the newest first, then the one before, while it may still be there.

    lines: of a block.  added, removed: of words.
    """

    before: State
    ours: tuple[State, ...]
    lines: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        values: dict[str, Any] = {"before": self.before.to_json(), "ours": [state.to_json() for state in self.ours]}
        return values | {name: list(getattr(self, name)) for name in _LISTS if getattr(self, name)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Entry:
        """Raises KeyError, TypeError, ValueError."""
        lists = {name: tuple(values.get(name, ())) for name in _LISTS}
        return cls(State.from_json(values["before"]), tuple(State.from_json(one) for one in values["ours"]), **lists)


_LISTS = ("lines", "added", "removed")


@dataclass(frozen=True, slots=True)
class Journal:
    """entries: by path.  folders: that were made, each behind the one above it.  trees: folders that are ours."""

    entries: Mapping[Path, Entry] = field(default_factory=dict)
    folders: tuple[Path, ...] = ()
    trees: tuple[Path, ...] = ()


def read_journal(target: Target) -> Journal | None:
    """None: there is none. Raises JournalError, WritingFailedError."""
    place = checked_place(target, PLACE)
    found = state_of(place)
    if found.kind != "file":
        return None
    try:
        values = json.loads(found.data)
        if values["format"] != FORMAT:
            raise JournalError(
                f"{place}: has format {values['format']!r}, and {FORMAT} is read here; use the nampedal that installed"
            )
        return Journal(
            {Path(path): Entry.from_json(entry) for path, entry in values["entries"].items()},
            tuple(Path(path) for path in values["folders"]),
            tuple(Path(path) for path in values["trees"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, JournalError):
            raise
        raise JournalError(
            f"{place}: can't be understood, and without it nobody knows what was there before; restore it, or install "
            "the system anew"
        ) from error


def write_journal(journal: Journal, target: Target) -> None:
    """Raises WritingFailedError."""
    values = {
        "format": FORMAT,
        "entries": {str(path): entry.to_json() for path, entry in journal.entries.items()},
        "folders": [str(path) for path in journal.folders],
        "trees": [str(path) for path in journal.trees],
    }
    place = checked_place(target, PLACE)
    make_folders(place)
    put(place, root_file(json.dumps(values, indent=1).encode() + b"\n", 0o600))
