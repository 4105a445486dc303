"""A pedal's profile as a file that nampedal writes: its tables as they stand, with other names and other knobs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nampedal.board import profiles
from nampedal.board.errors import UnknownPedalError
from nampedal.board.knob import KnobSpec
from nampedal.board.measured import checked_name
from nampedal.board.pedals import parse_pedal
from nampedal.board.settings import Values, load_toml, save, to_toml
from nampedal.board.wiring import KEYS

# What of a knob's spec is learnt.
_LEARNT = ("low", "high", "inverted", "band")


def own_path(name: str) -> Path:
    """Where the user's own profile of that name is, whether it exists or not. Raises PedalNameError."""
    return profiles.own_folder("pedal") / f"{checked_name(name)}.toml"


def read_values(key_or_path: str | Path) -> dict[str, Any]:
    """What `read_pedal` would read, as it stands in the file. Raises UnknownPedalError, or another SettingsError."""
    path = profiles.find("pedal", key_or_path, UnknownPedalError)
    data = profiles.read(path)
    parse_pedal(data, path)
    return load_toml(str(path), data)


def write_pedal(values: Values, path: Path) -> None:
    """Writes a profile; its key will be the file's name. An old file stays until the end.

    Raises a SettingsError as reading it would, before anything is written; SettingsUnwritableError.
    """
    text = to_toml(values)
    parse_pedal(text, path)
    save(text, path)


def renamed(values: Values, group: str, names: Mapping[str, str]) -> dict[str, Any]:
    """With other names in a group of `wiring.GROUPS`, on every part that has it. names: new ones by the old."""
    if all(old == new for old, new in names.items()):
        return dict(values)
    tables: dict[str, Any] = dict(values)
    for part in KEYS:
        if group in tables.get(part, {}):
            wires = {names.get(old, old): wire for old, wire in tables[part][group].items()}
            tables[part] = {**tables[part], group: dict(sorted(wires.items()))}
    return tables


def with_knob(values: Values, name: str, before: KnobSpec, after: KnobSpec) -> dict[str, Any]:
    """With what was learnt of a knob; the rest of its table stays."""
    learnt = {key: getattr(after, key) for key in _LEARNT if getattr(after, key) != getattr(before, key)}
    if not learnt:
        return dict(values)
    knobs = values.get("knob", {})
    return {**values, "knob": {**knobs, name: {**knobs.get(name, {}), **learnt}}}
