"""Profiles that are not ours come with the pedal that they describe."""

from __future__ import annotations

from pathlib import Path

from nampedal.board import places, profiles
from nampedal.board.errors import UnknownPedalError
from nampedal.board.install.errors import ProfilePathError
from nampedal.board.install.steps import File, Step
from nampedal.board.measured import checked_name
from nampedal.board.pedal_file import read_values
from nampedal.board.pedals import Pedal

_PARTS = ("board", "hat")


def profile_steps(profile: str | Path, pedal: Pedal) -> list[Step]:
    """Of the pedal, its board and its HAT. profile: what the pedal was read from.

    Raises ProfilePathError, or a SettingsError.
    """
    values, found = read_values(profile), {}
    path = profiles.find("pedal", profile, UnknownPedalError)
    if not profiles.is_ours(path, "pedal"):
        found[Path("pedals", f"{checked_name(pedal.key)}.toml")] = profiles.read(path)
    for kind in _PARTS:
        key = values[kind]
        folder = profiles.own_folder(kind)
        if key.endswith(".toml"):
            raise ProfilePathError(
                f"{path}: {kind}: is the path {key}, which leads nowhere on the pedal; put the file into {folder} and "
                f'write {kind} = "{Path(key).stem}"'
            )
        part = profiles.find(kind, key, UnknownPedalError)
        if not profiles.is_ours(part, kind):
            found[Path(folder.name, f"{key}.toml")] = profiles.read(part)
    return [File(places.PROFILES / path, data) for path, data in found.items()]
