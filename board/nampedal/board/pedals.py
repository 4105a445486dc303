"""Pedals: hw-profiles/pedals/*.toml and the user's own: a board, a HAT on it, and what they are wired to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeVar

from nampedal.board import profiles
from nampedal.board.boards import Board, read_board
from nampedal.board.errors import SettingsError, UnknownPedalError
from nampedal.board.hats import LIMITS, Hat, read_hat
from nampedal.board.profiles import Fact, fact_of
from nampedal.board.settings import Values, check_keys, load_toml, text_of

_KIND = "pedal"
Part = TypeVar("Part", Board, Hat)
# What players measure on the pedal that they have counts more than what the HAT's profile says.
_LEVELS = ("input_full_scale_dbu", "output_full_scale_dbu")


@dataclass(frozen=True, slots=True)
class Pedal:
    """key: what it is asked for by.  input_full_scale_dbu, output_full_scale_dbu: its own, else the HAT's."""

    key: str
    name: str
    board: Board
    hat: Hat
    input_full_scale_dbu: Fact[float] | None
    output_full_scale_dbu: Fact[float] | None

    def jack_inputs(self, channels: int) -> tuple[str, ...]:
        """JACK's names of so many inputs: the guitar's first."""
        count, guitar = self.hat.input_channels.value, self.hat.guitar_channel.value
        order = [guitar, *(channel for channel in range(1, count + 1) if channel != guitar)]
        return tuple(f"system:capture_{channel}" for channel in order[:channels])


def pedal_keys() -> list[str]:
    """What pedals can be asked for, in alphabetical order. Raises SettingsUnreadableError."""
    return profiles.keys(_KIND)


def read_pedal(key_or_path: str | Path) -> Pedal:
    """The profile of a known pedal, the user's own before ours, or of a file whose name ends in .toml.

    Raises UnknownPedalError, or another SettingsError that names file and key, the board's and the HAT's included.
    """
    path = profiles.find(_KIND, key_or_path, UnknownPedalError)
    return _parse(profiles.read(path), path)


def _parse(data: bytes, path: Traversable) -> Pedal:
    where = str(path)
    values = load_toml(where, data)
    check_keys(where, "", values, ("name", "board", "hat"), _LEVELS)
    hat = _part(where, "hat", values, read_hat)
    return Pedal(
        key=profiles.key_of(path),
        name=text_of(where, "name", values),
        board=_part(where, "board", values, read_board),
        hat=hat,
        **{name: _level(where, name, values, getattr(hat, name)) for name in _LEVELS},
    )


def _part(where: str, key: str, values: Values, read_part: Callable[[str], Part]) -> Part:
    """A board or a HAT by its name; an error says who named it."""
    name = text_of(where, key, values)
    try:
        return read_part(name)
    except SettingsError as error:
        raise type(error)(f"{where}: {key}: {error}") from error


def _level(where: str, name: str, values: Values, of_hat: Fact[float] | None) -> Fact[float] | None:
    return fact_of(where, name, values, LIMITS[name]) if name in values else of_hat
