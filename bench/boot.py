"""Measures how long an image takes to boot in the emulator, and which units take longest, at its first and second
start.

Needs the image that `make test-image` builds, and the programs that it installs. The seconds are those of an emulated
machine: it is slower than a board, and not by the same factor everywhere.

    PYTHONPATH=tests .venv/bin/python bench/boot.py build/image/pedal.img
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from support.machines.emulated_machine import Machine, firmware, overlay, running
from support.machines.emulated_pedal import BOOT_S, WORDS, Pedal, make_key, prepare

PARTS = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("image", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        key = make_key(folder)
        card = prepare(given.image, key, folder)
        started = firmware(card, folder / "firmware", "virt")
        drive = overlay(card, folder / "card.qcow2")
        for which in ("first", "second"):
            began_s = time.monotonic()
            with running(Machine("virt", started, drive, folder, WORDS)) as machine:
                machine.wait_for("Started nampedal.service", BOOT_S)
                sound_s = time.monotonic() - began_s
                machine.wait_for_ssh(BOOT_S)
                pedal = Pedal(machine, key)
                pedal.wait_for(lambda: pedal.run("systemctl is-system-running", check=False) == "running")  # noqa: B023
                print(f"{which} boot: {sound_s:.1f} s from power to sound")
                print(pedal.run(f"systemd-analyze; systemd-analyze blame --no-pager | head -{PARTS}"))
                print(pedal.run("systemd-analyze critical-chain nampedal.service --no-pager"))
                pedal.run("sync")


if __name__ == "__main__":
    main()
