from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import DeployError, FileAccessError, ProgramError
from nampedal.firmware.system.update.update_host import UpdateHost, run_program


def test_a_program_tells_what_it_prints_or_why_it_failed() -> None:
    assert run_program(["echo", "yes"]) == "yes\n"
    with pytest.raises(ProgramError) as caught:
        run_program(["sh", "-c", "echo no >&2; echo never >&2; exit 3"])
    assert str(caught.value) == "sh -c echo no >&2; echo never >&2; exit 3: failed (exit code 3): never"
    with pytest.raises(ProgramError) as caught:
        run_program(["/no/such"])
    assert str(caught.value) == "/no/such: no such file or directory"


def test_settings_are_names_and_values(tmp_path: Path) -> None:
    system = UpdateHost(tmp_path)
    with pytest.raises(DeployError) as caught:
        system.settings()
    path = system.under_root(system_paths.SETTINGS)
    assert str(caught.value) == (
        f"{path}: can't be read: no such file or directory; this is no pedal: 'nampedal install' makes one of it"
    )
    path.parent.mkdir(parents=True)
    path.write_text('# A=1\nNAMPEDAL_BASE=raspios\nNAMPEDAL_JACK="-R -d alsa"\n\nodd\n')
    assert system.settings() == {"NAMPEDAL_BASE": "raspios", "NAMPEDAL_JACK": "-R -d alsa"}


def test_a_daemon_that_never_failed_is_restarted_all_the_same(tmp_path: Path) -> None:
    asked: list[str] = []

    def run(command: Sequence[str]) -> str:
        asked.append(" ".join(command))
        if "reset-failed" in command:
            raise ProgramError("not loaded")
        return "\n"

    system = UpdateHost(tmp_path, run)
    system.restart_daemon()
    assert asked == ["systemctl reset-failed nampedal.service", "systemctl restart nampedal.service"]
    assert system.daemon_pid() == 0


def test_the_card_is_read_only_again_whatever_happens(tmp_path: Path) -> None:
    asked: list[str] = []

    def run(command: Sequence[str]) -> str:
        asked.append(" ".join(command))
        return ""

    with pytest.raises(KeyError), UpdateHost(tmp_path, run).card_writable():
        raise KeyError
    assert asked == ["mount -o remount,rw /boot/firmware", "mount -o remount,ro /boot/firmware"]


def test_one_update_at_a_time_and_by_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = UpdateHost(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(DeployError) as refused, system.alone():
        pass
    assert str(refused.value) == "update: only root may change what runs; say 'sudo nampedal update ...'"
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with system.alone():
        with pytest.raises(DeployError) as busy, system.alone():
            pass
        assert str(busy.value) == "update: another one is at work; wait for it: 'nampedal update status'"
    with system.alone(wait=True):
        pass


def test_a_lock_that_cannot_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    system = UpdateHost(tmp_path)
    system.under_root(system_paths.DATA).parent.mkdir(parents=True)
    system.under_root(system_paths.DATA).write_text("")
    with pytest.raises(FileAccessError) as caught, system.alone():
        pass
    assert str(caught.value) == f"{system.under_root(system_paths.UPDATES) / 'lock'}: can't be written: not a directory"
