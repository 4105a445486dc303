"""Boards: hw-profiles/boards/*.toml, checked and typed. Every number says where it comes from."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from nampedal.board.errors import (
    ProfileKeyError,
    ProfileSyntaxError,
    ProfileUnreadableError,
    ProfileValueError,
    UnknownProfileError,
)

# stated: by who makes the board.
STATUSES = ("stated", "measured", "estimated")
# What each number may be. Their units are in their names.
LIMITS = {
    "cores": (1, 64),
    "clock_mhz": (100, 10_000),
    "ram_mib": (64, 1 << 20),
    "period_frames": (8, 8192),
    "budget_percent": (1, 95),
}
_FACT_KEYS = ("value", "status", "source")


@dataclass(frozen=True, slots=True)
class Fact:
    """A number, whether it was stated, measured or estimated, and by whom or from what."""

    value: int
    status: str
    source: str


@dataclass(frozen=True, slots=True)
class Board:
    """features: of the CPU, as /proc/cpuinfo names them.  budget_percent: of one core, what models may take.

    period_frames: what JACK is run with unless the player says otherwise.
    """

    key: str
    name: str
    cpu: str
    features: tuple[str, ...]
    cores: Fact
    clock_mhz: Fact
    ram_mib: Fact
    period_frames: Fact
    budget_percent: Fact


def board_keys() -> list[str]:
    """What boards can be asked for, in alphabetical order."""
    return sorted(entry.name.removesuffix(".toml") for entry in _folder().iterdir() if entry.name.endswith(".toml"))


def read_board(key: str) -> Board:
    """The profile of a board that nampedal brings along. Raises UnknownProfileError, or as `parse_board`."""
    if key not in board_keys():
        raise UnknownProfileError(f"board {key!r}: is unknown; known are {', '.join(board_keys())}")
    return load_board(_folder() / f"{key}.toml")


def load_board(path: Traversable) -> Board:
    """A profile from a file. Raises a ProfileError that names file and key."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ProfileUnreadableError(f"{path}: can't be read: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        raise ProfileSyntaxError(f"{path}: is not TOML: it is not UTF-8") from error
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProfileSyntaxError(f"{path}: is not TOML: {str(error).lower()}") from error
    where = str(path)
    _check_keys(where, "", values, ("name", "cpu", "features", *LIMITS))
    features = values["features"]
    if not isinstance(features, list) or not all(isinstance(feature, str) for feature in features):
        raise ProfileValueError(f"{where}: features: is {features!r}; a list of names is needed")
    return Board(
        key=path.name.removesuffix(".toml"),
        name=_text(where, "name", values),
        cpu=_text(where, "cpu", values),
        features=tuple(features),
        **{name: _fact(where, name, values[name]) for name in LIMITS},
    )


def _folder() -> Traversable:
    return resources.files("nampedal.board") / "hw-profiles" / "boards"


def _check_keys(where: str, table: str, values: Mapping[str, Any], wanted: tuple[str, ...]) -> None:
    for key in values:
        if key not in wanted:
            near = difflib.get_close_matches(key, wanted, 1)
            hint = f"; did you mean {near[0]}?" if near else f"; known are {', '.join(wanted)}"
            raise ProfileKeyError(f"{where}: {table}{key}: is no key of a board's profile{hint}")
    for key in wanted:
        if key not in values:
            raise ProfileKeyError(f"{where}: {table}{key}: is missing; a board's profile needs it")


def _text(where: str, key: str, values: Mapping[str, Any]) -> str:
    value = values[key.rpartition(".")[2]]
    if not isinstance(value, str) or not value:
        raise ProfileValueError(f"{where}: {key}: is {value!r}; a text is needed")
    return value


def _fact(where: str, name: str, values: Any) -> Fact:
    if not isinstance(values, dict):
        raise ProfileValueError(f"{where}: {name}: is {values!r}; a table of {', '.join(_FACT_KEYS)} is needed")
    _check_keys(where, f"{name}.", values, _FACT_KEYS)
    low, high = LIMITS[name]
    value, status = values["value"], values["status"]
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ProfileValueError(f"{where}: {name}.value: is {value!r}; a whole number from {low} to {high} is needed")
    if status not in STATUSES:
        raise ProfileValueError(f"{where}: {name}.status: is {status!r}; known are {', '.join(STATUSES)}")
    return Fact(value, status, _text(where, f"{name}.source", values))
