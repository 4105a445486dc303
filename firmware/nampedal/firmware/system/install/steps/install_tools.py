"""Runs programs of this computer. A program of a foreign root is never started."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence

from nampedal.firmware.base.errors import ProgramError

Run = Callable[[Sequence[str]], None]


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
    """Run a command and wait for its end.

    environment: of the new process; None: the same as this process.
    Raises ProgramError.
    """
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace", env=environment)
    except FileNotFoundError as error:
        raise ProgramError(f"{command[0]}: is not installed here; install it, and run this again") from error
    if done.returncode:
        said = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise ProgramError(
            f"{' '.join(command[:3])}: failed ({done.returncode}): {said[-1] if said else 'it says nothing'}"
        )
