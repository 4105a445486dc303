"""The ledger of imported content, by digest: content that the player deleted or changed later is not imported again."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from nampedal.firmware.base.errors import SettingsError, SettingValueError
from nampedal.firmware.base.files.durable_toml import read_safely, write_safely
from nampedal.firmware.base.files.toml_schema import (
    Values,
    check_format,
    check_keys,
    load_toml,
    table_of,
    text_of,
    texts_of,
    to_toml,
)

FORMAT = 1
_TABLES = ("taken", "coming", "refused", "seen")
# Maximum number of entries of a table. The last ones are kept.
MAX_ENTRIES = 1000
_DIGEST = re.compile(r"[0-9a-f]{64}")

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class ImportLedger:
    """The ledger of imports. The keys of taken, coming and refused are digests of the content.

    taken: the bank's folder that it became.  coming: the folder of an import that has begun and not ended.
    refused: the reason why this version of nampedal refused it.
    seen: the digests of files on the card, by their stamps, so that they are not read again.
    seeded: the names of the factory banks that were installed.
    """

    taken: dict[str, str] = field(default_factory=dict)
    coming: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)
    seeded: list[str] = field(default_factory=list)

    def knows(self, stamp: str) -> bool:
        """Return True if the file with this stamp was imported or refused."""
        digest = self.seen.get(stamp)
        return digest is not None and (digest in self.taken or digest in self.refused)


def read_ledger(path: Path, below: Path | None = None) -> ImportLedger:
    """Read the ledger. It is empty if there is none, or if it can't be read, which is logged.

    below: a folder; no symbolic link below it is followed.
    """
    try:
        stored = read_safely(path, below)
        found = _parse(stored.data, str(path))
    except SettingsError as error:
        if not isinstance(error.__cause__, FileNotFoundError):
            _log.warning("%s; what the card brings may come once more", error)
        return ImportLedger()
    if stored.warning:
        _log.warning("%s", stored.warning)
    return found


def write_taken(taken: ImportLedger, path: Path) -> None:
    """Write the ledger. Raises SettingsError."""
    tables = {name: dict([*getattr(taken, name).items()][-MAX_ENTRIES:]) for name in _TABLES if getattr(taken, name)}
    data = to_toml({"format": FORMAT, "version": version("nampedal"), "seeded": sorted(taken.seeded), **tables})
    _parse(data, str(path))
    write_safely(path, data)


def unseeded(source: Path, taken: ImportLedger) -> list[str]:
    """Return the names of the factory banks that have not been installed yet. source: the folder with "banks" in it."""
    folder = source / "banks"
    names = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    return [name for name in names if name not in taken.seeded]


def _parse(data: bytes, where: str) -> ImportLedger:
    values = load_toml(where, data)
    check_format(where, values, FORMAT)
    check_keys(where, "", values, ("format", "version", "seeded"), _TABLES)
    tables = {name: _table(where, name, values) for name in _TABLES if name in values}
    if text_of(where, "version", values) != version("nampedal"):
        # Another version of nampedal may accept what this one refused.
        tables.pop("refused", None)
    return ImportLedger(**tables, seeded=list(texts_of(where, "seeded", values)))


def _table(where: str, name: str, values: Values) -> dict[str, str]:
    table = table_of(where, name, values, "digests")
    for key in table:
        if _DIGEST.fullmatch(key) is None:
            raise SettingValueError(f"{where}: {name}: {key!r} is no SHA-256; 64 hexadecimal digits are needed")
    return {key: text_of(where, f"{name}.{key}", table) for key in table}
