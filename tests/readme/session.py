"""Runs the examples of one page in order, as a reader of it would, in one empty folder with the demo in it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from conftest import ROOT
from readme.comparison import difference
from readme.page import Block, Example, Marks
from support.players.jack_player import Player
from support.players.jack_server import JackServer, wait_for
from support.players.pipewire_server import PERIOD, PipeWire

# Of a command; the longest takes a minute of CPU, and the machine may be busy.
PATIENCE_S = 600.0
# What stands in for a bar that comes and goes where output is no terminal.
PROGRESS = re.compile(r"^nampedal: \S+: \d+:\d\d gone, .*$\n?", re.MULTILINE)
# Of the copy of the project that a reader is in; linked, so nothing is built again.
OF_THE_PROJECT = (
    *("CMakeLists.txt", "Makefile", "bench", "board", "converter", "firmware", "hw-profiles", "pyproject.toml"),
    *("release", "systemd", "tests"),
)
OF_THE_ENVIRONMENT = ("bin", "include", "lib", "lib64", "pyvenv.cfg")


class Session:
    """folder: has to be empty, or not there.  Its end ends what goes on."""

    def __init__(self, folder: Path, jack: JackServer, pipewire: PipeWire) -> None:
        self.folder = folder
        self._jack, self._pipewire = jack, pipewire
        self._servers_run = False
        self._going: subprocess.Popen[bytes] | None = None
        (folder / "demo").mkdir(parents=True)
        for path in (ROOT / "demo").glob("*.*"):
            shutil.copy(path, folder / "demo")
        shutil.copytree(ROOT / "examples" / "bank", folder / "examples" / "bank")
        for name in OF_THE_PROJECT:
            (folder / name).symlink_to(ROOT / name)
        self._set_up(folder)
        self._environment = {
            **pipewire.environment,
            "PATH": f"{folder / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT / "tests"),
            "HOME": str(folder / "home"),
            "LC_ALL": "C.UTF-8",
            "COLUMNS": "240",
            "JACK_DEFAULT_SERVER": jack.name,
            "JACK_NO_START_SERVER": "1",
        }
        for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
            self._environment.pop(name, None)

    @staticmethod
    def _set_up(folder: Path) -> None:
        """As `make` leaves it, with this Python's environment."""
        (folder / "home").mkdir()
        (folder / "build").mkdir()
        (folder / "build" / ".system").touch()
        (folder / ".venv").mkdir()
        for name in OF_THE_ENVIRONMENT:
            if (there := Path(sys.prefix) / name).exists():
                (folder / ".venv" / name).symlink_to(there)
        (folder / ".venv" / ".built").touch()

    def close(self) -> None:
        """Ctrl-C for what goes on, which has to end well.  AssertionError: it ended by itself, or not well."""
        going, self._going = self._going, None
        if going is None:
            return
        early = going.poll() is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            going.send_signal(signal.SIGINT)
            going.wait(30.0)
        going.kill()
        code = going.wait()
        assert not early, f"{going.args!r} ended by itself, with exit code {code}"
        assert code == 0, f"{going.args!r} ended at Ctrl-C with exit code {code}"

    def run(self, block: Block, as_typed: bool = False) -> Iterator[tuple[Example, list[str], str]]:
        """Each example of a block with what it printed, and what is wrong with that; empty: nothing.

        as_typed: as it stands on the page, however long it takes.
        """
        marks = replace(block.marks, instead=(), slow="") if as_typed else block.marks
        if marks.first:
            said, code = self._finished(f"set -e\n{marks.first}")
            assert code == 0, f"line {block.line}: what is to be done first failed:\n{said}"
        if marks.saved_as:
            path = self.folder / marks.saved_as
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
        if marks.not_run or marks.slow:
            return
        for example in block.examples:
            if marks.goes_on:
                printed, wrong = self._begun(example, marks)
            else:
                said, code = self._finished(_typed(example, marks))
                printed = said.splitlines()
                wrong = difference(example.printed, printed, marks)
                if code != marks.exit_code:
                    wrong += f"\nexit code {code}, not {marks.exit_code}; it printed:\n{said}"
            yield example, printed, wrong

    def _finished(self, command: str) -> tuple[str, int]:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
        return PROGRESS.sub("", done.stdout), done.returncode

    def _begun(self, example: Example, marks: Marks) -> tuple[list[str], str]:
        """As soon as it has printed as many lines as the page shows: it plays on."""
        self.close()
        if not self._servers_run:
            self._jack.start()
            self._pipewire.start()
            wait_for(lambda: Player.open(self._jack.name)).close()
            self._servers_run = True
        log = self.folder / "home" / "going.txt"
        with log.open("wb") as out:
            self._going = subprocess.Popen(
                ["bash", "-c", f"exec {_typed(example, marks)}"],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        going = self._going
        with contextlib.suppress(AssertionError):
            wait_for(lambda: log.read_text().count("\n") >= len(example.printed) or going.poll() is not None, 60.0)
        printed = log.read_text().splitlines()[: len(example.printed)]
        wrong = difference(example.printed, printed, marks)
        if wrong:
            going.kill()
            going.wait()
            self._going = None
        return printed, wrong


def _typed(example: Example, marks: Marks) -> str:
    command = example.command
    for old, new in marks.instead:
        command = command.replace(old, new)
    return command


@contextlib.contextmanager
def session(folder: Path, name: str) -> Iterator[Session]:
    """With a JACK server of that name and a PipeWire once something plays; no sound comes out of either."""
    folder.mkdir(parents=True)
    jack, pipewire = JackServer(name, PERIOD), PipeWire(folder / "run")
    opened = Session(folder / "page", jack, pipewire)
    with contextlib.ExitStack() as stack:
        stack.callback(jack.stop)
        stack.callback(pipewire.stop)
        stack.callback(opened.close)
        yield opened
