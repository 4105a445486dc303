"""Maps controls to actions and settings.

Footswitches, notes and programs have actions. Knobs have settings. Control changes have either.
The pedal's profile has a map; a preset can replace parts of it. docs/reference/presets.md describes the TOML tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from nampedal.board.inputs.footswitch import Trigger
from nampedal.firmware.actions import action
from nampedal.firmware.actions.action import Action
from nampedal.firmware.actions.midi import BANK_COARSE, BANK_FINE, MAX_VALUE
from nampedal.firmware.base.errors import ControlMapError
from nampedal.firmware.base.files.toml_schema import dotted

TABLES = ("footswitches", "knobs", "control_changes", "notes", "programs")
# The tables with MIDI numbers as keys: what a number is called, and the first and last one.
MIDI_NUMBERS = {
    "control_changes": ("control change", 1, MAX_VALUE),
    "notes": ("note", 0, MAX_VALUE),
    "programs": ("program", 1, MAX_VALUE + 1),
}
Tables = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class BindingTarget:
    """A setting that a control moves, such as 'gain' or '2.gain_db'.

    low, high: the ends of the range, in the unit of the setting. None: the limits of the setting.
    """

    setting: str
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        return self.setting if self.low is None else f"{self.setting} {self.low:g} {self.high:g}"


@dataclass(frozen=True, slots=True)
class Bindings:
    """The map of all controls.

    control_changes, notes: the keys are MIDI numbers.
    programs: the keys count from 1.
    """

    footswitches: Mapping[Trigger, Action] = field(default_factory=dict)
    knobs: Mapping[str, BindingTarget] = field(default_factory=dict)
    control_changes: Mapping[int, Action | BindingTarget] = field(default_factory=dict)
    notes: Mapping[int, Action] = field(default_factory=dict)
    programs: Mapping[int, Action] = field(default_factory=dict)

    def overridden_by(self, other: Bindings) -> Bindings:
        """Return these bindings, with the entries of the other ones added. The other ones replace equal keys."""
        return Bindings(
            {**self.footswitches, **other.footswitches},
            {**self.knobs, **other.knobs},
            {**self.control_changes, **other.control_changes},
            {**self.notes, **other.notes},
            {**self.programs, **other.programs},
        )


def to_tables(of: Bindings) -> dict[str, dict[str, str]]:
    """Return the bindings as tables that read() accepts."""
    tables = {
        "footswitches": {str(trigger): str(action) for trigger, action in of.footswitches.items()},
        "knobs": {name: str(target) for name, target in of.knobs.items()},
        "control_changes": {str(number): str(does) for number, does in of.control_changes.items()},
        "notes": {str(number): str(action) for number, action in of.notes.items()},
        "programs": {str(number): str(action) for number, action in of.programs.items()},
    }
    return {name: table for name, table in tables.items() if table}


def read(tables: Tables, where: str) -> Bindings:
    """Read bindings from tables.

    tables: any of `TABLES`; missing ones are empty.
    where: the location for error messages.
    Raises ControlMapError.
    """
    return Bindings(
        {
            _trigger(name, where): action.parse(text, f"{where}: {dotted('footswitches.', name)}")
            for name, text in tables.get("footswitches", {}).items()
        },
        {name: _target(text, f"{where}: {dotted('knobs.', name)}") for name, text in tables.get("knobs", {}).items()},
        {number: _either(text, at) for number, text, at in _numbered(tables, "control_changes", where)},
        {number: action.parse(text, at, valued=True) for number, text, at in _numbered(tables, "notes", where)},
        {number: action.parse(text, at) for number, text, at in _numbered(tables, "programs", where)},
    )


def default(switches: Sequence[str]) -> Bindings:
    """Return the default bindings for the footswitches. A knob without a binding moves the setting of its name."""
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
    except ControlMapError as error:
        raise ControlMapError(f"{where}: footswitches: {error}") from error


def _either(text: str, where: str) -> Action | BindingTarget:
    is_action = text.partition(" ")[0] in action.KINDS
    return action.parse(text, where, valued=True) if is_action else _target(text, where)


def _target(text: str, where: str) -> BindingTarget:
    words = text.split()
    try:
        setting, *ends = words
        low, high = (float(end) for end in ends) if ends else (None, None)
    except ValueError as error:
        raise ControlMapError(
            f"{where}: is {text!r}; a setting is needed, and from where to where: 'gain -6 12'"
        ) from error
    return BindingTarget(setting, low, high)


def _numbered(tables: Tables, table: str, where: str) -> Iterator[tuple[int, str, str]]:
    """Yield number, text and location of each entry in a table of MIDI_NUMBERS. Raises ControlMapError."""
    for name, text in tables.get(table, {}).items():
        at = f"{where}: {dotted(f'{table}.', name)}"
        yield number_of(name, table, at), text, at


def number_of(name: str, table: str, where: str) -> int:
    """Parse a key of a table in MIDI_NUMBERS. Raises ControlMapError."""
    what, least, most = MIDI_NUMBERS[table]
    number = int(name) if name.isdecimal() and len(name) <= 3 else -1
    if not least <= number <= most or (table == "control_changes" and number in (BANK_COARSE, BANK_FINE)):
        but = f", but not {BANK_FINE}" if table == "control_changes" else ""
        raise ControlMapError(f"{where}: {name!r} can't be mapped; a {what} from {least} to {most} is needed{but}")
    return number
