"""How the last update went, for whoever asks later: nobody looks on when a pedal starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nampedal.board import places
from nampedal.board.errors import SettingsError
from nampedal.board.settings import check_format, check_keys, flag_of, load_toml, one_of, text_of, to_toml
from nampedal.firmware.errors import ControlRequestError, ControlSocketError
from nampedal.firmware.state import keep_state
from nampedal.firmware.store import read_safely, write_safely
from nampedal.firmware.update.system import System

FORMAT = 1
RUNTIME, SYSTEM = "nampedal", "system"


@dataclass(frozen=True, slots=True)
class Last:
    """what: RUNTIME or SYSTEM.  kept: and not back at the one before.  why: a few words.

    presets: it is to be tried, and has to play presets, as what was before it did.
    """

    what: str
    version: str
    kept: bool
    why: str
    presets: bool = False

    def __str__(self) -> str:
        return f"{self.what} {self.version}: {'is kept' if self.kept else 'was not kept'}: {self.why}"


def expect(system: System, what: str, version: str, why: str) -> None:
    """Before a trial. why: it was not kept, should nobody be there to decide. Raises SettingsUnwritableError."""
    state = system.at(places.STATE)
    # Whoever plays may write there, and this is root.
    keep_state(state / "nampedal" / "state.toml", system.at(places.UPDATES) / "state.toml", state)
    write_last(system, Last(what, version, False, why, plays_presets(ask(system))))


def ask(system: System) -> Mapping[str, Any]:
    """What the pedal says of itself; nothing, if it does not answer."""
    try:
        return system.status()
    except (ControlSocketError, ControlRequestError):
        return {}


def plays_presets(status: Mapping[str, Any]) -> bool:
    """And not what plays where no preset can."""
    return status.get("playing") is True and status.get("preset") is not None and status.get("last_resort") is not True


def write_last(system: System, last: Last) -> None:
    """Raises SettingsUnwritableError."""
    write_safely(_path(system), to_toml({"format": FORMAT, **asdict(last)}))


def read_last(system: System) -> Last | None:
    """None: there was no update, or a newer nampedal wrote of it."""
    path = _path(system)
    where = str(path)
    try:
        values = load_toml(where, read_safely(path).data)
        check_format(where, values, FORMAT)
        check_keys(where, "", values, ("format", "what", "version", "kept", "why", "presets"))
        what = one_of(where, "what", values, (RUNTIME, SYSTEM))
        version, why = (text_of(where, key, values) for key in ("version", "why"))
        kept, presets = (flag_of(where, key, values) for key in ("kept", "presets"))
        return Last(what, version, kept, why, presets)
    except SettingsError:
        return None


def _path(system: System) -> Path:
    return system.at(places.UPDATES) / "last.toml"
