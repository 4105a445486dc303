from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path

import pytest
from nampedal.firmware.base.errors import ControlSocketError
from nampedal.firmware.base.files.toml_schema import os_error_text
from nampedal.firmware.system.doctor import examined_host as machines
from nampedal.firmware.system.doctor.errors import (
    CheckProgramError,
    CheckTimeoutError,
    ProgramMissingError,
    UnknownResultError,
)
from nampedal.firmware.system.doctor.examined_host import MAX_BYTES, RealHost


def test_files_are_read_below_the_root(tmp_path: Path) -> None:
    machine = RealHost(tmp_path)
    assert machine.text(Path("/proc/model")) is None
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "model").write_bytes(b" A \0Pi \xff\n\0\0")
    assert machine.real(Path("/proc/model")) == tmp_path / "proc" / "model"
    assert machine.text(Path("/proc/model")) == "A \0Pi �"
    assert machine.text(Path("/proc")) is None
    assert machine.names(Path("/proc")) == ["model"]
    assert machine.names(Path("/gone")) == []
    assert machine.is_folder(Path("/proc"))
    assert not machine.is_folder(Path("/proc/model"))
    assert not machine.is_folder(Path("/gone"))


def test_of_a_large_file_only_the_beginning_is_read(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x" * (MAX_BYTES + 1))
    assert RealHost(tmp_path).text(Path("/x")) == "x" * MAX_BYTES


def test_what_is_not_there_is_not_denied(tmp_path: Path) -> None:
    machine = RealHost(tmp_path)
    (tmp_path / "x").write_text("")
    assert not machine.denied(Path("/gone"))
    assert not machine.denied(Path("/x"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_denied(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir(0)
    machine = RealHost(tmp_path)
    assert machine.denied(Path("/x"))
    assert machine.denied(Path("/x/y"))


def test_commands_are_run_on_the_system_that_runs(tmp_path: Path) -> None:
    machine = RealHost()
    assert machine.run(sys.executable, "-c", "print('two\\nlines\\n')") == "two\nlines"
    # Some say what they found by their exit code, too.
    assert machine.run(sys.executable, "-c", "print('none'); raise SystemExit(1)", fine=(0, 1)) == "none"
    assert machine.run(sys.executable, "-c", "import os; print(os.environ['LC_ALL'])") == "C"
    assert machine.run(sys.executable, "-c", "") == ""
    with pytest.raises(UnknownResultError) as caught:
        RealHost(tmp_path).run("systemctl", "show")
    assert str(caught.value) == "this system does not run here: systemctl can't be asked"


def program(folder: Path, name: str, text: str, mode: int = 0o755) -> None:
    """A program of that name on PATH."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(mode)


def asked(*command: str) -> tuple[type[UnknownResultError], str, str]:
    """How it ends: the kind, what was found, what to do."""
    with pytest.raises(UnknownResultError) as caught:
        RealHost().run(*command)
    return type(caught.value), str(caught.value), caught.value.repair


def test_not_there_failed_and_too_slow_are_three_things(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr(machines, "PROGRAM_TIMEOUT_S", 0.5)
    assert asked("vcgencmd", "get_throttled") == (ProgramMissingError, "vcgencmd is not there", "")
    program(tmp_path / "bin", "vcgencmd", "", 0o644)
    assert asked("vcgencmd", "get_throttled") == (
        *(ProgramMissingError, "vcgencmd can't be started: permission denied", ""),
    )
    program(tmp_path / "bin", "amixer", "echo 'Invalid card number.' >&2; echo 'try --help' >&2; exit 1")
    assert asked("amixer", "-c", "No Card") == (
        *(CheckProgramError, "amixer failed: Invalid card number. try --help"),
        "run 'amixer -c 'No Card'' and do what it says",
    )
    program(tmp_path / "bin", "amixer", "exit 7")
    assert asked("amixer")[1] == "amixer failed: exit code 7"
    program(tmp_path / "bin", "systemctl", "echo Id=half; exec sleep 60")
    assert asked("systemctl", "show") == (
        *(CheckTimeoutError, "systemctl did not answer within 0.5 s: the machine is very busy"),
        "wait a minute and ask again; 'top' shows what keeps it busy; if it stays so, switch it off and on",
    )


def test_a_machine_without_a_pedal_has_none_that_answers(tmp_path: Path) -> None:
    with pytest.raises(ControlSocketError) as caught:
        RealHost(tmp_path).ask("status")
    assert isinstance(caught.value.__cause__, OSError)
    assert os_error_text(caught.value.__cause__)


def test_room_owner_and_time_are_told(tmp_path: Path) -> None:
    machine = RealHost(tmp_path)
    free = machine.free_bytes(Path("/"))
    assert free is not None
    assert free > 0
    assert machine.free_bytes(Path("/gone")) is None
    assert machine.owner(Path("/")) == os.getuid()
    assert machine.owner(Path("/gone")) is None
    assert machine.now() <= datetime.now().astimezone()
    assert machine.passed_s() <= machine.passed_s()
    assert machine.is_root == (os.geteuid() == 0)
