"""Once at every boot, before there is sound: the card is read, and what it asks for is done.

Whatever goes wrong costs that one thing. The pedal plays all the same. Where the card or the data was mounted too late
for that, it is done once more when it is, while the pedal plays.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from nampedal.board import places
from nampedal.board.environment import read_environment
from nampedal.board.errors import NampedalError
from nampedal.board.settings import reason
from nampedal.firmware.card import apart, folders, importing, news, pedal_change, settings, ssh, usb
from nampedal.firmware.card.errors import CardFileError, CommandFailedError, NotAnImageError, RadioOffError
from nampedal.firmware.card.found import shown
from nampedal.firmware.card.outcome import Outcome
from nampedal.firmware.card.pedal_change import Installer
from nampedal.firmware.card.settings import CardSettings
from nampedal.firmware.card.system import System
from nampedal.firmware.card.where import ROOT, placed, write_run
from nampedal.firmware.card.wifi import countries, radio
from nampedal.firmware.card.wifi.networks import Networks

PLAYER = "nampedal.service"
# Partitions of an image's own.
_MOUNTS = (places.CARD, places.DATA)

_log = logging.getLogger(__name__)


class Boot:
    """problems: what went wrong, a line each.  restarts: the machine does, next.

    taken: banks that are new, where nampedal-import.service is not installed and they were taken over here.
    missing: of an image's partitions, those that were not mounted when it began.
    """

    def __init__(self, system: System, installer: Installer | None, root: Path = ROOT) -> None:
        self.problems: list[str] = []
        self.taken: list[str] = []
        self.restarts = False
        self._has_fresh = False
        self._system, self._installer, self._root = system, installer, root
        self._installed = read_environment(placed(root, places.SETTINGS))
        self._settings = CardSettings()
        self.missing = self._look()

    def run(self) -> None:
        """Raises nothing."""
        came = [place for place in self._before() if place not in self.missing]
        self._try("mark", self._mark)
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
            self._try("import", self._find_fresh)
        self._try("news", self._tell)
        if self._has_fresh and not self._starts_import():
            self._try("import", self._import)
            self._try("news", self._tell)
        if self.restarts:
            self._try("restart", self._system.reboot)
        elif came:
            self._try("late", lambda: self._tell_player(came))

    def is_outdated(self) -> bool:
        """Return True if a partition that was missing has been mounted meanwhile: then it has to be done again."""
        return self._look() != self.missing and not self.restarts

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

    # ---- partitions that are mounted late ----

    def _look(self) -> list[Path]:
        if not self._is_image:
            return []
        return [place for place in _MOUNTS if not self._system.is_mount_point(placed(self._root, place))]

    def _before(self) -> list[Path]:
        """Return what was missing when this was done before, since the machine was started."""
        try:
            return [Path(line) for line in placed(self._root, places.CARD_LATE).read_text().splitlines()]
        except OSError:
            return []

    def _mark(self) -> None:
        """Until it comes to its end, nobody may think that it has."""
        placed(self._root, places.CARD_NEWS).unlink(missing_ok=True)
        mark = placed(self._root, places.CARD_LATE)
        if self.missing:
            write_run(mark, "".join(f"{place}\n" for place in self.missing))
        else:
            mark.unlink(missing_ok=True)
        for place in self.missing:
            self.problems.append(
                f"{place}: its partition is not mounted: the card is slow or fails; it is used as soon as it is mounted"
            )

    def _tell_player(self, came: list[Path]) -> None:
        """A pedal that began without its data knows no bank, state or profile of the player's: it is restarted."""
        if places.DATA in came:
            self._system.restart(PLAYER)
        else:
            usb.announce(self._system, placed(self._root, usb.SOCKET), Outcome(self.taken, self.problems))

    # ---- one thing each ----

    def _read(self) -> None:
        path = placed(self._root, places.CARD_SETTINGS)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            raise CardFileError(f"{path}: can't be read: {reason(error)}") from error
        self._settings, problems = settings.read(data, path.name, countries.known(self._root))
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
        networks = self._settings.networks
        keys = " and ".join(networks.keys)
        if keys:
            self._only_on_an_image(keys, "raspi-config" if networks.hotspot is None else "nmcli")
        if not self._is_image:
            return
        has_radio = self._installed.get("NAMPEDAL_RADIO") != "off"
        radio.set_up(self._system, self._root, networks if has_radio else Networks())
        if keys and not has_radio:
            raise RadioOffError(
                f"{places.CARD_SETTINGS.name}: {keys}: this card was made without a radio; make one with 'nampedal "
                "image build --radio'"
            )

    def _pedal(self) -> None:
        name = self._installed.get("NAMPEDAL_PEDAL", "")
        self.restarts = pedal_change.change(self._system, self._root, self._settings, name, self._installer)

    @property
    def _imports(self) -> Path:
        return placed(self._root, places.CARD) / self._settings.imports

    def _find_fresh(self) -> None:
        """For what is new. Nothing of it is opened before the sound."""
        known = apart.know(self._root, self._imports)
        self.problems += known.outcome.problems
        self._has_fresh = known.fresh

    def _starts_import(self) -> bool:
        """Whether the unit was started that imports what is new. An update of an older nampedal brings no units."""
        try:
            self._system.start(importing.UNIT)
        except CommandFailedError as error:
            _log.warning("%s; what is new on the card is taken over before the sound", error)
            return False
        return True

    def _import(self) -> None:
        outcome = apart.bring(self._system, self._root, self._imports, patience_s=apart.SEED_PATIENCE_S)
        self.problems += [line for line in outcome.problems if line not in self.problems]
        self.taken += outcome.taken

    def _tell(self) -> None:
        lines = [shown(line).replace(f"{placed(self._root, places.CARD)}/", "") for line in self.problems]
        has_card = places.CARD not in self.missing
        news.tell(self._system, self._root, lines, self.taken, has_card=has_card)

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
    found, problems = settings.read(data, str(path), countries.known(ROOT))
    try:
        pedal_change.check(path.parent, found)
    except NampedalError as error:
        return [*problems, error]
    return list(problems)
