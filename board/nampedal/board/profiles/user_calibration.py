"""Reads and writes the calibration of the user's own pedals.

The files are ~/.config/nampedal/measured/NAME.toml, next to the user's own profiles.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path

from nampedal.board.profiles.boards import own_folder
from nampedal.firmware.base.errors import SettingsUnreadableError, SettingValueError
from nampedal.firmware.base.files.toml_edit import save_edited
from nampedal.firmware.base.files.toml_schema import (
    check_keys,
    load_toml,
    number_of,
    os_error_text,
    read_text_file,
    to_toml,
)

# Allowed range of each number, both ends included.
LIMITS = {
    "round_trip_frames": (0, 1 << 20),
    "period_frames": (8, 8192),
    "sample_rate_hz": (8000, 768_000),
    "loop_gain_db": (-200, 200),
    "noise_floor_dbfs": (-200, 0),
}
_NAME = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class UserCalibration:
    """Figures measured through a cable from the output to the input.

    round_trip_frames: latency from output to input, with JACK at this period and sample rate.  loop_gain_db: gain from
    output to input.  noise_floor_dbfs: RMS of the input while nothing is played.
    """

    round_trip_frames: int
    period_frames: int
    sample_rate_hz: int
    loop_gain_db: float
    noise_floor_dbfs: float

    @property
    def round_trip_ms(self) -> float:
        return 1e3 * self.round_trip_frames / self.sample_rate_hz


def calibration_path(pedal_name: str) -> Path:
    """Return the path of a pedal's calibration file. It may not exist. Raises SettingValueError."""
    return own_folder().with_name("measured") / f"{checked_name(pedal_name)}.toml"


def checked_name(pedal_name: str) -> str:
    """Return the name unchanged if it is allowed for a user's pedal. Raises SettingValueError otherwise."""
    if _NAME.fullmatch(pedal_name) is None:
        raise SettingValueError(f"pedal {pedal_name!r}: is no name; one of letters, digits, - and _ is needed")
    return pedal_name


def read_calibration(pedal_name: str) -> UserCalibration | None:
    """Read a pedal's calibration; None if there is none.

    Raises SettingValueError, or another SettingsError that names file and key.
    """
    path = calibration_path(pedal_name)
    try:
        data = read_text_file(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsUnreadableError(f"{path}: can't be read: {os_error_text(error)}") from error
    return _parse(data, str(path))


def write_calibration(pedal_name: str, measured: UserCalibration) -> None:
    """Write a pedal's calibration as an atomic write, and replace any earlier one.

    The values are checked before anything is written.
    Raises SettingValueError, the same SettingsError as reading the file would, or SettingsUnwritableError.
    """
    path = calibration_path(pedal_name)
    text = to_toml(asdict(measured))
    _parse(text, str(path))
    save_edited(text, path)


def _parse(data: bytes, where: str) -> UserCalibration:
    values = load_toml(where, data)
    check_keys(where, "", values, tuple(LIMITS))

    def number(key: str, *, whole: bool = False) -> float:
        return number_of(where, key, values, LIMITS[key], whole=whole)

    return UserCalibration(
        round_trip_frames=int(number("round_trip_frames", whole=True)),
        period_frames=int(number("period_frames", whole=True)),
        sample_rate_hz=int(number("sample_rate_hz", whole=True)),
        loop_gain_db=number("loop_gain_db"),
        noise_floor_dbfs=number("noise_floor_dbfs"),
    )
