"""Carries a plan out, and takes it back. What was there before is written down before anything is changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nampedal.board import places
from nampedal.board.install import edits, runtime
from nampedal.board.install.files import (
    State,
    checked_place,
    link,
    make_folders,
    missing_folders,
    put,
    remove_partial,
    root_file,
    state_of,
)
from nampedal.board.install.journal import PLACE, Entry, Journal, read_journal, write_journal
from nampedal.board.install.steps import Block, File, Kept, Runtime, Step, Users, Words
from nampedal.board.install.target import Target
from nampedal.board.install.tools import Run
from nampedal.board.install.undo import put_back, same
from nampedal.board.install.users import are_there, make

Say = Callable[[str], None]
# Behind the name of a file that somebody has changed, and that is written anew.
YOURS = ".yours"


@dataclass(frozen=True, slots=True)
class Change:
    """One path: how it stands, and how it is to stand. saved: what somebody has made of ours, and would lose."""

    path: Path
    place: Path
    current: State
    entry: Entry
    saved: State | None

    @property
    def wanted(self) -> State:
        return self.entry.ours[0]


def apply(steps: Sequence[Step], target: Target, say: Say, run: Run, *, dry: bool) -> int:
    """How many changes were made, or would be. Raises an InstallError."""
    old = read_journal(target) or Journal()
    changes = {step.path: _change(step, old.entries.get(step.path), target) for step in steps if isinstance(step, Kept)}
    obsolete = {path: entry for path, entry in old.entries.items() if path not in changes}
    entries = {path: change.entry for path, change in changes.items()}
    folders = _folders(old, [change.place for change in changes.values()], target)
    if not dry:
        _write(Journal({**obsolete, **entries}, folders, (places.RUNTIME,)), old, target)
    count = 0
    for path, entry in reversed(list(obsolete.items())):
        count += put_back(path, entry, target, say, dry=dry)
    for step in steps:
        if isinstance(step, Kept):
            count += _put(changes[step.path], say, dry=dry)
        else:
            count += _do(step, target, say, run, dry=dry)
    if not dry:
        done = {path: replace(entry, ours=entry.ours[:1]) for path, entry in entries.items()}
        _write(Journal(done, folders, (places.RUNTIME,)), read_journal(target), target)
    return count


def _write(journal: Journal, there: Journal | None, target: Target) -> None:
    """Only if it says something else than the one that is there."""
    if journal != there:
        write_journal(journal, target)


def _change(step: Kept, old: Entry | None, target: Target) -> Change:
    place = checked_place(target, step.path)
    current = state_of(place)
    if isinstance(step, Block | Words):
        return Change(step.path, place, current, _edited(step, old, current), None)
    wanted = root_file(step.data, step.mode) if isinstance(step, File) else link(step.to)
    entry = Entry(current if old is None else old.before, (wanted, *_still_ours(old, current, wanted)))
    known = old is None or current == old.before or any(same(current, one) for one in (*old.ours, wanted))
    return Change(step.path, place, current, entry, None if known or current.kind != "file" else current)


def _still_ours(old: Entry | None, current: State, wanted: State) -> tuple[State, ...]:
    """What an earlier plan put there, as long as it is there."""
    there = old is not None and any(same(current, one) for one in old.ours) and not same(current, wanted)
    return (current,) if there else ()


def _edited(step: Block | Words, old: Entry | None, current: State) -> Entry:
    before = _unedited(step, old, current)
    text = _text(before)
    if isinstance(step, Block):
        wanted = replace(before, data=_bytes(edits.with_block(text, step.lines)))
        return Entry(before, (wanted, *_still_ours(old, current, wanted)), lines=step.lines)
    made = edits.with_words(text, step.added, step.dropped)
    wanted = replace(before, data=_bytes(made.text))
    return Entry(before, (wanted, *_still_ours(old, current, wanted)), added=made.added, removed=made.removed)


def _unedited(step: Block | Words, old: Entry | None, current: State) -> State:
    """How it would stand without us, with what others have written since."""
    if old is None or current.data == old.before.data:
        return current
    if any(current.data == one.data for one in old.ours):
        return old.before
    if isinstance(step, Block):
        return replace(current, data=_bytes(edits.without_any_block(_text(current))))
    return replace(current, data=_bytes(edits.without_words(_text(current), old.added, old.removed)))


def _folders(old: Journal, new: Sequence[Path], target: Target) -> tuple[Path, ...]:
    """The journal's own is not among them: a cut may leave it without a journal."""
    found = dict.fromkeys(old.folders)
    for place in (*new, target.at(PLACE), target.at(places.RUNTIME)):
        found |= dict.fromkeys(Path("/") / folder.relative_to(target.root) for folder in missing_folders(place))
    found.pop(PLACE.parent, None)
    return tuple(found)


def _put(change: Change, say: Say, *, dry: bool) -> int:
    if not dry:
        remove_partial(change.place)
    if change.current == change.wanted:
        return 0
    if change.saved is not None:
        yours = change.place.with_name(change.place.name + YOURS)
        say(f"{change.path}: was changed by somebody; {'would be' if dry else 'is'} kept as {yours.name}")
        if not dry:
            put(yours, change.saved)
    if not dry:
        make_folders(change.place)
        put(change.place, change.wanted)
    say(f"{change.path}: {_told(change.wanted, dry=dry)}")
    return 1


def _told(wanted: State, *, dry: bool) -> str:
    what = f"linked to {wanted.to}" if wanted.kind == "link" else "written"
    return f"would be {what}" if dry else what


def _do(step: Users | Runtime, target: Target, say: Say, run: Run, *, dry: bool) -> int:
    if isinstance(step, Users):
        return _make_users(step, target, say, run, dry=dry)
    return _make_runtime(step, target, say, dry=dry)


def _make_users(step: Users, target: Target, say: Say, run: Run, *, dry: bool) -> int:
    if are_there(target, step):
        return 0
    if not dry:
        make(target, run)
    say(f"user {step.user}: {'would be' if dry else 'is'} there, and in {', '.join(step.memberships)}")
    return 1


def _make_runtime(step: Runtime, target: Target, say: Say, *, dry: bool) -> int:
    place, wheel = checked_place(target, step.path), step.wheel
    version, machine = step.python_version, step.machine
    mark = runtime.copy_mark(version) if wheel is None else runtime.wheel_mark(wheel, version, machine)
    if runtime.is_filled(place, mark):
        return 0
    if not dry:
        make_folders(place)
        if wheel is None:
            runtime.copy_runtime(place, version)
        else:
            runtime.fill_runtime(place, wheel, version, machine)
    source = "the environment that this runs in" if wheel is None else str(wheel)
    say(f"{step.path}: {'would be filled' if dry else 'filled'} from {source}, for Python {version}")
    return 1


def _text(state: State) -> str:
    # Whatever bytes people put there.
    return state.data.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
