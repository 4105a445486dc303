"""What the installer would write for another pedal, for the system that runs here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nampedal.board import places
from nampedal.board.environment import read_environment
from nampedal.board.install.boot import config_block
from nampedal.board.install.edits import with_block, without_any_block
from nampedal.board.install.sound import mixer_script, pedal_env
from nampedal.board.install.target import Target
from nampedal.board.pedals import Pedal
from nampedal.firmware import log
from nampedal.firmware.card.boot import Boot
from nampedal.firmware.card.importing import import_card
from nampedal.firmware.card.outcome import Outcome
from nampedal.firmware.card.pedal_change import Installer
from nampedal.firmware.card.system import System


def at_boot() -> None:
    """What `nampedal card boot` does. Raises nothing."""
    log.set_up()
    installer = as_installed(read_environment(places.SETTINGS))
    # At most once more for each of the two partitions.
    for _ in range(3):
        boot = Boot(System(), installer)
        boot.run()
        if not boot.is_outdated():
            return


def import_now() -> Outcome:
    """What `nampedal card import` does. Raises CardFileError, CommandFailedError, SettingsError."""
    log.set_up()
    return import_card(System())


def as_installed(settings: Mapping[str, str]) -> Installer:
    """settings: what pedal.env says."""
    target = Target(
        base=settings.get("NAMPEDAL_BASE", "raspios"),
        image=settings.get("NAMPEDAL_IMAGE") == "1",
        radio=settings.get("NAMPEDAL_RADIO") != "off",
    )

    def with_pedal(config: str, pedal: Pedal) -> str:
        return with_block(without_any_block(config), config_block(pedal, target))

    def run_files(name: str, pedal: Pedal) -> dict[str, str]:
        return {places.CHANGED_SETTINGS.name: pedal_env(replace(pedal, key=name), target), "mixer": mixer_script(pedal)}

    return Installer(with_pedal, run_files)
