"""Sets up the pedal from the card, once at every boot, before the first sound.

A failed step affects only itself; the pedal plays in every case. If the card's partition or the data partition is
mounted later, all steps run once more after that, while the pedal plays.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import CardError, FileAccessError, NampedalError, ProgramError
from nampedal.firmware.base.files.env_file import read_environment
from nampedal.firmware.base.files.toml_schema import os_error_text, read_text_file
from nampedal.firmware.system.bank_import import import_launcher
from nampedal.firmware.system.bank_import.import_result import ImportResult
from nampedal.firmware.system.bank_import.import_scan import shown
from nampedal.firmware.system.host.card_host import CardHost
from nampedal.firmware.system.host.root_paths import ROOT, under_root, write_volatile
from nampedal.firmware.system.provisioning import (
    boot_report,
    card_settings,
    folders,
    import_service,
    pedal_change,
    ssh_keys,
    usb_stick,
)
from nampedal.firmware.system.provisioning.card_settings import CardSettings
from nampedal.firmware.system.provisioning.pedal_change import Installer
from nampedal.firmware.system.wifi import countries, radio
from nampedal.firmware.system.wifi.networks import Networks

PLAYER = "nampedal.service"
# The partitions that an image must have mounted.
_MOUNTS = (system_paths.CARD, system_paths.DATA)

_log = logging.getLogger(__name__)


class Boot:
    """One run of the steps. problems: one line for each failure.  restarts: True if the machine has to restart.

    taken: the new banks that were imported here because nampedal-import.service is not installed.
    missing: the partitions of an image that were not mounted when this run began.
    """

    def __init__(self, system: CardHost, installer: Installer | None, root: Path = ROOT) -> None:
        self.problems: list[str] = []
        self.taken: list[str] = []
        self.restarts = False
        self._has_fresh = False
        self._system, self._installer, self._root = system, installer, root
        self._installed = read_environment(under_root(root, system_paths.SETTINGS))
        self._settings = CardSettings()
        self.missing = self._missing_partitions()

    def run(self) -> None:
        """Run all steps. Raises nothing."""
        came = [place for place in self._before() if place not in self.missing]
        self._try("mark", self._mark)
        for what, step in (
            ("folders", lambda: folders.make(self._system, self._root)),
            ("seed", lambda: import_launcher.install_factory_banks(self._system, self._root)),
            (system_paths.CARD_SETTINGS.name, self._read),
            ("host name", self._name),
            ("SSH", self._ssh),
            ("Wi-Fi", self._wifi),
            ("pedal", self._pedal),
        ):
            self._try(what, step)
        if not self.restarts:
            self._try("import", self._find_fresh)
        self._try("news", self._write_report)
        if self._has_fresh and not self._starts_import():
            self._try("import", self._import)
            self._try("news", self._write_report)
        if self.restarts:
            self._try("restart", self._system.reboot)
        elif came:
            self._try("late", lambda: self._tell_player(came))

    def is_outdated(self) -> bool:
        """Return True if a missing partition has been mounted meanwhile, so that all steps have to run again."""
        return self._missing_partitions() != self.missing and not self.restarts

    def _try(self, what: str, step: Callable[[], None]) -> None:
        try:
            step()
        except NampedalError as error:
            self.problems.append(str(error))
            _log.warning("%s", error)
        except OSError as error:
            self.problems.append(f"{what}: {error.filename or 'the system'}: {os_error_text(error)}")
            _log.exception("%s", what)
        except Exception as error:
            # An unexpected error in a step must not keep the pedal from playing.
            self.problems.append(f"{what}: nampedal itself went wrong: {type(error).__name__}: {error}")
            _log.exception("%s", what)

    # ---- partitions that are mounted late ----

    def _missing_partitions(self) -> list[Path]:
        """Return the mount points of an image that have no partition now."""
        if not self._is_image:
            return []
        return [place for place in _MOUNTS if not self._system.is_mount_point(under_root(self._root, place))]

    def _before(self) -> list[Path]:
        """Return the partitions that were missing in the previous run since the machine started."""
        try:
            return [Path(line) for line in under_root(self._root, system_paths.CARD_LATE).read_text().splitlines()]
        except OSError:
            return []

    def _mark(self) -> None:
        """Remove the mark of a finished run, and record and report the missing partitions."""
        under_root(self._root, system_paths.CARD_ANNOUNCEMENT).unlink(missing_ok=True)
        mark = under_root(self._root, system_paths.CARD_LATE)
        if self.missing:
            write_volatile(mark, "".join(f"{place}\n" for place in self.missing))
        else:
            mark.unlink(missing_ok=True)
        for place in self.missing:
            self.problems.append(
                f"{place}: its partition is not mounted: the card is slow or fails; it is used as soon as it is mounted"
            )

    def _tell_player(self, came: list[Path]) -> None:
        """Restart a pedal that started without the data partition: it has no banks, state or profiles of the player.

        If only the card was mounted late, announce the result to the running pedal. came: the late partitions.
        """
        if system_paths.DATA in came:
            self._system.restart(PLAYER)
        else:
            usb_stick.announce(
                self._system, under_root(self._root, usb_stick.SOCKET), ImportResult(self.taken, self.problems)
            )

    # ---- the steps ----

    def _read(self) -> None:
        path = under_root(self._root, system_paths.CARD_SETTINGS)
        try:
            data = read_text_file(path)
        except FileNotFoundError:
            return
        except OSError as error:
            raise FileAccessError(f"{path}: can't be read: {os_error_text(error)}") from error
        self._settings, problems = card_settings.read(data, path.name, countries.known_countries(self._root))
        self.problems += map(str, problems)

    def _name(self) -> None:
        # It is set at every boot, because this service may not write to /etc.
        if self._settings.host_name:
            self._system.set_host_name(self._settings.host_name)

    def _ssh(self) -> None:
        if self._settings.ssh_keys:
            self._only_on_an_image("ssh_key", "ssh-copy-id")
        ssh_keys.set_up(self._system, self._root, self._settings.ssh_keys)

    def _wifi(self) -> None:
        networks = self._settings.networks
        keys = " and ".join(networks.keys)
        if keys:
            self._only_on_an_image(keys, "raspi-config" if networks.hotspot is None else "nmcli")
        if not self._is_image:
            return
        has_radio = self._installed.get("NAMPEDAL_RADIO") != "off"
        radio.set_up_wifi(self._system, self._root, networks if has_radio else Networks())
        if keys and not has_radio:
            raise CardError(
                f"{system_paths.CARD_SETTINGS.name}: {keys}: this card was made without a radio; make one with "
                "'nampedal image build --radio on'"
            )

    def _pedal(self) -> None:
        name = self._installed.get("NAMPEDAL_PEDAL", "")
        self.restarts = pedal_change.change(self._system, self._root, self._settings, name, self._installer)

    @property
    def _imports(self) -> Path:
        return under_root(self._root, system_paths.CARD) / self._settings.imports

    def _find_fresh(self) -> None:
        """Find out if the import folder has new files. None of them is opened before the first sound."""
        known = import_launcher.scan_for_new(self._root, self._imports)
        self.problems += known.outcome.problems
        self._has_fresh = known.fresh

    def _starts_import(self) -> bool:
        """Start the import unit. Return False if that fails: after an update by wheel it may not be installed."""
        try:
            self._system.start(import_service.UNIT)
        except ProgramError as error:
            _log.warning("%s; what is new on the card is taken over before the sound", error)
            return False
        return True

    def _import(self) -> None:
        outcome = import_launcher.run_import(
            self._system, self._root, self._imports, patience_s=import_launcher.SEED_PATIENCE_S
        )
        self.problems += [line for line in outcome.problems if line not in self.problems]
        self.taken += outcome.taken

    def _write_report(self) -> None:
        lines = [shown(line).replace(f"{under_root(self._root, system_paths.CARD)}/", "") for line in self.problems]
        has_card = system_paths.CARD not in self.missing
        boot_report.write_report(self._system, self._root, lines, self.taken, has_card=has_card)

    @property
    def _is_image(self) -> bool:
        return self._installed.get("NAMPEDAL_IMAGE") == "1"

    def _only_on_an_image(self, key: str, instead: str) -> None:
        """Raise CardError if this pedal is no image: its owner may need the network to reach it.

        key: the key in nampedal.toml.  instead: the program to use.
        """
        if not self._is_image:
            raise CardError(
                f"{system_paths.CARD_SETTINGS.name}: {key}: nampedal was installed on a system that was there, whose "
                f"network is left alone; use {instead}"
            )


def check(data: bytes, path: Path) -> list[NampedalError]:
    """Return the errors of a nampedal.toml at this path, and of the files beside it that it names."""
    found, problems = card_settings.read(data, str(path), countries.known_countries(ROOT))
    try:
        pedal_change.check(path.parent, found)
    except NampedalError as error:
        return [*problems, error]
    return list(problems)
