"""`nampedal help`, the examples in the help of every command, and the exit codes."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable

import click
import pytest
from click.testing import CliRunner
from nampedal.firmware.cli.exit_codes import MEANINGS
from nampedal.firmware.cli.main import cli
from support.rigs.command_tree import all_commands, typed

Run = Callable[..., subprocess.CompletedProcess[str]]
Path_ = tuple[str, ...]


COMMANDS = {(): cli, **dict(all_commands())}
SHOWN = {path: command for path, command in COMMANDS.items() if not command.hidden}


def help_of(*arguments: str) -> str:
    done = CliRunner().invoke(cli, arguments, prog_name="nampedal")
    assert done.exit_code == 0, done.output
    return done.output


def examples_of(path: Path_) -> list[str]:
    """The lines under "Examples:", without their indentation."""
    lines = help_of(*path, "--help").splitlines()
    at = next((number for number, line in enumerate(lines) if line.strip() == "Examples:"), None)
    assert at is not None, f"{typed(path)}: its help has no examples"
    found = []
    for line in lines[at + 1 :]:
        if not line.startswith("    "):
            break
        found.append(line.strip())
    return found


@pytest.mark.parametrize("path", SHOWN, ids=typed)
def test_help_is_what_the_option_help_shows(path: Path_) -> None:
    shown = help_of("help", *path)
    assert shown == help_of(*path, "--help") == help_of(*path, "-h")
    assert shown.startswith(f"Usage: {' '.join(('nampedal', *path))}")


@pytest.mark.parametrize("path", SHOWN, ids=typed)
def test_every_command_has_examples_that_it_understands(path: Path_) -> None:
    lines = examples_of(path)
    assert 1 <= len(lines) <= 7
    for line in lines:
        called = line[line.index("nampedal") :].removesuffix(' )"').removesuffix(')"').removesuffix(" | source")
        parsed = parsed_by(called)
        assert parsed[: len(path)] == path, line


def parsed_by(line: str) -> Path_:
    """Parse a line without running it, and return the words of its command. Raises what click raises."""
    program, *arguments = shlex.split(line)
    assert program == "nampedal"
    context = cli.make_context("nampedal", arguments)
    path: Path_ = ()
    while isinstance(context.command, click.Group) and context._protected_args + context.args:
        name, command, rest = context.command.resolve_command(context, context._protected_args + context.args)
        assert name is not None
        assert command is not None
        context = command.make_context(name, rest, parent=context)
        path = (*path, name)
    assert not isinstance(context.command, click.Group), f"{line}: names no command"
    return path


@pytest.mark.parametrize(
    "line", ["nampedal bank new rock --colour red", "nampedal convert", "nampedal bnak list", "nampedal bypass maybe"]
)
def test_a_wrong_example_is_noticed(line: str) -> None:
    with pytest.raises(click.UsageError):
        parsed_by(line)


def test_the_first_help_has_examples_and_exit_codes() -> None:
    lines = help_of("--help").splitlines()
    assert lines[-1] == "  Exit codes: " + ", ".join(f"{code} {short}" for code, (short, _) in MEANINGS.items()) + "."
    assert "    nampedal help convert" in lines


def test_exit_codes_are_told(nampedal: Run) -> None:
    done = nampedal("help", "exit-codes")
    assert (done.returncode, done.stderr) == (0, "")
    told = re.split(r"^ *(\d+)  ", done.stdout, flags=re.MULTILINE)
    assert [int(code) for code in told[1::2]] == sorted(MEANINGS) == [0, 1, 2, 130]
    assert [" ".join(text.split()) for text in told[2::2]] == [MEANINGS[code][1] for code in MEANINGS]
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_what_json_holds_is_told(nampedal: Run) -> None:
    done = nampedal("help", "json")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("A command with --json prints one JSON object on stdout, and nothing else there.\n")
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (("help", "convrt"), "No such command 'convrt'. Did you mean convert? Try 'nampedal --help'."),
        (("help", "bank", "lst"), "No such command 'lst'. Did you mean list? Try 'nampedal bank --help'."),
        (("help", "verify", "it"), "nampedal verify has no commands. Try 'nampedal verify --help'."),
        (("convrt", "amp.nam"), "No such command 'convrt'. Did you mean convert? Try 'nampedal --help'."),
        (("install-all",), "No such command 'install-all'. Did you mean install or uninstall? Try 'nampedal --help'."),
        (("xyzzy",), "No such command 'xyzzy'. Try 'nampedal --help'."),
        (("image", "falsh"), "No such command 'falsh'. Did you mean flash? Try 'nampedal image --help'."),
    ],
)
def test_the_nearest_command_is_suggested(nampedal: Run, line: tuple[str, ...], text: str) -> None:
    done = nampedal(*line)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"nampedal: {text}\n")


def test_the_nearest_option_is_suggested(nampedal: Run) -> None:
    done = nampedal("convert", "amp.nam", "--boad", "5")
    assert (done.returncode, done.stdout) == (2, "")
    assert "'--board'" in done.stderr or " --board" in done.stderr


@pytest.mark.parametrize(
    "line",
    [
        "nampedal learn gain -6 18 --pedal stage",
        "nampedal set level -12 --socket here",
        "nampedal set level -1.5e1",
        "nampedal set level -- -12",
        "nampedal do set level -12",
    ],
)
def test_a_negative_number_is_no_option(line: str) -> None:
    assert parsed_by(line) == (line.split()[1],)


@pytest.mark.parametrize("option", ["--pedl", "-p", "-x6"])
def test_an_option_that_is_not_there_is_no_word_of_an_action(nampedal: Run, option: str) -> None:
    done = nampedal("learn", "gain", option, "stage")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"No such option '{option}'" in done.stderr or f"No such option: {option}" in done.stderr
    assert ("--pedal" in done.stderr) == (option == "--pedl")
