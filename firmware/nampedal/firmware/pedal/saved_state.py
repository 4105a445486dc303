"""The saved state of the pedal: the current bank and preset, and unsaved edits. It survives a power-off."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import NewerFormatError, SettingsError, SettingValueError
from nampedal.firmware.base.files.durable_toml import read_safely, write_safely
from nampedal.firmware.base.files.toml_schema import (
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

FORMAT = 1
# The copy from before the last update. An older version reads it after a rollback.
KEPT = system_paths.UPDATES / "state.toml"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SavedState:
    """The saved state.

    bank: the absolute path of the bank folder.
    preset: the short name of the preset.
    edits: by preset of that bank, the settings that were changed but not saved.
    """

    bank: Path
    preset: str
    edits: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def state_path() -> Path:
    """Return the default path of the state file, in the user's state folder. It need not exist.

    A service sets XDG_STATE_HOME.
    """
    state = os.environ.get("XDG_STATE_HOME", "")
    # The XDG base directory specification says to ignore relative paths.
    return Path(state if os.path.isabs(state) else os.path.expanduser("~/.local/state"), "nampedal", "state.toml")


def write_state(state: SavedState, path: Path) -> None:
    """Write the state to the disk, with a checksum and a backup. It blocks. Raises SettingsError."""
    edits = {"edits": state.edits} if state.edits else {}
    data = to_toml({"format": FORMAT, "bank": str(state.bank), "preset": state.preset, **edits})
    _parse(data, str(path))
    write_safely(path, data)


def backup_state(path: Path, kept: Path = KEPT, below: Path | None = None) -> None:
    """Copy the state for this version, in case a newer version writes it in a newer format.

    kept: the path of the copy.
    below: a folder; symbolic links below it are not followed.
    Raises SettingsUnwritableError.
    """
    try:
        stored = read_safely(path, below)
    except SettingsError:
        kept.unlink(missing_ok=True)
        return
    replace_file(stored.data, kept)


def read_state(path: Path, kept: Path = KEPT) -> SavedState | None:
    """Read the state. Return None if there is none, or if it cannot be read; the log gives the reason.

    kept: the copy that is read instead, if a newer version has written the state.
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


def _parse(data: bytes, where: str) -> SavedState:
    values = load_toml(where, data)
    check_format(where, values, FORMAT)
    check_keys(where, "", values, ("format", "bank", "preset"), ("edits",))
    bank = Path(text_of(where, "bank", values))
    if not bank.is_absolute():
        raise SettingValueError(f"{where}: bank: is '{bank}'; a folder is needed, from the root on")
    return SavedState(bank, text_of(where, "preset", values), _edits(where, values))


def _edits(where: str, values: Values) -> dict[str, dict[str, float]]:
    if "edits" not in values:
        return {}
    tables = table_of(where, "edits", values, "presets")
    # Any number is accepted: its limits depend on the setting, which may have changed.
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
