"""What an import was begun with and did not come to the end of: it may have ended the process, or the machine.

It is written before each attempt. What was begun twice and never ended is not tried again until it changes.
"""

from __future__ import annotations

import logging
from importlib.metadata import version
from pathlib import Path

from nampedal.board.errors import SettingsError
from nampedal.board.settings import check_format, check_keys, load_toml, number_of, save, table_of, text_of, to_toml
from nampedal.firmware.store import read_plain

FORMAT = 1
MOST_ATTEMPTS = 2
# Of each kind, the last ones.
MOST = 1000

_log = logging.getLogger(__name__)


class Journal:
    """attempts: how often it was begun, by the stamp of what was to be imported.  given_up: why, by the stamp.

    What another version of nampedal gave up is tried again.
    """

    def __init__(self, path: Path) -> None:
        self.attempts: dict[str, int] = {}
        self.given_up: dict[str, str] = {}
        self._path = path
        self._written = b""

    def begin(self, stamp: str) -> None:
        """On the disk before it returns. Raises SettingsError."""
        self.attempts[stamp] = self.attempts.get(stamp, 0) + 1
        self.write()

    def undo(self, stamp: str) -> None:
        """The last attempt counts no more. On the disk with what comes next."""
        self.attempts[stamp] = self.attempts.get(stamp, 1) - 1
        if not self.attempts[stamp]:
            del self.attempts[stamp]

    def end(self, stamp: str) -> None:
        """It came to its end, whatever that is. On the disk with what comes next."""
        self.attempts.pop(stamp, None)

    def give_up(self, stamp: str, why: str) -> None:
        """why: one line. On the disk with what comes next."""
        self.end(stamp)
        self.given_up[stamp] = why

    def write(self) -> None:
        """What has changed since. Raises SettingsError."""
        tables = {
            name: dict([*table.items()][-MOST:])
            for name, table in (("attempts", self.attempts), ("given_up", self.given_up))
            if table
        }
        data = to_toml({"format": FORMAT, "version": version("nampedal"), **tables})
        if not self._written and not tables and not self._path.exists():
            return
        if data != self._written:
            save(data, self._path)
            self._written = data


def read_journal(path: Path, below: Path | None = None) -> Journal:
    """An empty one where there is none; of one that can't be read, the log says why.

    below: a folder; no symbolic link below it is followed.
    """
    journal = Journal(path)
    try:
        data = read_plain(path, below)
        _parse(data, str(path), journal)
        journal._written = data
    except SettingsError as error:
        if not isinstance(error.__cause__, FileNotFoundError):
            _log.warning("%s; what ended an import before is tried again", error)
        return Journal(path)
    return journal


def _parse(data: bytes, where: str, journal: Journal) -> None:
    values = load_toml(where, data)
    check_format(where, values, FORMAT)
    check_keys(where, "", values, ("format", "version"), ("attempts", "given_up"))
    if "attempts" in values:
        table = table_of(where, "attempts", values, "stamps")
        journal.attempts = {key: int(number_of(where, f"attempts.{key}", table, (1, 99), whole=True)) for key in table}
    if "given_up" in values and text_of(where, "version", values) == version("nampedal"):
        table = table_of(where, "given_up", values, "stamps")
        journal.given_up = {key: text_of(where, f"given_up.{key}", table) for key in table}
