from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import DeployError, SignatureError, UnsignedError
from nampedal.firmware.base.files.signature import UPDATE, sign, signature_path
from nampedal.firmware.cli.system_commands import update_command as cli
from nampedal.firmware.system.update.update_host import UpdateHost
from support.makers.signing_keys import make_key, maker
from support.rigs.update_rig import (
    HANGS,
    NEW,
    OLD,
    FakePedal,
    FlashedPedal,
    make_image,
    make_slot_folder,
    make_wheel,
    root_of,
)

Run = Callable[..., Result]


@pytest.fixture
def flashed(tmp_path: Path) -> FlashedPedal:
    return FlashedPedal(tmp_path / "root")


@pytest.fixture
def run(flashed: FlashedPedal, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(cli, "SYSTEM", flashed.system)
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    def run(*arguments: str | Path) -> Result:
        return CliRunner().invoke(cli.update_command, list(map(str, arguments)), standalone_mode=False)

    return run


def test_a_wheel_that_plays_is_kept_and_told_of(run: Run, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path)
    done = run(wheel)
    assert done.return_value == 0
    assert done.output.splitlines() == [
        f"{wheel}: signed by maker@home",
        f"{wheel}: is made ready and checked",
        f"nampedal {NEW} is started; it stays if it plays for 30 s",
        f"nampedal {NEW}: is kept: it played for 30 s without a break",
    ]
    assert run("status").output.splitlines() == [
        f"nampedal  {NEW}, from an update; before it: {OLD}",
        f"system    {OLD} (A); the other one: none (B)",
        "trusts    maker@home",
        f"last      nampedal {NEW}: is kept: it played for 30 s without a break",
    ]
    assert json.loads(run("status", "--json").output) == {
        "version": NEW,
        "version_before": OLD,
        "systems": [{"slot": "A", "version": OLD, "running": True}, {"slot": "B", "version": "none", "running": False}],
        "trusted": ["maker@home"],
        "on_trial": None,
        "last": {
            "what": "nampedal",
            "version": NEW,
            "kept": True,
            "why": "it played for 30 s without a break",
            "presets": False,
        },
    }
    assert run("back").output == f"nampedal {OLD} plays\n"


def test_a_wheel_that_does_not_play_is_an_exit_code(run: Run, flashed: FlashedPedal, tmp_path: Path) -> None:
    flashed.does[NEW] = HANGS
    done = run(make_wheel(tmp_path))
    assert done.return_value == 1
    assert done.output.splitlines()[-1] == f"nampedal {NEW}: was not kept: it does not play"


def test_an_image_is_written_and_started_into(run: Run, flashed: FlashedPedal, tmp_path: Path) -> None:
    make_slot_folder(tmp_path / "A", NEW, root_of(NEW))
    path = tmp_path / "new.img"
    make_image(path, tmp_path / "A", root_of(NEW))
    sign(path, maker(), UPDATE)
    assert run(path).output.splitlines() == [
        f"{path}: reading the image",
        f"{path}: signed by maker@home",
        f"{path}: there is no new.img.sha256 to check it by",
        f"{path}: writing nampedal {NEW} to deadbeef-03",
        f"starting into {NEW}; it stays if it plays for 30 s, or else this one is back: 'nampedal update status' tells",
    ]
    flashed.boot()
    done = run("health")
    assert (done.return_value, done.output) == (0, f"system {NEW}: is kept: it played for 30 s without a break\n")
    assert (
        run("back").output == f"starting into system {OLD}; it stays if it plays for 30 s, or else this one is back\n"
    )
    flashed.boot()
    flashed.does[OLD] = HANGS
    done = run("health")
    assert (done.return_value, done.output) == (1, f"system {OLD}: was not kept: it does not play\n")


@pytest.mark.parametrize("first", [True, False])
def test_an_unsigned_wheel_needs_a_word(run: Run, tmp_path: Path, first: bool) -> None:
    wheel = make_wheel(tmp_path)
    signature_path(wheel).unlink()
    assert isinstance(run(wheel).exception, UnsignedError)
    done = run("--unsigned", wheel) if first else run(wheel, "--unsigned")
    assert done.output.splitlines()[:2] == [
        f"{wheel}: its signature is not checked (--unsigned)",
        f"{wheel}: is made ready and checked",
    ]
    assert done.return_value == 0


def test_a_key_is_trusted_from_then_on(run: Run, flashed: FlashedPedal, tmp_path: Path) -> None:
    key = make_key(tmp_path / "ann", "Ann's")
    wheel = make_wheel(tmp_path)
    sign(wheel, key, UPDATE)
    assert isinstance(run(wheel).exception, SignatureError)
    place = flashed.at(system_paths.TRUSTED_ADDED)
    assert run("trust", f"{key}.pub").output == f"{place}: updates and banks of Ann-s are trusted\n"
    assert run("status").output.splitlines()[-1] == "trusts    maker@home, Ann-s"
    assert run(wheel).output.splitlines()[0] == f"{wheel}: signed by Ann-s"
    assert run("trust", f"{key}.pub", "--as", "ann").output == f"{place}: updates and banks of ann are trusted\n"
    assert isinstance(run("trust", tmp_path / "bob.pub").exception, SignatureError)


def test_health_says_nothing_where_nothing_is_on_trial(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for system in (cli.SYSTEM, FakePedal(tmp_path / "debian", base="debian").system, UpdateHost(tmp_path / "none")):
        monkeypatch.setattr(cli, "SYSTEM", system)
        done = run("health")
        assert (done.exception, done.return_value, done.output) == (None, 0, "")


def test_mistakes_are_told_before_anything_is_done(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(run("pedal.zip").exception, DeployError)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    key = make_key(tmp_path / "ann", "ann")
    assert isinstance(run("trust", f"{key}.pub").exception, DeployError)
    for what in ("a.whl", "back", "health"):
        assert isinstance(run(what).exception, DeployError)
    monkeypatch.setattr(cli, "SYSTEM", UpdateHost(tmp_path / "none"))
    for what in ("a.whl", "status", "back"):
        assert isinstance(run(what).exception, DeployError)
