"""Restores the state before the installation, except for files that somebody has changed since."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import DeployError
from nampedal.firmware.system.install.steps import managed_block, runtime_copy
from nampedal.firmware.system.install.steps.install_journal import (
    JOURNAL_PATH,
    InstallJournal,
    JournalEntry,
    read_journal,
)
from nampedal.firmware.system.install.steps.path_states import (
    PathState,
    checked_path,
    convert_os_errors,
    read_state,
    remove,
    remove_partial,
    remove_tree,
    write_state,
)
from nampedal.firmware.system.install.steps.target import InstallTarget

Say = Callable[[str], None]
# Suffix of the restored original if the file in its place was changed by somebody.
ORIGINAL_SUFFIX = ".before"
LEFT = (
    f"left as they are: {system_paths.DATA} with presets and settings, the user {system_paths.USER} and its groups, "
    "and packages that were installed"
)


def undo(target: InstallTarget, say: Say, *, dry: bool) -> None:
    """Undo an installation by its journal. Raises DeployError."""
    journal = read_journal(target)
    if journal is None:
        raise DeployError(f"{target.under_root(JOURNAL_PATH)}: is not there, so nothing was installed in {target.root}")
    for path, entry in reversed(list(journal.entries.items())):
        restore(path, entry, target, say, dry=dry)
    for path in journal.trees:
        place = checked_path(target, path)
        if place.exists():
            say(f"{path}: {'would be removed' if dry else 'removed'}")
        if not dry:
            for tree in (place, *runtime_copy.leftovers(place)):
                remove_tree(tree)
    if not dry:
        _end(journal, target)
    say(LEFT)


def restore(path: Path, entry: JournalEntry, target: InstallTarget, say: Say, *, dry: bool) -> int:
    """Restore the earlier state of one path, and return the number of changes: 1 or 0."""
    place = checked_path(target, path)
    if not dry:
        remove_partial(place)
    current = read_state(place)
    if current == entry.before:
        return 0
    if current.kind == "absent" or any(same_content(current, one) for one in entry.installed):
        back: PathState | None = entry.before
    else:
        back = _without_edits(entry, current)
    if back is None:
        return _keep(path, place, entry, say, dry=dry)
    what = "removed" if back.kind == "absent" else "put back"
    if not dry:
        write_state(place, back)
    say(f"{path}: {'would be ' if dry else ''}{what}")
    return 1


def same_content(one: PathState, other: PathState) -> bool:
    """Return True if two states are equal, whatever their modes and owners."""
    return (one.kind, one.data, one.to) == (other.kind, other.data, other.to)


def _keep(path: Path, place: Path, entry: JournalEntry, say: Say, *, dry: bool) -> int:
    keeps = "would be" if dry else "is"
    say(f"{path}: was changed by somebody, and {keeps} kept")
    if entry.before.kind == "file":
        before = place.with_name(place.name + ORIGINAL_SUFFIX)
        say(f"{path}: what was there before nampedal {keeps} {before.name} beside it")
        if not dry:
            write_state(before, entry.before)
    return 1


def _without_edits(entry: JournalEntry, current: PathState) -> PathState | None:
    """Return a text as others have edited it, without our edits; None if the two can't be separated."""
    text = current.data.decode("utf-8", "surrogateescape")
    if current.kind != "file" or not (entry.lines or entry.added or entry.removed):
        return None
    if entry.lines:
        rest = managed_block.without_block(text, entry.lines)
    else:
        rest = managed_block.without_words(text, entry.added, entry.removed)
    return None if rest is None else replace(current, data=rest.encode("utf-8", "surrogateescape"))


def _end(journal: InstallJournal, target: InstallTarget) -> None:
    """Remove the journal, then the folders that the installation made, if they are empty."""
    remove(target.under_root(JOURNAL_PATH))
    remove_partial(target.under_root(JOURNAL_PATH))
    for path in dict.fromkeys((*reversed(journal.folders), JOURNAL_PATH.parent)):
        place = target.under_root(path)
        with convert_os_errors(place):
            if place.is_dir() and not any(place.iterdir()):
                place.rmdir()
