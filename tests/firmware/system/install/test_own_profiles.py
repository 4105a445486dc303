"""Profiles that are not ours come with the pedal that they describe."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from nampedal.board.profiles import profile_files
from nampedal.board.profiles.pedals import read_pedal
from nampedal.board.profiles.profile_files import find
from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import DeployError, SettingsError
from nampedal.firmware.base.files.toml_schema import to_toml
from nampedal.firmware.system.install.installer import install, uninstall
from nampedal.firmware.system.install.steps.target import InstallTarget
from support.makers.system_maker import Tools

pytestmark = pytest.mark.usefixtures("no_pip")
OWN = Path("opt/nampedal/profiles")


def write_pedal(path: Path, name: str = "mine", board: str = "5", hat: str = "pisound") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(to_toml({"name": name, "board": board, "hat": hat}))
    return path


def copy_part(own: Path, kind: str, key: str, name: str) -> None:
    (own / f"{kind}s").mkdir(parents=True, exist_ok=True)
    (own / f"{kind}s" / f"{name}.toml").write_bytes(find(kind, key, SettingsError).read_bytes())


def profiles_in(root: Path, folder: Path) -> list[str]:
    return sorted(path.relative_to(root / folder).as_posix() for path in (root / folder).rglob("*.toml"))


def installed(target: InstallTarget, tools: Tools, profile: str | Path) -> list[str]:
    said: list[str] = []
    install(profile, target, said.append, run=tools)
    return said


def test_a_pedal_of_ours_brings_nothing(target: InstallTarget, tools: Tools) -> None:
    installed(target, tools, "pi-4-dac-adc")
    assert not (target.root / OWN).exists()


def test_a_profile_with_its_own_board_and_hat_comes_whole(
    target: InstallTarget, tools: Tools, no_own_profiles: Path, tmp_path: Path
) -> None:
    copy_part(no_own_profiles, "board", "5", "fast")
    copy_part(no_own_profiles, "hat", "pisound", "loud")
    profile = write_pedal(tmp_path / "stage.toml", board="fast", hat="loud")
    installed(target, tools, profile)
    names = ["boards/fast.toml", "hats/loud.toml", "pedals/stage.toml"]
    assert profiles_in(target.root, OWN) == names
    assert "NAMPEDAL_PEDAL=stage\n" in (target.root / "etc/nampedal/pedal.env").read_text()


def test_a_profile_is_known_by_its_key_too(target: InstallTarget, tools: Tools, no_own_profiles: Path) -> None:
    write_pedal(no_own_profiles / "pedals" / "home.toml")
    installed(target, tools, "home")
    assert profiles_in(target.root, OWN) == ["pedals/home.toml"]


def test_a_newer_profile_comes_with_the_next_installation_and_nothing_is_written_where_the_player_may(
    target: InstallTarget, tools: Tools, tmp_path: Path
) -> None:
    profile = write_pedal(tmp_path / "stage.toml")
    installed(target, tools, profile)
    write_pedal(profile, name="newer")
    assert "/opt/nampedal/profiles/pedals/stage.toml: written" in installed(target, tools, profile)
    assert (target.root / OWN / "pedals/stage.toml").read_bytes() == profile.read_bytes()
    assert not (target.root / "var/lib/nampedal").exists()
    uninstall(target, lambda line: None, run=tools)
    assert not (target.root / "opt/nampedal").exists()


def test_a_pedal_installs_itself_once_more_from_what_it_has(
    target: InstallTarget, tools: Tools, no_own_profiles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_part(no_own_profiles, "hat", "pisound", "loud")
    installed(target, tools, write_pedal(tmp_path / "stage.toml", hat="loud"))
    # As it is for who runs in that root.
    monkeypatch.setattr(
        profile_files, "system_paths", SimpleNamespace(PROFILES=target.under_root(system_paths.PROFILES))
    )
    shutil.rmtree(no_own_profiles)
    assert installed(target, tools, "stage") == ["nothing to do: everything is as it should be"]
    assert read_pedal("stage").hat.key == "loud"


def test_a_part_that_is_named_by_its_path_is_a_mistake(
    target: InstallTarget, tools: Tools, no_own_profiles: Path, tmp_path: Path
) -> None:
    copy_part(tmp_path, "hat", "pisound", "loud")
    profile = write_pedal(tmp_path / "stage.toml", hat=str(tmp_path / "hats/loud.toml"))
    with pytest.raises(DeployError) as error:
        installed(target, tools, profile)
    assert str(error.value) == (
        f"{profile}: hat: is the path {tmp_path}/hats/loud.toml, which leads nowhere on the pedal; put the file into "
        f'{no_own_profiles}/hats and write hat = "loud"'
    )
