"""The journal of import attempts that began and did not end: the file may have crashed the process or the machine.

It is written before each attempt. A file whose import began twice and never ended is not tried again until it changes.
"""

from __future__ import annotations

import logging
from importlib.metadata import version
from pathlib import Path

from nampedal.firmware.base.errors import SettingsError
from nampedal.firmware.base.files.durable_toml import read_plain
from nampedal.firmware.base.files.toml_schema import (
    check_format,
    check_keys,
    load_toml,
    number_of,
    save,
    table_of,
    text_of,
    to_toml,
)

FORMAT = 1
MAX_ATTEMPTS = 2
# Maximum number of entries of a table. The last ones are kept.
MAX_ENTRIES = 1000

_log = logging.getLogger(__name__)


class ImportJournal:
    """The journal. attempts: the number of begun imports of an item, by its stamp.  given_up: the reason, by the stamp.

    Items that another version of nampedal gave up are tried again.
    """

    def __init__(self, path: Path) -> None:
        self.attempts: dict[str, int] = {}
        self.given_up: dict[str, str] = {}
        self._path = path
        self._written = b""

    def begin(self, stamp: str) -> None:
        """Record that an attempt begins. It is on the disk before this returns. Raises SettingsError."""
        self.attempts[stamp] = self.attempts.get(stamp, 0) + 1
        self.write()

    def undo(self, stamp: str) -> None:
        """Take back the last attempt. The next `write` saves this."""
        self.attempts[stamp] = self.attempts.get(stamp, 1) - 1
        if not self.attempts[stamp]:
            del self.attempts[stamp]

    def end(self, stamp: str) -> None:
        """Record that the attempt ended, with any result. The next `write` saves this."""
        self.attempts.pop(stamp, None)

    def give_up(self, stamp: str, why: str) -> None:
        """Record that an item is not tried again. why: one line. The next `write` saves this."""
        self.end(stamp)
        self.given_up[stamp] = why

    def write(self) -> None:
        """Save the journal if it has changed. Raises SettingsError."""
        tables = {
            name: dict([*table.items()][-MAX_ENTRIES:])
            for name, table in (("attempts", self.attempts), ("given_up", self.given_up))
            if table
        }
        data = to_toml({"format": FORMAT, "version": version("nampedal"), **tables})
        if not self._written and not tables and not self._path.exists():
            return
        if data != self._written:
            save(data, self._path)
            self._written = data


def read_journal(path: Path, below: Path | None = None) -> ImportJournal:
    """Read the journal. It is empty if there is none, or if it can't be read, which is logged.

    below: a folder; no symbolic link below it is followed.
    """
    journal = ImportJournal(path)
    try:
        data = read_plain(path, below)
        _parse(data, str(path), journal)
        journal._written = data
    except SettingsError as error:
        if not isinstance(error.__cause__, FileNotFoundError):
            _log.warning("%s; what ended an import before is tried again", error)
        return ImportJournal(path)
    return journal


def _parse(data: bytes, where: str, journal: ImportJournal) -> None:
    values = load_toml(where, data)
    check_format(where, values, FORMAT)
    check_keys(where, "", values, ("format", "version"), ("attempts", "given_up"))
    if "attempts" in values:
        table = table_of(where, "attempts", values, "stamps")
        journal.attempts = {key: int(number_of(where, f"attempts.{key}", table, (1, 99), whole=True)) for key in table}
    if "given_up" in values and text_of(where, "version", values) == version("nampedal"):
        table = table_of(where, "given_up", values, "stamps")
        journal.given_up = {key: text_of(where, f"given_up.{key}", table) for key in table}
