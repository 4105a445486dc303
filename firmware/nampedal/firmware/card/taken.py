"""What was taken over already, by its contents: what the player then deleted or changed does not come back."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from nampedal.board.errors import SettingsError, SettingValueError
from nampedal.board.settings import Values, check_format, check_keys, load_toml, table_of, text_of, texts_of, to_toml
from nampedal.firmware.store import read_safely, write_safely

FORMAT = 1
_TABLES = ("taken", "coming", "refused", "seen")
# Of each kind, the last ones.
MOST = 1000
_DIGEST = re.compile(r"[0-9a-f]{64}")

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Taken:
    """By the digest of what lay there: taken, coming: the folder that it has become, or was to become when the power
    went.  refused: why, by the nampedal of this version.

    seen: digests by the stamps of what lies on the card, which is not read again.
    seeded: banks that came with nampedal.
    """

    taken: dict[str, str] = field(default_factory=dict)
    coming: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)
    seeded: list[str] = field(default_factory=list)

    def knows(self, stamp: str) -> bool:
        """Whether there is nothing left to do about it."""
        digest = self.seen.get(stamp)
        return digest is not None and (digest in self.taken or digest in self.refused)


def read_taken(path: Path, below: Path | None = None) -> Taken:
    """Empty where there is none; of one that can't be read, the log says why.

    below: a folder; no symbolic link below it is followed.
    """
    try:
        stored = read_safely(path, below)
        found = _parse(stored.data, str(path))
    except SettingsError as error:
        if not isinstance(error.__cause__, FileNotFoundError):
            _log.warning("%s; what the card brings may come once more", error)
        return Taken()
    if stored.warning:
        _log.warning("%s", stored.warning)
    return found


def write_taken(taken: Taken, path: Path) -> None:
    """Raises SettingsError."""
    tables = {name: dict([*getattr(taken, name).items()][-MOST:]) for name in _TABLES if getattr(taken, name)}
    data = to_toml({"format": FORMAT, "version": version("nampedal"), "seeded": sorted(taken.seeded), **tables})
    _parse(data, str(path))
    write_safely(path, data)


def unseeded(source: Path, taken: Taken) -> list[str]:
    """Banks of what came with nampedal that have not been there yet."""
    folder = source / "banks"
    names = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    return [name for name in names if name not in taken.seeded]


def _parse(data: bytes, where: str) -> Taken:
    values = load_toml(where, data)
    check_format(where, values, FORMAT)
    check_keys(where, "", values, ("format", "version", "seeded"), _TABLES)
    tables = {name: _table(where, name, values) for name in _TABLES if name in values}
    if text_of(where, "version", values) != version("nampedal"):
        # A newer one may read more.
        tables.pop("refused", None)
    return Taken(**tables, seeded=list(texts_of(where, "seeded", values)))


def _table(where: str, name: str, values: Values) -> dict[str, str]:
    table = table_of(where, name, values, "digests")
    for key in table:
        if _DIGEST.fullmatch(key) is None:
            raise SettingValueError(f"{where}: {name}: {key!r} is no SHA-256; 64 hexadecimal digits are needed")
    return {key: text_of(where, f"{name}.{key}", table) for key in table}
