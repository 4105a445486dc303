"""Checks of the processor: its clock, its power, its heat."""

from __future__ import annotations

import re
from pathlib import Path

from nampedal.firmware.doctor.case import AS_ROOT, Case, check
from nampedal.firmware.doctor.errors import CantTellError, ProgramFailedError, ProgramMissingError
from nampedal.firmware.doctor.finding import Finding, listed, ok, wrong
from nampedal.firmware.machine import HELD_BACK, HISTORY_SHIFT, TEMPERATURE, THROTTLED

# Where the Arm cores begin to be slowed down (raspberrypi/documentation, raspberry-pi/frequency-management.adoc).
HOT_C = 80.0
UNDER_VOLTAGE = 1

_CPUS = Path("/sys/devices/system/cpu")
_SUPPLY = (
    "use a power supply made for this Raspberry Pi (5.1 V) and a short, thick cable, with nothing else on it; "
    "then switch off and on"
)
_COOLING = "give it a heat sink and air holes in the case; then switch it off and on"


@check("governor")
def check_governor(case: Case) -> Finding:
    """Whether every core always runs at its full clock."""
    cpus = [name for name in case.machine.names(_CPUS) if re.fullmatch(r"cpu\d+", name)]
    read = {cpu: case.machine.text(_CPUS / cpu / "cpufreq" / "scaling_governor") for cpu in cpus}
    found = {cpu: governor for cpu, governor in read.items() if governor is not None}
    if not found:
        raise CantTellError("this machine's clock can't be set (no cpufreq in /sys)")
    slow = [cpu for cpu, governor in found.items() if governor != "performance"]
    if slow:
        return wrong(
            f"the clock follows the load: {found[slow[0]]} on {listed(slow)}; 'performance' is needed",
            "run 'sudo systemctl restart nampedal-tune'; if it comes back, something else sets it: read "
            "'journalctl -b -u nampedal-tune'",
        )
    return ok(f"performance on {len(found)} cores")


@check("power")
def check_power(case: Case) -> Finding:
    """Whether the voltage is, and was, high enough, as the Raspberry Pi's firmware tells."""
    bits = _throttled(case)
    if bits & UNDER_VOLTAGE:
        return wrong("the voltage is too low now", _SUPPLY)
    if bits >> HISTORY_SHIFT & UNDER_VOLTAGE:
        return wrong("the voltage was too low at least once since the pedal was switched on", _SUPPLY)
    return ok("the voltage has been high enough since the pedal was switched on")


@check("throttling")
def check_throttling(case: Case) -> Finding:
    """Whether the firmware slows the processor down, or did."""
    bits = _throttled(case)
    low = (bits | bits >> HISTORY_SHIFT) & UNDER_VOLTAGE
    mend = "mend 'power' first: it is the reason" if low else _COOLING
    for shift, when in ((0, "now"), (HISTORY_SHIFT, "since the pedal was switched on")):
        held = [name for bit, name in HELD_BACK.items() if bit > 0 and bits >> (bit + shift) & 1]
        if held:
            return wrong(f"the processor was slowed down {when}: {listed(held)}", mend)
    return ok("the processor has not been slowed down since the pedal was switched on")


@check("temperature")
def check_temperature(case: Case) -> Finding:
    text = case.machine.text(Path("/") / TEMPERATURE)
    if text is None:
        raise CantTellError("this machine does not tell its temperature")
    now_c = int(text) / 1000.0
    if now_c >= HOT_C:
        return wrong(f"{now_c:.0f} °C; from {HOT_C:.0f} °C on the processor is slowed down", _COOLING)
    return ok(f"{now_c:.0f} °C")


def _throttled(case: Case) -> int:
    """By the file that Raspberry Pi's kernels have, or by vcgencmd.

    Bits: 0 under-voltage, 1 clock capped, 2 throttled, 3 soft temperature limit; the same from bit 16 on for what was
    so since the start (raspberrypi/documentation, computers/os/graphics-utilities.adoc).
    """
    text = case.machine.text(Path("/") / THROTTLED)
    if text is not None:
        return int(text, 16)
    try:
        said = case.run("vcgencmd", "get_throttled")
    except ProgramMissingError as error:
        raise CantTellError("this machine has no Raspberry Pi's firmware that could be asked (no vcgencmd)") from error
    except ProgramFailedError as error:
        raise CantTellError(str(error), error.mend if case.machine.is_root else AS_ROOT) from error
    found = re.search(r"throttled=0x([0-9a-fA-F]+)", said)
    if found:
        return int(found[1], 16)
    raise CantTellError(f"vcgencmd can't ask the firmware: {said}", "" if case.machine.is_root else AS_ROOT)
