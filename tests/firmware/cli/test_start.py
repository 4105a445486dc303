"""`nampedal` starts without what a command does not need, and its help lists all commands whole, by purpose."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import pytest
import startup
from click.testing import CliRunner
from nampedal.board.profiles.boards import board_keys
from nampedal.board.profiles.pedals import pedal_keys
from nampedal.firmware.actions.control_socket import ControlServer
from nampedal.firmware.cli.groups import PURPOSES, LazyCommand, SectionedCommand
from nampedal.firmware.cli.main import cli
from support.makers.bank_maker import make_bank

Run = Callable[..., subprocess.CompletedProcess[str]]
# What help is printed on, at least.
COLUMNS = 80
# Each takes longer to import than click; what the pedal is asked and told needs none of them.
HEAVY = {
    *("ai_edge_litert", "flatbuffers", "importlib.metadata", "jack", "numpy", "rich", "scipy", "soundfile", "soxr"),
    *("nampedal.firmware.engine._engine", "tflite_runtime", "torch"),
}


def all_commands(
    group: click.Group = cli, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Those of nampedal and of its groups, with the words that call them."""
    for name, command in group.commands.items():
        loaded = command.load() if isinstance(command, LazyCommand) else command
        yield (*path, name), loaded
        if isinstance(loaded, click.Group):
            yield from all_commands(loaded, (*path, name))


COMMANDS = dict(all_commands())
GROUPS = [(), *(path for path, command in COMMANDS.items() if isinstance(command, click.Group))]


def ids(path: tuple[str, ...]) -> str:
    return " ".join(path) or "nampedal"


def imported(*words: str, **environment: str) -> set[str]:
    """Return which modules `nampedal` has imported when it ends."""
    return startup.imported(words, environment)


@pytest.mark.parametrize(
    "words",
    [
        *((), ("--help",), ("--no-such",), ("perform",), ("completion", "bash"), ("status",), ("preset", "next")),
        *(("set", "gain", "6"), ("save",), ("do", "tuner"), ("bypass", "on")),
    ],
    ids=ids,
)
def test_what_a_command_does_not_need_is_not_imported(words: tuple[str, ...], tmp_path: Path) -> None:
    found = imported(*words, XDG_RUNTIME_DIR=str(tmp_path))
    assert "click" in found
    assert startup.among(found, HEAVY) == set()


@pytest.mark.parametrize("words", ["nampedal ", "nampedal con", "nampedal preset ", "nampedal bypass "])
def test_completion_imports_as_little(words: str, tmp_path: Path) -> None:
    shell = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")), "_NAMPEDAL_COMPLETE": "bash_complete"}
    found = imported(XDG_RUNTIME_DIR=str(tmp_path), **shell)
    assert "click.shell_completion" in found
    assert startup.among(found, HEAVY) == set()


def test_an_import_that_is_heavy_is_noticed() -> None:
    assert {"numpy", "nampedal.firmware.engine._engine"} <= startup.among(imported("inspect", "--help"), HEAVY)


def test_the_version_is_the_packages(nampedal: Run) -> None:
    done = nampedal("--version")
    assert (done.returncode, done.stdout) == (0, f"nampedal {version('nampedal')}\n")


@pytest.mark.parametrize("path", GROUPS, ids=ids)
def test_a_group_alone_prints_its_help_and_that_is_no_mistake(nampedal: Run, path: tuple[str, ...]) -> None:
    done = nampedal(*path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == nampedal(*path, "--help").stdout
    assert done.stdout.startswith(f"Usage: {' '.join(('nampedal', *path))} ")
    commands = COMMANDS[path].commands if path else cli.commands  # type: ignore[attr-defined]
    for name, command in commands.items():
        assert command.hidden or f"\n  {name} " in done.stdout


@pytest.mark.parametrize("path", GROUPS, ids=ids)
def test_no_summary_is_cut_or_broken_on_a_terminal_of_80_columns(path: tuple[str, ...]) -> None:
    help_text = CliRunner().invoke(cli, [*path, "--help"], terminal_width=COLUMNS).output
    lines = help_text.splitlines()
    assert max(map(len, lines)) <= COLUMNS
    group = COMMANDS[path] if path else cli
    assert isinstance(group, click.Group)
    for name, command in group.commands.items():
        if not command.hidden:
            (line,) = (line for line in lines if line.split(" " * 2)[1:2] == [name] or line.split()[:1] == [name])
            assert line.split(maxsplit=1)[1] == command.get_short_help_str(1000)
            assert not line.endswith("...")


def test_each_command_says_in_its_help_what_the_list_says_of_it() -> None:
    for name, command in cli.commands.items():
        assert isinstance(command, LazyCommand), name
        assert command.purpose in PURPOSES
        loaded = COMMANDS[(name,)]
        assert loaded.name == name
        assert command.get_short_help_str(1000) == loaded.get_short_help_str(1000)


def test_help_is_ordered_by_purpose(nampedal: Run) -> None:
    titles = [line[:-1] for line in nampedal().stdout.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert titles == ["Options", *PURPOSES]


SECTIONED = {path: command for path, command in COMMANDS.items() if isinstance(command, SectionedCommand)}


@pytest.mark.parametrize("path", SECTIONED, ids=ids)
def test_sections_have_every_option_once(path: tuple[str, ...]) -> None:
    command = SECTIONED[path]
    named = [name for names in command.sections.values() for name in names]
    options = {one.name for one in command.params if isinstance(one, click.Option)}
    assert len(named) == len(set(named))
    assert set(named) <= options
    text = CliRunner().invoke(cli, [*path, "--help"]).output
    for option in command.params:
        if isinstance(option, click.Option):
            assert text.count(f"\n  {', '.join(option.opts)}") == 1, option.opts


def test_a_command_with_many_options_has_them_in_sections() -> None:
    many = {path for path, command in COMMANDS.items() if len(command.params) > 12}
    assert many == set(SECTIONED)


def completed(words: str, **environment: str) -> list[str]:
    """What bash is offered for the last word of a line."""
    shell = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")), "_NAMPEDAL_COMPLETE": "bash_complete"}
    command = [sys.executable, "-m", "nampedal.firmware.cli"]
    done = subprocess.run(
        command, env={**os.environ, **shell, **environment}, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "names"),
    [
        *((f"nampedal {command} --board ", board_keys) for command in ("convert amp.nam", "calibrate")),
        *(
            (f"nampedal {command} --pedal ", pedal_keys)
            for command in ("play", "latency", "learn bypass", "install", "image build")
        ),
        ("nampedal setup ", pedal_keys),
    ],
)
def test_boards_and_pedals_complete_to_their_names(words: str, names: Callable[[], list[str]]) -> None:
    assert completed(words) == [f"plain,{name}" for name in names()]
    first = names()[0]
    assert f"plain,{first}" in completed(words + first[:2])
    # A profile may be a file, too.
    assert completed(words + "./mine") == ["file,./mine"]


def test_presets_of_a_folder_complete(tmp_path: Path) -> None:
    bank = make_bank(tmp_path / "rock")
    assert completed(f"nampedal play {bank} --preset ") == ["plain,crunch", "plain,lead"]
    assert completed(f"nampedal bank remove {bank} l") == ["plain,lead"]
    assert completed(f"nampedal bank reorder {bank} lead cr") == ["plain,crunch"]
    assert completed(f"nampedal bank remove {tmp_path}/gone l") == []


def test_presets_complete_to_nothing_where_no_pedal_answers(tmp_path: Path) -> None:
    assert completed("nampedal preset ", XDG_RUNTIME_DIR=str(tmp_path)) == []


@contextmanager
def answering(path: Path, answer: dict[str, Any]) -> Iterator[None]:
    """A pedal's socket that always answers this."""
    server = ControlServer(path, lambda _: answer)
    over = threading.Event()

    def serve() -> None:
        while not over.wait(0.01):
            server.poll()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        server.close()


def test_presets_of_the_pedal_that_plays_complete(tmp_path: Path) -> None:
    socket = tmp_path / "control.sock"
    with answering(socket, {"presets": [{"name": name} for name in ("clean", "crunch", "night")]}):
        assert completed(f"nampedal preset --socket {socket} n") == ["plain,night", "plain,next"]
        assert completed(f"nampedal level --socket {socket} c") == ["plain,clean", "plain,crunch"]
