"""Inside the machine, as root: makes a chip of 54 pins up (Linux, Documentation/admin-guide/gpio/gpio-sim.rst).

gpio_sim.py make        prints the number of its chip
gpio_sim.py pull PIN up|down     what the outside does to a pin
gpio_sim.py value PIN            what is on it
"""

from __future__ import annotations

import sys
from pathlib import Path

CHIP = Path("/sys/kernel/config/gpio-sim/header")
PINS = 54


def sysfs(pin: int) -> Path:
    device = (CHIP / "dev_name").read_text().strip()
    chip = (CHIP / "bank0" / "chip_name").read_text().strip()
    return Path(f"/sys/devices/platform/{device}/{chip}/sim_gpio{pin}")


def main(what: str, *arguments: str) -> None:
    if what == "make":
        (CHIP / "bank0").mkdir(parents=True)
        (CHIP / "bank0" / "num_lines").write_text(f"{PINS}\n")
        (CHIP / "live").write_text("1\n")
        sys.stdout.write((CHIP / "bank0" / "chip_name").read_text().removeprefix("gpiochip"))
    elif what == "pull":
        (sysfs(int(arguments[0])) / "pull").write_text(f"pull-{arguments[1]}\n")
    else:
        sys.stdout.write((sysfs(int(arguments[0])) / "value").read_text())


main(*sys.argv[1:])
