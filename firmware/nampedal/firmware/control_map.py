"""What controls do: footswitches and MIDI have actions, knobs and control changes have settings.

A pedal's profile has a map; a preset may have another for some of them. TOML tables: docs/formats.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nampedal.board.errors import TriggerError
from nampedal.board.footswitch import Trigger
from nampedal.firmware import action
from nampedal.firmware.action import Action
from nampedal.firmware.errors import ControlMapError
from nampedal.firmware.midi import BANK_COARSE, BANK_FINE, MOST

TABLES = ("footswitches", "knobs", "control_changes")
Tables = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Target:
    """A setting that a control moves, as 'gain' or '2.gain_db'. low, high: from where to where; None: all it can."""

    setting: str
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        return self.setting if self.low is None else f"{self.setting} {self.low:g} {self.high:g}"


@dataclass(frozen=True, slots=True)
class ControlMap:
    """control_changes: by MIDI's number."""

    footswitches: Mapping[Trigger, Action] = field(default_factory=dict)
    knobs: Mapping[str, Target] = field(default_factory=dict)
    control_changes: Mapping[int, Action | Target] = field(default_factory=dict)

    def under(self, other: ControlMap) -> ControlMap:
        """With what another one has instead, or beside."""
        return ControlMap(
            {**self.footswitches, **other.footswitches},
            {**self.knobs, **other.knobs},
            {**self.control_changes, **other.control_changes},
        )


def to_tables(of: ControlMap) -> dict[str, dict[str, str]]:
    """As read() takes them."""
    tables = {
        "footswitches": {str(trigger): str(action) for trigger, action in of.footswitches.items()},
        "knobs": {name: str(target) for name, target in of.knobs.items()},
        "control_changes": {str(number): str(does) for number, does in of.control_changes.items()},
    }
    return {name: table for name, table in tables.items() if table}


def read(tables: Tables, where: str) -> ControlMap:
    """tables: 'footswitches', 'knobs' and 'control_changes', those that are there.

    Raises ControlMapError, ActionError, TriggerError.
    """
    return ControlMap(
        {
            _trigger(name, where): action.parse(text, f"{where}: footswitches.{name}")
            for name, text in tables.get("footswitches", {}).items()
        },
        {name: _target(text, f"{where}: knobs.{name}") for name, text in tables.get("knobs", {}).items()},
        {
            _number(name, f"{where}: control_changes.{name}"): _either(text, f"{where}: control_changes.{name}")
            for name, text in tables.get("control_changes", {}).items()
        },
    )


def default(switches: Sequence[str]) -> ControlMap:
    """For as many footswitches as there are, as a manual would have it. Knobs move what they are called."""
    tables = {1: ONE, 2: TWO, 3: THREE}.get(len(switches), FOUR)
    if len(switches) > 4:
        tables = {**tables, **{name: f"preset {name} again bypass" for name in switches[4:]}}
    return read({"footswitches": {name: text for name, text in tables.items() if switches}}, "default")


ONE = {"1": "next", "1 long": "bypass"}
TWO = {"1": "previous", "2": "next", "1+2": "tuner", "1 long": "bypass", "2 long": "bypass"}
THREE = {"1": "previous", "2": "next", "3": "bypass", "1+2": "bank next", "3 long": "tuner"}
FOUR = {
    **{str(number): f"preset {number} again bypass" for number in range(1, 5)},
    **{f"{number} long": "tuner" for number in range(1, 5)},
    "1+2": "bank previous",
    "3+4": "bank next",
}


def _trigger(text: str, where: str) -> Trigger:
    try:
        return Trigger.parse(text)
    except TriggerError as error:
        raise TriggerError(f"{where}: footswitches: {error}") from error


def _either(text: str, where: str) -> Action | Target:
    is_action = text.partition(" ")[0] in action.KINDS
    return action.parse(text, where) if is_action else _target(text, where)


def _target(text: str, where: str) -> Target:
    words = text.split()
    try:
        setting, *ends = words
        low, high = (float(end) for end in ends) if ends else (None, None)
    except ValueError as error:
        raise ControlMapError(
            f"{where}: is {text!r}; a setting is needed, and from where to where: 'gain -6 12'"
        ) from error
    return Target(setting, low, high)


def _number(name: str, where: str) -> int:
    number = int(name) if name.isdecimal() and len(name) <= 3 else -1
    if not 0 <= number <= MOST or number in (BANK_COARSE, BANK_FINE):
        raise ControlMapError(
            f"{where}: {name!r} can't be mapped; a control change from 1 to {MOST} is needed, but not {BANK_FINE}"
        )
    return number
