from __future__ import annotations

from pathlib import Path

import pytest
from nampedal.firmware.base.errors import MeasurementError
from nampedal.firmware.pedal.telemetry import TEMPERATURE, THROTTLED, check_machine, temperature_c, throttled


def put(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text + "\n")


def clock(root: Path, governor: str, now_khz: int, highest_khz: int) -> None:
    folder = "sys/devices/system/cpu/cpu0/cpufreq"
    put(root, f"{folder}/scaling_governor", governor)
    put(root, f"{folder}/scaling_cur_freq", str(now_khz))
    put(root, f"{folder}/cpuinfo_max_freq", str(highest_khz))


def refusal(root: Path, error: type[MeasurementError]) -> str:
    with pytest.raises(error) as caught:
        check_machine(root, lambda seconds: None)
    return str(caught.value)


def test_a_machine_that_tells_nothing_is_taken(tmp_path: Path) -> None:
    check_machine(tmp_path, lambda seconds: None)


def test_an_idle_cool_machine_at_its_full_clock_is_taken(tmp_path: Path) -> None:
    clock(tmp_path, "performance", 1_500_000, 1_500_000)
    # What happened before is no matter: only the lower half is now.
    put(tmp_path, "sys/devices/platform/soc/soc:firmware/get_throttled", "50000")
    put(tmp_path, "proc/stat", "cpu 100 0 50 1000 10 0 0 0 0 0\ncpu0 1 2 3")
    check_machine(tmp_path, lambda seconds: put(tmp_path, "proc/stat", "cpu 101 0 51 1090 18 0 0 0 0 0"))


def test_a_throttled_machine_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "sys/devices/platform/soc/soc:firmware/get_throttled", "50005")
    assert refusal(tmp_path, MeasurementError) == (
        "this machine: is slowed down by its firmware (under-voltage, throttled): it needs cooling or a stronger power "
        "supply; or add --anyway"
    )


def test_a_clock_that_follows_the_load_is_refused(tmp_path: Path) -> None:
    clock(tmp_path, "ondemand", 1_500_000, 1_500_000)
    assert refusal(tmp_path, MeasurementError) == (
        "this machine: its clock follows the load (governor 'ondemand'); 'performance' is needed: run "
        "'echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor', or add --anyway"
    )


def test_a_slow_clock_is_refused(tmp_path: Path) -> None:
    clock(tmp_path, "performance", 600_000, 1_500_000)
    assert refusal(tmp_path, MeasurementError) == (
        "this machine: runs at 600 of 1500 MHz; at least 75 % are needed: let it cool down, or add --anyway"
    )


def test_a_busy_machine_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "proc/stat", "cpu 100 0 50 1000 10 0 0 0 0 0")
    with pytest.raises(MeasurementError) as caught:
        check_machine(tmp_path, lambda seconds: put(tmp_path, "proc/stat", "cpu 140 5 55 1045 15 0 0 0 0 0"))
    assert str(caught.value) == (
        "this machine: other programs take 50 % of its cores; at most 10 % are allowed: end them, or add --anyway"
    )


def test_the_temperature_and_what_holds_it_back_are_told(tmp_path: Path) -> None:
    assert temperature_c(tmp_path) is None
    assert throttled(tmp_path) is None
    put(tmp_path, TEMPERATURE, "81647")
    put(tmp_path, THROTTLED, "50005")
    assert temperature_c(tmp_path) == 81.647
    assert throttled(tmp_path) == ["under-voltage", "throttled"]
    put(tmp_path, THROTTLED, "50000")
    assert throttled(tmp_path) == []
