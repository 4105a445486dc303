"""'nampedal card', as a person types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from nampedal.firmware.base.errors import CardError, FileAccessError
from nampedal.firmware.cli.system_commands.card_command import card_command
from nampedal.firmware.system.provisioning.card_settings import template


def card(*arguments: str) -> Result:
    """Raises what the command raises."""
    done = CliRunner().invoke(card_command, arguments, standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "nampedal.toml"
    path.write_text(template(), newline="")
    return path


def test_a_new_card_is_well(file: Path) -> None:
    done = card("check", str(file))
    assert (done.return_value, done.stdout) == (0, f"{file}: nothing is wrong with it\n")
    assert json.loads(card("check", str(file), "--json").stdout) == {"file": str(file), "problems": []}


def test_all_that_is_wrong_is_told_at_once(file: Path) -> None:
    file.write_text('host_name = "-"\ncolour = 1\npedal = "mine.toml"\n')
    done = card("check", str(file))
    assert done.return_value == 1
    first, second, third = done.stdout.splitlines()
    again = card("check", str(file), "--json")
    assert again.return_value == 1
    assert json.loads(again.stdout) == {"file": str(file), "problems": [first, second, third]}
    assert first.startswith(f"{file}: host_name: is '-'; ")
    assert second.startswith(f"{file}: colour: is no known key; ")
    assert third == f"nampedal.toml: pedal: {file.parent}/mine.toml: can't be read: no such file or directory"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('hat = "codec-zer"', "nampedal.toml: hat: HAT 'codec-zer': is unknown; did you mean codec-zero? "),
        ('pedal = "zero-2-w-codec-zero"\nhat = "nothing"', "nampedal.toml: hat: "),
    ],
)
def test_a_hat_that_nobody_knows_is_told(file: Path, text: str, told: str) -> None:
    file.write_text(text)
    assert card("check", str(file)).stdout.startswith(told)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError) as caught:
        card("check", str(tmp_path / "gone"))
    assert str(caught.value) == f"{tmp_path}/gone: can't be read: no such file or directory"


def test_what_is_no_stick_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CardError):
        card("usb", str(tmp_path))


@pytest.mark.parametrize(
    ("module", "others"),
    [
        # Neither numbers nor tables, nor what plays.
        ("system_commands.card_command", {"numpy", "rich", "flatbuffers", "soundfile", "cffi", "jack"}),
        ("commands.play_command", {"nampedal.firmware.system.provisioning", "nampedal.firmware.system.update"}),
    ],
)
def test_what_a_boot_waits_for_imports_nothing_that_it_has_no_use_for(module: str, others: set[str]) -> None:
    code = f"import sys, nampedal.firmware.cli.main, nampedal.firmware.cli.{module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert not others & set(done.stdout.split())


def test_play_by_itself_is_the_command_of_that_name(tmp_path: Path) -> None:
    command = [sys.executable, "-I", "-m", "nampedal.firmware.cli", "play", str(tmp_path / "gone.stomp")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1].startswith(f"nampedal: {tmp_path}/gone.stomp: is not there; ")


def test_a_boot_writes_what_is_wrong_onto_the_card() -> None:
    """Where it would write, there is nothing but memory of its own."""
    own = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    hidden = "for folder in /var/lib /run /boot; do mount -t tmpfs own $folder || exit 77; done; mkdir /boot/firmware; "
    script = hidden + '"$0" -I -m nampedal.firmware.cli card boot && cat /boot/firmware/nampedal-errors.txt'
    done = subprocess.run([*own, script, sys.executable], capture_output=True, text=True, check=False)
    if done.returncode in (1, 77) and "nampedal" not in done.stderr:
        pytest.skip(f"this machine lets nobody have mounts of its own: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "user 'nampedal': is not there; install nampedal with 'nampedal install'"
