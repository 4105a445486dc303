"""How the last update went, for whoever asks later: nobody looks on when a pedal starts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from nampedal.board import places
from nampedal.board.errors import SettingsError
from nampedal.board.settings import check_format, check_keys, flag_of, load_toml, one_of, text_of, to_toml
from nampedal.firmware.store import read_safely, write_safely
from nampedal.firmware.update.system import System

FORMAT = 1
RUNTIME, SYSTEM = "nampedal", "system"


@dataclass(frozen=True, slots=True)
class Last:
    """what: RUNTIME or SYSTEM.  kept: and not back at the one before.  why: a few words."""

    what: str
    version: str
    kept: bool
    why: str

    def __str__(self) -> str:
        return f"{self.what} {self.version}: {'is kept' if self.kept else 'was not kept'}: {self.why}"


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
        check_keys(where, "", values, ("format", "what", "version", "kept", "why"))
        what = one_of(where, "what", values, (RUNTIME, SYSTEM))
        return Last(
            what, text_of(where, "version", values), flag_of(where, "kept", values), text_of(where, "why", values)
        )
    except SettingsError:
        return None


def _path(system: System) -> Path:
    return system.at(places.UPDATES) / "last.toml"
