"""Banks and artifacts are taken over: checked beside their place, and whole before they have their name.

It runs as the player's user, in a process of its own: what a hostile file may do to it, it does to nobody else.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from nampedal.board.errors import NampedalError, SettingsError
from nampedal.board.settings import reason, sync_folder, write_through
from nampedal.firmware import artifact, bank_edit, bank_file
from nampedal.firmware.bank import Entry, look_at, read_bank
from nampedal.firmware.bank_file import MOST_BYTES, import_bank
from nampedal.firmware.card import contents
from nampedal.firmware.card.errors import ArtifactSoundsWrongError, DataFullError
from nampedal.firmware.card.found import ARTIFACT, BANK, BANK_FILE, Found, shown
from nampedal.firmware.card.outcome import Outcome
from nampedal.firmware.card.taken import read_taken, unseeded, write_taken
from nampedal.firmware.errors import BankIncompleteError, BankUnwritableError, FileTakenError, NoGoldenVectorsError
from nampedal.firmware.verify import verify

# Where artifacts without a preset go, each with one of its own.
LOOSE = "imported"
# Room that stays, for presets to be saved in.
RESERVE_BYTES = 8 << 20
MOST_SAME_NAMES = 99
# In letters: a name has 255 bytes at most, of which a letter may take four.
MOST_LETTERS = 60


def take(items: Sequence[Found], banks: Path, state: Path) -> Outcome:
    """What is new among them. banks: the folder of banks.  state: where what was taken over is kept.

    Raises BankUnwritableError where there is no such folder.
    """
    with _alone(banks):
        taker = _Taker(banks, state)
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
        for left in (*banks.glob(".*.partial"), *(banks / LOOSE).glob(".*.partial")):
            _remove(left)
        yield
    finally:
        os.close(folder)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


class _Taker:
    def __init__(self, banks: Path, state: Path) -> None:
        self.outcome = Outcome()
        self._banks, self._state = banks, state
        self._known = read_taken(state)
        self._changed = False

    def take_all(self, items: Sequence[Found]) -> None:
        fresh: list[tuple[Found, str]] = []
        for found in items:
            digest = self._look(found)
            if digest:
                fresh.append((found, digest))
        # What was begun and not ended may have ended us: all others come first.
        for found, digest in sorted(fresh, key=lambda one: one[1] in self._known.coming):
            self._take(found, digest)
        if not self._changed:
            return
        try:
            write_taken(self._known, self._state)
        except SettingsError as error:
            # What has come is known as coming: it does not come again.
            self.outcome.problems.append(shown(error))

    def _look(self, found: Found) -> str:
        """Its digest, if there is something to be done."""
        known = self._known
        digest = known.seen.get(found.stamp, "")
        if not digest:
            try:
                digest = contents.digest(found)
            except NampedalError as error:
                self.outcome.problems.append(shown(error))
                return ""
            known.seen[found.stamp] = digest
            # What it was called when it was refused it may not be called now.
            known.refused.pop(digest, None)
            self._changed = True
        if digest in known.refused:
            self.outcome.problems.append(known.refused[digest])
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
        known.coming.pop(digest, None)
        known.taken[digest] = name
        self._changed = True
        if name not in self.outcome.taken:
            self.outcome.taken.append(name)

    def _bring(self, found: Found, digest: str) -> str:
        """What the bank is called then. Raises a NampedalError."""
        _check_room(found, self._banks)
        name = LOOSE if found.kind == ARTIFACT else free_name(clean(found.path), self._banks)
        self._known.coming[digest] = name
        write_taken(self._known, self._state)
        if found.kind == ARTIFACT:
            bring_artifact(found.path, self._banks)
        elif found.kind == BANK_FILE:
            with contents.opened(found.path):
                import_bank(found.path, self._banks, name)
        else:
            _settle(found.path, self._banks, name)
        return name

    def _refuse(self, found: Found, digest: str, error: NampedalError) -> None:
        text = shown(error)
        self.outcome.problems.append(text)
        self._known.coming.pop(digest, None)
        self._changed = True
        # A full or a failing disk may be better next time; a broken file is not.
        if not isinstance(error, OSError):
            self._known.refused[digest] = text


def clean(path: Path) -> str:
    """What a bank made of this file or folder may be called."""
    stem = path.name if path.suffix.lower() != bank_file.SUFFIX else path.stem
    return shown(stem).replace("?", "-").strip(" .")[:MOST_LETTERS].strip() or BANK


def free_name(name: str, folder: Path, suffix: str = "") -> str:
    """With a number behind it where there is one already. Raises FileTakenError."""
    for one in _names(name):
        if not os.path.lexists(folder / f"{one}{suffix}"):
            return one
    raise FileTakenError(f"{folder / name}: is there {MOST_SAME_NAMES} times already; remove some of them")


def _names(name: str) -> list[str]:
    return [name, *(f"{name}-{number}" for number in range(2, MOST_SAME_NAMES + 1))]


def _check_room(found: Found, banks: Path) -> None:
    """Raises DataFullError."""
    if found.kind == BANK:
        size = sum((found.path / name).lstat().st_size for name in contents.files_of_bank(found.path))
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
        data = contents.read(source, name, left)
        left -= len(data)
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_through(data, path)
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
