"""Profiles of the player's own come with the pedal, and are his there."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from nampedal.board.errors import SettingsError
from nampedal.board.install.errors import ProfilePathError
from nampedal.board.install.installer import install, uninstall
from nampedal.board.install.target import Target
from nampedal.board.profiles import find
from nampedal.board.settings import to_toml
from system_maker import Tools

pytestmark = pytest.mark.usefixtures("no_pip")
SEED, DATA = (Path(folder, "config/nampedal") for folder in ("opt/nampedal/seed", "var/lib/nampedal"))


def write_pedal(path: Path, name: str = "mine", board: str = "5", hat: str = "pisound") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(to_toml({"name": name, "board": board, "hat": hat}))
    return path


def copy_part(own: Path, kind: str, key: str, name: str) -> None:
    (own / f"{kind}s").mkdir(parents=True, exist_ok=True)
    (own / f"{kind}s" / f"{name}.toml").write_bytes(find(kind, key, SettingsError).read_bytes())


def profiles_in(root: Path, folder: Path) -> list[str]:
    return sorted(path.relative_to(root / folder).as_posix() for path in (root / folder).rglob("*.toml"))


def installed(target: Target, tools: Tools, profile: str | Path) -> list[str]:
    said: list[str] = []
    install(profile, target, said.append, run=tools)
    return said


def test_a_pedal_of_ours_brings_nothing(target: Target, tools: Tools) -> None:
    installed(target, tools, "pi-4-dac-adc")
    assert not (target.root / "opt/nampedal/seed").exists()
    assert not (target.root / "var/lib/nampedal").exists()


def test_a_profile_with_its_own_board_and_hat_comes_whole(
    target: Target, tools: Tools, no_own_profiles: Path, tmp_path: Path
) -> None:
    copy_part(no_own_profiles, "board", "5", "fast")
    copy_part(no_own_profiles, "hat", "pisound", "loud")
    profile = write_pedal(tmp_path / "stage.toml", board="fast", hat="loud")
    installed(target, tools, profile)
    names = ["boards/fast.toml", "hats/loud.toml", "pedals/stage.toml"]
    assert profiles_in(target.root, SEED) == names
    assert profiles_in(target.root, DATA) == names
    assert "NAMPEDAL_PEDAL=stage\n" in (target.root / "etc/nampedal/pedal.env").read_text()


def test_a_profile_is_known_by_its_key_too(target: Target, tools: Tools, no_own_profiles: Path) -> None:
    write_pedal(no_own_profiles / "pedals" / "home.toml")
    installed(target, tools, "home")
    assert profiles_in(target.root, SEED) == ["pedals/home.toml"]


def test_an_image_has_only_the_seed(target: Target, tools: Tools, tmp_path: Path) -> None:
    profile = write_pedal(tmp_path / "stage.toml")
    installed(dataclasses.replace(target, image=True), tools, profile)
    assert profiles_in(target.root, SEED) == ["pedals/stage.toml"]
    assert not (target.root / "var/lib/nampedal").exists()


def test_a_newer_profile_is_taken_over_unless_the_player_changed_his(
    target: Target, tools: Tools, tmp_path: Path
) -> None:
    profile = write_pedal(tmp_path / "stage.toml")
    installed(target, tools, profile)
    write_pedal(profile, name="newer")
    assert "/var/lib/nampedal/config/nampedal/pedals/stage.toml: written, for nampedal" in installed(
        target, tools, profile
    )
    his = target.root / DATA / "pedals/stage.toml"
    assert his.read_bytes() == profile.read_bytes()
    his.write_text("# learnt\n")
    write_pedal(profile, name="newest")
    assert (
        "/var/lib/nampedal/config/nampedal/pedals/stage.toml: is the player's own by now, and is kept; what it would "
        "be is in /opt/nampedal/seed/config/nampedal/pedals/stage.toml"
    ) in installed(target, tools, profile)
    assert his.read_text() == "# learnt\n"
    uninstall(target, lambda line: None, run=tools)
    assert his.read_text() == "# learnt\n"
    assert not (target.root / "opt/nampedal").exists()


def test_a_part_that_is_named_by_its_path_is_a_mistake(
    target: Target, tools: Tools, no_own_profiles: Path, tmp_path: Path
) -> None:
    copy_part(tmp_path, "hat", "pisound", "loud")
    profile = write_pedal(tmp_path / "stage.toml", hat=str(tmp_path / "hats/loud.toml"))
    with pytest.raises(ProfilePathError) as error:
        installed(target, tools, profile)
    assert str(error.value) == (
        f"{profile}: hat: is the path {tmp_path}/hats/loud.toml, which leads nowhere on the pedal; put the file into "
        f'{no_own_profiles}/hats and write hat = "loud"'
    )
