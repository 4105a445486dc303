"""Puts back what was there before, but for what somebody has changed since."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from nampedal.board import places
from nampedal.board.install import edits, runtime
from nampedal.board.install.errors import NotInstalledError
from nampedal.board.install.files import (
    State,
    checked_place,
    failing_at,
    put,
    remove,
    remove_partial,
    remove_tree,
    state_of,
)
from nampedal.board.install.journal import PLACE, Entry, Journal, read_journal
from nampedal.board.install.target import Target

Say = Callable[[str], None]
# Behind the name of a file that was there, where somebody has changed what came in its place.
BEFORE = ".before"
LEFT = (
    f"left as they are: {places.DATA} with presets and settings, the user {places.USER} and its groups, and packages "
    "that were installed"
)


def undo(target: Target, say: Say, *, dry: bool) -> None:
    """Raises NotInstalledError, or another InstallError."""
    journal = read_journal(target)
    if journal is None:
        raise NotInstalledError(f"{target.at(PLACE)}: is not there, so nothing was installed in {target.root}")
    for path, entry in reversed(list(journal.entries.items())):
        put_back(path, entry, target, say, dry=dry)
    for path in journal.trees:
        place = checked_place(target, path)
        if place.exists():
            say(f"{path}: {'would be removed' if dry else 'removed'}")
        if not dry:
            for tree in (place, *runtime.leftovers(place)):
                remove_tree(tree)
    if not dry:
        _end(journal, target)
    say(LEFT)


def put_back(path: Path, entry: Entry, target: Target, say: Say, *, dry: bool) -> int:
    """How many changes that is: one, or none."""
    place = checked_place(target, path)
    if not dry:
        remove_partial(place)
    current = state_of(place)
    if current == entry.before:
        return 0
    if current.kind == "absent" or any(same(current, one) for one in entry.ours):
        back: State | None = entry.before
    else:
        back = _without_edits(entry, current)
    if back is None:
        return _keep(path, place, entry, say, dry=dry)
    what = "removed" if back.kind == "absent" else "put back"
    if not dry:
        put(place, back)
    say(f"{path}: {'would be ' if dry else ''}{what}")
    return 1


def same(one: State, other: State) -> bool:
    """Whatever became of its mode."""
    return (one.kind, one.data, one.to) == (other.kind, other.data, other.to)


def _keep(path: Path, place: Path, entry: Entry, say: Say, *, dry: bool) -> int:
    keeps = "would be" if dry else "is"
    say(f"{path}: was changed by somebody, and {keeps} kept")
    if entry.before.kind == "file":
        before = place.with_name(place.name + BEFORE)
        say(f"{path}: what was there before nampedal {keeps} {before.name} beside it")
        if not dry:
            put(before, entry.before)
    return 1


def _without_edits(entry: Entry, current: State) -> State | None:
    """What others have made of a text without what we did; None: that can't be told apart."""
    text = current.data.decode("utf-8", "surrogateescape")
    if current.kind != "file" or not (entry.lines or entry.added or entry.removed):
        return None
    if entry.lines:
        rest = edits.without_block(text, entry.lines)
    else:
        rest = edits.without_words(text, entry.added, entry.removed)
    return None if rest is None else replace(current, data=rest.encode("utf-8", "surrogateescape"))


def _end(journal: Journal, target: Target) -> None:
    """The journal, and then the folders, as far as they are empty."""
    remove(target.at(PLACE))
    remove_partial(target.at(PLACE))
    for path in dict.fromkeys((*reversed(journal.folders), PLACE.parent)):
        place = target.at(path)
        with failing_at(place):
            if place.is_dir() and not any(place.iterdir()):
                place.rmdir()
