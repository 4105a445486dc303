"""Pedals: hw-profiles/pedals/*.toml and the user's own: a board, a HAT on it, and what they are wired to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

from nampedal.board import profiles
from nampedal.board.boards import Board, read_board
from nampedal.board.errors import (
    ControlNameError,
    NampedalError,
    SettingsError,
    SettingValueError,
    UnknownPedalError,
)
from nampedal.board.footswitch import LIMITS_S, Times
from nampedal.board.hats import LIMITS, Hat, read_hat
from nampedal.board.knob import CURVES, KnobSpec
from nampedal.board.knob import LIMITS as KNOB_LIMITS
from nampedal.board.profiles import Fact, fact_of
from nampedal.board.settings import (
    Values,
    check_keys,
    flag_of,
    load_toml,
    number_of,
    one_of,
    table_of,
    text_of,
)
from nampedal.board.wiring import KEYS as WIRING_KEYS
from nampedal.board.wiring import Wiring, wiring_of

_KIND = "pedal"
_FLAGS = ("inverted", "expression", "jump")
# What controls do: by a footswitch's trigger, a knob's name, a number of a MIDI control change.
MAPS = ("footswitches", "knobs", "control_changes")
Part = TypeVar("Part", Board, Hat)
# What players measure on the pedal that they have counts more than what the HAT's profile says.
_LEVELS = ("input_full_scale_dbu", "output_full_scale_dbu")


@dataclass(frozen=True, slots=True)
class KnobUse:
    """expression: an expression pedal, that may be unplugged.  jump: no soft take-over after a preset change."""

    spec: KnobSpec = field(default_factory=KnobSpec)
    expression: bool = False
    jump: bool = False


@dataclass(frozen=True, slots=True)
class Pedal:
    """key: what it is asked for by.  input_full_scale_dbu, output_full_scale_dbu: its own, else the HAT's.

    knobs: of those that are not read as all others are.  map: what controls do, in its three tables as they stand;
    an empty one leaves it to the firmware.
    """

    key: str
    name: str
    board: Board
    hat: Hat
    input_full_scale_dbu: Fact[float] | None
    output_full_scale_dbu: Fact[float] | None
    wiring: Wiring
    knobs: Mapping[str, KnobUse]
    times: Times
    map: Mapping[str, Mapping[str, str]]

    def jack_inputs(self, channels: int) -> tuple[str, ...]:
        """JACK's names of so many inputs: the guitar's first.

        Where the profile does not say how many inputs the card has, they may be more than there are.
        """
        known, guitar = self.hat.input_channels, self.hat.guitar_channel.value
        count = known.value if known is not None else max(guitar, channels)
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
    return parse_pedal(profiles.read(path), path)


def parse_pedal(data: bytes, path: Traversable) -> Pedal:
    """What a file at this path would be as a profile, whether it is there or not. Raises SettingsError."""
    where = str(path)
    values = load_toml(where, data)
    check_keys(where, "", values, ("name", "board", "hat"), (*_LEVELS, *WIRING_KEYS, "knob", "times", *MAPS))
    hat = _part(where, "hat", values, read_hat)
    wiring = wiring_of(where, values, hat.pins)
    return Pedal(
        key=profiles.key_of(path),
        name=text_of(where, "name", values),
        board=_part(where, "board", values, read_board),
        hat=hat,
        **{name: _level(where, name, values, getattr(hat, name)) for name in _LEVELS},
        wiring=wiring,
        knobs=_knobs(where, values, wiring) if "knob" in values else {},
        times=_times(where, values) if "times" in values else Times(),
        map=_map(where, values, wiring),
    )


def _part(where: str, key: str, values: Values, read_part: Callable[[str], Part]) -> Part:
    """A board or a HAT by its name; an error says who named it."""
    name = text_of(where, key, values)
    try:
        return read_part(name)
    except SettingsError as error:
        raise type(error)(f"{where}: {key}: {error}") from error


def _knobs(where: str, values: Values, wiring: Wiring) -> dict[str, KnobUse]:
    tables = table_of(where, "knob", values, "names of knobs")
    _check_wired(where, "knob", tables, wiring.names("knobs"))
    return {name: _knob(where, f"knob.{name}", table_of(where, f"knob.{name}", tables, "settings")) for name in tables}


def _knob(where: str, key: str, table: Values) -> KnobUse:
    check_keys(where, f"{key}.", table, (), (*KNOB_LIMITS, "curve", *_FLAGS))
    spec: dict[str, Any] = {
        name: float(number_of(where, f"{key}.{name}", table, limits))
        for name, limits in KNOB_LIMITS.items()
        if name in table
    }
    if "curve" in table:
        spec["curve"] = one_of(where, f"{key}.curve", table, tuple(CURVES))
    flags = [flag_of(where, f"{key}.{name}", table) if name in table else False for name in _FLAGS]
    try:
        return KnobUse(KnobSpec(**spec, inverted=flags[0]), *flags[1:])
    except NampedalError as error:
        raise SettingValueError(f"{where}: {key}: {error}") from error


def _times(where: str, values: Values) -> Times:
    table = table_of(where, "times", values, ", ".join(LIMITS_S))
    check_keys(where, "times.", table, (), tuple(LIMITS_S))
    return Times(**{name: float(number_of(where, f"times.{name}", table, LIMITS_S[name])) for name in table})


def _map(where: str, values: Values, wiring: Wiring) -> dict[str, dict[str, str]]:
    found = {name: _texts(where, name, values) for name in MAPS if name in values}
    _check_wired(where, "knobs", found.get("knobs", {}), wiring.names("knobs") + wiring.names("encoders"))
    return found


def _check_wired(where: str, key: str, names: Iterable[str], there: Sequence[str]) -> None:
    for name in names:
        if name not in there:
            raise ControlNameError(
                f"{where}: {key}.{name}: no such knob is wired; wired are {', '.join(there) or 'none'}"
            )


def _texts(where: str, key: str, values: Values) -> dict[str, str]:
    table = table_of(where, key, values, "what controls do")
    return {name: text_of(where, f"{key}.{name}", {name.rpartition(".")[2]: table[name]}) for name in table}


def _level(where: str, name: str, values: Values, of_hat: Fact[float] | None) -> Fact[float] | None:
    return fact_of(where, name, values, LIMITS[name]) if name in values else of_hat
