"""Inside the machine: sets a number of the preset that plays and saves it, over and over, and says so."""

from __future__ import annotations

import sys
from pathlib import Path

from nampedal.firmware.actions.control_socket import ask

SOCKET = Path("/run/nampedal/control.sock")


def main(first: int) -> None:
    for number in range(first, first + 100_000):
        gain_db = -(number % 30_000) / 1000
        ask(SOCKET, {"do": "set", "name": "1.gain_db", "value": gain_db})
        sys.stdout.write(f"saving {gain_db}\n")
        sys.stdout.flush()
        ask(SOCKET, {"do": "save"})
        sys.stdout.write(f"saved {gain_db}\n")
        sys.stdout.flush()


main(int(sys.argv[1]))
