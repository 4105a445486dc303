"""Applies an installation plan. The earlier state of each path is written to a journal before anything is changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nampedal.firmware.base import system_paths
from nampedal.firmware.system.install.steps import managed_block, runtime_copy
from nampedal.firmware.system.install.steps.install_journal import (
    JOURNAL_PATH,
    InstallJournal,
    JournalEntry,
    read_journal,
    write_journal,
)
from nampedal.firmware.system.install.steps.install_tools import Run
from nampedal.firmware.system.install.steps.path_states import (
    PathState,
    checked_path,
    link,
    make_folders,
    missing_folders,
    read_state,
    remove_partial,
    root_owned_file,
    write_state,
)
from nampedal.firmware.system.install.steps.step_types import Block, Kept, Runtime, Step, Users, WholeFile, Words
from nampedal.firmware.system.install.steps.target import InstallTarget
from nampedal.firmware.system.install.steps.undo import restore, same_content
from nampedal.firmware.system.install.steps.users import make_users, users_exist

Say = Callable[[str], None]
# Suffix of the copy of a file that somebody has changed and that is overwritten.
EDITED_SUFFIX = ".yours"


@dataclass(frozen=True, slots=True)
class PathChange:
    """The current and the wanted state of one path.

    saved: the content that somebody has edited and that would be lost otherwise; None if there is none.
    """

    path: Path
    place: Path
    current: PathState
    entry: JournalEntry
    saved: PathState | None

    @property
    def wanted(self) -> PathState:
        return self.entry.installed[0]


def apply(steps: Sequence[Step], target: InstallTarget, say: Say, run: Run, *, dry: bool) -> int:
    """Apply a plan, and return how many changes were made, or would be made if dry. Raises an DeployError."""
    old = read_journal(target) or InstallJournal()
    changes = {step.path: _change(step, old.entries.get(step.path), target) for step in steps if isinstance(step, Kept)}
    obsolete = {path: entry for path, entry in old.entries.items() if path not in changes}
    entries = {path: change.entry for path, change in changes.items()}
    folders = _folders(old, [change.place for change in changes.values()], target)
    if not dry:
        _write(InstallJournal({**obsolete, **entries}, folders, (system_paths.RUNTIME,)), old, target)
    count = 0
    for path, entry in reversed(list(obsolete.items())):
        count += restore(path, entry, target, say, dry=dry)
    for step in steps:
        if isinstance(step, Kept):
            count += _put(changes[step.path], say, dry=dry)
        else:
            count += _do(step, target, say, run, dry=dry)
    if not dry:
        done = {path: replace(entry, installed=entry.installed[:1]) for path, entry in entries.items()}
        _write(InstallJournal(done, folders, (system_paths.RUNTIME,)), read_journal(target), target)
    return count


def _write(journal: InstallJournal, there: InstallJournal | None, target: InstallTarget) -> None:
    """Write the journal unless an equal one is there already."""
    if journal != there:
        write_journal(journal, target)


def _change(step: Kept, old: JournalEntry | None, target: InstallTarget) -> PathChange:
    place = checked_path(target, step.path)
    current = read_state(place)
    if isinstance(step, Block | Words):
        return PathChange(step.path, place, current, _edited(step, old, current), None)
    wanted = root_owned_file(step.data, step.mode) if isinstance(step, WholeFile) else link(step.to)
    entry = JournalEntry(current if old is None else old.before, (wanted, *_still_ours(old, current, wanted)))
    known = old is None or current == old.before or any(same_content(current, one) for one in (*old.installed, wanted))
    return PathChange(step.path, place, current, entry, None if known or current.kind != "file" else current)


def _still_ours(old: JournalEntry | None, current: PathState, wanted: PathState) -> tuple[PathState, ...]:
    """Return the state that an earlier plan wrote, as long as the path still has it."""
    there = (
        old is not None
        and any(same_content(current, one) for one in old.installed)
        and not same_content(current, wanted)
    )
    return (current,) if there else ()


def _edited(step: Block | Words, old: JournalEntry | None, current: PathState) -> JournalEntry:
    before = _unedited(step, old, current)
    text = _text(before)
    if isinstance(step, Block):
        wanted = replace(before, data=_bytes(managed_block.with_block(text, step.lines)))
        return JournalEntry(before, (wanted, *_still_ours(old, current, wanted)), lines=step.lines)
    made = managed_block.with_words(text, step.added, step.dropped)
    wanted = replace(before, data=_bytes(made.text))
    return JournalEntry(before, (wanted, *_still_ours(old, current, wanted)), added=made.added, removed=made.removed)


def _unedited(step: Block | Words, old: JournalEntry | None, current: PathState) -> PathState:
    """Return the state of the file without this installer's edits, but with all that others have written since."""
    if old is None or current.data == old.before.data:
        return current
    if any(current.data == one.data for one in old.installed):
        return old.before
    if isinstance(step, Block):
        return replace(current, data=_bytes(managed_block.without_any_block(_text(current))))
    return replace(current, data=_bytes(managed_block.without_words(_text(current), old.added, old.removed)))


def _folders(old: InstallJournal, new: Sequence[Path], target: InstallTarget) -> tuple[Path, ...]:
    """Return the folders that the installation makes, without the journal's own folder.

    If an installation is interrupted, that folder may exist without a journal; undo removes it in any case.
    """
    found = dict.fromkeys(old.folders)
    for place in (*new, target.under_root(JOURNAL_PATH), target.under_root(system_paths.RUNTIME)):
        found |= dict.fromkeys(Path("/") / folder.relative_to(target.root) for folder in missing_folders(place))
    found.pop(JOURNAL_PATH.parent, None)
    return tuple(found)


def _put(change: PathChange, say: Say, *, dry: bool) -> int:
    if not dry:
        remove_partial(change.place)
    if change.current == change.wanted:
        return 0
    if change.saved is not None:
        yours = change.place.with_name(change.place.name + EDITED_SUFFIX)
        say(f"{change.path}: was changed by somebody; {'would be' if dry else 'is'} kept as {yours.name}")
        if not dry:
            write_state(yours, change.saved)
    if not dry:
        make_folders(change.place)
        write_state(change.place, change.wanted)
    say(f"{change.path}: {_describe(change.wanted, dry=dry)}")
    return 1


def _describe(wanted: PathState, *, dry: bool) -> str:
    what = f"linked to {wanted.to}" if wanted.kind == "link" else "written"
    return f"would be {what}" if dry else what


def _do(step: Users | Runtime, target: InstallTarget, say: Say, run: Run, *, dry: bool) -> int:
    if isinstance(step, Users):
        return _make_users(step, target, say, run, dry=dry)
    return _make_runtime(step, target, say, dry=dry)


def _make_users(step: Users, target: InstallTarget, say: Say, run: Run, *, dry: bool) -> int:
    if users_exist(target, step):
        return 0
    if not dry:
        make_users(target, run)
    say(f"user {step.user}: {'would be' if dry else 'is'} there, and in {', '.join(step.memberships)}")
    return 1


def _make_runtime(step: Runtime, target: InstallTarget, say: Say, *, dry: bool) -> int:
    place, wheel = checked_path(target, step.path), step.wheel
    version, machine = step.python_version, step.machine
    mark = (
        runtime_copy.installed_checksum(version, step.extras)
        if wheel is None
        else runtime_copy.wheel_checksum(wheel, version, machine, step.extras)
    )
    if runtime_copy.is_up_to_date(place, mark):
        return 0
    if not dry:
        make_folders(place)
        if wheel is None:
            runtime_copy.copy_runtime(place, version, step.extras)
        else:
            runtime_copy.fill_runtime(place, wheel, version, machine, step.extras)
    source = "the environment that this runs in" if wheel is None else str(wheel)
    say(f"{step.path}: {'would be filled' if dry else 'filled'} from {source}, for Python {version}")
    return 1


def _text(state: PathState) -> str:
    # surrogateescape keeps bytes that are not UTF-8.
    return state.data.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
