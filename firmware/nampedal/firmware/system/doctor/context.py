"""The data that most checks need, read once: the pedal's settings and profile, its systemd units, its status."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatch
from functools import cached_property, wraps
from pathlib import Path
from typing import Any

from nampedal.board.profiles import profile_files
from nampedal.board.profiles.pedals import PedalProfile, read_pedal
from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import ControlRequestError, ControlSocketError, NampedalError
from nampedal.firmware.base.files.env_file import parse_environment
from nampedal.firmware.base.files.toml_schema import os_error_text
from nampedal.firmware.system.doctor.errors import (
    CheckProgramError,
    CheckTimeoutError,
    NotApplicableError,
    ProgramMissingError,
    UnknownResultError,
)
from nampedal.firmware.system.doctor.examined_host import BUS_TIMEOUT_S, SOCKET, SOCKET_TIMEOUT_S, ExaminedHost
from nampedal.firmware.system.doctor.finding import Finding, FindingState, unknown
from nampedal.firmware.system.doctor.jack_settings import JackSettings, parse_jack

_PLAYERS = ("-jack", "", "-safe", "-through")
UNITS = tuple(f"nampedal{of}.service" for of in (*_PLAYERS, "-tune", "-card", "-health", "-late", "-import"))
JACK, PLAYER, SAFE, THROUGH, TUNE, CARD, HEALTH, LATE, IMPORT = UNITS
# The units that run once and end.
HELPERS = UNITS[4:]
_PROPERTIES = (
    *("Id", "LoadState", "ActiveState", "SubState", "Result", "ExecMainStatus", "MainPID"),
    *("NRestarts", "WatchdogUSec", "StatusText"),
)
# One unit for each USB stick since the start; systemd keeps the failed ones.
_STICKS = "nampedal-usb@*.service"
# This folder exists if systemd runs (sd_booted(3)).
_BOOTED = Path("/run/systemd/system")
# In systemctl's error output after a timeout of systemd: strerror(ETIMEDOUT), and dbus-daemon's own text.
_SLOW = "timed out"
# The model of QEMU's virt machine (hw/arm/virt.c).
EMULATED = "linux,dummy-virt"
AS_ROOT = "ask again with 'sudo nampedal doctor'"
_NEW_START = "run 'sudo systemctl restart nampedal'"

Check = Callable[["CheckContext"], Finding]


class CheckContext:
    """The data of one machine. Everything here raises UnknownResultError if the machine does not give it."""

    def __init__(self, machine: ExaminedHost) -> None:
        self.machine = machine
        self._said: dict[tuple[str, ...], str | UnknownResultError] = {}
        self._slow: CheckTimeoutError | None = None

    @property
    def is_pedal(self) -> bool:
        return self.machine.text(system_paths.SETTINGS) is not None

    @cached_property
    def settings(self) -> Mapping[str, str]:
        """The settings as the units read them: the installed ones, overridden by those of the card."""
        return self.installed | parse_environment(self.machine.text(system_paths.CHANGED_SETTINGS) or "")

    @cached_property
    def installed(self) -> dict[str, str]:
        """The settings in pedal.env."""
        return parse_environment(self.machine.text(system_paths.SETTINGS) or "")

    @property
    def is_image(self) -> bool:
        return self.settings.get("NAMPEDAL_IMAGE") == "1"

    @property
    def pedal_name(self) -> str:
        """The key of the pedal's profile, or the absolute path of a profile file on the pedal."""
        return self.settings.get("NAMPEDAL_PEDAL", "")

    def read_pedal(self) -> PedalProfile:
        """Return the pedal's profile. Raises SettingsError."""
        name = self.pedal_name
        return read_pedal(self.machine.real(Path(name)) if profile_files.is_profile_path(name) else name)

    @property
    def pedal(self) -> PedalProfile:
        try:
            return self._pedal
        except NampedalError as error:
            raise UnknownResultError("needs the pedal's profile, which can't be read") from error

    @cached_property
    def _pedal(self) -> PedalProfile:
        return self.read_pedal()

    @cached_property
    def jack(self) -> JackSettings:
        """The jackd settings in the pedal's settings."""
        found = parse_jack(self.settings.get("NAMPEDAL_JACK", ""))
        if found is None:
            raise UnknownResultError(f"{system_paths.SETTINGS} does not say how jackd is to run (NAMPEDAL_JACK)")
        return found

    @cached_property
    def model(self) -> str:
        """The board's model; empty: unknown."""
        return self.machine.text(Path("/proc/device-tree/model")) or ""

    @cached_property
    def emulator(self) -> str:
        """The name of the emulator that the machine runs in; empty: it is real hardware."""
        try:
            # Exit code 1: it found none, and prints "none" (systemd-detect-virt(1)).
            said = self.run("systemd-detect-virt", "--vm", fine=(0, 1))
        except UnknownResultError:
            said = "qemu" if self.model == EMULATED else "none"
        return "" if said == "none" else said

    def require_real_hardware(self) -> None:
        """Raise UnknownResultError on an emulated machine: its time is not real time."""
        if self.emulator:
            raise UnknownResultError(f"an emulated machine ({self.emulator}) keeps no time")

    def reinstall_advice(self) -> str:
        """Return the advice that sets up the pedal again: an update by image, or an installation."""
        name = self.installed.get("NAMPEDAL_PEDAL", "")
        if self.is_image:
            return f"run 'sudo nampedal update IMAGE' with a new image for the pedal '{name}'"
        return f"run 'sudo nampedal install --pedal {name}', then 'sudo reboot'"

    def run(self, *command: str, fine: Sequence[int] = (0,)) -> str:
        """Run a program as `ExaminedHost.run` does. The same command runs only once: its output or error is cached."""
        if command not in self._said:
            try:
                self._said[command] = self.machine.run(*command, fine=fine)
            except UnknownResultError as error:
                self._said[command] = error
        said = self._said[command]
        if isinstance(said, UnknownResultError):
            raise said
        return said

    # ---- systemd ----

    @property
    def is_booted(self) -> bool:
        """Return True if systemd runs on this machine."""
        return self.machine.is_folder(_BOOTED)

    def systemctl(self, *words: str) -> str:
        """Run systemctl and return its output. Once systemd has timed out, it is not asked again."""
        if not self.is_booted:
            raise UnknownResultError(f"systemd does not run here ({_BOOTED} is not there)")
        if self._slow is not None:
            raise self._slow
        try:
            return self.run("systemctl", *words)
        except CheckTimeoutError as error:
            self._slow = CheckTimeoutError("systemd", error.limit_s)
            raise self._slow from error
        except ProgramMissingError as error:
            raise ProgramMissingError(str(error), "run 'sudo apt install --reinstall systemd'") from error
        except CheckProgramError as error:
            if _SLOW in error.said:
                self._slow = CheckTimeoutError("systemd", BUS_TIMEOUT_S)
                raise self._slow from error
            raise CheckProgramError(str(error), error.repair if self.machine.is_root else AS_ROOT) from error

    def unit(self, name: str) -> Mapping[str, str]:
        """Return systemd's properties of one of UNITS."""
        return self._units.get(name, {"LoadState": "not-found", "ActiveState": "inactive"})

    def sticks(self) -> list[str]:
        """Return the names of the units that were started for USB sticks and that systemd still knows."""
        return sorted(name for name in self._units if fnmatch(name, _STICKS))

    def process(self, unit: str) -> int:
        """Return the process id of a unit's main process. Raises UnknownResultError if none runs."""
        pid = self.unit(unit).get("MainPID", "0")
        if not pid.isdecimal() or pid == "0":
            raise UnknownResultError(f"{unit.removesuffix('.service')} does not run")
        return int(pid)

    def player(self) -> str:
        """Return the unit that plays: SAFE if it is active, otherwise PLAYER."""
        return SAFE if self.unit(SAFE).get("ActiveState") == "active" else PLAYER

    @cached_property
    def _units(self) -> dict[str, dict[str, str]]:
        said = self.systemctl("show", f"--property={','.join(_PROPERTIES)}", *UNITS, _STICKS)
        found = {}
        for block in said.split("\n\n"):
            values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
            found[values.get("Id", "")] = values
        found.pop("", None)
        if not found:
            raise UnknownResultError("systemctl does not say anything of nampedal's units", self.reinstall_advice())
        return found

    # ---- the pedal's status ----

    @property
    def status(self) -> Mapping[str, Any]:
        """The pedal's status, as described in docs/reference/socket.md."""
        if isinstance(self._status, UnknownResultError):
            raise self._status
        return self._status

    @cached_property
    def _status(self) -> Mapping[str, Any] | UnknownResultError:
        try:
            return self.machine.ask("status")
        except ControlSocketError as error:
            return _silent(error.__cause__)
        except ControlRequestError as error:
            return UnknownResultError(f"nampedal refuses to answer: {error}")
        except ValueError:
            return UnknownResultError(f"nampedal's answer is not JSON, at {SOCKET}", _NEW_START)


def _silent(cause: BaseException | None) -> UnknownResultError:
    """Return the error that says why the pedal did not answer on its control socket."""
    if isinstance(cause, PermissionError):
        return UnknownResultError(f"only root and the group {system_paths.USER} may ask the pedal", AS_ROOT)
    # BlockingIOError: the queue of waiting clients is full, because nampedal accepts none (unix(7), EAGAIN).
    if isinstance(cause, (TimeoutError, BlockingIOError)):
        return CheckTimeoutError("nampedal", SOCKET_TIMEOUT_S)
    if isinstance(cause, FileNotFoundError):
        return UnknownResultError(f"nampedal does not run: {SOCKET} is not there")
    if isinstance(cause, ConnectionRefusedError):
        return UnknownResultError(f"nampedal does not run: nobody listens at {SOCKET}")
    why = f": {os_error_text(cause)}" if isinstance(cause, OSError) else ""
    return UnknownResultError(f"nampedal does not answer at {SOCKET}{why}")


def check(name: str) -> Callable[[Check], Check]:
    """Return a decorator that gives a check its name and turns every exception into a finding."""

    def decorate(look: Check) -> Check:
        @wraps(look)
        def safely(case: CheckContext) -> Finding:
            try:
                finding = look(case)
            except UnknownResultError as error:
                finding = unknown(str(error), error.repair)
            except NotApplicableError as error:
                finding = Finding(FindingState.NOT_APPLICABLE, str(error))
            # A faulty machine may cause any error, and the other checks have to go on.
            except Exception as error:
                finding = unknown(f"this check itself failed: {type(error).__name__}: {error}")
            return Finding(finding.state, _one_line(finding.result), _one_line(finding.repair), name)

        return safely

    return decorate


def _one_line(text: str) -> str:
    return " ".join(text.split())
