"""The machine that is updated: its paths, its programs, its clock. Tests replace them."""

from __future__ import annotations

import fcntl
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nampedal.firmware.actions.control_socket import ask, socket_path
from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import DeployError, FileAccessError, ProgramError
from nampedal.firmware.base.files.env_file import parse_environment
from nampedal.firmware.base.files.toml_schema import os_error_text

DAEMON = "nampedal.service"
# Timeout of a program. systemd gives up on a service that does not start much earlier.
PROGRAM_TIMEOUT_S = 600.0


def run_program(command: Sequence[str]) -> str:
    """Run a program and return its output. Raises ProgramError with the last line of its error output."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PROGRAM_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        said = os_error_text(error) if isinstance(error, OSError) else f"takes longer than {PROGRAM_TIMEOUT_S:.0f} s"
        raise ProgramError(f"{command[0]}: {said}") from error
    if done.returncode:
        complaint = (done.stderr.strip() or done.stdout.strip() or "no word").splitlines()[-1]
        raise ProgramError(f"{' '.join(command)}: failed (exit code {done.returncode}): {complaint}")
    return done.stdout


def ask_status() -> Mapping[str, Any]:
    """Return the status of the pedal that plays on this machine. Raises ControlSocketError, ControlRequestError."""
    return ask(socket_path(), {"do": "status"})


@dataclass(frozen=True, slots=True)
class UpdateHost:
    """The machine that is updated.

    root: the folder that all paths are below.  run: see `run_program`.  status: see `ask_status`.
    pause: sleeps for some seconds.  now: returns a monotonic clock, in seconds.
    """

    root: Path = Path("/")
    run: Callable[[Sequence[str]], str] = run_program
    status: Callable[[], Mapping[str, Any]] = ask_status
    pause: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic

    def under_root(self, path: Path) -> Path:
        """Return the real path of an absolute path on the pedal."""
        return self.root / path.relative_to("/")

    def settings(self) -> dict[str, str]:
        """Return the installed settings, without the overrides of the card. Raises DeployError."""
        path = self.under_root(system_paths.SETTINGS)
        try:
            text = path.read_text()
        except OSError as error:
            raise DeployError(
                f"{path}: can't be read: {os_error_text(error)}; this is no pedal: 'nampedal install' makes one of it"
            ) from error
        return parse_environment(text)

    def daemon_pid(self) -> int:
        """Return the daemon's process id; 0 if it does not run. Raises ProgramError."""
        said = self.run(["systemctl", "show", "--property=MainPID", "--value", DAEMON]).strip()
        return int(said) if said.isdecimal() else 0

    def restart_daemon(self) -> None:
        """Restart the daemon, also after failures. Returns when it is up. Raises ProgramError."""
        # systemctl may refuse to reset a service that never failed.
        with suppress(ProgramError):
            self.run(["systemctl", "reset-failed", DAEMON])
        self.run(["systemctl", "restart", DAEMON])

    def reboot(self, *, tryboot: bool) -> None:
        """Reboot the machine. tryboot: this once, boot with the card's tryboot.txt in place of config.txt.

        Raspberry Pi's kernel passes the flag to the firmware, which clears it before it boots (Raspberry Pi
        documentation, "Fail-safe OS updates"). Partition 0 in the argument is the default partition.
        """
        self.run(["systemctl", "reboot", *(["--reboot-argument=0 tryboot"] if tryboot else [])])

    @contextmanager
    def card_writable(self) -> Iterator[Path]:
        """Mount the card writable for the block, and read-only after it. Yields its folder."""
        card = str(system_paths.CARD)
        self.run(["mount", "-o", "remount,rw", card])
        try:
            yield self.under_root(system_paths.CARD)
        finally:
            os.sync()
            self.run(["mount", "-o", "remount,ro", card])

    @contextmanager
    def alone(self, *, wait: bool = False) -> Iterator[None]:
        """Hold the lock that allows only one update at a time. wait: wait for the lock.

        Raises DeployError, also if another update holds it and wait is False; FileAccessError.
        """
        if os.geteuid() != 0:
            raise DeployError("update: only root may change what runs; say 'sudo nampedal update ...'")
        path = self.under_root(system_paths.UPDATES) / "lock"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise FileAccessError(f"{path}: can't be written: {os_error_text(error)}") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            yield
        except BlockingIOError as error:
            raise DeployError("update: another one is at work; wait for it: 'nampedal update status'") from error
        finally:
            os.close(file)
