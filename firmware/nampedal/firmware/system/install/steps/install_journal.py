"""The installation journal: a file in the target root with the system's earlier state.

It is written before anything is changed, and is the last file that is removed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nampedal.firmware.base.errors import DeployError
from nampedal.firmware.system.install.steps.path_states import (
    PathState,
    checked_path,
    make_folders,
    read_state,
    root_owned_file,
    write_state,
)
from nampedal.firmware.system.install.steps.target import InstallTarget

JOURNAL_PATH = Path("/opt/nampedal/install.json")
FORMAT = 1


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """The earlier state of one path, and what the installer wrote there.

    ours: the states that the installer wrote: the newest, then the one before it while it may still be on the disk.
    lines: the lines of a marked block.
    added, removed: words of a line that were added and removed.
    """

    before: PathState
    installed: tuple[PathState, ...]
    lines: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        values: dict[str, Any] = {
            "before": self.before.to_json(),
            "ours": [state.to_json() for state in self.installed],
        }
        return values | {name: list(getattr(self, name)) for name in _LISTS if getattr(self, name)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> JournalEntry:
        """Build an entry from its JSON values. Raises KeyError, TypeError, ValueError."""
        lists = {name: tuple(values.get(name, ())) for name in _LISTS}
        return cls(
            PathState.from_json(values["before"]), tuple(PathState.from_json(one) for one in values["ours"]), **lists
        )


_LISTS = ("lines", "added", "removed")


@dataclass(frozen=True, slots=True)
class InstallJournal:
    """The changes of one installation.

    entries: by path.
    folders: folders that were made, each after its parent.
    trees: folders that belong to nampedal with all that is in them.
    """

    entries: Mapping[Path, JournalEntry] = field(default_factory=dict)
    folders: tuple[Path, ...] = ()
    trees: tuple[Path, ...] = ()


def read_journal(target: InstallTarget) -> InstallJournal | None:
    """Return the journal of a target; None if it has none. Raises DeployError, FileAccessError."""
    place = checked_path(target, JOURNAL_PATH)
    found = read_state(place)
    if found.kind != "file":
        return None
    try:
        values = json.loads(found.data)
        if values["format"] != FORMAT:
            raise DeployError(
                f"{place}: has format {values['format']!r}, and {FORMAT} is read here; use the nampedal that installed"
            )
        return InstallJournal(
            {Path(path): JournalEntry.from_json(entry) for path, entry in values["entries"].items()},
            tuple(Path(path) for path in values["folders"]),
            tuple(Path(path) for path in values["trees"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise DeployError(
            f"{place}: can't be understood, and without it nobody knows what was there before; restore it, or install "
            "the system anew"
        ) from error


def write_journal(journal: InstallJournal, target: InstallTarget) -> None:
    """Write the journal of a target. Raises FileAccessError."""
    values = {
        "format": FORMAT,
        "entries": {str(path): entry.to_json() for path, entry in journal.entries.items()},
        "folders": [str(path) for path in journal.folders],
        "trees": [str(path) for path in journal.trees],
    }
    place = checked_path(target, JOURNAL_PATH)
    make_folders(place)
    write_state(place, root_owned_file(json.dumps(values, indent=1).encode() + b"\n", 0o600))
