"""What most checks hang on, found out once: the pedal's settings and profile, its units, what it says of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatch
from functools import cached_property, wraps
from pathlib import Path
from typing import Any

from nampedal.board import places
from nampedal.board.environment import parse_environment
from nampedal.board.errors import NampedalError
from nampedal.board.pedals import Pedal, read_pedal
from nampedal.board.settings import reason
from nampedal.firmware.doctor.errors import (
    CantTellError,
    NotNeededError,
    ProgramFailedError,
    ProgramMissingError,
    TooSlowError,
)
from nampedal.firmware.doctor.finding import Finding, State, unknown
from nampedal.firmware.doctor.machine import BUS_PATIENCE_S, SOCKET, SOCKET_PATIENCE_S, Machine
from nampedal.firmware.doctor.settings import Jack, parse_jack
from nampedal.firmware.errors import ControlRequestError, ControlSocketError

_PLAYERS = ("-jack", "", "-safe", "-through")
UNITS = tuple(f"nampedal{of}.service" for of in (*_PLAYERS, "-tune", "-card", "-health", "-late", "-import"))
JACK, PLAYER, SAFE, THROUGH, TUNE, CARD, HEALTH, LATE, IMPORT = UNITS
# Those that do something once.
HELPERS = UNITS[4:]
_PROPERTIES = (
    *("Id", "LoadState", "ActiveState", "SubState", "Result", "ExecMainStatus", "MainPID"),
    *("NRestarts", "WatchdogUSec", "StatusText"),
)
# One for each stick since the start; systemd keeps those that failed.
_STICKS = "nampedal-usb@*.service"
# It is there where systemd runs (sd_booted(3)).
_BOOTED = Path("/run/systemd/system")
# How systemctl ends when systemd did not answer it in time: strerror(ETIMEDOUT), and dbus-daemon's own words.
_SLOW = "timed out"
# The model of QEMU's virt machine (hw/arm/virt.c).
EMULATED = "linux,dummy-virt"
AS_ROOT = "ask again with 'sudo nampedal doctor'"
_NEW_START = "run 'sudo systemctl restart nampedal'"

Check = Callable[["Case"], Finding]


class Case:
    """Of one machine. Everything here raises CantTellError where the machine does not tell."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._said: dict[tuple[str, ...], str | CantTellError] = {}
        self._slow: TooSlowError | None = None

    @property
    def is_pedal(self) -> bool:
        return self.machine.text(places.SETTINGS) is not None

    @cached_property
    def settings(self) -> Mapping[str, str]:
        """As the units read them: what was installed, and what the card has in place of it."""
        return self.installed | parse_environment(self.machine.text(places.CHANGED_SETTINGS) or "")

    @cached_property
    def installed(self) -> dict[str, str]:
        """Of pedal.env."""
        return parse_environment(self.machine.text(places.SETTINGS) or "")

    @property
    def is_image(self) -> bool:
        return self.settings.get("NAMPEDAL_IMAGE") == "1"

    @property
    def pedal_name(self) -> str:
        """A key, or a file from the pedal's root on."""
        return self.settings.get("NAMPEDAL_PEDAL", "")

    def read_pedal(self) -> Pedal:
        """Raises SettingsError."""
        name = self.pedal_name
        return read_pedal(self.machine.real(Path(name)) if name.endswith(".toml") else name)

    @property
    def pedal(self) -> Pedal:
        try:
            return self._pedal
        except NampedalError as error:
            raise CantTellError("needs the pedal's profile, which can't be read") from error

    @cached_property
    def _pedal(self) -> Pedal:
        return self.read_pedal()

    @cached_property
    def jack(self) -> Jack:
        """As the settings have it."""
        found = parse_jack(self.settings.get("NAMPEDAL_JACK", ""))
        if found is None:
            raise CantTellError(f"{places.SETTINGS} does not say how jackd is to run (NAMPEDAL_JACK)")
        return found

    @cached_property
    def model(self) -> str:
        """Of the board; empty: nobody knows."""
        return self.machine.text(Path("/proc/device-tree/model")) or ""

    @cached_property
    def emulator(self) -> str:
        """What the machine is emulated by; empty: it is a real one."""
        try:
            # 1: it found none, and says so (systemd-detect-virt(1)).
            said = self.run("systemd-detect-virt", "--vm", fine=(0, 1))
        except CantTellError:
            said = "qemu" if self.model == EMULATED else "none"
        return "" if said == "none" else said

    def need_real_time(self) -> None:
        """Raises CantTellError on a machine whose time is not that of the world."""
        if self.emulator:
            raise CantTellError(f"an emulated machine ({self.emulator}) keeps no time")

    def reinstall(self) -> str:
        """What to do about what the installer set up."""
        name = self.installed.get("NAMPEDAL_PEDAL", "")
        if self.is_image:
            return f"run 'sudo nampedal update IMAGE' with a new image for the pedal '{name}'"
        return f"run 'sudo nampedal install --pedal {name}', then 'sudo reboot'"

    def run(self, *command: str, fine: Sequence[int] = (0,)) -> str:
        """Run a program as `Machine.run` does. The same command runs once: its answer or failure is kept."""
        if command not in self._said:
            try:
                self._said[command] = self.machine.run(*command, fine=fine)
            except CantTellError as error:
                self._said[command] = error
        said = self._said[command]
        if isinstance(said, CantTellError):
            raise said
        return said

    # ---- systemd ----

    @property
    def is_booted(self) -> bool:
        """Return True if systemd runs on this machine."""
        return self.machine.is_folder(_BOOTED)

    def systemctl(self, *words: str) -> str:
        """Return what systemctl prints."""
        if not self.is_booted:
            raise CantTellError(f"systemd does not run here ({_BOOTED} is not there)")
        if self._slow is not None:
            raise self._slow
        try:
            return self.run("systemctl", *words)
        except TooSlowError as error:
            self._slow = TooSlowError("systemd", error.limit_s)
            raise self._slow from error
        except ProgramMissingError as error:
            raise ProgramMissingError(str(error), "run 'sudo apt install --reinstall systemd'") from error
        except ProgramFailedError as error:
            if _SLOW in error.said:
                self._slow = TooSlowError("systemd", BUS_PATIENCE_S)
                raise self._slow from error
            raise ProgramFailedError(str(error), error.mend if self.machine.is_root else AS_ROOT) from error

    def unit(self, name: str) -> Mapping[str, str]:
        """Return what systemd knows of one of UNITS."""
        return self._units.get(name, {"LoadState": "not-found", "ActiveState": "inactive"})

    def sticks(self) -> list[str]:
        """Return the units that were started for USB sticks and that systemd still knows."""
        return sorted(name for name in self._units if fnmatch(name, _STICKS))

    def process(self, unit: str) -> int:
        """Of what runs for a unit. Raises CantTellError where nothing does."""
        pid = self.unit(unit).get("MainPID", "0")
        if not pid.isdecimal() or pid == "0":
            raise CantTellError(f"{unit.removesuffix('.service')} does not run")
        return int(pid)

    def player(self) -> str:
        """The unit of ours that plays: with presets, or the safe one."""
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
            raise CantTellError("systemctl does not say anything of nampedal's units", self.reinstall())
        return found

    # ---- what the pedal says ----

    @property
    def status(self) -> Mapping[str, Any]:
        """As docs/control.md has it."""
        if isinstance(self._status, CantTellError):
            raise self._status
        return self._status

    @cached_property
    def _status(self) -> Mapping[str, Any] | CantTellError:
        try:
            return self.machine.ask("status")
        except ControlSocketError as error:
            return _silent(error.__cause__)
        except ControlRequestError as error:
            return CantTellError(f"nampedal refuses to answer: {error}")
        except ValueError:
            return CantTellError(f"nampedal's answer is not JSON, at {SOCKET}", _NEW_START)


def _silent(cause: BaseException | None) -> CantTellError:
    """Why the pedal said nothing at its socket."""
    if isinstance(cause, PermissionError):
        return CantTellError(f"only root and the group {places.USER} may ask the pedal", AS_ROOT)
    # A queue of clients that is full, too: nobody takes them (unix(7), EAGAIN).
    if isinstance(cause, (TimeoutError, BlockingIOError)):
        return TooSlowError("nampedal", SOCKET_PATIENCE_S)
    if isinstance(cause, FileNotFoundError):
        return CantTellError(f"nampedal does not run: {SOCKET} is not there")
    if isinstance(cause, ConnectionRefusedError):
        return CantTellError(f"nampedal does not run: nobody listens at {SOCKET}")
    why = f": {reason(cause)}" if isinstance(cause, OSError) else ""
    return CantTellError(f"nampedal does not answer at {SOCKET}{why}")


def check(name: str) -> Callable[[Check], Check]:
    """Gives a check its name, and has it never raise."""

    def decorate(look: Check) -> Check:
        @wraps(look)
        def safely(case: Case) -> Finding:
            try:
                finding = look(case)
            except CantTellError as error:
                finding = unknown(str(error), error.mend)
            except NotNeededError as error:
                finding = Finding(State.NOT_APPLICABLE, str(error))
            # On a machine that is ill anything may be anywhere, and the other checks have to go on.
            except Exception as error:
                finding = unknown(f"this check itself failed: {type(error).__name__}: {error}")
            return Finding(finding.state, _one_line(finding.found), _one_line(finding.mend), name)

        return safely

    return decorate


def _one_line(text: str) -> str:
    return " ".join(text.split())
