"""Boards: hw-profiles/boards/*.toml and the user's own, checked and typed. Every number says where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from nampedal.board import profiles
from nampedal.board.errors import UnknownBoardError
from nampedal.board.profiles import FACT_KEYS, STATUSES, Fact, whole_fact_of
from nampedal.board.settings import (
    check_keys,
    load_toml,
    name_of,
    names_of,
    number_of,
    one_of,
    save,
    table_of,
    text_of,
    to_toml,
)

__all__ = [
    "COST_STATUSES",
    "LIMITS",
    "MOST_ERROR_PERCENT",
    "MOST_NANOSECONDS",
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
# What each number may be, ends included.
LIMITS = {
    "cores": (1, 64),
    "clock_mhz": (100, 10_000),
    "ram_mib": (64, 1 << 20),
    "period_frames": (8, 8192),
    "budget_percent": (1, 95),
}
MOST_ERROR_PERCENT = 1000
MOST_NANOSECONDS = 10**9
_KIND = "board"
_COST_KEYS = ("status", "source", "kernels", "error_percent", "nanoseconds")


@dataclass(frozen=True, slots=True)
class Cost:
    """What the engine's work takes on a board, with the kernels of one ISA.

    status: one of `COST_STATUSES`.  error_percent: half the width of what the fit leaves open.
    nanoseconds: of each coefficient of the cost model, by name; what they stand for is the model's affair.
    """

    status: str
    source: str
    kernels: str
    error_percent: float
    nanoseconds: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Board:
    """key: what it is asked for by.  features: of the CPU, as /proc/cpuinfo names them.

    ram_mib: of the smallest that is sold.  period_frames: JACK's, unless the player says otherwise.
    budget_percent: of one core, what models may take.  cost: None as long as no estimate can be given.
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
    """Where the user's own profiles are, whether it exists or not."""
    return profiles.own_folder(_KIND)


def board_keys() -> list[str]:
    """What boards can be asked for, in alphabetical order. Raises SettingsUnreadableError."""
    return profiles.keys(_KIND)


def read_board(key_or_path: str | Path) -> Board:
    """The profile of a known board, the user's own before ours, or of a file whose name ends in .toml.

    Raises UnknownBoardError, or another SettingsError that names file and key.
    """
    path = profiles.find(_KIND, key_or_path, UnknownBoardError)
    return _parse(profiles.read(path), path)


def write_board(board: Board, path: Path) -> None:
    """Writes a profile that reads back the same; its key will be the file's name. An old file stays until the end.

    Raises a SettingsError as reading it would, before anything is written; SettingsUnwritableError.
    """
    values: dict[str, Any] = {"name": board.name, "cpu": board.cpu, "features": board.features}
    for name in LIMITS:
        fact = getattr(board, name)
        values[name] = {key: getattr(fact, key) for key in FACT_KEYS}
    if board.cost is not None:
        values["cost"] = {key: getattr(board.cost, key) for key in _COST_KEYS}
    text = to_toml(values)
    _parse(text, path)
    save(text, path)


def _parse(data: bytes, path: Traversable) -> Board:
    where = str(path)
    values = load_toml(where, data)
    check_keys(where, "", values, ("name", "cpu", "features", *LIMITS), ("cost",))
    return Board(
        key=profiles.key_of(path),
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
        error_percent=number_of(where, "cost.error_percent", cost, (0, MOST_ERROR_PERCENT)),
        nanoseconds={
            name_of(where, "cost.nanoseconds", name): number_of(
                where, f"cost.nanoseconds.{name}", nanoseconds, (0, MOST_NANOSECONDS)
            )
            for name in nanoseconds
        },
    )
