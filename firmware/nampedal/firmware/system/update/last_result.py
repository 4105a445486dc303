"""Stores the result of the last update for `nampedal update status`: nobody watches a pedal during a trial boot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import ControlRequestError, ControlSocketError, SettingsError
from nampedal.firmware.base.files.durable_toml import read_safely, write_safely
from nampedal.firmware.base.files.toml_schema import (
    check_format,
    check_keys,
    flag_of,
    load_toml,
    one_of,
    text_of,
    to_toml,
)
from nampedal.firmware.pedal.saved_state import backup_state
from nampedal.firmware.system.update.update_host import UpdateHost

FORMAT = 1
RUNTIME, SYSTEM = "nampedal", "system"


@dataclass(frozen=True, slots=True)
class LastResult:
    """The result of the last update.

    what: RUNTIME or SYSTEM.  kept: True if it was kept, False if the pedal went back to the version before.
    why: the reason, in a few words.  presets: the update is on trial and has to play presets, because the version
    before it did.
    """

    what: str
    version: str
    kept: bool
    why: str
    presets: bool = False

    def __str__(self) -> str:
        return f"{self.what} {self.version}: {'is kept' if self.kept else 'was not kept'}: {self.why}"


def record_expected(system: UpdateHost, what: str, version: str, why: str) -> None:
    """Record that a trial is about to start. Raises SettingsUnwritableError.

    what: RUNTIME or SYSTEM.  why: the failure text that stays if the trial never reports a result.
    """
    state = system.under_root(system_paths.STATE)
    # The unprivileged user may write in this folder and this is root, so no symbolic link below it is followed.
    backup_state(state / "nampedal" / "state.toml", system.under_root(system_paths.UPDATES) / "state.toml", state)
    write_last(system, LastResult(what, version, False, why, plays_presets(status_or_empty(system))))


def status_or_empty(system: UpdateHost) -> Mapping[str, Any]:
    """Return the pedal's status; empty if it does not answer."""
    try:
        return system.status()
    except (ControlSocketError, ControlRequestError):
        return {}


def plays_presets(status: Mapping[str, Any]) -> bool:
    """Return True if the pedal plays a preset, and not the fallback that plays if no preset can."""
    return status.get("playing") is True and status.get("preset") is not None and status.get("last_resort") is not True


def write_last(system: UpdateHost, last: LastResult) -> None:
    """Store a result. Raises SettingsUnwritableError."""
    write_safely(_path(system), to_toml({"format": FORMAT, **asdict(last)}))


def read_last(system: UpdateHost) -> LastResult | None:
    """Return the last result; None if there was no update, or its file can't be read or has a newer format."""
    path = _path(system)
    where = str(path)
    try:
        values = load_toml(where, read_safely(path).data)
        check_format(where, values, FORMAT)
        check_keys(where, "", values, ("format", "what", "version", "kept", "why", "presets"))
        what = one_of(where, "what", values, (RUNTIME, SYSTEM))
        version, why = (text_of(where, key, values) for key in ("version", "why"))
        kept, presets = (flag_of(where, key, values) for key in ("kept", "presets"))
        return LastResult(what, version, kept, why, presets)
    except SettingsError:
        return None


def _path(system: UpdateHost) -> Path:
    return system.under_root(system_paths.UPDATES) / "last.toml"
