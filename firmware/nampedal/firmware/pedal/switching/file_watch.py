"""Detects changed files of banks while the pedal plays.

A thread reads the stamps of the files with stat(2) once a second. It reads a file only if its stamp has changed and
then stayed the same for one second. So a file that is still being copied is not read.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from nampedal.firmware.base.errors import NampedalError, SettingsError, SettingsUnreadableError
from nampedal.firmware.base.faults import FaultIsolator, describe_error, describe_failure
from nampedal.firmware.base.listing import is_clutter
from nampedal.firmware.presets.banks.bank import Bank, banks_in, own_file, read_any_bank
from nampedal.firmware.presets.preset_content import Content, PresetContents, Stamps, file_stamp

POLL_S = 1.0
# Banks beyond this number are playable, and found by 'rescan', but the watch skips them: a scan must be short.
MAX_BANKS = 200
# The key for the stamps of all folders together.
_PLACES = Path()


@dataclass(frozen=True, slots=True)
class WatchedFiles:
    """The files to watch.

    paths: the presets.
    bank: their folder; None: the presets were given one by one.
    banks_folder: the folder of all banks; None: there is none.
    """

    paths: tuple[Path, ...] = ()
    bank: Path | None = None
    banks_folder: Path | None = None


@dataclass(frozen=True, slots=True)
class ScanResult:
    """The result of one scan.

    files: the watched files.
    contents: of the presets that were read.
    bank, banks: as they are now; None: they were not read, or they cannot be read (then the problem says why).
    asked: the numbers of the requests that this scan answers.
    """

    files: WatchedFiles
    contents: Mapping[Path, Content]
    bank: Bank | None = None
    banks: tuple[Path, ...] | None = None
    bank_problem: NampedalError | None = None
    banks_problem: NampedalError | None = None
    asked: tuple[int, ...] = ()


class FileWatch:
    """Watches files in its own thread. Call follow(), ask() and take_results() from one thread."""

    def __init__(self, contents: PresetContents, poll_s: float = POLL_S) -> None:
        self._contents = contents
        self._poll_s = poll_s
        self._followed = WatchedFiles()
        # By path: the stamps of the last read, and the stamps of the last scan.
        self._read: dict[Path, Stamps] = {}
        self._last: dict[Path, Stamps] = {}
        self._results: queue.SimpleQueue[ScanResult] = queue.SimpleQueue()
        self._asked: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._number = 0
        self._wake = threading.Event()
        self._ends = False
        self._faults = FaultIsolator()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ends = True
        self._wake.set()
        self._thread.join()

    def follow(self, followed: WatchedFiles) -> None:
        """Set the files to watch, from the next scan on."""
        self._followed = followed

    def ask(self) -> int:
        """Make the thread read everything now, whatever the stamps are.

        Returns a number, which comes back in `ScanResult.asked`.
        """
        self._number += 1
        self._asked.put(self._number)
        self._wake.set()
        return self._number

    def take_results(self) -> list[ScanResult]:
        """Return the results since the last call."""
        found = []
        while not self._results.empty():
            found.append(self._results.get())
        return found

    def _run(self) -> None:
        while True:
            self._wake.wait(self._poll_s)
            self._wake.clear()
            if self._ends:
                return
            asked = []
            while not self._asked.empty():
                asked.append(self._asked.get())
            try:
                self._poll(self._followed, tuple(asked))
            except Exception as error:
                # The thread must survive: without it, no edit is noticed any more.
                self._faults.report("looking whether files have changed", error)
                if asked:
                    problem = SettingsUnreadableError(f"rescan: failed: {describe_error(error)}")
                    self._results.put(ScanResult(self._followed, {}, banks_problem=problem, asked=tuple(asked)))

    def _poll(self, followed: WatchedFiles, asked: tuple[int, ...]) -> None:
        anew = bool(asked)
        contents = {}
        for path in followed.paths:
            try:
                content = self._changed(path, anew)
            except Exception as error:
                self._faults.report(f"looking whether {path} has changed", error)
                continue
            if content is not None:
                contents[path] = content
        found = ScanResult(followed, contents, asked=asked)
        places = _stamps(_places(followed))
        if places and (self._settled(_PLACES, places) or anew):
            self._read[_PLACES] = places
            found = _with_banks(found)
        if found != ScanResult(followed, {}):
            self._results.put(found)
        for key in self._read.keys() - {*followed.paths, _PLACES}:
            del self._read[key]

    def _changed(self, path: Path, anew: bool) -> Content | None:
        """Return the current content if it may differ from the one that was read last; else None."""
        before = self._contents.stamps(path)
        if not self._settled(path, before) and not anew:
            return None
        content = self._contents.read(path, anew=anew)
        # Only the read finds out which files the preset names, so `after` may have more of them than `before`. A file
        # that was written during the read counts as changed in the next scan.
        after = self._contents.stamps(path)
        self._last[path] = after
        if dict(before) == {one: found for one, found in after if one in dict(before)}:
            self._read[path] = after
        return content

    def _settled(self, key: Path, now: Stamps) -> bool:
        """Return True if the stamps differ from those of the last read, but not from those of the last scan."""
        same = self._last.get(key) == now
        self._last[key] = now
        return same and self._read.get(key) != now


def _places(followed: WatchedFiles) -> list[Path]:
    """Return the paths that define which banks and presets exist: folders, and the own file of the bank."""
    bank_paths = [followed.bank, own_file(followed.bank)] if followed.bank is not None else []
    if followed.banks_folder is None:
        return bank_paths
    try:
        with os.scandir(followed.banks_folder) as entries:
            beside = sorted(
                Path(one.path) for one in islice(entries, MAX_BANKS) if not is_clutter(one.name) and one.is_dir()
            )
    except OSError:
        beside = []
    return [followed.banks_folder, *beside, *bank_paths]


def _stamps(places: Sequence[Path]) -> Stamps:
    return tuple((path, file_stamp(path)) for path in places)


def _with_bank(found: ScanResult, bank: Bank) -> ScanResult:
    """Add a bank to a result.

    While bank.toml has an error, the presets keep their current order, so that no footswitch changes its preset.
    """
    if not bank.problem:
        return replace(found, bank=bank)
    kept = [path for path in found.files.paths if path in bank.presets]
    bank = replace(bank, presets=tuple(dict.fromkeys((*kept, *bank.presets))))
    return replace(found, bank=bank, bank_problem=SettingsError(bank.problem))


def _with_banks(found: ScanResult) -> ScanResult:
    """Add the list of banks and the current bank to a result, or the problems with them."""
    files = found.files
    try:
        if files.banks_folder is not None:
            found = replace(found, banks=tuple(path.resolve() for path in banks_in(files.banks_folder)))
    except Exception as error:
        found = replace(found, banks_problem=_problem(files.banks_folder, error))
    try:
        if files.bank is not None:
            found = _with_bank(found, read_any_bank(files.bank))
    except Exception as error:
        found = replace(found, bank_problem=_problem(files.bank, error))
    return found


def _problem(folder: Path | None, error: Exception) -> NampedalError:
    """Return any exception as a NampedalError, so that the contents of presets are still reported."""
    if isinstance(error, NampedalError):
        return error
    return SettingsUnreadableError(describe_failure(folder, "can't be read", error))
