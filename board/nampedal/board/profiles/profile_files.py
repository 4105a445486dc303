"""Finds and reads profile files of every kind, and parses facts: numbers that state their source."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path, PurePath
from typing import Generic, TypeVar

from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import SettingsError, SettingsUnreadableError
from nampedal.firmware.base.files.toml_schema import (
    Values,
    check_keys,
    number_of,
    one_of,
    os_error_text,
    read_text_file,
    table_of,
    text_of,
)
from nampedal.firmware.base.listing import is_clutter, suffix_of

# stated: by the maker of the board or the HAT.  chosen: by this project, for a reason.
STATUSES = ("stated", "measured", "estimated", "chosen")
_SUFFIX = ".toml"
FACT_KEYS = ("value", "status", "source")
Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True)
class Fact(Generic[Number]):
    """A number with its status and source.

    status: one of `STATUSES`.  source: who stated it, how it was measured or estimated, or why it was chosen.
    """

    value: Number
    status: str
    source: str


def config_folder() -> Path:
    """Return the folder of the user's own settings. It may not exist.

    It is where XDG_CONFIG_HOME says, else where the system has such folders.
    """
    config = os.environ.get("XDG_CONFIG_HOME", "")
    # The XDG base directory specification says to ignore a relative path.
    return Path(config if os.path.isabs(config) else _system_config(), "nampedal")


def _system_config() -> str:
    if sys.platform == "win32":
        return os.environ.get("APPDATA") or os.path.expanduser(r"~\AppData\Roaming")
    return os.path.expanduser("~/Library/Application Support" if sys.platform == "darwin" else "~/.config")


def own_folder(kind: str) -> Path:
    """Return the folder of the user's own profiles of a kind, such as "board". It may not exist."""
    return config_folder() / _folder(kind)


def is_shipped(path: Traversable, kind: str) -> bool:
    """Return True if the profile is shipped with nampedal."""
    return any(path == entry for entry in _shipped(kind).iterdir())


def keys(kind: str) -> list[str]:
    """Return the keys of all profiles of a kind, in alphabetical order. Raises SettingsUnreadableError."""
    return sorted(_found(kind))


def is_profile_path(asked: str) -> bool:
    """Return True if the text is the path of a profile (it ends in .toml), not a key."""
    return suffix_of(asked) == _SUFFIX


def find(kind: str, key_or_path: str | Path, unknown: type[SettingsError]) -> Traversable:
    """Return the file of a profile. A text that ends in .toml is a path; any other text is a key.

    Precedence for a key: the user's own profile, then the pedal maker's (system_paths.PROFILES), then the shipped one.
    Raises `unknown`; SettingsUnreadableError.
    """
    asked = str(key_or_path)
    if is_profile_path(asked):
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
    """Return the key of the profile in this file: the file name without .toml."""
    return PurePath(path.name).stem if suffix_of(path.name) == _SUFFIX else path.name


def read(path: Traversable) -> bytes:
    """Read a profile file. Raises SettingsUnreadableError."""
    try:
        return read_text_file(path)
    except OSError as error:
        raise SettingsUnreadableError(f"{path}: can't be read: {os_error_text(error)}") from error


def whole_fact_of(where: str, name: str, values: Values, limits: tuple[int, int]) -> Fact[int]:
    """Parse a table of `FACT_KEYS` with a whole number within limits, both ends included."""
    fact = _table_of(where, name, values)
    value = number_of(where, f"{name}.value", fact, limits, whole=True)
    return Fact(int(value), *_origin_of(where, name, fact))


def fact_of(where: str, name: str, values: Values, limits: tuple[int, int]) -> Fact[float]:
    """Parse a table of `FACT_KEYS` with a number within limits, both ends included."""
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
        raise SettingsUnreadableError(f"{folder}: can't be read: {os_error_text(error)}") from error


def _found(kind: str) -> dict[str, Traversable]:
    found: dict[str, Traversable] = {}
    for entry in (*_shipped(kind).iterdir(), *_in(system_paths.PROFILES / _folder(kind)), *_in(own_folder(kind))):
        if suffix_of(entry.name) == _SUFFIX and not is_clutter(entry.name):
            found[key_of(entry)] = entry
    return found


def _table_of(where: str, name: str, values: Values) -> Values:
    fact = table_of(where, name, values, ", ".join(FACT_KEYS))
    check_keys(where, f"{name}.", fact, FACT_KEYS)
    return fact


def _origin_of(where: str, name: str, fact: Values) -> tuple[str, str]:
    return one_of(where, f"{name}.status", fact, STATUSES), text_of(where, f"{name}.source", fact)
