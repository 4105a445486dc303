"""What systemd, the pedal's socket and the boot helpers tell, and what stands there where one of them does not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from nampedal.firmware.system.doctor import examined_host as machines
from nampedal.firmware.system.doctor.checks.check_services import check_errors_file, check_helpers, check_services
from nampedal.firmware.system.doctor.checks.check_sound import (
    check_controls,
    check_jack_settings,
    check_jackd,
    check_load,
    check_player,
    check_plays,
    check_watchdog,
    check_xruns,
)
from nampedal.firmware.system.doctor.checks.run_checks import run_checks
from nampedal.firmware.system.doctor.context import CARD, HEALTH, LATE, SAFE, TUNE, Check
from nampedal.firmware.system.doctor.errors import BUSY, CheckTimeoutError, ProgramMissingError
from support.rigs.sick_pedal import IMAGE_MOUNTS, Patient, failure, look, make_image, refusal, socket_closed

OF_SYSTEMD = [check_jackd, check_player, check_watchdog, check_services, check_helpers]
OF_THE_SOCKET = [check_jack_settings, check_plays, check_xruns, check_load, check_controls]
AS_ROOT = "ask again with 'sudo nampedal doctor'"
INSTALL = "run 'sudo nampedal install --pedal zero-2-w-codec-zero', then 'sudo reboot'"
REBOOT = "restart the machine: 'sudo reboot'"


# ---- systemd ----


@pytest.mark.parametrize("check", OF_SYSTEMD)
def test_where_systemd_does_not_run_it_is_said_so(pedal: Patient, check: Check) -> None:
    pedal.real(Path("/run/systemd/system")).rmdir()
    assert look(pedal, check) == ("unknown", "systemd does not run here (/run/systemd/system is not there)", "")
    assert pedal.ran == []


@pytest.mark.parametrize("check", OF_SYSTEMD)
def test_systemd_that_runs_and_does_not_tell_is_never_said_not_to_run(pedal: Patient, check: Check) -> None:
    pedal.fails["systemctl"] = CheckTimeoutError("systemctl", 30.0)
    assert look(pedal, check) == ("unknown", "systemd did not answer within 30 s: the machine is very busy", BUSY)
    pedal.fails["systemctl"] = failure("systemctl", "Failed to get properties: Connection timed out")
    assert look(pedal, check) == ("unknown", "systemd did not answer within 25 s: the machine is very busy", BUSY)
    pedal.fails["systemctl"] = ProgramMissingError("systemctl is not there")
    assert look(pedal, check) == (*("unknown", "systemctl is not there", "run 'sudo apt install --reinstall systemd'"),)
    pedal.fails["systemctl"] = failure("systemctl", "Failed to connect to bus: No such file or directory")
    assert look(pedal, check) == (
        *("unknown", "systemctl failed: Failed to connect to bus: No such file or directory", AS_ROOT),
    )
    pedal.fails.clear()
    pedal.units.clear()
    assert look(pedal, check) == ("unknown", "systemctl does not say anything of nampedal's units", INSTALL)


def test_a_slow_systemd_is_waited_for_once(pedal: Patient) -> None:
    pedal.fails["systemctl"] = CheckTimeoutError("systemctl", 30.0)
    found = list(run_checks(pedal))
    assert len([line for line in pedal.ran if line.startswith("systemctl")]) == 1
    assert not [one for one in found if "does not run here" in one.result]
    slow = [one.name for one in found if one.result.startswith("systemd did not answer")]
    assert {"jackd", "nampedal", "watchdog", "machine watchdog", "services", "boot helpers"} <= set(slow)


def test_programs_on_a_machine_under_load(pedal: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real programs that hang: the doctor goes on to its end, and says that of each that is asked."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("systemctl", "vcgencmd", "systemd-detect-virt"):
        (folder / name).write_text("#!/bin/sh\nexec sleep 600\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setattr(machines, "PROGRAM_TIMEOUT_S", 0.5)
    pedal.real(Path("/sys/devices/platform/soc/soc:firmware/get_throttled")).unlink()
    pedal.is_running_system, pedal.refuses = True, socket_closed(TimeoutError())
    found = {one.name: (str(one.state), one.result, one.repair) for one in run_checks(pedal)}
    for name in ("jackd", "nampedal", "watchdog", "machine watchdog", "services", "boot helpers", "real time"):
        assert found[name] == ("unknown", "systemd did not answer within 0.5 s: the machine is very busy", BUSY)
    for name in ("power", "throttling"):
        assert found[name] == ("unknown", "vcgencmd did not answer within 0.5 s: the machine is very busy", BUSY)
    for name in ("plays", "controls", "load", "xruns"):
        assert found[name] == ("unknown", "nampedal did not answer within 10 s: the machine is very busy", BUSY)
    assert found["card"] == ("ok", "no nampedal-errors.txt on it", "")
    assert found["board"] == ("ok", "Raspberry Pi Zero 2 W Rev 1.0", "")
    assert len([line for line in pedal.ran if line.startswith(("systemctl", "vcgencmd"))]) == 2


# ---- the pedal's socket ----


@pytest.mark.parametrize("check", OF_THE_SOCKET)
@pytest.mark.parametrize(
    ("cause", "found", "mend"),
    [
        (TimeoutError("timed out"), "nampedal did not answer within 10 s: the machine is very busy", BUSY),
        (BlockingIOError(11, "x"), "nampedal did not answer within 10 s: the machine is very busy", BUSY),
        (FileNotFoundError(), "nampedal does not run: /run/nampedal/control.sock is not there", ""),
        (ConnectionRefusedError(), "nampedal does not run: nobody listens at /run/nampedal/control.sock", ""),
        (PermissionError(), "only root and the group nampedal may ask the pedal", AS_ROOT),
        (
            ConnectionResetError(104, "Connection reset by peer"),
            "nampedal does not answer at /run/nampedal/control.sock: connection reset by peer",
            "",
        ),
    ],
)
def test_why_the_pedal_says_nothing_is_told(
    pedal: Patient, check: Check, cause: OSError, found: str, mend: str
) -> None:
    pedal.refuses = socket_closed(cause)
    assert look(pedal, check) == ("unknown", found, mend)


@pytest.mark.parametrize("check", OF_THE_SOCKET)
def test_an_answer_that_is_none_is_told(pedal: Patient, check: Check) -> None:
    pedal.refuses = refusal()
    assert look(pedal, check) == ("unknown", "nampedal refuses to answer: request: no", "")
    pedal.refuses = ValueError()
    assert look(pedal, check) == (
        *("unknown", "nampedal's answer is not JSON, at /run/nampedal/control.sock"),
        "run 'sudo systemctl restart nampedal'",
    )


# ---- units that run once ----


def test_a_way_out_that_failed_is_wrong(pedal: Patient) -> None:
    assert look(pedal, check_services) == ("ok", "none failed", "")
    pedal.units[SAFE] |= {"ActiveState": "failed", "Result": "watchdog"}
    assert look(pedal, check_services) == (
        *("wrong", "nampedal-safe: failed (watchdog)", "read 'journalctl -b -u nampedal-safe'"),
    )


@pytest.mark.parametrize(
    ("result", "status", "how"),
    [
        ("oom-kill", "9", "oom-kill: memory ran out"),
        ("timeout", "15", "timeout: it took too long"),
        ("exit-code", "1", "exit-code 1"),
        ("signal", "11", "signal 11"),
        ("core-dump", "11", "core-dump: it crashed"),
        ("start-limit-hit", "0", "start-limit-hit"),
    ],
)
@pytest.mark.parametrize(
    ("unit", "undone"),
    [
        (CARD, "the card's settings, SSH and banks may not be in use"),
        (TUNE, "the clock and the interrupts are not set for the sound"),
        (HEALTH, "nothing decided whether the update stays"),
        (LATE, "what was mounted late is not in use"),
    ],
)
def test_a_boot_helper_that_failed_is_named_with_why(
    pedal: Patient, unit: str, undone: str, result: str, status: str, how: str
) -> None:
    pedal.units[unit] |= {"ActiveState": "failed", "Result": result, "ExecMainStatus": status}
    name = unit.removesuffix(".service")
    assert look(pedal, check_helpers) == (
        *("wrong", f"{name}: failed ({how}): {undone}"),
        f"read 'journalctl -b -u {name}' and mend what it says, then {REBOOT}",
    )


def test_a_stick_that_was_not_taken_over_is_told(pedal: Patient) -> None:
    pedal.units["nampedal-usb@sda1.service"] = {
        "LoadState": "loaded",
        "ActiveState": "failed",
        "Result": "exit-code",
        "ExecMainStatus": "1",
    }
    assert look(pedal, check_helpers) == (
        *("wrong", "nampedal-usb@sda1: failed (exit-code 1): banks of that stick were not taken over"),
        "read 'journalctl -b -u nampedal-usb@sda1' and mend what it says, then plug the stick in again",
    )


def test_helpers_that_run_or_never_ran_are_told(pedal: Patient) -> None:
    assert look(pedal, check_helpers) == ("ok", "none failed", "")
    pedal.units[CARD]["ActiveState"] = "activating"
    assert look(pedal, check_helpers) == ("unknown", "still running: nampedal-card", "ask again in a minute")
    pedal.units[TUNE]["ActiveState"] = "inactive"
    assert look(pedal, check_helpers) == (
        *("wrong", "did not run since the machine was started: nampedal-tune"),
        f"{REBOOT}; if it stays so, {INSTALL}",
    )
    pedal.units[CARD]["LoadState"] = "not-found"
    assert look(pedal, check_helpers) == ("wrong", "not installed: nampedal-card", INSTALL)


def test_a_newer_helper_that_an_update_by_wheel_did_not_bring_is_no_fault(pedal: Patient) -> None:
    pedal.units.pop(LATE)
    assert look(pedal, check_helpers) == ("ok", "none failed", "")


# ---- what the boot's one says of the card ----

UNFINISHED = (
    *("wrong", "nampedal-card did not come to its end at this start: what is on the card may not be in use"),
    "see 'boot helpers'; read 'journalctl -b -u nampedal-card' and mend what it says, then 'sudo reboot'",
)


def test_what_the_last_start_found_wrong_is_told_in_one_line(pedal: Patient) -> None:
    assert look(pedal, check_errors_file) == ("ok", "no nampedal-errors.txt on it", "")
    pedal.put("/boot/firmware/nampedal-errors.txt", "nampedal.toml: wifi: is 'on'\n\nbanks/x: is no bank\n")
    mend = "put it right in nampedal.toml or the folder it names, on any computer; restart"
    assert look(pedal, check_errors_file) == (
        *("wrong", "nampedal-errors.txt: nampedal.toml: wifi: is 'on' banks/x: is no bank", mend),
    )
    pedal.real(Path("/run/nampedal-card/announce")).unlink()
    assert look(pedal, check_errors_file)[1] == (
        "nampedal-errors.txt (of an earlier start; see 'boot helpers'): "
        "nampedal.toml: wifi: is 'on' banks/x: is no bank"
    )


@pytest.mark.parametrize("systemd", ["tells", "is slow", "is not to be asked"])
def test_a_boot_that_did_not_look_at_the_card_is_never_well(pedal: Patient, systemd: str) -> None:
    pedal.real(Path("/run/nampedal-card/announce")).unlink()
    pedal.units[CARD] |= {"ActiveState": "failed", "Result": "oom-kill"}
    if systemd == "is slow":
        pedal.fails["systemctl"] = CheckTimeoutError("systemctl", 30.0)
    elif systemd == "is not to be asked":
        pedal.fails["systemctl"] = failure("systemctl", "Failed to connect to bus: Permission denied")
    assert look(pedal, check_errors_file) == UNFINISHED


def test_a_boot_that_still_looks_at_the_card_is_waited_for(pedal: Patient) -> None:
    pedal.real(Path("/run/nampedal-card/announce")).unlink()
    pedal.units[CARD]["ActiveState"] = "activating"
    assert look(pedal, check_errors_file) == (*("unknown", "nampedal-card still looks at it", "ask again in a minute"),)


def test_faults_that_could_not_be_written_are_told_all_the_same(pedal: Patient) -> None:
    pedal.put("/run/nampedal-card/announce", "4\n5\n")
    assert look(pedal, check_errors_file)[:2] == (
        *("wrong", "something is wrong with it, and nampedal-errors.txt could not be written"),
    )
    pedal.put("/run/nampedal-card/announce", "5\n")
    assert look(pedal, check_errors_file)[0] == "ok"


def test_a_card_that_was_not_mounted_is_wrong_on_an_image(tmp_path: Path) -> None:
    patient = make_image(tmp_path)
    assert look(patient, check_errors_file)[0] == "ok"
    patient.put("/proc/mounts", IMAGE_MOUNTS.replace("/dev/mmcblk0p1 /boot/firmware vfat ro,relatime 0 0\n", ""))
    assert look(patient, check_errors_file) == (
        "wrong",
        "the card's first partition is not mounted at /boot/firmware: nampedal.toml and its banks are not in use",
        "read 'systemctl status boot-firmware.mount' and do what it says, then 'sudo reboot'",
    )


def test_a_card_that_is_not_there_is_unknown(tmp_path: Path) -> None:
    patient = Patient(tmp_path)
    patient.set()
    assert look(patient, check_errors_file) == ("unknown", "/boot/firmware is not there, or empty", "")
    patient.put("/boot/firmware/config.txt", "")
    assert look(patient, check_errors_file) == (
        *("unknown", "no nampedal-errors.txt on it; this system does not run, and has not looked at it", ""),
    )
