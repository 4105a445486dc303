"""All that checks see of a machine: its files, its commands, the pedal that answers on it."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from nampedal.board import places
from nampedal.board.settings import reason
from nampedal.firmware.control import ask
from nampedal.firmware.doctor.errors import CantTellError, ProgramFailedError, ProgramMissingError, TooSlowError

# How long systemctl itself waits for systemd (BUS_DEFAULT_TIMEOUT, systemd, src/libsystemd/sd-bus/bus-internal.h).
BUS_PATIENCE_S = 25.0
# How long a program may take: longer than that.
PATIENCE_S = 30.0
# The same for the pedal at its socket. It answers in 0.13 s on a loaded computer.
SOCKET_PATIENCE_S = 10.0
MOST_BYTES = 1 << 20
SYSTEM = Path("/")
SOCKET = places.RUN / "control.sock"


class Machine(Protocol):
    """Paths are those of the pedal, from its root on."""

    @property
    def is_root(self) -> bool:
        """Whether nothing is hidden from who asks."""

    def real(self, path: Path) -> Path:
        """Where this file or folder is to be opened."""

    def text(self, path: Path) -> str | None:
        """A file without zeros and blanks at its ends; None: it is not there, or can't be read."""

    def names(self, folder: Path) -> list[str]:
        """What is in it, in order; none where it is not there or can't be read."""

    def is_folder(self, path: Path) -> bool:
        """Return True if this folder exists."""

    def denied(self, path: Path) -> bool:
        """Whether it may be there, and only others may read it."""

    def run(self, *command: str, fine: Sequence[int] = (0,)) -> str:
        """Return what a program prints, without blanks at both ends. fine: exit codes that are no failure.

        Raises ProgramMissingError, ProgramFailedError, TooSlowError, CantTellError for a system that does not run.
        """

    def ask(self, do: str) -> dict[str, Any]:
        """An answer of the control socket. Raises ControlSocketError, ControlRequestError."""

    def free_bytes(self, folder: Path) -> int | None:
        """For who is not root; None: nobody knows."""

    def owner(self, path: Path) -> int | None:
        """The number of the user; None: it is not there."""

    def now(self) -> datetime:
        """What its clock says."""

    def passed_s(self) -> float:
        """Seconds that only grow."""

    def wait(self, seconds: float) -> None:
        """Let time pass."""


class RealMachine:
    """The one that this runs on, or a system that does not run, in a folder: then only its files tell something."""

    def __init__(self, root: Path = SYSTEM) -> None:
        self.root = root

    @property
    def is_root(self) -> bool:
        return os.geteuid() == 0

    def real(self, path: Path) -> Path:
        return self.root / path.relative_to(path.anchor)

    def text(self, path: Path) -> str | None:
        try:
            with self.real(path).open("rb") as file:
                return file.read(MOST_BYTES).decode(errors="replace").strip("\0 \t\r\n")
        except OSError:
            return None

    def names(self, folder: Path) -> list[str]:
        try:
            return sorted(os.listdir(self.real(folder)))
        except OSError:
            return []

    def is_folder(self, path: Path) -> bool:
        return self.real(path).is_dir()

    def denied(self, path: Path) -> bool:
        try:
            os.stat(self.real(path))
        except PermissionError:
            return True
        except OSError:
            return False
        return not os.access(self.real(path), os.R_OK)

    def run(self, *command: str, fine: Sequence[int] = (0,)) -> str:
        if self.root != SYSTEM:
            raise CantTellError(f"this system does not run here: {command[0]} can't be asked")
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=PATIENCE_S,
                check=False,
                env={**os.environ, "LC_ALL": "C"},
            )
        except FileNotFoundError as error:
            raise ProgramMissingError(f"{command[0]} is not there") from error
        except OSError as error:
            raise ProgramMissingError(f"{command[0]} can't be started: {reason(error)}") from error
        except subprocess.TimeoutExpired as error:
            raise TooSlowError(command[0], PATIENCE_S) from error
        if done.returncode not in fine:
            said = " ".join(done.stderr.decode(errors="replace").split())
            raise ProgramFailedError(
                f"{command[0]} failed: {said or f'exit code {done.returncode}'}",
                f"run '{shlex.join(command)}' and do what it says",
                said,
            )
        return done.stdout.decode(errors="replace").strip()

    def ask(self, do: str) -> dict[str, Any]:
        return ask(self.real(SOCKET), {"do": do}, SOCKET_PATIENCE_S)

    def free_bytes(self, folder: Path) -> int | None:
        with contextlib.suppress(OSError):
            found = os.statvfs(self.real(folder))
            return found.f_bavail * found.f_frsize
        return None

    def owner(self, path: Path) -> int | None:
        with contextlib.suppress(OSError):
            return os.stat(self.real(path)).st_uid
        return None

    def now(self) -> datetime:
        return datetime.now().astimezone()

    def passed_s(self) -> float:
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)
