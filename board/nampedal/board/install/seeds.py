"""What a new pedal begins with: the profiles of its owner."""

from __future__ import annotations

from pathlib import Path

from nampedal.board import places, profiles
from nampedal.board.errors import UnknownPedalError
from nampedal.board.install.errors import ProfilePathError
from nampedal.board.install.steps import File, Seed, Step
from nampedal.board.install.target import Target
from nampedal.board.measured import checked_name
from nampedal.board.pedal_file import read_values
from nampedal.board.pedals import Pedal

_PARTS = ("board", "hat")


def seed_steps(profile: str | Path, pedal: Pedal, target: Target) -> list[Step]:
    """profile: what the pedal was read from. Raises ProfilePathError, or a SettingsError."""
    found = {Path("config/nampedal") / path: data for path, data in _profiles(profile, pedal).items()}
    steps: list[Step] = [File(places.SEED / path, data) for path, data in found.items()]
    if not target.image:
        steps += [Seed(places.DATA / path, places.SEED / path, data, places.USER) for path, data in found.items()]
    return steps


def _profiles(profile: str | Path, pedal: Pedal) -> dict[Path, bytes]:
    """Of the pedal, its board and its HAT, those that are not ours."""
    values, found = read_values(profile), {}
    path = profiles.find("pedal", profile, UnknownPedalError)
    if _is_own("pedal", pedal.key, profile):
        found[Path("pedals", f"{checked_name(pedal.key)}.toml")] = profiles.read(path)
    for kind in _PARTS:
        key = values[kind]
        if key.endswith(".toml"):
            folder = profiles.own_folder(kind)
            raise ProfilePathError(
                f"{path}: {kind}: is the path {key}, which leads nowhere on the pedal; put the file into {folder} and "
                f'write {kind} = "{Path(key).stem}"'
            )
        if _is_own(kind, key):
            own = profiles.own_folder(kind)
            found[Path(own.name, f"{key}.toml")] = profiles.read(own / f"{key}.toml")
    return found


def _is_own(kind: str, key: str, asked: str | Path | None = None) -> bool:
    return str(asked).endswith(".toml") or (profiles.own_folder(kind) / f"{key}.toml").is_file()
