from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path

import pytest
from nampedal.board.settings import reason
from nampedal.firmware.doctor import machine as machines
from nampedal.firmware.doctor.machine import MOST_BYTES, RealMachine
from nampedal.firmware.errors import ControlSocketError


def test_files_are_read_below_the_root(tmp_path: Path) -> None:
    machine = RealMachine(tmp_path)
    assert machine.text(Path("/proc/model")) is None
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "model").write_bytes(b" A \0Pi \xff\n\0\0")
    assert machine.real(Path("/proc/model")) == tmp_path / "proc" / "model"
    assert machine.text(Path("/proc/model")) == "A \0Pi �"
    assert machine.text(Path("/proc")) is None
    assert machine.names(Path("/proc")) == ["model"]
    assert machine.names(Path("/gone")) == []


def test_of_a_large_file_only_the_beginning_is_read(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x" * (MOST_BYTES + 1))
    assert RealMachine(tmp_path).text(Path("/x")) == "x" * MOST_BYTES


def test_what_is_not_there_is_not_denied(tmp_path: Path) -> None:
    machine = RealMachine(tmp_path)
    (tmp_path / "x").write_text("")
    assert not machine.denied(Path("/gone"))
    assert not machine.denied(Path("/x"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_denied(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir(0)
    machine = RealMachine(tmp_path)
    assert machine.denied(Path("/x"))
    assert machine.denied(Path("/x/y"))


def test_commands_are_run_on_the_system_that_runs(tmp_path: Path) -> None:
    machine = RealMachine()
    assert machine.run(sys.executable, "-c", "print('two\\nlines\\n')") == "two\nlines"
    # Some say what they found by their exit code, too.
    assert machine.run(sys.executable, "-c", "print('none'); raise SystemExit(1)") == "none"
    assert machine.run(sys.executable, "-c", "import os; print(os.environ['LC_ALL'])") == "C"
    assert machine.run(sys.executable, "-c", "") is None
    assert machine.run("nampedal-no-such-command") is None
    assert RealMachine(tmp_path).run(sys.executable, "-c", "print(1)") is None


def test_a_command_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines, "PATIENCE_S", 0.2)
    assert RealMachine().run(sys.executable, "-c", "import time; print(1, flush=True); time.sleep(60)") is None


def test_a_machine_without_a_pedal_has_none_that_answers(tmp_path: Path) -> None:
    with pytest.raises(ControlSocketError) as caught:
        RealMachine(tmp_path).ask("status")
    assert isinstance(caught.value.__cause__, OSError)
    assert reason(caught.value.__cause__)


def test_room_owner_and_time_are_told(tmp_path: Path) -> None:
    machine = RealMachine(tmp_path)
    free = machine.free_bytes(Path("/"))
    assert free is not None
    assert free > 0
    assert machine.free_bytes(Path("/gone")) is None
    assert machine.owner(Path("/")) == os.getuid()
    assert machine.owner(Path("/gone")) is None
    assert machine.now() <= datetime.now().astimezone()
    assert machine.passed_s() <= machine.passed_s()
    assert machine.is_root == (os.geteuid() == 0)
