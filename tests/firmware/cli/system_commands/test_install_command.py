"""'nampedal install' and 'nampedal uninstall', as a person types them."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from nampedal.firmware.base.errors import SignatureError
from nampedal.firmware.cli.pedal_commands import PEDAL_COMMANDS
from nampedal.firmware.cli.system_commands import install_command as module
from nampedal.firmware.cli.system_commands.install_command import install_command, uninstall_command
from nampedal.firmware.system.install.steps.target import InstallTarget
from support.makers.signing_keys import maker, maker_public
from support.makers.system_maker import make_root

Call = tuple[str | None, InstallTarget, bool]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """What the installer is asked for."""
    made: list[Call] = []

    def install(profile: str, target: InstallTarget, say: object, *, dry: bool) -> None:
        made.append((profile, target, dry))

    def uninstall(target: InstallTarget, say: object, *, dry: bool) -> None:
        made.append((None, target, dry))

    monkeypatch.setattr(module, "install", install)
    monkeypatch.setattr(module, "uninstall", uninstall)
    return made


def run(command: click.Command, *arguments: str | Path) -> None:
    done = CliRunner().invoke(command, [str(argument) for argument in arguments], standalone_mode=False)
    if done.exception is not None:
        raise done.exception


def test_the_running_system_becomes_a_pedal_with_its_radio_and_with_what_runs_this(calls: list[Call]) -> None:
    run(install_command, "--pedal", "pi-4-dac-adc", "--base", "raspios")
    assert calls == [("pi-4-dac-adc", InstallTarget(Path("/"), "raspios"), False)]


def test_another_root_is_what_it_looks_like(calls: list[Call], tmp_path: Path) -> None:
    for base in ("raspios", "debian"):
        run(install_command, "--pedal", "mine.toml", "--root", make_root(tmp_path / base, base), "--dry-run")
    assert [(target.root.name, target.base, dry) for _, target, dry in calls] == [
        ("raspios", "raspios", True),
        ("debian", "debian", True),
    ]


def test_everything_can_be_asked_for(calls: list[Call], tmp_path: Path) -> None:
    words: list[str | Path] = ["--root", tmp_path, "--base", "debian", "--image", "--radio", "off", "--wheel", "a.whl"]
    words += ["--trust", f"{maker()}.pub", "--tflite"]
    run(install_command, "--pedal", "mine.toml", *words)
    trusted = (maker_public().line(),)
    target = InstallTarget(
        tmp_path, "debian", image=True, radio=False, wheel=Path("a.whl"), trusted=trusted, tflite=True
    )
    assert calls == [("mine.toml", target, False)]


def test_a_key_that_is_none_is_refused(calls: list[Call], tmp_path: Path) -> None:
    with pytest.raises(SignatureError) as caught:
        run(install_command, "--pedal", "mine.toml", "--trust", tmp_path / "ann.pub")
    assert str(caught.value).startswith(f"{tmp_path / 'ann.pub'}: can't be read: no such file or directory; ")
    assert calls == []


def test_a_pedal_is_named(calls: list[Call]) -> None:
    with pytest.raises(click.MissingParameter) as error:
        run(install_command)
    assert error.value.format_message() == "Missing option '--pedal'."
    assert calls == []


def test_a_pedal_becomes_the_system_that_it_was(calls: list[Call], tmp_path: Path) -> None:
    run(uninstall_command, "--root", tmp_path, "--dry-run")
    assert calls == [(None, InstallTarget(tmp_path, "debian"), True)]


def test_a_pedal_knows_both() -> None:
    assert {install_command, uninstall_command} <= {command.load() for command in PEDAL_COMMANDS}
