"""nampedal latency, through a real JACK server and a cable that is a client of it."""

from __future__ import annotations

import builtins
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner, Result
from nampedal.board.profiles.user_calibration import UserCalibration, read_calibration
from nampedal.firmware.actions.control_socket import ControlServer, Json
from nampedal.firmware.base.errors import (
    ControlRequestError,
    MeasurementError,
    MissingPackageError,
    NoJackServerError,
    SettingValueError,
)
from nampedal.firmware.cli.commands import latency_command
from nampedal.firmware.cli.main import cli
from nampedal.firmware.jack.loopback_client import LoopbackClient
from nampedal.firmware.jack.loopback_latency import Loop
from support.players.jack_cable import Cable
from support.players.jack_server import JackServer


@pytest.fixture(autouse=True)
def nothing_of_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))


class Pedal:
    """What listens where a pedal would, and notes what it is told."""

    def __init__(self, path: Path) -> None:
        self.told: list[Json] = []
        self.refuses = False
        self._server = ControlServer(path, self._answer)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _answer(self, request: Json) -> Json:
        if self.refuses:
            raise ControlRequestError("request: no")
        self.told.append(request)
        return {}

    def _run(self) -> None:
        while not self._stop.wait(0.001):
            self._server.poll()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._server.close()


@pytest.fixture
def pedal(tmp_path: Path) -> Iterator[Pedal]:
    made = Pedal(tmp_path / "run" / "nampedal" / "control.sock")
    yield made
    made.close()


Run = Callable[..., Result]


@pytest.fixture
def run(server: JackServer, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command, with a cable of 261 frames and a gain."""
    measure = LoopbackClient.measure

    def run(gain: float, *arguments: str) -> Result:
        cable = Cable(server.name, 261, gain)

        def fast(client: LoopbackClient) -> Loop:
            with cable.freewheeling():
                return measure(client)

        monkeypatch.setattr(LoopbackClient, "measure", fast)
        command = [
            "latency",
            "--server",
            server.name,
            "--input-port",
            "cable:out",
            "--output-port",
            "cable:in",
            *arguments,
        ]
        done = CliRunner().invoke(cli, command)
        cable.close()
        return done

    return run


MUTED = [{"do": "mute", "on": True}, {"do": "mute", "on": False}]


def test_a_cable_is_told_of_and_kept_as_a_pedals(run: Run, tmp_path: Path) -> None:
    done = run(0.5, "--pedal", "mine")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [
        "round trip   389 frames, 8.1 ms at 48000 Hz (periods of 128 frames)",
        "noise floor  -200.0 dBFS",
        "level        -6.0 dB from out to in",
        f"written: {tmp_path / 'config' / 'nampedal' / 'measured' / 'mine.toml'}",
    ]
    assert read_calibration("mine") == UserCalibration(389, 128, 48_000, -6.02, -200.0)


def test_a_profiles_levels_are_held_against_what_was_measured(run: Run) -> None:
    done = run(0.5, "--pedal", "pi-4-dac-adc")
    assert done.stdout.splitlines()[2:4] == [
        "level        -6.0 dB from out to in",
        "             +0.0 dB by the levels of pi-4-dac-adc",
    ]


def test_programs_get_the_same_figures(run: Run, tmp_path: Path) -> None:
    done = run(0.5, "--pedal", "pi-4-dac-adc", "--json")
    assert done.exit_code == 0, done.output
    kept = read_calibration("pi-4-dac-adc")
    assert kept is not None
    assert json.loads(done.stdout) == {
        **asdict(kept),
        "round_trip_ms": kept.round_trip_ms,
        "profile_loop_gain_db": 0.0,
        "written": str(tmp_path / "config" / "nampedal" / "measured" / "pi-4-dac-adc.toml"),
    }
    again = json.loads(run(0.5, "--json").stdout)
    assert (again["round_trip_frames"], again["profile_loop_gain_db"], again["written"]) == (389, None, None)


def test_without_a_pedals_name_nothing_is_written(run: Run, tmp_path: Path) -> None:
    done = run(1.0)
    assert len(done.stdout.splitlines()) == 3, done.output
    assert not (tmp_path / "config").exists()


def test_a_pedal_that_plays_is_muted_meanwhile(run: Run, pedal: Pedal) -> None:
    assert run(1.0).exit_code == 0
    assert pedal.told == MUTED


def test_a_pedal_is_heard_again_where_no_cable_is_found(run: Run, pedal: Pedal) -> None:
    done = run(0.0, "--pedal", "mine")
    assert isinstance(done.exception, MeasurementError)
    assert pedal.told == MUTED
    assert read_calibration("mine") is None


def test_a_pedal_that_can_not_be_muted_is_not_measured_with(server: JackServer, pedal: Pedal) -> None:
    pedal.refuses = True
    refused = CliRunner().invoke(cli, ["latency", "--server", server.name])
    assert isinstance(refused.exception, ControlRequestError)


def test_a_wrong_name_is_refused_before_anything_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency_command, "_measure", None)
    assert isinstance(CliRunner().invoke(cli, ["latency", "--pedal", "my pedal"]).exception, SettingValueError)


def test_without_a_server_or_its_library_it_says_so(pedal: Pedal, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = CliRunner().invoke(cli, ["latency", "--server", "nobody"])
    assert isinstance(missing.exception, NoJackServerError)
    assert pedal.told == []

    real = builtins.__import__

    def without_jack(name: str, *others: Any) -> ModuleType:
        if name == "nampedal.firmware.jack.jack_client":
            raise OSError("cannot load library 'jack'")
        return real(name, *others)

    monkeypatch.setattr(builtins, "__import__", without_jack)
    unloaded = CliRunner().invoke(cli, ["latency"]).exception
    assert isinstance(unloaded, MissingPackageError)
    assert str(unloaded) == "latency: JACK's library is not installed; install jackd2, or libjack-jackd2-0"
