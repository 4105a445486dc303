"""Reads, changes and writes a pedal profile as raw TOML tables, with new control names and new knob settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nampedal.board.inputs.knob import KnobSpec
from nampedal.board.profiles import profile_files
from nampedal.board.profiles.pedals import parse_pedal
from nampedal.board.profiles.user_calibration import checked_name
from nampedal.board.profiles.wiring import WIRING_TABLES
from nampedal.firmware.base.errors import SettingValueError
from nampedal.firmware.base.files.toml_edit import save_edited
from nampedal.firmware.base.files.toml_schema import Values, load_toml, to_toml

# The fields of a knob's spec that calibration learns.
_LEARNT = ("low", "high", "inverted", "band")


def user_pedal_path(name: str) -> Path:
    """Return the path of the user's own profile of that name. It may not exist. Raises SettingValueError."""
    return profile_files.own_folder("pedal") / f"{checked_name(name)}.toml"


def read_raw_values(key_or_path: str | Path) -> dict[str, Any]:
    """Return the raw TOML values of the profile that `read_pedal` would read.

    Raises SettingValueError, or another SettingsError.
    """
    path = profile_files.find("pedal", key_or_path, SettingValueError)
    data = profile_files.read(path)
    parse_pedal(data, path)
    return load_toml(str(path), data)


def write_pedal(values: Values, path: Path) -> None:
    """Write a profile as an atomic write. The file's name becomes its key.

    In an existing file only the values that differ are changed; its comments, order and layout stay.
    The values are checked before anything is written.
    Raises the same SettingsError as reading the profile would, or SettingsUnwritableError.
    """
    text = to_toml(values)
    parse_pedal(text, path)
    save_edited(text, path)


def with_renamed_controls(values: Values, group: str, names: Mapping[str, str]) -> dict[str, Any]:
    """Return the profile with other control names in one group, in every part that has the group.

    group: one of `wiring.GROUPS`.  names: new names by old names.
    """
    if all(old == new for old, new in names.items()):
        return dict(values)
    tables: dict[str, Any] = dict(values)
    for part in WIRING_TABLES:
        if group in tables.get(part, {}):
            wires = {names.get(old, old): wire for old, wire in tables[part][group].items()}
            tables[part] = {**tables[part], group: dict(sorted(wires.items()))}
    return tables


def with_knob_calibration(values: Values, name: str, before: KnobSpec, after: KnobSpec) -> dict[str, Any]:
    """Return the profile with a knob's learned settings; the rest of the knob's table stays the same."""
    learnt = {key: getattr(after, key) for key in _LEARNT if getattr(after, key) != getattr(before, key)}
    if not learnt:
        return dict(values)
    knobs = values.get("knob", {})
    return {**values, "knob": {**knobs, name: {**knobs.get(name, {}), **learnt}}}
