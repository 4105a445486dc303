"""What other people's files say is printed as characters that can be seen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import ROOT
from nampedal.firmware.cli import shared, text_tables
from nampedal.firmware.cli.capture_commands.inspect_command import inspect_command
from nampedal.firmware.cli.commands.bank_command import bank_command
from support.makers import nam_maker

EVIL = "\x1b]0;owned\x07\x1b[2J\u202eexe\r\nnampedal: all is well"
# What prints no words of files, or moves the cursor.
CLI = ROOT / "firmware/nampedal/firmware/cli"
OTHERS = re.compile(r"click\.echo\((\)|.*json\.dumps|f?\"\\r|found\(ctx)")


def printed(command: object, *arguments: str) -> str:
    done = CliRunner().invoke(command, arguments, standalone_mode=False)  # type: ignore[arg-type]
    if done.exception is not None:
        raise done.exception
    return done.stdout


def test_metadata_is_shown_and_does_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nam = nam_maker.a1()
    nam["metadata"] = dict.fromkeys(("name", "modeled_by", "gear_make", "tone_type"), EVIL)
    path = nam_maker.write(tmp_path / "amp.nam", nam)
    out = printed(inspect_command, str(path)) + capsys.readouterr().out
    assert "\\x1b]0;owned\\x07\\x1b[2J\\u202eexe" in out
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", out)


def test_names_of_files_are_shown_and_do_nothing(tmp_path: Path) -> None:
    (tmp_path / "a\x1b[2J\nb.toml").write_text("=")
    out = printed(bank_command, "list", str(tmp_path))
    assert "a\\x1b[2J b: can't be read" in out
    assert "\x1b" not in out


def test_what_is_said_and_tabled_is_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    shared.print_text(EVIL)
    table = text_tables.columns("name", left=("name",))
    table.add_row(EVIL)
    shared.console.print(EVIL)
    shared.console.print(table)
    said = capsys.readouterr().out
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", said)
    assert said.count("\\u202e") == 3


def test_commands_print_through_what_escapes() -> None:
    paths = [path for path in CLI.rglob("*.py") if path.name not in ("shared.py", "terminal.py")]
    assert len(paths) > 30
    for path in paths:
        for line in path.read_text().splitlines():
            assert "click.echo(" not in line or OTHERS.search(line), f"{path.name}: {line.strip()}"
            assert not re.search(r"(?<![.\w])print\(", line), f"{path.name}: {line.strip()}"
