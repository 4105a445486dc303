"""Checks that this machine is fit for measurements: idle, not throttled, and at its full clock.

It reads files of Linux in /proc and /sys. A value that a machine does not report is not checked.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from nampedal.firmware.base.errors import MeasurementError

# The maximum load by other programs, in percent of all cores together.
BUSY_PERCENT = 10
LOOK_S = 0.5
# The minimum clock, in percent of the highest clock.
CLOCK_PERCENT = 75

# The throttling state of the Raspberry Pi's firmware: the clock that Linux reports is not the throttled one
# (raspberrypi/linux, pull request 2397 and issue 2986). Hexadecimal: the lower half is the state now, the upper half
# the state since boot.
THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"
HELD_BACK = {0: "under-voltage", 1: "clock capped", 2: "throttled", 3: "soft temperature limit"}
HISTORY_SHIFT = 16
# In thousandths of a degree Celsius (Linux, Documentation/driver-api/thermal/sysfs-api.rst).
TEMPERATURE = "sys/class/thermal/thermal_zone0/temp"
_CPUFREQ = "sys/devices/system/cpu/cpu0/cpufreq"


def check_machine(root: Path = Path("/"), pause: Callable[[float], None] = time.sleep) -> None:
    """Check that a measurement on this machine is valid.

    Raises MeasurementError.
    """
    _check_throttled(root)
    _check_clock(root)
    before = _read_cpu_times(root)
    pause(LOOK_S)
    after = _read_cpu_times(root)
    if before is None or after is None or sum(after) == sum(before):
        return
    passed = [b - a for a, b in zip(before, after, strict=True)]
    # The fourth and the fifth are idle times (proc_stat(5)).
    busy = 100.0 * (sum(passed) - passed[3] - passed[4]) / sum(passed)
    if busy > BUSY_PERCENT:
        raise MeasurementError(
            f"this machine: other programs take {busy:.0f} % of its cores; at most {BUSY_PERCENT} % are allowed: end "
            "them, or add --anyway"
        )


def throttled(root: Path = Path("/")) -> list[str] | None:
    """Return the limits that the Raspberry Pi's firmware applies now (see HELD_BACK); None: no such firmware."""
    text = _read(root / THROTTLED)
    if text is None:
        return None
    state = int(text, 16)
    return [name for bit, name in HELD_BACK.items() if state >> bit & 1]


def temperature_c(root: Path = Path("/")) -> float | None:
    """Return the temperature of the processor in degrees Celsius; None: unknown."""
    text = _read(root / TEMPERATURE)
    return int(text) / 1000.0 if text is not None else None


def _check_throttled(root: Path) -> None:
    now = throttled(root)
    if now:
        raise MeasurementError(
            f"this machine: is slowed down by its firmware ({', '.join(now)}): it needs cooling or a stronger power "
            "supply; or add --anyway"
        )


def _check_clock(root: Path) -> None:
    governor = _read(root / _CPUFREQ / "scaling_governor")
    if governor is not None and governor != "performance":
        raise MeasurementError(
            f"this machine: its clock follows the load (governor '{governor}'); 'performance' is needed: run "
            "'echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor', or add --anyway"
        )
    now, highest = (_read(root / _CPUFREQ / name) for name in ("scaling_cur_freq", "cpuinfo_max_freq"))
    if now is not None and highest is not None and int(now) * 100 < int(highest) * CLOCK_PERCENT:
        raise MeasurementError(
            f"this machine: runs at {int(now) // 1000} of {int(highest) // 1000} MHz; at least {CLOCK_PERCENT} % are "
            "needed: let it cool down, or add --anyway"
        )


def _read_cpu_times(root: Path) -> list[int] | None:
    text = _read(root / "proc" / "stat")
    if text is None:
        return None
    # The time of guests, in the ninth and tenth, is already included in the first two.
    return [int(field) for field in text.splitlines()[0].split()[1:9]]


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return None
