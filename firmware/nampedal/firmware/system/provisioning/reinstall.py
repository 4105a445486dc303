"""Repeats parts of the installation at boot: the files that the installer would write for another pedal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nampedal.board.profiles.pedals import PedalProfile
from nampedal.firmware.base import log, system_paths
from nampedal.firmware.base.files.env_file import read_environment
from nampedal.firmware.system.bank_import.import_result import ImportResult
from nampedal.firmware.system.host.card_host import CardHost
from nampedal.firmware.system.install.boot_config import config_block
from nampedal.firmware.system.install.sound_setup import mixer_script, pedal_env
from nampedal.firmware.system.install.steps.managed_block import with_block, without_any_block
from nampedal.firmware.system.install.steps.target import InstallTarget
from nampedal.firmware.system.provisioning.import_service import import_card
from nampedal.firmware.system.provisioning.pedal_change import Installer
from nampedal.firmware.system.provisioning.provisioning_boot import Boot


def at_boot() -> None:
    """Run `nampedal card boot`. Raises nothing."""
    log.configure_logging()
    installer = as_installed(read_environment(system_paths.SETTINGS))
    # Repeat it at most once for each of the two partitions that may be mounted late.
    for _ in range(3):
        boot = Boot(CardHost(), installer)
        boot.run()
        if not boot.is_outdated():
            return


def import_now() -> ImportResult:
    """Run `nampedal card import`. Raises FileAccessError, ProgramError, SettingsError."""
    log.configure_logging()
    return import_card(CardHost())


def as_installed(settings: Mapping[str, str]) -> Installer:
    """Return the installer functions for this system. settings: the content of pedal.env."""
    target = InstallTarget(
        base=settings.get("NAMPEDAL_BASE", "raspios"),
        image=settings.get("NAMPEDAL_IMAGE") == "1",
        radio=settings.get("NAMPEDAL_RADIO") != "off",
    )

    def with_pedal(config: str, pedal: PedalProfile) -> str:
        return with_block(without_any_block(config), config_block(pedal, target))

    def run_files(name: str, pedal: PedalProfile) -> dict[str, str]:
        return {
            system_paths.CHANGED_SETTINGS.name: pedal_env(replace(pedal, key=name), target),
            "mixer": mixer_script(pedal),
        }

    return Installer(with_pedal, run_files)
