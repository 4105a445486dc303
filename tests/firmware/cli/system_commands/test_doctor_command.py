"""nampedal doctor, as it is run."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from nampedal.firmware.cli.main import cli
from nampedal.firmware.cli.system_commands import doctor_command
from support.rigs.sick_pedal import Patient, make_patient

Run = Callable[..., Result]


@pytest.fixture
def pedal(tmp_path: Path) -> Patient:
    return make_patient(tmp_path / "root")


@pytest.fixture
def run(pedal: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command, on the pedal."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nobody"))
    monkeypatch.setattr(doctor_command, "RealHost", lambda root: pedal)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, ["doctor", *arguments], standalone_mode=False)

    return run


def test_a_pedal_that_is_well_ends_with_0(run: Run) -> None:
    done = run()
    assert done.return_value == 0
    lines = done.output.splitlines()
    assert lines[0] == "ok          profile             zero-2-w-codec-zero: Zero 2 W with a Codec Zero"
    assert "not needed  root                only an image of ours has a system that is never written" in lines
    assert lines[-1] == "nothing is wrong"


def test_a_pedal_that_is_ill_says_how_to_mend_it_and_ends_with_1(run: Run, pedal: Patient) -> None:
    pedal.put("/sys/devices/system/cpu/isolated", "")
    pedal.real(Path("/proc/device-tree/hat/product")).unlink()
    done = run()
    assert done.return_value == 1
    lines = done.output.splitlines()
    at = lines.index("WRONG       audio core          core 3 is not set aside for the sound (isolated: none)")
    assert lines[at + 1] == (
        " " * 32 + "-> run 'sudo nampedal install --pedal zero-2-w-codec-zero', then 'sudo reboot': it puts isolcpus= "
        "into cmdline.txt"
    )
    assert "can't tell  HAT                 no HAT tells its name" in done.output
    assert lines[-1] == "1 of 36 checks found something wrong; begin with 'audio core'; 1 can't be told here"


def test_what_can_not_be_told_is_no_fault(run: Run, pedal: Patient) -> None:
    pedal.real(Path("/proc/device-tree/hat/product")).unlink()
    done = run()
    assert done.return_value == 0
    assert done.output.splitlines()[-1] == "nothing is wrong; 1 can't be told here"


def test_programs_get_an_object(run: Run, pedal: Patient) -> None:
    assert run("--json").return_value == 0
    pedal.put("/sys/class/thermal/thermal_zone0/temp", "90000")
    done = run("--json")
    assert done.return_value == 1
    told = json.loads(done.output)["findings"]
    assert {tuple(one) for one in told} == {("name", "state", "found", "mend")}
    assert {one["state"] for one in told} == {"ok", "wrong", "not applicable"}
    (hot,) = [one for one in told if one["state"] == "wrong"]
    assert hot == {
        "name": "temperature",
        "state": "wrong",
        "found": "90 °C; from 80 °C on the processor is slowed down",
        "mend": "give it a heat sink and air holes in the case; then switch it off and on",
    }


def test_a_system_in_a_folder_is_looked_at_by_its_files(
    pedal: Patient, nampedal: Callable[..., subprocess.CompletedProcess[str]], root: Path
) -> None:
    own = (root / "hw-profiles" / "pedals" / "zero-2-w-codec-zero.toml").read_text()
    pedal.put("/var/lib/nampedal/config/nampedal/pedals/mine.toml", own)
    pedal.set(NAMPEDAL_PEDAL="mine")
    pedal.real(Path("/run/systemd/system")).rmdir()
    done = nampedal("doctor", "--root", pedal.root, "--json")
    assert done.returncode == 0, done.stdout
    states = {one["name"]: (one["state"], one["found"]) for one in json.loads(done.stdout)["findings"]}
    assert states["profile"] == ("ok", "mine: Zero 2 W with a Codec Zero")
    assert states["jackd"] == ("unknown", "systemd does not run here (/run/systemd/system is not there)")
    assert states["sound card"] == ("unknown", "this system does not run here, and has no sound card")
    assert states["plays"] == ("unknown", "nampedal does not run: /run/nampedal/control.sock is not there")


def test_a_computer_is_no_pedal(nampedal: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    (tmp_path / "computer").mkdir()
    done = nampedal("doctor", "--root", tmp_path / "computer")
    assert done.returncode == 1
    assert done.stderr == ""
    assert done.stdout == (
        "WRONG       profile             this is no pedal: /etc/nampedal/pedal.env is not there\n"
        + " " * 32
        + "-> on the Raspberry Pi of the pedal, run 'sudo nampedal install --pedal PROFILE'\n"
        + "1 of 1 checks found something wrong; begin with 'profile'\n"
    )
