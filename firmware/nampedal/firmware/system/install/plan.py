"""Builds the complete installation plan of a pedal: its steps in the order in which they are applied."""

from __future__ import annotations

from pathlib import Path

from nampedal.board.profiles.pedals import PedalProfile, read_pedal
from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import DeployError
from nampedal.firmware.system.install.boot_config import (
    CMDLINE_TXT,
    CONFIG_TXT,
    cmdline_words,
    config_block,
    console_words,
    has_boot_files,
)
from nampedal.firmware.system.install.sound_setup import jack_script, mixer_script, pedal_env, tune_script
from nampedal.firmware.system.install.steps.site_packages import PEDAL, TFLITE
from nampedal.firmware.system.install.steps.step_types import Block, Runtime, Step, WholeFile, Words
from nampedal.firmware.system.install.steps.target import InstallTarget, machine_of, python_of
from nampedal.firmware.system.install.system_files import system_steps
from nampedal.firmware.system.install.units import unit_steps
from nampedal.firmware.system.install.user_profiles import profile_steps
from nampedal.firmware.system.launcher import launcher_script

SCRIPTS = Path("/usr/local/lib/nampedal")


def plan(profile: str | Path, target: InstallTarget) -> list[Step]:
    """Return the steps that install a pedal. Only reads the target's root.

    profile: a pedal key, or the path of a .toml file.
    Raises an DeployError, or a SettingsError for the profile.
    """
    pedal = read_pedal(profile)
    extras = (PEDAL, TFLITE) if target.tflite else (PEDAL,)
    return [
        *system_steps(pedal, target),
        Runtime(system_paths.RUNTIME, target.wheel, python_of(target.root), machine_of(target.root), extras),
        WholeFile(system_paths.COMMAND, launcher_script().encode(), 0o755),
        WholeFile(system_paths.SETTINGS, pedal_env(pedal, target).encode()),
        WholeFile(SCRIPTS / "jack", jack_script().encode(), 0o755),
        *([WholeFile(system_paths.TRUSTED, "".join(target.trusted).encode())] if target.trusted else []),
        WholeFile(SCRIPTS / "mixer", mixer_script(pedal).encode(), 0o755),
        WholeFile(SCRIPTS / "tune", tune_script(pedal).encode(), 0o755),
        *profile_steps(profile, pedal),
        *unit_steps(pedal, target),
        *_boot_steps(pedal, target),
    ]


def _boot_steps(pedal: PedalProfile, target: InstallTarget) -> list[Step]:
    """Return the steps for config.txt and cmdline.txt.

    They come last, because they refer to what the other steps install.
    """
    # Computed in any case, so that errors are found on every target.
    lines, words = config_block(pedal, target), cmdline_words(pedal, target)
    if target.image:
        return []
    if not has_boot_files(target):
        if target.base == "debian":
            return []
        raise DeployError(
            f"{target.root}: has no {CONFIG_TXT} and {CMDLINE_TXT}, as Raspberry Pi OS since bookworm has; install on "
            "one of these, or as an image"
        )
    return [Block(CONFIG_TXT, tuple(lines)), Words(CMDLINE_TXT, tuple(words), tuple(console_words(pedal)))]
