"""Banks and artifacts are taken over: checked beside their place, and whole before they have their name.

It runs as the player's user, in a process of its own: what a hostile file may do to it, it does to nobody else.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nampedal.board.errors import NampedalError, SettingsError
from nampedal.board.settings import reason, sync_folder, write_pieces_through
from nampedal.firmware import artifact, bank_edit, bank_file, bank_signature
from nampedal.firmware.bank import Entry, look_at, read_bank
from nampedal.firmware.bank_file import MOST_BYTES, import_bank
from nampedal.firmware.card import contents
from nampedal.firmware.card.errors import (
    ArtifactSoundsWrongError,
    DataFullError,
    ImportEndedError,
    ImportFaultError,
    NotBegunError,
)
from nampedal.firmware.card.found import ARTIFACT, BANK, BANK_FILE, Found, shown
from nampedal.firmware.card.journal import MOST_ATTEMPTS, read_journal
from nampedal.firmware.card.outcome import Outcome
from nampedal.firmware.card.taken import read_taken, unseeded, write_taken
from nampedal.firmware.card.where import JOURNAL
from nampedal.firmware.errors import BankIncompleteError, BankUnwritableError, FileTakenError, NoGoldenVectorsError
from nampedal.firmware.file_names import is_same
from nampedal.firmware.verify import verify

# Where artifacts without a preset go, each with one of its own.
LOOSE = "imported"
# Room that stays, for presets to be saved in.
RESERVE_BYTES = 8 << 20
MOST_SAME_NAMES = 99
# In letters: a name has 255 bytes at most, of which a letter may take four.
MOST_LETTERS = 60
# Of one problem, in letters: it may repeat what a file says.
MOST_LINE = 500


Run = Callable[[Callable[[], Any], str], Any]


def here(do: Callable[[], Any], name: str) -> Any:
    """In this process. name: of what it is about."""
    return do()


def take(items: Sequence[Found], banks: Path, state: Path, run: Run = here) -> Outcome:
    """Import what is new among the items. banks: the folder of banks.  state: where what was taken over is kept.

    run: carries out what opens an item; `worker.Worker` does so in a process of its own.
    Raises BankUnwritableError where there is no such folder.
    """
    with _alone(banks):
        taker = _Taker(banks, state, run)
        taker.take_all(items)
    return taker.outcome


def seed(source: Path, banks: Path, state: Path) -> None:
    """Banks that came with nampedal, once. Raises BankUnwritableError, SettingsError of the state."""
    with _alone(banks):
        taken = read_taken(state)
        new = unseeded(source, taken)
        for name in new:
            if not os.path.lexists(banks / name):
                _settle(source / banks.name / name, banks, name)
            taken.seeded.append(name)
        if new:
            write_taken(taken, state)


@contextmanager
def _alone(banks: Path) -> Iterator[None]:
    """Two sticks are two of us. What a power cut left half done goes."""
    try:
        folder = os.open(banks, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise BankUnwritableError(f"{banks}: can't be written: {reason(error)}") from error
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        _clean_up(banks)
        yield
    finally:
        os.close(folder)


def _clean_up(banks: Path) -> None:
    for left in (*banks.glob(".*.partial"), *(banks / LOOSE).glob(".*.partial")):
        _remove(left)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


class _Taker:
    def __init__(self, banks: Path, state: Path, run: Run) -> None:
        self.outcome = Outcome()
        self._banks, self._state, self._run = banks, state, run
        self._known = read_taken(state)
        self._journal = read_journal(state.with_name(JOURNAL.name))
        self._changed = False

    def take_all(self, items: Sequence[Found]) -> None:
        begun = [one for one in items if one.stamp in self._journal.attempts]
        # What was begun and not ended may have ended us: all others come first.
        self._take_some([one for one in items if one not in begun])
        self._take_some(begun)
        try:
            self._journal.write()
            if self._changed:
                write_taken(self._known, self._state)
        except SettingsError as error:
            # What has come is known as coming: it does not come again.
            self._tell(error)

    def _take_some(self, items: Sequence[Found]) -> None:
        fresh: list[tuple[Found, str]] = []
        for found in items:
            digest = self._look(found)
            if digest:
                fresh.append((found, digest))
        for found, digest in sorted(fresh, key=lambda one: one[1] in self._known.coming):
            self._take(found, digest)

    def _tell(self, problem: object) -> str:
        """The problem as one line."""
        line = shown(problem)
        line = line if len(line) <= MOST_LINE else f"{line[:MOST_LINE]}..."
        self.outcome.problems.append(line)
        return line

    def _attempt(self, found: Found, do: Callable[[], Any]) -> Any:
        """What do() returns. It is known before that it was begun.

        Raises NampedalError, whatever goes wrong; ImportEndedError: its process was ended.
        """
        self._journal.begin(found.stamp)
        try:
            return self._run(do, found.path.name)
        except (ImportEndedError, ImportFaultError, NotBegunError) as error:
            raise type(error)(f"{found.path}: can't be taken over: {error}") from error
        except NampedalError:
            raise
        except Exception as error:
            raise ImportFaultError(
                f"{found.path}: can't be taken over: nampedal itself went wrong: {type(error).__name__}: {error}"
            ) from error
        finally:
            _clean_up(self._banks)

    def _look(self, found: Found) -> str:
        """Its digest, if there is something to be done."""
        known, journal = self._known, self._journal
        if found.stamp in journal.given_up:
            self._tell(journal.given_up[found.stamp])
            return ""
        if journal.attempts.get(found.stamp, 0) >= MOST_ATTEMPTS:
            self._give_up(found, f"{found.path}: was begun {MOST_ATTEMPTS} times, and nampedal did not come to its end")
            return ""
        digest = known.seen.get(found.stamp, "")
        if not digest:
            try:
                digest = str(self._attempt(found, lambda: contents.digest(found)))
            except NampedalError as error:
                self._refuse(found, "", error)
                return ""
            journal.undo(found.stamp)
            known.seen[found.stamp] = digest
            # What it was called when it was refused it may not be called now.
            known.refused.pop(digest, None)
            self._changed = True
        if digest in known.refused:
            self._tell(known.refused[digest])
            return ""
        return "" if digest in known.taken else digest

    def _take(self, found: Found, digest: str) -> None:
        known = self._known
        if digest in known.taken:
            # The same twice.
            return
        name = known.coming.get(digest, "")
        if found.kind == ARTIFACT or not (name and (self._banks / name).is_dir()):
            # Of a power cut behind the renaming only, there is nothing left to do.
            try:
                name = self._bring(found, digest)
            except NampedalError as error:
                self._refuse(found, digest, error)
                return
        self._journal.end(found.stamp)
        known.coming.pop(digest, None)
        known.taken[digest] = name
        self._changed = True
        if name not in self.outcome.taken:
            self.outcome.taken.append(name)

    def _bring(self, found: Found, digest: str) -> str:
        """What the bank is called then. Raises a NampedalError."""
        name = LOOSE if found.kind == ARTIFACT else free_name(clean(found.path), self._banks)
        self._known.coming[digest] = name
        write_taken(self._known, self._state)
        for note in self._attempt(found, lambda: _bring(found, self._banks, name)):
            self._tell(note)
        return name

    def _refuse(self, found: Found, digest: str, error: NampedalError) -> None:
        """digest: empty where it is not known."""
        self._changed = True
        attempts = self._journal.attempts.get(found.stamp, 0)
        if isinstance(error, ImportEndedError):
            # What ended the process may have been something else; but not twice.
            if attempts < MOST_ATTEMPTS:
                self._tell(f"{error}; it is tried once more at the next start")
            else:
                self._known.coming.pop(digest, None)
                self._give_up(found, error)
            return
        text = self._tell(error)
        self._journal.end(found.stamp)
        self._known.coming.pop(digest, None)
        # A full or a failing disk may be better next time; a broken file is not.
        if isinstance(error, OSError):
            return
        if digest:
            self._known.refused[digest] = text
        else:
            self._journal.give_up(found.stamp, text)

    def _give_up(self, found: Found, why: object) -> None:
        self._journal.give_up(found.stamp, self._tell(f"{why}; it is not tried again: replace it, or remove it"))


def _bring(found: Found, banks: Path, name: str) -> list[str]:
    """Import it under this name. Returns lines about what was left out. Raises a NampedalError."""
    notes: list[str] = []
    if found.kind == BANK_FILE:
        # No link leads there, and no pipe.
        with contents.opened(found.path):
            bank_signature.signer_of(found.path)
            _check_room(found, banks)
            import_bank(found.path, banks, name, tell=notes.append)
        return notes
    _check_room(found, banks)
    if found.kind == ARTIFACT:
        bring_artifact(found.path, banks)
    else:
        _settle(found.path, banks, name)
    return notes


def clean(path: Path) -> str:
    """What a bank made of this file or folder may be called."""
    stem = path.name if path.suffix.lower() != bank_file.SUFFIX else path.stem
    return shown(stem).replace("?", "-").strip(" .")[:MOST_LETTERS].strip() or BANK


def free_name(name: str, folder: Path) -> str:
    """With a number behind it where there is one already. Raises FileTakenError."""
    there = [path.name for path in folder.iterdir()]
    for one in _names(name):
        # Also where case alone differs: the banks may be copied to where it does not count.
        if not any(is_same(one, other) for other in there):
            return one
    raise FileTakenError(f"{folder / name}: is there {MOST_SAME_NAMES} times already; remove some of them")


def _names(name: str) -> list[str]:
    return [name, *(f"{name}-{number}" for number in range(2, MOST_SAME_NAMES + 1))]


def _check_room(found: Found, banks: Path) -> None:
    """That it fits, unpacked. Raises DataFullError, and what reading it raises."""
    if found.kind == BANK:
        size = sum((found.path / name).lstat().st_size for name in contents.files_of_bank(found.path))
    elif found.kind == BANK_FILE:
        size = bank_file.read_contents(found.path).size
    else:
        size = found.path.lstat().st_size
    free = os.statvfs(banks)
    room = free.f_bavail * free.f_frsize - RESERVE_BYTES
    if size > room:
        raise DataFullError(
            f"{shown(found.path)}: has {size:,} bytes, and there is room for {max(0, room):,}; remove banks that you "
            "do not play"
        )


def _settle(source: Path, banks: Path, name: str) -> None:
    """A copy of a bank's folder. Raises a NampedalError."""
    target, partial = banks / name, banks / f".{name}.partial"
    try:
        partial.mkdir()
        _copy(source, partial)
        bank = read_bank(partial)
        wrong = [trouble for entry in look_at(bank) for trouble in _troubles(entry)]
        if wrong or bank.problem:
            text = "; ".join([*wrong, *([bank.problem] if bank.problem else [])]).replace(f"{partial}/", "")
            raise BankIncompleteError(f"{source}: can't be taken over: {text}; mend it there")
        os.rename(partial, target)
        sync_folder(banks)
    except NampedalError as error:
        # It is told where the player sees it.
        raise type(error)(str(error).replace(str(partial), str(source))) from error
    except OSError as error:
        raise BankUnwritableError(f"{source}: can't be taken over: {reason(error)}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _troubles(entry: Entry) -> list[str]:
    return [f"{entry.path.name}: {name} is missing" for name in entry.missing] + list(entry.problems)


def _copy(source: Path, target: Path) -> None:
    """Of a bank, onto the disk."""
    left = MOST_BYTES
    for name in contents.files_of_bank(source):
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_pieces_through(contents.pieces(source, name, left), path)
        left -= path.stat().st_size
        sync_folder(path.parent)
    sync_folder(target)


def bring_artifact(path: Path, banks: Path) -> None:
    """Into the bank of loose ones, with a preset of its own. Raises a NampedalError."""
    stage, new, target = banks / ".stage.partial", banks / f".{LOOSE}.partial", banks / LOOSE
    try:
        stage.mkdir()
        staged = stage / f"{clean(path.with_suffix(''))}{artifact.SUFFIX}"
        staged.write_bytes(contents.read(path, "", contents.MOST_ARTIFACT_BYTES))
        _check_sound(staged)
        if target.is_dir():
            _add(staged, target)
        else:
            new.mkdir()
            bank_edit.add(new, [staged])
            sync_folder(new)
            os.rename(new, target)
            sync_folder(banks)
    except NampedalError as error:
        raise type(error)(str(error).replace(f"{stage}/", f"{path.parent}/")) from error
    except OSError as error:
        raise BankUnwritableError(f"{path}: can't be taken over: {reason(error)}") from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        shutil.rmtree(new, ignore_errors=True)


def _add(staged: Path, target: Path) -> None:
    """Under another name where another has this one."""
    name = staged.stem
    for one in _names(name):
        staged = staged.rename(staged.with_name(f"{one}{artifact.SUFFIX}"))
        try:
            bank_edit.add(target, [staged])
        except FileTakenError:
            continue
        return
    raise FileTakenError(f"{target / name}: is there {MOST_SAME_NAMES} times already; remove some of them")


def _check_sound(path: Path) -> None:
    """Raises ArtifactError, ArtifactSoundsWrongError."""
    try:
        checks = verify(path)
    except NoGoldenVectorsError:
        return
    for check in checks:
        if not check.passed:
            raise ArtifactSoundsWrongError(
                f"{path}: tier {check.tier} differs by {check.deviation:.1e} from what it was where it was made; up to "
                f"{check.tolerance:.1e} is allowed: convert it again"
            )
