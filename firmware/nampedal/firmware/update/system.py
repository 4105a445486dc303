"""The machine that is updated: where its files are, and what is asked of its other programs."""

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

from nampedal.board import places
from nampedal.board.environment import parse_environment
from nampedal.board.settings import reason
from nampedal.firmware.control import ask, socket_path
from nampedal.firmware.update.errors import (
    NotAPedalError,
    NotRootError,
    ProgramFailedError,
    UpdateRunsError,
    UpdateUnwritableError,
)

DAEMON = "nampedal.service"
# systemd gives up on a service that does not start long before that.
PROGRAM_S = 600.0


def run_program(command: Sequence[str]) -> str:
    """What it prints. Raises ProgramFailedError, with the last line that it complains in."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PROGRAM_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        said = reason(error) if isinstance(error, OSError) else f"takes longer than {PROGRAM_S:.0f} s"
        raise ProgramFailedError(f"{command[0]}: {said}") from error
    if done.returncode:
        complaint = (done.stderr.strip() or done.stdout.strip() or "no word").splitlines()[-1]
        raise ProgramFailedError(f"{' '.join(command)}: failed (exit code {done.returncode}): {complaint}")
    return done.stdout


def ask_status() -> Mapping[str, Any]:
    """Of the pedal that plays here. Raises ControlSocketError, ControlRequestError."""
    return ask(socket_path(), {"do": "status"})


@dataclass(frozen=True, slots=True)
class System:
    """root: what every path is below.  run, status: as the two above.  pause, now: of time."""

    root: Path = Path("/")
    run: Callable[[Sequence[str]], str] = run_program
    status: Callable[[], Mapping[str, Any]] = ask_status
    pause: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic

    def at(self, path: Path) -> Path:
        """Where that is. path: from the root on."""
        return self.root / path.relative_to("/")

    def settings(self) -> dict[str, str]:
        """What was installed, whatever the card has in place of it. Raises NotAPedalError."""
        path = self.at(places.SETTINGS)
        try:
            text = path.read_text()
        except OSError as error:
            raise NotAPedalError(
                f"{path}: can't be read: {reason(error)}; this is no pedal: 'nampedal install' makes one of it"
            ) from error
        return parse_environment(text)

    def daemon_pid(self) -> int:
        """0: it does not run."""
        said = self.run(["systemctl", "show", "--property=MainPID", "--value", DAEMON]).strip()
        return int(said) if said.isdecimal() else 0

    def restart_daemon(self) -> None:
        """Whatever became of it before; it is up when this returns, or has failed."""
        # One that never failed need not be known to have.
        with suppress(ProgramFailedError):
            self.run(["systemctl", "reset-failed", DAEMON])
        self.run(["systemctl", "restart", DAEMON])

    def reboot(self, *, tryboot: bool) -> None:
        """tryboot: into what the card's tryboot.txt says, this once.

        Raspberry Pi's kernel passes the flag on, and the firmware forgets it before it starts anything (Raspberry Pi
        documentation, "Fail-safe OS updates"). Partition 0 is the default one.
        """
        self.run(["systemctl", "reboot", *(["--reboot-argument=0 tryboot"] if tryboot else [])])

    @contextmanager
    def card_writable(self) -> Iterator[Path]:
        """The card's folder, for as long as it may be written."""
        card = str(places.CARD)
        self.run(["mount", "-o", "remount,rw", card])
        try:
            yield self.at(places.CARD)
        finally:
            os.sync()
            self.run(["mount", "-o", "remount,ro", card])

    @contextmanager
    def alone(self, *, wait: bool = False) -> Iterator[None]:
        """One update at a time. Raises UpdateRunsError, or waits for its turn; NotRootError, UpdateUnwritableError."""
        if os.geteuid() != 0:
            raise NotRootError("update: only root may change what runs; say 'sudo nampedal update ...'")
        path = self.at(places.UPDATES) / "lock"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UpdateUnwritableError(f"{path}: can't be written: {reason(error)}") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            yield
        except BlockingIOError as error:
            raise UpdateRunsError("update: another one is at work; wait for it: 'nampedal update status'") from error
        finally:
            os.close(file)
