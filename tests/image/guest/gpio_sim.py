"""Inside the machine, as root: makes a chip of 54 pins up (Linux, Documentation/admin-guide/gpio/gpio-sim.rst).

gpio_sim.py make        prints the number of its chip
gpio_sim.py pull PIN up|down     what the outside does to a pin
gpio_sim.py value PIN            what is on it
gpio_sim.py blinks PIN SECONDS   how often it went on between two longer pauses, as 4 4
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

CHIP = Path("/sys/kernel/config/gpio-sim/header")
PINS = 54
# Between the blinks of a code it is dark for 0.3 s, and between codes for 1.5 s (nampedal.firmware.actions.led_state).
PAUSE_S = 0.9
LOOK_S = 0.02


def sysfs(pin: int) -> Path:
    device = (CHIP / "dev_name").read_text().strip()
    chip = (CHIP / "bank0" / "chip_name").read_text().strip()
    return Path(f"/sys/devices/platform/{device}/{chip}/sim_gpio{pin}")


def blinks(value: Path, seconds: float) -> list[int]:
    """How often it went on, group by group. One that has begun before, or goes on behind the end, counts as it is."""
    groups: list[int] = []
    end_s = time.monotonic() + seconds
    dark_since_s, was_on = 0.0, False
    while (now_s := time.monotonic()) < end_s:
        on = value.read_text().strip() == "1"
        if on and not was_on:
            if now_s - dark_since_s > PAUSE_S:
                groups.append(0)
            groups[-1] += 1
        if was_on and not on:
            dark_since_s = now_s
        was_on = on
        time.sleep(LOOK_S)
    return groups


def main(what: str, *arguments: str) -> None:
    if what == "make" and CHIP.exists():
        sys.stdout.write((CHIP / "bank0" / "chip_name").read_text().removeprefix("gpiochip"))
    elif what == "make":
        (CHIP / "bank0").mkdir(parents=True)
        (CHIP / "bank0" / "num_lines").write_text(f"{PINS}\n")
        (CHIP / "live").write_text("1\n")
        sys.stdout.write((CHIP / "bank0" / "chip_name").read_text().removeprefix("gpiochip"))
    elif what == "pull":
        (sysfs(int(arguments[0])) / "pull").write_text(f"pull-{arguments[1]}\n")
    elif what == "blinks":
        sys.stdout.write(" ".join(map(str, blinks(sysfs(int(arguments[0])) / "value", float(arguments[1])))))
    else:
        sys.stdout.write((sysfs(int(arguments[0])) / "value").read_text())


main(*sys.argv[1:])
