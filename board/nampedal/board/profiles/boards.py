"""Reads, checks and writes board profiles: hw-profiles/boards/*.toml and the user's own.

Every number in a profile states its source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from nampedal.board.profiles import profile_files
from nampedal.board.profiles.profile_files import FACT_KEYS, STATUSES, Fact, whole_fact_of
from nampedal.firmware.base.errors import SettingValueError
from nampedal.firmware.base.files.toml_edit import save_edited
from nampedal.firmware.base.files.toml_schema import (
    check_keys,
    load_toml,
    name_of,
    names_of,
    number_of,
    one_of,
    table_of,
    text_of,
    to_toml,
)

__all__ = [
    "COST_STATUSES",
    "LIMITS",
    "MAX_ERROR_PERCENT",
    "MAX_NANOSECONDS",
    "STATUSES",
    "Board",
    "Cost",
    "Fact",
    "board_keys",
    "own_folder",
    "read_board",
    "write_board",
]

COST_STATUSES = ("measured", "estimated")
# Allowed range of each number, both ends included.
LIMITS = {
    "cores": (1, 64),
    "clock_mhz": (100, 10_000),
    "ram_mib": (64, 1 << 20),
    "period_frames": (8, 8192),
    "budget_percent": (1, 95),
}
MAX_ERROR_PERCENT = 1000
MAX_NANOSECONDS = 10**9
_KIND = "board"
_COST_KEYS = ("status", "source", "kernels", "error_percent", "nanoseconds")


@dataclass(frozen=True, slots=True)
class Cost:
    """The CPU cost of the engine on a board, with the kernels of one ISA.

    status: one of `COST_STATUSES`.  kernels: the name of the ISA.  error_percent: half the width of the fit's error
    range.  nanoseconds: the coefficients of the cost model by name; the model defines their meaning.
    """

    status: str
    source: str
    kernels: str
    error_percent: float
    nanoseconds: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Board:
    """A board.

    key: the name under which it is found.  features: CPU features, with their names in /proc/cpuinfo.
    ram_mib: RAM of the smallest variant that is sold.  period_frames: JACK's period, unless the player sets another.
    budget_percent: the share of one core that models may use.  cost: None while there is no estimate.
    """

    key: str
    name: str
    cpu: str
    features: tuple[str, ...]
    cores: Fact[int]
    clock_mhz: Fact[int]
    ram_mib: Fact[int]
    period_frames: Fact[int]
    budget_percent: Fact[int]
    cost: Cost | None = None


def own_folder() -> Path:
    """Return the folder of the user's own board profiles. It may not exist."""
    return profile_files.own_folder(_KIND)


def board_keys() -> list[str]:
    """Return the keys of all known boards, in alphabetical order. Raises SettingsUnreadableError."""
    return profile_files.keys(_KIND)


def read_board(key_or_path: str | Path) -> Board:
    """Read a board profile by its key, or from a file whose name ends in .toml.

    The user's own profile of a key takes precedence over the shipped one.
    Raises SettingValueError, or another SettingsError that names file and key.
    """
    path = profile_files.find(_KIND, key_or_path, SettingValueError)
    return _parse(profile_files.read(path), path)


def write_board(board: Board, path: Path) -> None:
    """Write a profile as an atomic write; reading it back gives the same board. The file's name becomes its key.

    The values are checked before anything is written.
    Raises the same SettingsError as reading the profile would, or SettingsUnwritableError.
    """
    values: dict[str, Any] = {"name": board.name, "cpu": board.cpu, "features": board.features}
    for name in LIMITS:
        fact = getattr(board, name)
        values[name] = {key: getattr(fact, key) for key in FACT_KEYS}
    if board.cost is not None:
        values["cost"] = {key: getattr(board.cost, key) for key in _COST_KEYS}
    text = to_toml(values)
    _parse(text, path)
    save_edited(text, path)


def _parse(data: bytes, path: Traversable) -> Board:
    where = str(path)
    values = load_toml(where, data)
    check_keys(where, "", values, ("name", "cpu", "features", *LIMITS), ("cost",))
    return Board(
        key=profile_files.key_of(path),
        name=text_of(where, "name", values),
        cpu=text_of(where, "cpu", values),
        features=names_of(where, "features", values),
        **{name: whole_fact_of(where, name, values, limits) for name, limits in LIMITS.items()},
        cost=_cost(where, values) if "cost" in values else None,
    )


def _cost(where: str, values: Mapping[str, Any]) -> Cost:
    cost = table_of(where, "cost", values, ", ".join(_COST_KEYS))
    check_keys(where, "cost.", cost, _COST_KEYS)
    nanoseconds = table_of(where, "cost.nanoseconds", cost, "one coefficient or more")
    return Cost(
        status=one_of(where, "cost.status", cost, COST_STATUSES),
        source=text_of(where, "cost.source", cost),
        kernels=name_of(where, "cost.kernels", cost["kernels"]),
        error_percent=number_of(where, "cost.error_percent", cost, (0, MAX_ERROR_PERCENT)),
        nanoseconds={
            name_of(where, "cost.nanoseconds", name): number_of(
                where, f"cost.nanoseconds.{name}", nanoseconds, (0, MAX_NANOSECONDS)
            )
            for name in nanoseconds
        },
    )
