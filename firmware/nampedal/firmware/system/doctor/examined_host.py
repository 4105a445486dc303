"""The interface through which checks access a machine: its files, its programs, and the pedal's control socket."""

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

from nampedal.firmware.actions.control_socket import ask
from nampedal.firmware.base import system_paths
from nampedal.firmware.base.files.toml_schema import os_error_text
from nampedal.firmware.system.doctor.errors import (
    CheckProgramError,
    CheckTimeoutError,
    ProgramMissingError,
    UnknownResultError,
)

# systemctl's own timeout for an answer of systemd (BUS_DEFAULT_TIMEOUT, systemd, src/libsystemd/sd-bus/bus-internal.h).
BUS_TIMEOUT_S = 25.0
# Timeout of a program. It is longer than BUS_TIMEOUT_S, so that systemctl reports its own timeout first.
PROGRAM_TIMEOUT_S = 30.0
# Timeout of the pedal's control socket. The pedal answers in 0.13 s on a loaded computer.
SOCKET_TIMEOUT_S = 10.0
MAX_BYTES = 1 << 20
SYSTEM = Path("/")
SOCKET = system_paths.RUN / "control.sock"


class ExaminedHost(Protocol):
    """A machine that is checked. All paths are absolute paths on the pedal."""

    @property
    def is_root(self) -> bool:
        """True if the checks run as root and can read everything."""

    def real(self, path: Path) -> Path:
        """Return the path at which this file or folder of the pedal can be opened here."""

    def text(self, path: Path) -> str | None:
        """Return a file's text without zero bytes and blanks at both ends; None if it is missing or unreadable."""

    def names(self, folder: Path) -> list[str]:
        """Return the sorted names in a folder; an empty list if it is missing or unreadable."""

    def is_folder(self, path: Path) -> bool:
        """Return True if this folder exists."""

    def denied(self, path: Path) -> bool:
        """Return True if the permissions do not allow reading the path, so that it may exist unseen."""

    def run(self, *command: str, fine: Sequence[int] = (0,)) -> str:
        """Run a program and return its output without blanks at both ends. fine: exit codes that are no failure.

        Raises UnknownResultError for a system that does not run, and its subclasses for a program that fails.
        """

    def ask(self, do: str) -> dict[str, Any]:
        """Return the control socket's answer to a request. do: the name of the request.

        Raises ControlSocketError, ControlRequestError.
        """

    def free_bytes(self, folder: Path) -> int | None:
        """Return the free bytes for users other than root; None if unknown."""

    def owner(self, path: Path) -> int | None:
        """Return the user id (uid) of the owner; None if the path does not exist."""

    def now(self) -> datetime:
        """Return the time of the machine's clock."""

    def passed_s(self) -> float:
        """Return the seconds of a monotonic clock."""

    def wait(self, seconds: float) -> None:
        """Sleep for this time."""


class RealHost:
    """The machine that this program runs on, or a system that does not run, in the folder `root`.

    Only the files of a system that does not run can be checked.
    """

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
                return file.read(MAX_BYTES).decode(errors="replace").strip("\0 \t\r\n")
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
            raise UnknownResultError(f"this system does not run here: {command[0]} can't be asked")
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=PROGRAM_TIMEOUT_S,
                check=False,
                env={**os.environ, "LC_ALL": "C"},
            )
        except FileNotFoundError as error:
            raise ProgramMissingError(f"{command[0]} is not there") from error
        except OSError as error:
            raise ProgramMissingError(f"{command[0]} can't be started: {os_error_text(error)}") from error
        except subprocess.TimeoutExpired as error:
            raise CheckTimeoutError(command[0], PROGRAM_TIMEOUT_S) from error
        if done.returncode not in fine:
            said = " ".join(done.stderr.decode(errors="replace").split())
            raise CheckProgramError(
                f"{command[0]} failed: {said or f'exit code {done.returncode}'}",
                f"run '{shlex.join(command)}' and do what it says",
                said,
            )
        return done.stdout.decode(errors="replace").strip()

    def ask(self, do: str) -> dict[str, Any]:
        return ask(self.real(SOCKET), {"do": do}, SOCKET_TIMEOUT_S)

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
