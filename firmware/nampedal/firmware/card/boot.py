"""Once at every boot, before there is sound: the card is read, and what it asks for is done.

Whatever goes wrong costs that one thing. The pedal plays all the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from nampedal.board import places
from nampedal.board.environment import read_environment
from nampedal.board.errors import NampedalError
from nampedal.board.settings import reason
from nampedal.firmware.card import apart, folders, news, pedal_change, radio, settings, ssh
from nampedal.firmware.card.errors import CardFileError, NotAnImageError, RadioOffError
from nampedal.firmware.card.found import shown
from nampedal.firmware.card.pedal_change import Installer
from nampedal.firmware.card.settings import CardSettings
from nampedal.firmware.card.system import System
from nampedal.firmware.card.where import ROOT, placed

_log = logging.getLogger(__name__)


class Boot:
    """problems: what went wrong, a line each.  taken: banks that are new.  restarts: the machine does, next."""

    def __init__(self, system: System, installer: Installer | None, root: Path = ROOT) -> None:
        self.problems: list[str] = []
        self.taken: list[str] = []
        self.restarts = False
        self._system, self._installer, self._root = system, installer, root
        self._installed = read_environment(placed(root, places.SETTINGS))
        self._settings = CardSettings()

    def run(self) -> None:
        """Raises nothing."""
        for what, step in (
            ("folders", lambda: folders.make(self._system, self._root)),
            ("seed", lambda: apart.seed(self._system, self._root)),
            (places.CARD_SETTINGS.name, self._read),
            ("host name", self._name),
            ("SSH", self._ssh),
            ("Wi-Fi", self._wifi),
            ("pedal", self._pedal),
        ):
            self._try(what, step)
        if not self.restarts:
            self._try("import", self._import)
        lines = [shown(line).replace(f"{placed(self._root, places.CARD)}/", "") for line in self.problems]
        self._try("news", lambda: news.tell(self._system, self._root, lines, self.taken))
        if self.restarts:
            self._try("restart", self._system.reboot)

    def _try(self, what: str, step: Callable[[], None]) -> None:
        try:
            step()
        except NampedalError as error:
            self.problems.append(str(error))
            _log.warning("%s", error)
        except OSError as error:
            self.problems.append(f"{what}: {error.filename or 'the system'}: {reason(error)}")
            _log.exception("%s", what)
        except Exception as error:
            # Sound comes first, whatever nobody has thought of.
            self.problems.append(f"{what}: nampedal itself went wrong: {type(error).__name__}: {error}")
            _log.exception("%s", what)

    # ---- one thing each ----

    def _read(self) -> None:
        path = placed(self._root, places.CARD_SETTINGS)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            raise CardFileError(f"{path}: can't be read: {reason(error)}") from error
        self._settings, problems = settings.read(data, path.name)
        self.problems += map(str, problems)

    def _name(self) -> None:
        # At every boot: nobody may write to /etc from here.
        if self._settings.host_name:
            self._system.set_host_name(self._settings.host_name)

    def _ssh(self) -> None:
        if self._settings.ssh_keys:
            self._only_on_an_image("ssh_key", "ssh-copy-id")
        ssh.set_up(self._system, self._root, self._settings.ssh_keys)

    def _wifi(self) -> None:
        wifi = self._settings.wifi
        if wifi is not None:
            self._only_on_an_image("wifi", "raspi-config")
        if not self._is_image:
            return
        has_radio = self._installed.get("NAMPEDAL_RADIO") != "off"
        radio.set_up(self._system, self._root, wifi if has_radio else None)
        if wifi is not None and not has_radio:
            raise RadioOffError(
                f"{places.CARD_SETTINGS.name}: wifi: this card was made without a radio; make one with 'nampedal image "
                "build --radio'"
            )

    def _pedal(self) -> None:
        name = self._installed.get("NAMPEDAL_PEDAL", "")
        self.restarts = pedal_change.change(self._system, self._root, self._settings, name, self._installer)

    def _import(self) -> None:
        outcome = apart.bring(self._system, self._root, placed(self._root, places.CARD) / self._settings.imports)
        self.problems += outcome.problems
        self.taken += outcome.taken

    @property
    def _is_image(self) -> bool:
        return self._installed.get("NAMPEDAL_IMAGE") == "1"

    def _only_on_an_image(self, key: str, instead: str) -> None:
        """Elsewhere a network may be what its owner reaches it by."""
        if not self._is_image:
            raise NotAnImageError(
                f"{places.CARD_SETTINGS.name}: {key}: nampedal was installed on a system that was there, whose "
                f"network is left alone; use {instead}"
            )


def check(data: bytes, path: Path) -> list[NampedalError]:
    """What is wrong with a nampedal.toml at this path, and with the files beside it that it names."""
    found, problems = settings.read(data, str(path))
    try:
        pedal_change.check(path.parent, found)
    except NampedalError as error:
        return [*problems, error]
    return list(problems)
