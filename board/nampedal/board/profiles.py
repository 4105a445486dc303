"""What profiles of every kind share: how one is found, and facts: numbers that say where they come from."""

from __future__ import annotations

import os
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Generic, TypeVar

from nampedal.board import places
from nampedal.board.errors import SettingsError, SettingsUnreadableError
from nampedal.board.settings import Values, check_keys, number_of, one_of, reason, table_of, text_of

# stated: by who makes the board or the HAT.  chosen: by us, for a reason.
STATUSES = ("stated", "measured", "estimated", "chosen")
FACT_KEYS = ("value", "status", "source")
Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True)
class Fact(Generic[Number]):
    """A number, its status (one of `STATUSES`), and who stated it, how it came about, or why it was chosen."""

    value: Number
    status: str
    source: str


def config_folder() -> Path:
    """Where the user's own settings are, whether it exists or not."""
    config = os.environ.get("XDG_CONFIG_HOME", "")
    # A relative path is none by the XDG base directory specification.
    return Path(config if os.path.isabs(config) else os.path.expanduser("~/.config"), "nampedal")


def own_folder(kind: str) -> Path:
    """Where the user's own profiles are, whether it exists or not. kind: what one is called, such as board."""
    return config_folder() / _folder(kind)


def is_ours(path: Traversable, kind: str) -> bool:
    """Whether it is shipped."""
    return any(path == entry for entry in _shipped(kind).iterdir())


def keys(kind: str) -> list[str]:
    """What can be asked for, in alphabetical order. Raises SettingsUnreadableError."""
    return sorted(_found(kind))


def find(kind: str, key_or_path: str | Path, unknown: type[SettingsError]) -> Traversable:
    """The file of a known key: the user's own, or else the pedal's, or ours. What ends in .toml is a path.

    Raises `unknown`; SettingsUnreadableError.
    """
    asked = str(key_or_path)
    if asked.endswith(".toml"):
        return Path(asked)
    found = _found(kind)
    if asked not in found:
        known = sorted(found)
        near = get_close_matches(asked, known, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise unknown(
            f"{kind} {asked!r}: is unknown; {hint}known are {', '.join(known)}; the path of a file has to end in .toml"
        )
    return found[asked]


def key_of(path: Traversable) -> str:
    """What the profile in this file is asked for by."""
    return path.name.removesuffix(".toml")


def read(path: Traversable) -> bytes:
    """Raises SettingsUnreadableError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsUnreadableError(f"{path}: can't be read: {reason(error)}") from error


def whole_fact_of(where: str, name: str, values: Values, limits: tuple[int, int]) -> Fact[int]:
    """A whole number within limits, ends included, as a table of `FACT_KEYS`."""
    fact = _table_of(where, name, values)
    value = number_of(where, f"{name}.value", fact, limits, whole=True)
    return Fact(int(value), *_origin_of(where, name, fact))


def fact_of(where: str, name: str, values: Values, limits: tuple[int, int]) -> Fact[float]:
    """A number within limits, ends included, as a table of `FACT_KEYS`."""
    fact = _table_of(where, name, values)
    value = number_of(where, f"{name}.value", fact, limits)
    return Fact(value, *_origin_of(where, name, fact))


def _folder(kind: str) -> str:
    return f"{kind.lower()}s"


def _shipped(kind: str) -> Traversable:
    return resources.files("nampedal.board") / "hw-profiles" / _folder(kind)


def _in(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise SettingsUnreadableError(f"{folder}: can't be read: {reason(error)}") from error


def _found(kind: str) -> dict[str, Traversable]:
    found: dict[str, Traversable] = {}
    for entry in (*_shipped(kind).iterdir(), *_in(places.PROFILES / _folder(kind)), *_in(own_folder(kind))):
        if entry.name.endswith(".toml") and not entry.name.startswith("."):
            found[key_of(entry)] = entry
    return found


def _table_of(where: str, name: str, values: Values) -> Values:
    fact = table_of(where, name, values, ", ".join(FACT_KEYS))
    check_keys(where, f"{name}.", fact, FACT_KEYS)
    return fact


def _origin_of(where: str, name: str, fact: Values) -> tuple[str, str]:
    return one_of(where, f"{name}.status", fact, STATUSES), text_of(where, f"{name}.source", fact)
