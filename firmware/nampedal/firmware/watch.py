"""Sees that files of banks have changed while a pedal plays.

A thread of its own asks once a second for the stamps of the files: no more than stat(2). Only what has changed, and has
then been the same for a whole second, is read: a file that is still being copied is left alone.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from nampedal.board.errors import NampedalError
from nampedal.firmware.bank import OWN_FILE, Bank, banks_in, read_any_bank
from nampedal.firmware.content import Content, Contents, Stamps, stamp

LOOK_S = 1.0
# More banks are played, and found by 'rescan'; but no look may take long.
MOST_BANKS = 200
# What the stamps of all folders together are kept under.
_PLACES = Path()

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Followed:
    """paths: of presets.  bank: their folder; None: they were named one by one.  banks_folder: None: there is none."""

    paths: tuple[Path, ...] = ()
    bank: Path | None = None
    banks_folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look found. contents: of the presets that were read.

    bank, banks: as they are now; None: they were not read, or can't be, for the problem that stands beside.
    asked: numbers of the requests that this look answers.
    """

    of: Followed
    contents: Mapping[Path, Content]
    bank: Bank | None = None
    banks: tuple[Path, ...] | None = None
    bank_problem: NampedalError | None = None
    banks_problem: NampedalError | None = None
    asked: tuple[int, ...] = ()


class Watch:
    """follow(), ask() and take() in one thread; what is looked at in another."""

    def __init__(self, contents: Contents, look_s: float = LOOK_S) -> None:
        self._contents = contents
        self._look_s = look_s
        self._followed = Followed()
        # By path, the stamps with which it was read, and those of the last look.
        self._read: dict[Path, Stamps] = {}
        self._last: dict[Path, Stamps] = {}
        self._seen: queue.SimpleQueue[Seen] = queue.SimpleQueue()
        self._asked: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._number = 0
        self._wake = threading.Event()
        self._ends = False
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ends = True
        self._wake.set()
        self._thread.join()

    def follow(self, followed: Followed) -> None:
        """From the next look on."""
        self._followed = followed

    def ask(self) -> int:
        """Has everything be read at once, whatever its stamps are. The number comes back in `Seen.asked`."""
        self._number += 1
        self._asked.put(self._number)
        self._wake.set()
        return self._number

    def take(self) -> list[Seen]:
        """What was found since the last call."""
        found = []
        while not self._seen.empty():
            found.append(self._seen.get())
        return found

    def _run(self) -> None:
        while True:
            self._wake.wait(self._look_s)
            self._wake.clear()
            if self._ends:
                return
            asked = []
            while not self._asked.empty():
                asked.append(self._asked.get())
            try:
                self._look(self._followed, tuple(asked))
            except Exception:
                # It goes on looking: without this thread no edit would be heard any more.
                _log.exception("watch: the look failed")

    def _look(self, followed: Followed, asked: tuple[int, ...]) -> None:
        anew = bool(asked)
        read = {path: self._changed(path, anew) for path in followed.paths}
        contents = {path: content for path, content in read.items() if content is not None}
        found = Seen(followed, contents, asked=asked)
        places = _stamps(_places(followed))
        if places and (self._settled(_PLACES, places) or anew):
            self._read[_PLACES] = places
            found = _listed(found)
        if found != Seen(followed, {}):
            self._seen.put(found)
        for key in self._read.keys() - {*followed.paths, _PLACES}:
            del self._read[key]

    def _changed(self, path: Path, anew: bool) -> Content | None:
        """What is there now, if it may be something else than what was read last."""
        before = self._contents.stamps(path)
        if not self._settled(path, before) and not anew:
            return None
        content = self._contents.read(path, anew=anew)
        # The files that it names are known by now. What was written to while it was read is looked at again.
        after = self._contents.stamps(path)
        self._last[path] = after
        if dict(before) == {one: found for one, found in after if one in dict(before)}:
            self._read[path] = after
        return content

    def _settled(self, key: Path, now: Stamps) -> bool:
        """Return True if it has changed since it was read, and not since the last look."""
        same = self._last.get(key) == now
        self._last[key] = now
        return same and self._read.get(key) != now


def _places(followed: Followed) -> list[Path]:
    """What says which banks and presets there are: folders, and the bank's own file."""
    own = [followed.bank, followed.bank / OWN_FILE] if followed.bank is not None else []
    if followed.banks_folder is None:
        return own
    try:
        with os.scandir(followed.banks_folder) as entries:
            beside = sorted(
                Path(one.path) for one in islice(entries, MOST_BANKS) if one.name[0] != "." and one.is_dir()
            )
    except OSError:
        beside = []
    return [followed.banks_folder, *beside, *own]


def _stamps(places: Sequence[Path]) -> Stamps:
    return tuple((path, stamp(path)) for path in places)


def _listed(found: Seen) -> Seen:
    of = found.of
    try:
        if of.banks_folder is not None:
            found = replace(found, banks=tuple(path.resolve() for path in banks_in(of.banks_folder)))
    except NampedalError as error:
        found = replace(found, banks_problem=error)
    try:
        if of.bank is not None:
            found = replace(found, bank=read_any_bank(of.bank))
    except NampedalError as error:
        found = replace(found, bank_problem=error)
    return found
