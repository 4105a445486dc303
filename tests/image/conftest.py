"""An image on a card, in an emulated machine that was set up as a player would: by nampedal.toml."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from conftest import ROOT
from emulated_machine import Machine

GUEST = ROOT / "tests" / "image" / "guest"
# Debian's Python, as the daemon runs it.
PYTHON = "/opt/nampedal/runtime/bin/python3"
BOOT_S = 240.0


class Pedal:
    """Somebody who is logged in."""

    def __init__(self, machine: Machine, key: Path) -> None:
        self.machine = machine
        options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "ConnectTimeout=20")
        self._options = ["-i", str(key), *(word for option in options for word in ("-o", option))]

    def wait(self, patience_s: float = BOOT_S) -> None:
        """Until somebody can log in."""
        self.machine.wait_for_ssh(patience_s)

    def run(self, command: str, *, check: bool = True) -> str:
        done = subprocess.run(
            ["ssh", *self._options, "-p", str(self.machine.port), "root@127.0.0.1", command],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{command}: {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def copy(self, *paths: Path, to: str) -> None:
        command = ["scp", "-q", "-r", *self._options, "-P", str(self.machine.port), *map(str, paths)]
        subprocess.run([*command, f"root@127.0.0.1:{to}"], check=True, timeout=300)

    def status(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.run("nampedal status --json"))
        return answer
