"""Copies profiles that do not ship with nampedal to the pedal that they describe."""

from __future__ import annotations

from pathlib import Path

from nampedal.board.profiles import profile_files
from nampedal.board.profiles.pedal_file import read_raw_values
from nampedal.board.profiles.pedals import PedalProfile
from nampedal.board.profiles.user_calibration import checked_name
from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import DeployError, SettingValueError
from nampedal.firmware.system.install.steps.step_types import Step, WholeFile

_PARTS = ("board", "hat")


def profile_steps(profile: str | Path, pedal: PedalProfile) -> list[Step]:
    """Return the steps that copy the profiles of the pedal, its board and its HAT, unless they ship with nampedal.

    profile: what the pedal was read from. Raises DeployError, or a SettingsError.
    """
    values, found = read_raw_values(profile), {}
    path = profile_files.find("pedal", profile, SettingValueError)
    if not profile_files.is_shipped(path, "pedal"):
        found[Path("pedals", f"{checked_name(pedal.key)}.toml")] = profile_files.read(path)
    for kind in _PARTS:
        key = values[kind]
        folder = profile_files.own_folder(kind)
        if profile_files.is_profile_path(key):
            raise DeployError(
                f"{path}: {kind}: is the path {key}, which leads nowhere on the pedal; put the file into {folder} and "
                f'write {kind} = "{Path(key).stem}"'
            )
        part = profile_files.find(kind, key, SettingValueError)
        if not profile_files.is_shipped(part, kind):
            found[Path(folder.name, f"{key}.toml")] = profile_files.read(part)
    return [WholeFile(system_paths.PROFILES / path, data) for path, data in found.items()]
