from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from nampedal.board.profiles.boards import read_board
from nampedal.firmware.base.errors import MeasurementError, SettingValueError
from nampedal.firmware.cli.commands import calibrate_command as command
from nampedal.firmware.cli.main import cli
from nampedal.firmware.cost import cost_calibration as calibration
from nampedal.firmware.cost.cost_model import check_terms


@pytest.fixture(autouse=True)
def short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few probes, once; profiles of a user who has none."""
    monkeypatch.setattr(calibration, "calibrate", partial(calibration.calibrate, passes=1, every=12))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["calibrate", *map(str, arguments)])


def busy() -> None:
    raise MeasurementError("this machine: is busy")


def test_this_machine_becomes_a_profile_of_the_users_own(tmp_path: Path) -> None:
    done = run("--anyway")
    assert done.exit_code == 0, done.output
    board = read_board("this-machine")
    assert board.cost is not None
    assert board.cost.status == "measured"
    check_terms(board.cost.nanoseconds)
    first, second, third, last = done.stdout.splitlines()
    assert first == f"measured on this machine, {board.cost.kernels} kernels: {board.name}"
    assert re.fullmatch(r"predictions: 95 of 100 within \d+ %, of networks left out of the fit", second)
    assert re.fullmatch(r"an A1 standard capture: predicted \d+\.\d % of one core at 48 kHz, in blocks of 64", third)
    assert last == f"written: {tmp_path / 'config' / 'nampedal' / 'boards' / 'this-machine.toml'}"


def test_programs_get_the_same_figures(tmp_path: Path) -> None:
    done = run("--board", "zero-2-w", "--anyway", "-o", tmp_path / "mine.toml", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    board = read_board(tmp_path / "mine.toml")
    assert board.cost is not None
    assert told["error_percent"] == pytest.approx(board.cost.error_percent, abs=0.051)
    assert told["a1_standard_percent"] > 0.0
    shown = {key: told[key] for key in ("board", "name", "kernels", "sample_rate_hz", "period_frames", "written")}
    assert shown == {
        "board": "zero-2-w",
        "name": board.name,
        "kernels": board.cost.kernels,
        "sample_rate_hz": 48_000.0,
        "period_frames": board.period_frames.value,
        "written": str(tmp_path / "mine.toml"),
    }


def test_a_board_keeps_its_facts_and_gets_its_costs(tmp_path: Path) -> None:
    before = read_board("zero-2-w")
    path = tmp_path / "mine.toml"
    assert run("--board", "zero-2-w", "--anyway", "-o", path).exit_code == 0
    after = read_board(path)
    assert (after.name, after.clock_mhz, after.period_frames) == (before.name, before.clock_mhz, before.period_frames)
    assert after.cost is not None
    assert after.cost.status == "measured"
    assert after.cost != before.cost


def test_an_unknown_board_is_refused_before_anything_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "calibrate", None)
    assert isinstance(run("--board", "commodore", "--anyway").exception, SettingValueError)


def test_an_unfit_machine_is_refused_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(command, "check_machine", busy)
    assert isinstance(run("-o", tmp_path / "x.toml").exception, MeasurementError)
    assert not (tmp_path / "x.toml").exists()
    assert run("--anyway", "-o", tmp_path / "x.toml").exit_code == 0
