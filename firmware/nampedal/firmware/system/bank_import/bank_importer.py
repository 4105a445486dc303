"""Imports banks and artifacts: checks each in a temporary folder, and renames it to its final name only when complete.

It runs as the unprivileged user in its own process, so that a hostile file can harm only that process.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nampedal.firmware.base.errors import (
    BankError,
    FileAccessError,
    ImportEndedError,
    ImportNotStartedError,
    ImportStoppedError,
    MissingPackageError,
    NampedalError,
    SettingsError,
)
from nampedal.firmware.base.faults import describe_failure
from nampedal.firmware.base.files.atomic_write import move_into_place, sync_folder, write_pieces_through
from nampedal.firmware.base.files.toml_schema import os_error_text
from nampedal.firmware.presets.banks import bank_file, bank_signature
from nampedal.firmware.presets.banks.bank import BankEntry, check_all_presets, read_bank
from nampedal.firmware.presets.banks.bank_file import MAX_BYTES, import_bank
from nampedal.firmware.system.bank_import import pack_import, safe_read
from nampedal.firmware.system.bank_import.free_names import clean, free_name
from nampedal.firmware.system.bank_import.import_journal import MAX_ATTEMPTS, read_journal
from nampedal.firmware.system.bank_import.import_ledger import read_ledger, unseeded, write_taken
from nampedal.firmware.system.bank_import.import_result import ImportResult
from nampedal.firmware.system.bank_import.import_scan import ARTIFACT, BANK, BANK_FILE, PACK, Candidate, shown
from nampedal.firmware.system.bank_import.loose_files import LOOSE, bring_artifact
from nampedal.firmware.system.host.root_paths import JOURNAL

# Free space that must remain, so that presets can be saved.
RESERVE_BYTES = 8 << 20
# Maximum length of a problem's text, in characters: it may quote a file.
MAX_LINE = 500


Run = Callable[[Callable[[], Any], str], Any]


def here(do: Callable[[], Any], name: str) -> Any:
    """Call do() in this process. name: of the file; not used."""
    return do()


def import_items(items: Sequence[Candidate], banks: Path, state: Path, run: Run = here) -> ImportResult:
    """Import the new ones of the items. banks: the folder of banks.  state: the file of the ledger.

    run: calls the functions that open an item; `limited_step.Worker` does so in a separate process.
    Raises FileAccessError if the folder of banks can't be opened.
    """
    with _alone(banks):
        taker = _BankImporter(banks, state, run)
        taker.take_all(items)
    return taker.outcome


def install_factory_banks(source: Path, banks: Path, state: Path) -> None:
    """Install the factory banks, each only once. Raises FileAccessError; SettingsError of the ledger."""
    with _alone(banks):
        taken = read_ledger(state)
        new = unseeded(source, taken)
        for name in new:
            if not os.path.lexists(banks / name):
                _settle(source / banks.name / name, banks, name)
            taken.seeded.append(name)
        if new:
            write_taken(taken, state)


@contextmanager
def _alone(banks: Path) -> Iterator[None]:
    """Hold the lock on the folder of banks, because two USB sticks start two imports.

    Removes incomplete copies that a power cut left. Raises FileAccessError.
    """
    try:
        folder = os.open(banks, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise FileAccessError(f"{banks}: can't be written: {os_error_text(error)}") from error
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


class _BankImporter:
    def __init__(self, banks: Path, state: Path, run: Run) -> None:
        self.outcome = ImportResult()
        self._banks, self._state, self._run = banks, state, run
        self._known = read_ledger(state)
        self._journal = read_journal(state.with_name(JOURNAL.name))
        self._changed = False

    def take_all(self, items: Sequence[Candidate]) -> None:
        begun = [one for one in items if one.stamp in self._journal.attempts]
        # An item whose import began and did not end may have crashed the process, so it comes last.
        self._import_items([one for one in items if one not in begun])
        self._import_items(begun)
        try:
            self._journal.write()
            if self._changed:
                write_taken(self._known, self._state)
        except SettingsError as error:
            # The ledger on the disk has each imported item as coming, so it is not imported again.
            self._report(error)

    def _import_items(self, items: Sequence[Candidate]) -> None:
        fresh: list[tuple[Candidate, str]] = []
        for found in items:
            with self._alone(found):
                digest = self._digest_if_new(found)
                if digest:
                    fresh.append((found, digest))
        for found, digest in sorted(fresh, key=lambda one: one[1] in self._known.coming):
            with self._alone(found):
                self._import_item(found, digest)

    @contextmanager
    def _alone(self, found: Candidate) -> Iterator[None]:
        """Report an unexpected exception of one item, so that the others go on."""
        try:
            yield
        except Exception as error:
            self._report(describe_failure(found.path, "can't be taken over: nampedal itself went wrong", error))

    def _report(self, problem: object) -> str:
        """Report a problem. Return it as one line."""
        line = shown(problem)
        line = line if len(line) <= MAX_LINE else f"{line[:MAX_LINE]}..."
        self.outcome.problems.append(line)
        return line

    def _attempt(self, found: Candidate, do: Callable[[], Any]) -> Any:
        """Record the attempt in the journal, then call do() and return its result.

        Raises NampedalError for every failure; ImportEndedError if the process crashed or was killed.
        """
        self._journal.begin(found.stamp)
        try:
            return self._run(do, found.path.name)
        except (ImportEndedError, ImportStoppedError, ImportNotStartedError) as error:
            raise type(error)(f"{found.path}: can't be taken over: {error}") from error
        except NampedalError:
            raise
        except Exception as error:
            raise ImportStoppedError(
                describe_failure(found.path, "can't be taken over: nampedal itself went wrong", error)
            ) from error
        finally:
            _clean_up(self._banks)

    def _digest_if_new(self, found: Candidate) -> str:
        """Return the item's digest if it has to be imported; otherwise an empty text."""
        known, journal = self._known, self._journal
        if found.stamp in journal.given_up:
            self._report(journal.given_up[found.stamp])
            return ""
        if journal.attempts.get(found.stamp, 0) >= MAX_ATTEMPTS:
            self._give_up(found, f"{found.path}: was begun {MAX_ATTEMPTS} times, and nampedal did not come to its end")
            return ""
        digest = known.seen.get(found.stamp, "")
        if not digest:
            try:
                digest = str(self._attempt(found, lambda: safe_read.digest(found)))
            except NampedalError as error:
                self._refuse(found, "", error)
                return ""
            journal.undo(found.stamp)
            known.seen[found.stamp] = digest
            # The text of an earlier refusal may have an old file name.
            known.refused.pop(digest, None)
            self._changed = True
        if digest in known.refused:
            self._report(known.refused[digest])
            return ""
        return "" if digest in known.taken else digest

    def _import_item(self, found: Candidate, digest: str) -> None:
        known = self._known
        if digest in known.taken:
            # Two items have the same content.
            return
        name = known.coming.get(digest, "")
        if found.kind == ARTIFACT or not (name and (self._banks / name).is_dir()):
            # Otherwise a power cut came after the renaming: the bank is there and complete.
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

    def _bring(self, found: Candidate, digest: str) -> str:
        """Import an item. Return the name of the bank's folder. Raises a NampedalError."""
        name = LOOSE if found.kind == ARTIFACT else free_name(clean(found.path), self._banks)
        self._known.coming[digest] = name
        write_taken(self._known, self._state)
        for note in self._attempt(found, lambda: _bring(found, self._banks, name)):
            self._report(note)
        return name

    def _refuse(self, found: Candidate, digest: str, error: NampedalError) -> None:
        """Report a failed import, and record if it is tried again. digest: of the item; empty if not known."""
        self._changed = True
        attempts = self._journal.attempts.get(found.stamp, 0)
        if isinstance(error, ImportEndedError):
            # The first time, the process may have been ended for another reason. The second time, it is the item.
            if attempts < MAX_ATTEMPTS:
                self._report(f"{error}; it is tried once more at the next start")
            else:
                self._known.coming.pop(digest, None)
                self._give_up(found, error)
            return
        text = self._report(error)
        self._journal.end(found.stamp)
        self._known.coming.pop(digest, None)
        # A full or failing disk may work at the next start, and LiteRT may be installed by then: other errors are
        # recorded.
        if isinstance(error, (OSError, MissingPackageError)):
            return
        if digest:
            self._known.refused[digest] = text
        else:
            self._journal.give_up(found.stamp, text)

    def _give_up(self, found: Candidate, why: object) -> None:
        self._journal.give_up(found.stamp, self._report(f"{why}; it is not tried again: replace it, or remove it"))


def _bring(found: Candidate, banks: Path, name: str) -> list[str]:
    """Import an item as the bank `name`. Return lines about the parts that were left out. Raises a NampedalError."""
    notes: list[str] = []
    if found.kind == BANK_FILE:
        # `opened` refuses symbolic links and pipes.
        with safe_read.opened(found.path):
            bank_signature.signer_of(found.path)
            _check_room(found, banks)
            import_bank(found.path, banks, name, on_note=notes.append)
        return notes
    if found.kind == PACK:
        with safe_read.opened(found.path):
            _check_room(found, banks)
            pack_import.bring(found.path, banks, name, notes.append)
        return notes
    _check_room(found, banks)
    if found.kind == ARTIFACT:
        bring_artifact(found.path, banks)
    else:
        _settle(found.path, banks, name)
    return notes


def _check_room(found: Candidate, banks: Path) -> None:
    """Check that there is room for the unpacked item. Raises FileAccessError, and the errors of reading the item."""
    if found.kind == BANK:
        size = sum((found.path / name).lstat().st_size for name in safe_read.files_of_bank(found.path))
    elif found.kind == BANK_FILE:
        size = bank_file.read_contents(found.path).size
    elif found.kind == PACK:
        size = pack_import.size_of(found.path)
    else:
        size = found.path.lstat().st_size
    free = os.statvfs(banks)
    room = free.f_bavail * free.f_frsize - RESERVE_BYTES
    if size > room:
        raise FileAccessError(
            f"{shown(found.path)}: has {size:,} bytes, and there is room for {max(0, room):,}; remove banks that you "
            "do not play"
        )


def _settle(source: Path, banks: Path, name: str) -> None:
    """Copy a bank's folder to the folder of banks, check it, and give it its name last. Raises a NampedalError."""
    target, partial = banks / name, banks / f".{name}.partial"
    try:
        partial.mkdir()
        _copy(source, partial)
        bank = read_bank(partial)
        wrong = [trouble for entry in check_all_presets(bank) for trouble in _troubles(entry)]
        if wrong or bank.problem:
            text = "; ".join([*wrong, *([bank.problem] if bank.problem else [])]).replace(f"{partial}/", "")
            raise BankError(f"{source}: can't be taken over: {text}; mend it there")
        move_into_place(partial, target)
    except NampedalError as error:
        # The message names the source, which the player knows, and not the temporary copy.
        raise type(error)(str(error).replace(str(partial), str(source))) from error
    except OSError as error:
        raise FileAccessError(f"{source}: can't be taken over: {os_error_text(error)}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _troubles(entry: BankEntry) -> list[str]:
    return [f"{entry.path.name}: {name} is missing" for name in entry.missing] + list(entry.problems)


def _copy(source: Path, target: Path) -> None:
    """Copy a bank's files and sync them to the disk."""
    left = MAX_BYTES
    for name in safe_read.files_of_bank(source):
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_pieces_through(safe_read.pieces(source, name, left), path)
        left -= path.stat().st_size
        sync_folder(path.parent)
    sync_folder(target)
