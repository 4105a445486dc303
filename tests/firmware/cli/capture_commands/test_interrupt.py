"""Ctrl-C in a conversion: a real SIGINT to a real process, on a terminal and without one."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from nampedal.board.profiles.boards import Cost, read_board, write_board
from nampedal.firmware.cost.cost_model import TERMS
from nampedal.firmware.engine import artifact
from support.makers import nam_maker

pytestmark = pytest.mark.long

# For ever, if nobody ends it.
STEPS = "1000000"
PATIENCE_S = 240.0
SAYS = "nampedal: Ctrl-C: ends the training and writes what is best so far of every tier; once more: ends at once"


class Running:
    """A command that writes to a terminal, or to a pipe; what it has written so far."""

    def __init__(self, arguments: list[str], folder: Path, *, terminal: bool) -> None:
        self._reads, writes = pty.openpty() if terminal else os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "nampedal.firmware.cli", *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=writes,
            stderr=writes,
            start_new_session=True,
            env=os.environ | {"TERM": "xterm", "COLUMNS": "150"},
        )
        os.close(writes)
        self.text = ""

    def wait_for(self, pattern: str) -> None:
        """Until it is written; of progress on a pipe that comes seldom, give what comes before."""
        deadline = time.monotonic() + PATIENCE_S
        while re.search(pattern, self.text) is None:
            assert time.monotonic() < deadline, self.tail
            assert self._read(), self.tail

    def ends(self) -> int:
        """The exit code, when everything is read."""
        deadline = time.monotonic() + PATIENCE_S
        while self._read():
            assert time.monotonic() < deadline, self.tail
        return self.process.wait(PATIENCE_S)

    def interrupt(self, *, all_of_it: bool) -> None:
        """As a terminal does it, all its processes; or the first alone, as `kill` does."""
        (os.killpg if all_of_it else os.kill)(self.process.pid, signal.SIGINT)

    @property
    def tail(self) -> str:
        """The end of it."""
        return self.text[-1000:]

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self._reads)

    def _read(self) -> bool:
        if not select.select([self._reads], [], [], 1.0)[0]:
            return True
        try:
            data = os.read(self._reads, 65536)
        except OSError:  # A terminal that nobody writes to any more.
            return False
        self.text += data.decode("utf-8", "replace")
        return bool(data)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """amp.nam, captures/ with three of it, and a board for which they are too dear."""
    nam = nam_maker.a1((8, 4), (1, 2, 4, 8), seed=3)
    nam_maker.write(tmp_path / "amp.nam", nam)
    (tmp_path / "captures").mkdir()
    for name in ("a.nam", "b.nam", "c.nam"):
        nam_maker.write(tmp_path / "captures" / name, nam)
    prices = dict.fromkeys(TERMS, 0.0) | {"planes_macs": 20.0}
    cost = Cost("measured", "made up for a test", "avx512", 0.0, prices)
    write_board(replace(read_board("5"), key="slow", cost=cost), tmp_path / "slow.toml")
    return tmp_path


@contextmanager
def converting(folder: Path, *arguments: str, terminal: bool) -> Iterator[Running]:
    board = ["--board", str(folder / "slow.toml"), "--budget", "4", "--period", "64", "--max-esr", "1"]
    running = Running(["convert", *arguments, *board, "--no-golden"], folder, terminal=terminal)
    try:
        yield running
    finally:
        running.close()


@pytest.mark.parametrize("terminal", [True, False])
def test_ctrl_c_says_so_and_keeps_the_best_of_every_tier(folder: Path, *, terminal: bool) -> None:
    with converting(folder, "amp.nam", "-o", "amp.stomp", "--steps", STEPS, terminal=terminal) as running:
        running.wait_for("training [0-9]")
        running.interrupt(all_of_it=terminal)
        running.wait_for(re.escape(SAYS))
        assert running.ends() == 0, running.tail
    assert "for Raspberry Pi 5: 4 % of a core" in running.text
    assert "Traceback" not in running.tail
    stored = artifact.read(folder / "amp.stomp")
    assert len(stored.tiers) == 3
    for tier in stored.tiers[1:]:
        assert tier.likeness is not None
        assert tier.likeness.esr < 0.5


@pytest.mark.parametrize("terminal", [True, False])
def test_a_second_ctrl_c_ends_at_once_without_a_file(folder: Path, *, terminal: bool) -> None:
    with converting(folder, "amp.nam", "-o", "amp.stomp", "--steps", STEPS, terminal=terminal) as running:
        running.wait_for("training [0-9]")
        running.interrupt(all_of_it=terminal)
        running.wait_for(re.escape(SAYS))
        running.interrupt(all_of_it=terminal)
        assert running.ends() == 130, running.tail
    assert running.text.rstrip().endswith("nampedal: interrupted")
    assert "Traceback" not in running.tail
    assert [path.name for path in folder.glob("*amp.stomp*")] == []


def test_while_there_is_nothing_to_keep_the_first_ctrl_c_ends(folder: Path) -> None:
    with converting(folder, "amp.nam", "-o", "amp.stomp", "--steps", STEPS, terminal=True) as running:
        running.wait_for("reading|rounding|trying shape")
        running.interrupt(all_of_it=True)
        assert running.ends() == 130, running.tail
    assert running.text.rstrip().endswith("nampedal: interrupted")
    assert SAYS not in running.tail
    assert "Traceback" not in running.tail
    assert [path.name for path in folder.glob("*amp.stomp*")] == []


def test_of_several_the_one_in_work_is_finished_and_no_other_begun(folder: Path) -> None:
    with converting(folder, "captures", "-o", "bank", "--steps", STEPS, terminal=True) as running:
        running.wait_for("training [0-9]")
        running.interrupt(all_of_it=True)
        assert running.ends() == 130, running.tail
    assert re.search(r"a\.nam +[0-9,]+ bytes", running.text) is not None
    assert re.search(r"b\.nam +not begun", running.text) is not None
    assert [path.name for path in (folder / "bank").iterdir()] == ["a.stomp"]


@pytest.mark.parametrize("twice", [False, True])
def test_processes_beside_each_other_are_ended_too(folder: Path, *, twice: bool) -> None:
    with converting(folder, "captures", "-o", "bank", "--jobs", "2", "--steps", STEPS, terminal=True) as running:
        running.wait_for(r"a\.nam: training [0-9]")
        running.interrupt(all_of_it=True)
        running.wait_for("finishes the captures in work with what is best so far, and begins no other")
        if twice:
            running.interrupt(all_of_it=True)
        assert running.ends() == 130, running.tail
    assert "Traceback" not in running.tail
    assert list((folder / "bank").glob(".*")) == []
    # The other one may have had nothing to keep yet.
    if not twice:
        assert re.search(r"a\.nam +[0-9,]+ bytes", running.text) is not None
        assert re.search(r"c\.nam +not begun", running.text) is not None
