"""What was measured of the user's own pedals: ~/.config/nampedal/measured/NAME.toml, beside the user's own profiles."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path

from nampedal.board.boards import own_folder
from nampedal.board.errors import PedalNameError, SettingsUnreadableError
from nampedal.board.settings import check_keys, load_toml, number_of, reason, save, to_toml

# What each number may be, ends included.
LIMITS = {
    "round_trip_frames": (0, 1 << 20),
    "period_frames": (8, 8192),
    "sample_rate_hz": (8000, 768_000),
    "loop_gain_db": (-200, 200),
    "noise_floor_dbfs": (-200, 0),
}
_NAME = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Measured:
    """Through a cable from the output to the input.

    round_trip_frames: from out to in, with JACK at this period and rate.  loop_gain_db: from out to in.
    noise_floor_dbfs: RMS of the input while nothing is played.
    """

    round_trip_frames: int
    period_frames: int
    sample_rate_hz: int
    loop_gain_db: float
    noise_floor_dbfs: float

    @property
    def round_trip_ms(self) -> float:
        return 1e3 * self.round_trip_frames / self.sample_rate_hz


def measured_path(pedal_name: str) -> Path:
    """Where the figures of a pedal are, whether they exist or not. Raises PedalNameError."""
    return own_folder().with_name("measured") / f"{checked_name(pedal_name)}.toml"


def checked_name(pedal_name: str) -> str:
    """The same, if a pedal of the user's can be called so. Raises PedalNameError."""
    if _NAME.fullmatch(pedal_name) is None:
        raise PedalNameError(f"pedal {pedal_name!r}: is no name; one of letters, digits, - and _ is needed")
    return pedal_name


def read_measured(pedal_name: str) -> Measured | None:
    """None: nothing was measured. Raises PedalNameError, or another SettingsError that names file and key."""
    path = measured_path(pedal_name)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsUnreadableError(f"{path}: can't be read: {reason(error)}") from error
    return _parse(data, str(path))


def write_measured(pedal_name: str, measured: Measured) -> None:
    """Takes the place of what was measured before.

    Raises a SettingsError as reading it would, before anything is written; SettingsUnwritableError.
    """
    path = measured_path(pedal_name)
    text = to_toml(asdict(measured))
    _parse(text, str(path))
    save(text, path)


def _parse(data: bytes, where: str) -> Measured:
    values = load_toml(where, data)
    check_keys(where, "", values, tuple(LIMITS))

    def number(key: str, *, whole: bool = False) -> float:
        return number_of(where, key, values, LIMITS[key], whole=whole)

    return Measured(
        round_trip_frames=int(number("round_trip_frames", whole=True)),
        period_frames=int(number("period_frames", whole=True)),
        sample_rate_hz=int(number("sample_rate_hz", whole=True)),
        loop_gain_db=number("loop_gain_db"),
        noise_floor_dbfs=number("noise_floor_dbfs"),
    )
