"""Reads and checks pedal profiles: hw-profiles/pedals/*.toml and the user's own.

A pedal is a board, a sound card, and the controls that are wired to them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

from nampedal.board.inputs.footswitch import LIMITS_S, GestureTimes
from nampedal.board.inputs.knob import CURVES, KnobSpec
from nampedal.board.inputs.knob import LIMITS as KNOB_LIMITS
from nampedal.board.profiles import profile_files
from nampedal.board.profiles.boards import Board, read_board
from nampedal.board.profiles.hats import LIMITS, Hat, read_hat
from nampedal.board.profiles.profile_files import Fact, fact_of
from nampedal.board.profiles.wiring import WIRING_TABLES as WIRING_KEYS
from nampedal.board.profiles.wiring import Wiring, parse_wiring
from nampedal.firmware.base.errors import NampedalError, SettingsError, SettingValueError
from nampedal.firmware.base.files.toml_schema import (
    Values,
    check_keys,
    dotted,
    flag_of,
    line_of,
    load_toml,
    number_of,
    one_of,
    table_of,
    text_of,
)

_KIND = "pedal"
_FLAGS = ("inverted", "expression", "jump")
# The tables that bind controls to actions. Their keys: a footswitch's trigger, a knob's name, or the number of a MIDI
# control change, note or program.
BINDING_TABLES = ("footswitches", "knobs", "control_changes", "notes", "programs")
Part = TypeVar("Part", Board, Hat)
# Levels that players may measure on their own pedal. They take precedence over those in the HAT's profile.
_LEVELS = ("input_full_scale_dbu", "output_full_scale_dbu")
# Allowed frequency of A4 for the tuner: from the low pitch of early music to the high pitch of the nineteenth century.
REFERENCES_HZ = (415.0, 466.0)
REFERENCE_HZ = 440.0


@dataclass(frozen=True, slots=True)
class KnobSettings:
    """The use of a knob.

    expression: it is an expression pedal, which may be unplugged.  jump: no soft take-over after a preset change.
    """

    spec: KnobSpec = field(default_factory=KnobSpec)
    expression: bool = False
    jump: bool = False


@dataclass(frozen=True, slots=True)
class PedalProfile:
    """A pedal profile.

    key: the name under which it is found.  input_full_scale_dbu, output_full_scale_dbu: the pedal's own levels, or else
    the HAT's.  knobs: only knobs whose settings differ from the defaults.  map: the actions of the controls, in the
    tables `BINDING_TABLES` as in the file; the firmware's defaults apply if it is empty.  reference_hz: frequency of A4
    for the tuner.
    """

    key: str
    name: str
    board: Board
    hat: Hat
    input_full_scale_dbu: Fact[float] | None
    output_full_scale_dbu: Fact[float] | None
    wiring: Wiring
    knobs: Mapping[str, KnobSettings]
    times: GestureTimes
    map: Mapping[str, Mapping[str, str]]
    reference_hz: float = REFERENCE_HZ

    def jack_inputs(self, channels: int) -> tuple[str, ...]:
        """Return the JACK port names of up to `channels` inputs, the guitar's first.

        If the profile does not state the number of inputs, the result may name ports that do not exist.
        """
        known, guitar = self.hat.input_channels, self.hat.guitar_channel.value
        count = known.value if known is not None else max(guitar, channels)
        order = [guitar, *(channel for channel in range(1, count + 1) if channel != guitar)]
        return tuple(f"system:capture_{channel}" for channel in order[:channels])


def pedal_keys() -> list[str]:
    """Return the keys of all known pedals, in alphabetical order. Raises SettingsUnreadableError."""
    return profile_files.keys(_KIND)


def read_pedal(key_or_path: str | Path) -> PedalProfile:
    """Read a pedal profile by its key, or from a file whose name ends in .toml.

    The user's own profile of a key takes precedence over the shipped one.
    Raises SettingValueError, or another SettingsError that names file and key; this includes errors in the profiles of
    the board and the HAT.
    """
    path = profile_files.find(_KIND, key_or_path, SettingValueError)
    return parse_pedal(profile_files.read(path), path)


def parse_pedal(data: bytes, path: Traversable) -> PedalProfile:
    """Parse the content of a pedal profile. path: for its key and errors; it may not exist. Raises SettingsError."""
    where = str(path)
    values = load_toml(where, data)
    check_keys(
        where, "", values, ("name", "board", "hat"), (*_LEVELS, *WIRING_KEYS, "knob", "times", "tuner", *BINDING_TABLES)
    )
    hat = _part(where, "hat", values, read_hat)
    wiring = parse_wiring(where, values, hat.pins)
    return PedalProfile(
        key=profile_files.key_of(path),
        name=text_of(where, "name", values),
        board=_part(where, "board", values, read_board),
        hat=hat,
        **{name: _level(where, name, values, getattr(hat, name)) for name in _LEVELS},
        wiring=wiring,
        knobs=_knobs(where, values, wiring) if "knob" in values else {},
        times=_times(where, values) if "times" in values else GestureTimes(),
        map=_map(where, values, wiring),
        reference_hz=_reference_hz(where, values) if "tuner" in values else REFERENCE_HZ,
    )


def _part(where: str, key: str, values: Values, read_part: Callable[[str], Part]) -> Part:
    """Read the board or the HAT that a profile names; an error names the profile too."""
    name = text_of(where, key, values)
    try:
        return read_part(name)
    except SettingsError as error:
        raise type(error)(f"{where}: {key}: {error}") from error


def _knobs(where: str, values: Values, wiring: Wiring) -> dict[str, KnobSettings]:
    tables = table_of(where, "knob", values, "names of knobs")
    _check_wired(where, "knob", tables, wiring.names("knobs"))
    return {name: _knob(where, f"knob.{name}", table_of(where, f"knob.{name}", tables, "settings")) for name in tables}


def _knob(where: str, key: str, table: Values) -> KnobSettings:
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
        return KnobSettings(KnobSpec(**spec, inverted=flags[0]), *flags[1:])
    except NampedalError as error:
        raise SettingValueError(f"{where}: {key}: {error}") from error


def _times(where: str, values: Values) -> GestureTimes:
    table = table_of(where, "times", values, ", ".join(LIMITS_S))
    check_keys(where, "times.", table, (), tuple(LIMITS_S))
    return GestureTimes(**{name: float(number_of(where, f"times.{name}", table, LIMITS_S[name])) for name in table})


def _reference_hz(where: str, values: Values) -> float:
    table = table_of(where, "tuner", values, "reference_hz")
    check_keys(where, "tuner.", table, (), ("reference_hz",))
    return float(number_of(where, "tuner.reference_hz", table, REFERENCES_HZ))


def _map(where: str, values: Values, wiring: Wiring) -> dict[str, dict[str, str]]:
    found = {name: _texts(where, name, values) for name in BINDING_TABLES if name in values}
    _check_wired(where, "knobs", found.get("knobs", {}), wiring.names("knobs") + wiring.names("encoders"))
    return found


def _check_wired(where: str, key: str, names: Iterable[str], there: Sequence[str]) -> None:
    for name in names:
        if name not in there:
            raise SettingValueError(
                f"{where}: {dotted(f'{key}.', name)}: no such knob is wired; wired are {', '.join(there) or 'none'}"
            )


def _texts(where: str, key: str, values: Values) -> dict[str, str]:
    table = table_of(where, key, values, "what controls do")
    return {name: line_of(where, dotted(f"{key}.", name), table[name]) for name in table}


def _level(where: str, name: str, values: Values, of_hat: Fact[float] | None) -> Fact[float] | None:
    return fact_of(where, name, values, LIMITS[name]) if name in values else of_hat
