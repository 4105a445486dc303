"""What most checks hang on, found out once: the pedal's settings and profile, its units, what it says of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, wraps
from pathlib import Path
from typing import Any

from nampedal.board import places
from nampedal.board.environment import parse_environment
from nampedal.board.errors import NampedalError
from nampedal.board.pedals import Pedal, read_pedal
from nampedal.firmware.doctor.errors import CantTellError, NotNeededError
from nampedal.firmware.doctor.finding import Finding, State, unknown
from nampedal.firmware.doctor.machine import Machine
from nampedal.firmware.doctor.settings import Jack, parse_jack
from nampedal.firmware.errors import ControlRequestError, ControlSocketError

UNITS = tuple(
    f"nampedal{of}.service" for of in ("-jack", "", "-safe", "-through", "-tune", "-card", "-health", "-late")
)
JACK, PLAYER, SAFE, THROUGH = UNITS[:4]
_PROPERTIES = (
    *("Id", "LoadState", "ActiveState", "SubState", "Result", "MainPID"),
    *("NRestarts", "WatchdogUSec", "StatusText"),
)
# The model of QEMU's virt machine (hw/arm/virt.c).
EMULATED = "linux,dummy-virt"
AS_ROOT = "ask again with 'sudo nampedal doctor'"

Check = Callable[["Case"], Finding]


class Case:
    """Of one machine. Everything here raises CantTellError where the machine does not tell."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

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
        said = self.machine.run("systemd-detect-virt", "--vm") or ("qemu" if self.model == EMULATED else "none")
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

    # ---- systemd ----

    def unit(self, name: str) -> Mapping[str, str]:
        """What systemd knows of one of UNITS."""
        if not self._units:
            raise CantTellError("systemd does not run here" if self._systemctl is None else "systemd does not answer")
        return self._units.get(name, {"LoadState": "not-found", "ActiveState": "inactive"})

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
    def _systemctl(self) -> str | None:
        return self.machine.run("systemctl", "show", f"--property={','.join(_PROPERTIES)}", *UNITS)

    @cached_property
    def _units(self) -> dict[str, dict[str, str]]:
        found = {}
        for block in (self._systemctl or "").split("\n\n"):
            values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
            found[values.get("Id", "")] = values
        found.pop("", None)
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
        except (ControlSocketError, ControlRequestError, ValueError) as error:
            if isinstance(error.__cause__, PermissionError):
                return CantTellError(f"only root and the group {places.USER} may ask the pedal", AS_ROOT)
            return CantTellError("nampedal does not answer")


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
