"""Where the player was: which bank, which preset. Kept while the pedal is off."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nampedal.board import places
from nampedal.board.errors import NewerFormatError, SettingsError, SettingValueError
from nampedal.board.settings import (
    Values,
    check_format,
    check_keys,
    load_toml,
    number_of,
    replace_file,
    table_of,
    text_of,
    to_toml,
)
from nampedal.firmware.store import read_safely, write_safely

FORMAT = 1
# As it was before the last update: an older version that is back reads it.
KEPT = places.UPDATES / "state.toml"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class State:
    """bank: its folder, from the root on.  preset: its short name.

    edits: by preset of that bank, numbers that were set and not saved.
    """

    bank: Path
    preset: str
    edits: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def state_path() -> Path:
    """In the user's folder of states, whether it exists or not; a service sets XDG_STATE_HOME."""
    state = os.environ.get("XDG_STATE_HOME", "")
    # A relative path is none by the XDG base directory specification.
    return Path(state if os.path.isabs(state) else os.path.expanduser("~/.local/state"), "nampedal", "state.toml")


def write_state(state: State, path: Path) -> None:
    """It waits for the disk: call it when nothing else is to be done. Raises SettingsError."""
    edits = {"edits": state.edits} if state.edits else {}
    data = to_toml({"format": FORMAT, "bank": str(state.bank), "preset": state.preset, **edits})
    _parse(data, str(path))
    write_safely(path, data)


def keep_state(path: Path, kept: Path = KEPT, below: Path | None = None) -> None:
    """For this version, should a newer one write it in a format of its own.

    below: a folder; no symbolic link below it is followed.
    Raises SettingsUnwritableError.
    """
    try:
        stored = read_safely(path, below)
    except SettingsError:
        kept.unlink(missing_ok=True)
        return
    replace_file(stored.data, kept)


def read_state(path: Path, kept: Path = KEPT) -> State | None:
    """None where there is none; of one that can't be read, the log says why.

    kept: is read in its place where a newer version has written it.
    """
    try:
        stored = read_safely(path)
        state = _parse(stored.data, str(path))
    except SettingsError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        if isinstance(error, NewerFormatError) and kept != path and kept.exists():
            _log.info("%s; what was kept before the update is used", error)
            return read_state(kept, kept)
        _log.warning("%s; nothing is restored", error)
        return None
    if stored.warning:
        _log.warning("%s", stored.warning)
    return state


def _parse(data: bytes, where: str) -> State:
    values = load_toml(where, data)
    check_format(where, values, FORMAT)
    check_keys(where, "", values, ("format", "bank", "preset"), ("edits",))
    bank = Path(text_of(where, "bank", values))
    if not bank.is_absolute():
        raise SettingValueError(f"{where}: bank: is '{bank}'; a folder is needed, from the root on")
    return State(bank, text_of(where, "preset", values), _edits(where, values))


def _edits(where: str, values: Values) -> dict[str, dict[str, float]]:
    if "edits" not in values:
        return {}
    tables = table_of(where, "edits", values, "presets")
    # What a number may be is the setting's affair, which may be another one by now.
    any_number = (-math.inf, math.inf)
    return {
        name: {
            key: float(number_of(where, f"edits.{name}.{key}", {key.rpartition(".")[2]: value}, any_number))
            for key, value in table_of(
                where, f"edits.{name}", {name.rpartition(".")[2]: tables[name]}, "settings"
            ).items()
        }
        for name in tables
    }
