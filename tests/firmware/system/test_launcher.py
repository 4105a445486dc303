"""The launcher, run for real: whatever lies in the folder of runtimes, something sound starts."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from nampedal.firmware.base import system_paths
from nampedal.firmware.system.launcher import launcher_script
from support.rigs.update_rig import NEW, OLD, FakePedal, make_runtime


@pytest.fixture
def pedal(tmp_path: Path) -> FakePedal:
    """Both slots are whole, and nothing is linked."""
    pedal = FakePedal(tmp_path)
    runtimes = pedal.at(system_paths.RUNTIMES)
    for slot, version in (("a", OLD), ("b", NEW)):
        make_runtime(runtimes / slot, version)
        (runtimes / slot / "beside").write_text(f"made of {OLD}\n")
    (runtimes / "tries").mkdir()
    return pedal


def link(pedal: FakePedal, name: str, target: str) -> None:
    (pedal.at(system_paths.RUNTIMES) / name).symlink_to(target)


def marks(pedal: FakePedal) -> list[str]:
    return sorted(path.name for path in (pedal.at(system_paths.RUNTIMES) / "tries").iterdir())


def test_it_is_plain_shell() -> None:
    subprocess.run(["sh", "-n"], input=launcher_script(), text=True, check=True)
    assert "/var/lib/nampedal/runtimes" in launcher_script()
    assert "{" not in launcher_script().replace("${", "").replace("() {", "")


def test_without_updates_the_installed_runtime_gets_all_arguments(pedal: FakePedal) -> None:
    shutil.rmtree(pedal.at(system_paths.RUNTIMES))
    assert pedal.launch("set", "3.bass", "7.5") == f"{OLD} set 3.bass 7.5"


def test_what_a_boot_waits_for_is_started_by_itself(pedal: FakePedal) -> None:
    assert pedal.launch("card", "check", "boot") == f"{OLD} card check boot"


@pytest.fixture
def root_of_a_pedal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is root, where there is the user that plays."""
    for name, says in (("id", "echo 0"), ("runuser", 'shift 2; echo "as $1"; shift 1; echo "$@"')):
        path = tmp_path / "programs" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{says}\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'programs'}:{os.environ['PATH']}")


@pytest.mark.usefixtures("root_of_a_pedal")
@pytest.mark.parametrize("command", ["bank", "calibrate", "latency", "learn", "setup"])
def test_what_is_the_players_root_does_as_the_player(pedal: FakePedal, command: str) -> None:
    said = pedal.launch(command, "an argument").split("\n")
    assert said == ["as --", f"{pedal.at(system_paths.COMMAND)} {command} an argument"]


@pytest.mark.usefixtures("root_of_a_pedal")
@pytest.mark.parametrize("command", ["doctor", "update", "status"])
def test_what_is_roots_root_does(pedal: FakePedal, command: str) -> None:
    assert pedal.launch(command) == f"{OLD} {command}"


def test_it_says_where_state_and_settings_are_and_that_the_socket_is_the_services(tmp_path: Path) -> None:
    pedal = FakePedal(tmp_path)
    tells = "import os; print(*(os.environ.get('XDG_' + x) for x in ('RUNTIME_DIR', 'CONFIG_HOME', 'STATE_HOME')))"
    (package,) = pedal.at(system_paths.RUNTIME).glob("lib/*/site-packages/nampedal/firmware/cli")
    (package / "__main__.py").write_text(tells)
    assert pedal.launch() == f"None {pedal.at(system_paths.CONFIG)} {pedal.at(system_paths.STATE)}"


def test_what_an_update_brought_is_used_by_every_command_but_the_safe_one(pedal: FakePedal) -> None:
    link(pedal, "current", "b")
    assert pedal.launch("status") == f"{NEW} status"
    assert pedal.launch("play", service=True) == f"{NEW} play"
    assert pedal.launch("play", "--safe", service=True) == f"{OLD} play --safe"
    assert marks(pedal) == []


def test_a_trial_is_begun_by_the_daemon_alone_and_once(pedal: FakePedal) -> None:
    link(pedal, "trial", "b")
    assert pedal.launch("update", "health", service=True) == f"{OLD} update health"
    assert pedal.launch("play") == f"{OLD} play"
    assert pedal.launch("play", "--safe", service=True) == f"{OLD} play --safe"
    assert marks(pedal) == []
    assert pedal.launch("play", service=True) == f"{NEW} play"
    assert marks(pedal) == ["begun"]
    for _ in range(2):
        assert pedal.launch("play", service=True) == f"{OLD} play"
        assert marks(pedal) == ["begun", "over"]


def test_a_trial_whose_python_does_not_start_is_followed_by_the_old_one(pedal: FakePedal) -> None:
    (main,) = pedal.at(system_paths.RUNTIMES).glob("b/lib/*/site-packages/nampedal/firmware/cli/__main__.py")
    main.write_text("raise SystemExit('broken')")
    link(pedal, "trial", "b")
    with pytest.raises(AssertionError, match="broken"):
        pedal.launch("play", service=True)
    assert pedal.launch("play", service=True) == f"{OLD} play"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_trial_is_not_begun_where_that_cannot_be_marked(pedal: FakePedal) -> None:
    link(pedal, "trial", "b")
    (pedal.at(system_paths.RUNTIMES) / "tries").chmod(0o555)
    assert pedal.launch("play", service=True) == f"{OLD} play"


def test_a_trial_is_not_begun_where_nothing_can_be_marked(pedal: FakePedal) -> None:
    link(pedal, "trial", "b")
    (pedal.at(system_paths.RUNTIMES) / "tries").rmdir()
    assert pedal.launch("play", service=True) == f"{OLD} play"


def test_another_installed_runtime_has_no_use_for_what_an_update_brought(pedal: FakePedal) -> None:
    link(pedal, "current", "b")
    (record,) = pedal.at(system_paths.RUNTIME).glob("lib/*/site-packages/*.dist-info/RECORD")
    record.write_text("made of 0.3.0\n")
    assert pedal.launch("status") == f"{OLD} status"


def _a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_bytes(b"\0" * 100)


def _a_loop(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.symlink_to(folder.name)


def _no_python(folder: Path) -> None:
    (folder / "bin" / "python3").unlink()


def _another_python(folder: Path) -> None:
    _no_python(folder)
    (folder / "bin" / "python3").write_text("garbage")
    (folder / "bin" / "python3").chmod(0o755)


def _unfinished(folder: Path) -> None:
    (folder / "beside").unlink()


def _finished_elsewhere(folder: Path) -> None:
    (folder / "beside").write_bytes(b"\0")


def _a_pipe(folder: Path) -> None:
    _unfinished(folder)
    os.mkfifo(folder / "beside")


GARBAGE = [_a_file, _a_loop, _no_python, _another_python, _unfinished, _finished_elsewhere, _a_pipe, shutil.rmtree]


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("name", ["current", "trial"])
def test_a_slot_that_is_not_whole_is_passed_over(pedal: FakePedal, garbage: Callable[[Path], None], name: str) -> None:
    link(pedal, name, "b")
    garbage(pedal.at(system_paths.RUNTIMES) / "b")
    assert pedal.launch("play", service=True) == f"{OLD} play"
    assert marks(pedal) == []


@pytest.mark.parametrize("target", ["..", "/", "c", "b/", "./b", "a b", "-n", "current", "*", "$(echo b)", "a\nb"])
def test_a_link_to_anything_else_is_passed_over(pedal: FakePedal, target: str) -> None:
    link(pedal, "current", target)
    link(pedal, "trial", target)
    assert pedal.launch("play", service=True) == f"{OLD} play"
    assert marks(pedal) == []


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_should_be_a_link_and_is_none_is_passed_over(pedal: FakePedal, kind: str) -> None:
    for name in ("current", "trial"):
        path = pedal.at(system_paths.RUNTIMES) / name
        path.write_text("b") if kind == "file" else shutil.copytree(pedal.at(system_paths.RUNTIMES) / "b", path)
    assert pedal.launch("play", service=True) == f"{OLD} play"


def test_a_folder_of_runtimes_that_is_a_file_is_passed_over(pedal: FakePedal) -> None:
    shutil.rmtree(pedal.at(system_paths.RUNTIMES))
    pedal.at(system_paths.RUNTIMES).write_text("")
    assert pedal.launch("play", service=True) == f"{OLD} play"
