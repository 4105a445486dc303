"""Checks of the processor: clock governor, supply voltage, throttling, temperature."""

from __future__ import annotations

import re
from pathlib import Path

from nampedal.firmware.pedal.telemetry import HELD_BACK, HISTORY_SHIFT, TEMPERATURE, THROTTLED
from nampedal.firmware.system.doctor.context import AS_ROOT, CheckContext, check
from nampedal.firmware.system.doctor.errors import CheckProgramError, ProgramMissingError, UnknownResultError
from nampedal.firmware.system.doctor.finding import Finding, comma_list, ok, wrong

# The Arm cores are throttled from this temperature on (raspberrypi/documentation,
# raspberry-pi/frequency-management.adoc).
HOT_C = 80.0
UNDER_VOLTAGE = 1

_CPUS = Path("/sys/devices/system/cpu")
_SUPPLY = (
    "use a power supply made for this Raspberry Pi (5.1 V) and a short, thick cable, with nothing else on it; "
    "then switch off and on"
)
_COOLING = "give it a heat sink and air holes in the case; then switch it off and on"


@check("governor")
def check_governor(case: CheckContext) -> Finding:
    """Check that every core always runs at its full clock (governor "performance")."""
    cpus = [name for name in case.machine.names(_CPUS) if re.fullmatch(r"cpu\d+", name)]
    read = {cpu: case.machine.text(_CPUS / cpu / "cpufreq" / "scaling_governor") for cpu in cpus}
    found = {cpu: governor for cpu, governor in read.items() if governor is not None}
    if not found:
        raise UnknownResultError("this machine's clock can't be set (no cpufreq in /sys)")
    slow = [cpu for cpu, governor in found.items() if governor != "performance"]
    if slow:
        return wrong(
            f"the clock follows the load: {found[slow[0]]} on {comma_list(slow)}; 'performance' is needed",
            "run 'sudo systemctl restart nampedal-tune'; if it comes back, something else sets it: read "
            "'journalctl -b -u nampedal-tune'",
        )
    return ok(f"performance on {len(found)} cores")


@check("power")
def check_power(case: CheckContext) -> Finding:
    """Check that the supply voltage is, and was, high enough. The Raspberry Pi's firmware measures it."""
    bits = _throttled(case)
    if bits & UNDER_VOLTAGE:
        return wrong("the voltage is too low now", _SUPPLY)
    if bits >> HISTORY_SHIFT & UNDER_VOLTAGE:
        return wrong("the voltage was too low at least once since the pedal was switched on", _SUPPLY)
    return ok("the voltage has been high enough since the pedal was switched on")


@check("throttling")
def check_throttling(case: CheckContext) -> Finding:
    """Check that the firmware does not throttle the processor, and did not since the start."""
    bits = _throttled(case)
    low = (bits | bits >> HISTORY_SHIFT) & UNDER_VOLTAGE
    repair = "mend 'power' first: it is the reason" if low else _COOLING
    for shift, when in ((0, "now"), (HISTORY_SHIFT, "since the pedal was switched on")):
        held = [name for bit, name in HELD_BACK.items() if bit > 0 and bits >> (bit + shift) & 1]
        if held:
            return wrong(f"the processor was slowed down {when}: {comma_list(held)}", repair)
    return ok("the processor has not been slowed down since the pedal was switched on")


@check("temperature")
def check_temperature(case: CheckContext) -> Finding:
    text = case.machine.text(Path("/") / TEMPERATURE)
    if text is None:
        raise UnknownResultError("this machine does not tell its temperature")
    now_c = int(text) / 1000.0
    if now_c >= HOT_C:
        return wrong(f"{now_c:.0f} °C; from {HOT_C:.0f} °C on the processor is slowed down", _COOLING)
    return ok(f"{now_c:.0f} °C")


def _throttled(case: CheckContext) -> int:
    """Return the firmware's throttling bits, from the file that Raspberry Pi's kernels have, or from vcgencmd.

    Bits: 0 under-voltage, 1 clock capped, 2 throttled, 3 soft temperature limit. Bits 16 to 19: the same state occurred
    since the start (raspberrypi/documentation, computers/os/graphics-utilities.adoc). Raises UnknownResultError.
    """
    text = case.machine.text(Path("/") / THROTTLED)
    if text is not None:
        return int(text, 16)
    try:
        said = case.run("vcgencmd", "get_throttled")
    except ProgramMissingError as error:
        raise UnknownResultError(
            "this machine has no Raspberry Pi's firmware that could be asked (no vcgencmd)"
        ) from error
    except CheckProgramError as error:
        raise UnknownResultError(str(error), error.repair if case.machine.is_root else AS_ROOT) from error
    found = re.search(r"throttled=0x([0-9a-fA-F]+)", said)
    if found:
        return int(found[1], 16)
    raise UnknownResultError(f"vcgencmd can't ask the firmware: {said}", "" if case.machine.is_root else AS_ROOT)
