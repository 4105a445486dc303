from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from nampedal.firmware.system.doctor.checks.check_processor import (
    check_governor,
    check_power,
    check_temperature,
    check_throttling,
)
from support.rigs.sick_pedal import Patient, look

THROTTLED = "/sys/devices/platform/soc/soc:firmware/get_throttled"
SUPPLY = (
    "use a power supply made for this Raspberry Pi (5.1 V) and a short, thick cable, with nothing else on it; "
    "then switch off and on"
)
COOLING = "give it a heat sink and air holes in the case; then switch it off and on"


def test_a_full_clock_is_told(pedal: Patient) -> None:
    assert look(pedal, check_governor) == ("ok", "performance on 4 cores", "")


def test_a_clock_that_follows_the_load_is_wrong(pedal: Patient) -> None:
    for cpu in (1, 3):
        pedal.put(f"/sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor", "ondemand\n")
    assert look(pedal, check_governor) == (
        "wrong",
        "the clock follows the load: ondemand on cpu1, cpu3; 'performance' is needed",
        "run 'sudo systemctl restart nampedal-tune'; if it comes back, something else sets it: read "
        "'journalctl -b -u nampedal-tune'",
    )


def test_a_clock_that_nobody_sets_is_unknown(pedal: Patient) -> None:
    for cpu in range(4):
        shutil.rmtree(pedal.real(Path(f"/sys/devices/system/cpu/cpu{cpu}/cpufreq")))
    assert look(pedal, check_governor) == ("unknown", "this machine's clock can't be set (no cpufreq in /sys)", "")


@pytest.mark.parametrize(
    ("bits", "power", "throttling"),
    [
        (
            "0",
            ("ok", "the voltage has been high enough since the pedal was switched on", ""),
            ("ok", "the processor has not been slowed down since the pedal was switched on", ""),
        ),
        (
            "50005",
            ("wrong", "the voltage is too low now", SUPPLY),
            ("wrong", "the processor was slowed down now: throttled", "mend 'power' first: it is the reason"),
        ),
        (
            "50000",
            ("wrong", "the voltage was too low at least once since the pedal was switched on", SUPPLY),
            (
                "wrong",
                "the processor was slowed down since the pedal was switched on: throttled",
                "mend 'power' first: it is the reason",
            ),
        ),
        (
            "e0008",
            ("ok", "the voltage has been high enough since the pedal was switched on", ""),
            ("wrong", "the processor was slowed down now: soft temperature limit", COOLING),
        ),
        (
            "20002",
            ("ok", "the voltage has been high enough since the pedal was switched on", ""),
            ("wrong", "the processor was slowed down now: clock capped", COOLING),
        ),
    ],
)
def test_what_the_firmware_tells_is_read(
    pedal: Patient, bits: str, power: tuple[str, str, str], throttling: tuple[str, str, str]
) -> None:
    pedal.put(THROTTLED, bits + "\n")
    assert look(pedal, check_power) == power
    assert look(pedal, check_throttling) == throttling


def test_without_the_kernels_file_vcgencmd_is_asked(pedal: Patient) -> None:
    pedal.real(Path(THROTTLED)).unlink()
    pedal.commands["vcgencmd get_throttled"] = "throttled=0x10000"
    assert look(pedal, check_power)[0] == "wrong"
    pedal.commands["vcgencmd get_throttled"] = "Can't open device file: /dev/vcio"
    assert look(pedal, check_power) == (
        "unknown",
        "vcgencmd can't ask the firmware: Can't open device file: /dev/vcio",
        "ask again with 'sudo nampedal doctor'",
    )


def test_without_a_raspberry_pis_firmware_power_is_unknown(pedal: Patient) -> None:
    pedal.real(Path(THROTTLED)).unlink()
    found = ("unknown", "this machine has no Raspberry Pi's firmware that could be asked (no vcgencmd)", "")
    assert look(pedal, check_power) == found
    assert look(pedal, check_throttling) == found


def test_heat_is_told_and_too_much_of_it_is_wrong(pedal: Patient) -> None:
    zone = "/sys/class/thermal/thermal_zone0/temp"
    assert look(pedal, check_temperature) == ("ok", "52 °C", "")
    pedal.put(zone, "80000\n")
    assert look(pedal, check_temperature) == (
        "wrong",
        "80 °C; from 80 °C on the processor is slowed down",
        COOLING,
    )
    pedal.real(Path(zone)).unlink()
    assert look(pedal, check_temperature) == ("unknown", "this machine does not tell its temperature", "")
