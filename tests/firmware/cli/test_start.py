"""`nampedal` starts without what a command does not need, and its help lists all commands whole, by purpose."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import click
import pytest
import startup
from click.testing import CliRunner
from nampedal.firmware.cli.groups import PURPOSES, LazyCommand, SectionedCommand
from nampedal.firmware.cli.main import cli
from support.rigs.command_tree import all_commands, typed

Run = Callable[..., subprocess.CompletedProcess[str]]
# What help is printed on, at least.
COLUMNS = 80
# Each takes longer to import than click; what the pedal is asked and told needs none of them.
HEAVY = {
    *("ai_edge_litert", "flatbuffers", "importlib.metadata", "jack", "numpy", "rich", "scipy", "soundfile", "soxr"),
    *("nampedal.firmware.engine._engine", "tflite_runtime", "torch"),
}


COMMANDS = dict(all_commands())
GROUPS = [(), *(path for path, command in COMMANDS.items() if isinstance(command, click.Group))]


def imported(*words: str, **environment: str) -> set[str]:
    """Return which modules `nampedal` has imported when it ends."""
    return startup.imported(words, environment)


@pytest.mark.parametrize(
    "words",
    [
        *((), ("--help",), ("--no-such",), ("perform",), ("completion", "bash"), ("status",), ("preset", "next")),
        *(("set", "gain", "6"), ("save",), ("do", "tuner"), ("bypass", "on")),
    ],
    ids=typed,
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


@pytest.mark.parametrize("path", GROUPS, ids=typed)
def test_a_group_alone_prints_its_help_and_that_is_no_mistake(nampedal: Run, path: tuple[str, ...]) -> None:
    done = nampedal(*path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == nampedal(*path, "--help").stdout
    assert done.stdout.startswith(f"Usage: {' '.join(('nampedal', *path))} ")
    commands = COMMANDS[path].commands if path else cli.commands  # type: ignore[attr-defined]
    for name, command in commands.items():
        assert command.hidden or f"\n  {name} " in done.stdout


@pytest.mark.parametrize("path", GROUPS, ids=typed)
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


@pytest.mark.parametrize("path", SECTIONED, ids=typed)
def test_sections_have_every_option_once(path: tuple[str, ...]) -> None:
    command = SECTIONED[path]
    named = [name for names in command.sections.values() for name in names]
    options = {one.name for one in command.params if isinstance(one, click.Option)}
    assert len(named) == len(set(named))
    assert set(named) <= options
    text = CliRunner().invoke(cli, [*path, "--help"]).output
    for option in command.params:
        if isinstance(option, click.Option):
            line = rf"^  {re.escape(', '.join(option.opts))}(?=\s)"
            assert len(re.findall(line, text, re.MULTILINE)) == 1, option.opts


def test_a_command_with_many_options_has_them_in_sections() -> None:
    many = {path for path, command in COMMANDS.items() if len(command.params) > 12}
    assert many == set(SECTIONED)
