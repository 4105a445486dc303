"""Presets whose names are numbers, in an order of their own: who counts gets a place, who names gets a name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from nampedal.firmware.actions.control_socket import ask
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.preset import Gain, Preset
from support.players.jack_server import JackServer, wait_for
from support.players.live_pedal import playing, status


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """1, 2 and 3 in the order 3, 1, 2."""
    folder = tmp_path / "set"
    folder.mkdir()
    for name in "123":
        preset.write(Preset(name, (Gain(0.0),)), folder / f"{name}.toml")
    (folder / "bank.toml").write_text('format = 1\norder = ["3", "1", "2"]\n')
    return folder


def nampedal(at: Path, *words: str) -> str:
    """What plays after a command."""
    command = [sys.executable, "-m", "nampedal.firmware.cli", *words, "--socket", str(at)]
    assert subprocess.run(command, check=False).returncode == 0
    wait_for(lambda: status(at)["wanted"] is None)
    return str(status(at)["preset"])


def test_commands_count_places_and_take_names_behind_an_equals_sign(
    jack_server: JackServer, bank: Path, tmp_path: Path
) -> None:
    with playing(jack_server, bank, tmp_path / "control.sock") as at:
        assert status(at)["preset"] == "3"
        assert nampedal(at, "preset", "2") == "1"
        assert nampedal(at, "preset", "=2") == "2"
        assert nampedal(at, "do", "preset", "1") == "3"
        assert nampedal(at, "do", "preset", "=1") == "1"
        # What plays is the second one: the action behind again is done.
        assert nampedal(at, "do", "preset", "2", "again", "next") == "2"


def test_a_file_that_is_named_to_begin_with_is_that_file(jack_server: JackServer, bank: Path, tmp_path: Path) -> None:
    with playing(jack_server, bank, tmp_path / "control.sock", "--preset", str(bank / "2.toml")) as at:
        assert status(at)["preset"] == "2"


def test_a_pedal_goes_on_with_the_name_that_it_kept_and_keeps_it_when_the_server_changes_its_rate(
    jack_server: JackServer, bank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with playing(jack_server, bank, tmp_path / "control.sock", "--pedal", "pi-5-serial") as at:
        ask(at, {"do": "load", "preset": "=1"})
        wait_for(lambda: status(at)["preset"] == "1")
    jack_server.stop()
    with playing(jack_server, bank, tmp_path / "control.sock", "--pedal", "pi-5-serial") as at:
        assert status(at)["preset"] == "1"
        jack_server.kill()
        wait_for(lambda: not status(at)["playing"])
        jack_server.rate = 44_100
        jack_server.start()
        wait_for(lambda: status(at)["sample_rate_hz"] == 44_100.0 and status(at)["wanted"] is None)
        assert status(at)["preset"] == "1"
