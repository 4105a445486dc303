"""Whole pedals: some that are well, some that are ill."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from nampedal.firmware.system.doctor.checks.run_checks import CHECKS, run_checks
from nampedal.firmware.system.doctor.context import JACK, PLAYER, THROUGH
from nampedal.firmware.system.doctor.examined_host import RealHost
from nampedal.firmware.system.doctor.finding import FindingState
from support.rigs.sick_pedal import SWAPS, Patient, make_image, make_patient, socket_closed


def found(patient: RealHost, state: FindingState) -> list[str]:
    return [finding.name for finding in run_checks(patient) if finding.state is state]


def test_an_installed_pedal_that_is_well_has_nothing_wrong(pedal: Patient) -> None:
    findings = list(run_checks(pedal))
    assert len(findings) == len(CHECKS) + 1
    assert len({finding.name for finding in findings}) == len(findings)
    assert {finding.name for finding in findings if finding.state is not FindingState.OK} == {"interrupts", "root"}


def test_an_image_that_is_well_has_nothing_wrong(tmp_path: Path) -> None:
    image = make_image(tmp_path)
    assert found(image, FindingState.WRONG) == []
    assert found(image, FindingState.UNKNOWN) == []
    assert found(image, FindingState.NOT_APPLICABLE) == ["interrupts"]


def test_what_is_no_pedal_is_told_that_and_no_more(tmp_path: Path) -> None:
    (finding,) = run_checks(RealHost(tmp_path))
    assert (finding.name, finding.state) == ("profile", FindingState.WRONG)


def test_an_emulated_machine_is_well_but_for_what_it_lacks(tmp_path: Path) -> None:
    patient = make_image(tmp_path)
    patient.set(NAMPEDAL_IMAGE="1", NAMPEDAL_BASE="debian", NAMPEDAL_AUDIO_CPU=None)
    patient.put("/proc/device-tree/model", "linux,dummy-virt\0")
    patient.commands["systemd-detect-virt --vm"] = "qemu"
    for gone in ("/proc/device-tree/hat", "/sys/devices/platform", "/sys/class", "/dev"):
        shutil.rmtree(patient.real(Path(gone)))
    for cpu in range(4):
        shutil.rmtree(patient.real(Path(f"/sys/devices/system/cpu/cpu{cpu}/cpufreq")))
    patient.put("/proc/sys/kernel/version", "#1 SMP PREEMPT_RT Debian 7.2.12-1")
    assert found(patient, FindingState.WRONG) == []
    assert found(patient, FindingState.UNKNOWN) == [
        *("board", "power", "throttling", "temperature", "HAT", "input", "governor", "interrupts", "load", "xruns"),
        "machine watchdog",
    ]
    assert found(patient, FindingState.NOT_APPLICABLE) == ["audio core"]


def no_hat(patient: Patient) -> None:
    patient.put("/proc/asound/cards", " 0 [vc4hdmi        ]: vc4-hdmi - vc4-hdmi\n")
    patient.real(Path("/proc/device-tree/hat/product")).unlink()
    patient.units[JACK] |= {"ActiveState": "failed", "Result": "exit-code", "MainPID": "0"}
    patient.units[PLAYER] |= {"ActiveState": "activating", "StatusText": "waits for the JACK server"}
    patient.answers["status"] = patient.answers["status"] | {"playing": False, "preset": None}


def weak_supply(patient: Patient) -> None:
    patient.put("/sys/devices/platform/soc/soc:firmware/get_throttled", "50005")


def ondemand(patient: Patient) -> None:
    patient.put("/sys/devices/system/cpu/cpu2/cpufreq/scaling_governor", "ondemand")
    patient.put("/proc/swaps", SWAPS + "/var/swap file 1 0 -2\n")
    patient.answers["status"] = patient.answers["status"] | {"xruns": 80}


def dead_player(patient: Patient) -> None:
    patient.units[THROUGH]["ActiveState"] = "active"
    patient.units[PLAYER] |= {"ActiveState": "failed", "MainPID": "0"}
    patient.refuses = socket_closed(ConnectionRefusedError())


def unknown_pedal(patient: Patient) -> None:
    patient.set(NAMPEDAL_PEDAL="somebody-elses")


@pytest.mark.parametrize(
    ("fall_ill", "wrong", "unknown"),
    [
        (
            no_hat,
            ["sound card", "jackd", "nampedal", "plays"],
            ["HAT", "jackd settings", "input", "real time", "locked memory"],
        ),
        (weak_supply, ["power", "throttling"], []),
        (ondemand, ["governor", "xruns", "swap"], []),
        (
            dead_player,
            ["nampedal"],
            ["jackd settings", "plays", "input", "controls", "real time", "audio core", "load", "xruns"],
        ),
        (unknown_pedal, ["profile"], ["board", "overlay", "mixer", "controls"]),
    ],
)
def test_an_illness_is_seen_and_nothing_else(
    tmp_path: Path, fall_ill: Callable[[Patient], None], wrong: list[str], unknown: list[str]
) -> None:
    patient = make_patient(tmp_path)
    fall_ill(patient)
    assert found(patient, FindingState.WRONG) == wrong
    assert found(patient, FindingState.UNKNOWN) == unknown


def test_a_machine_that_tells_nothing_but_its_settings_is_looked_at_to_the_end(tmp_path: Path) -> None:
    patient = Patient(tmp_path)
    patient.set()
    patient.refuses = socket_closed(FileNotFoundError())
    findings = list(run_checks(patient))
    assert len(findings) == len(CHECKS) + 1
    assert not [finding for finding in findings if "itself failed" in finding.result]


@pytest.mark.parametrize("text", ["", "\n\n", "nonsense", "[[[", "1 2 3 4", "=\n=", "\0\0\0", "-d"])
def test_whatever_stands_in_its_files_it_is_looked_at_to_the_end(pedal: Patient, text: str) -> None:
    for path in sorted(pedal.root.rglob("*")):
        if path.is_file() and not path.is_relative_to(pedal.root / "var"):
            path.write_text(text)
    findings = list(run_checks(pedal))
    assert len(findings) == len(CHECKS) + 1


def test_every_fault_comes_with_what_to_do(tmp_path: Path) -> None:
    for number, fall_ill in enumerate((no_hat, weak_supply, ondemand, dead_player, unknown_pedal)):
        patient = make_patient(tmp_path / str(number))
        fall_ill(patient)
        for finding in run_checks(patient):
            assert bool(finding.repair) == (finding.state is FindingState.WRONG), finding


def test_the_documentation_knows_every_check(pedal: Patient, root: Path) -> None:
    page = (root / "docs" / "how-to" / "recover.md").read_text()
    for finding in run_checks(pedal):
        assert f"`{finding.name}`" in page
