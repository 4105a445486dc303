"""The whole plan of a pedal, in the order in which it is carried out."""

from __future__ import annotations

from pathlib import Path

from nampedal.board import places
from nampedal.board.install.boot import (
    CMDLINE_TXT,
    CONFIG_TXT,
    boot_files_there,
    cmdline_words,
    config_block,
    console_words,
)
from nampedal.board.install.errors import BootFilesMissingError
from nampedal.board.install.own_profiles import profile_steps
from nampedal.board.install.sound import jack_script, mixer_script, pedal_env, tune_script
from nampedal.board.install.steps import Block, File, Runtime, Step, Words
from nampedal.board.install.system import system_steps
from nampedal.board.install.target import Target, machine_of, python_of
from nampedal.board.install.units import unit_steps
from nampedal.board.launcher import launcher
from nampedal.board.pedals import Pedal, read_pedal

SCRIPTS = Path("/usr/local/lib/nampedal")


def plan(profile: str | Path, target: Target) -> list[Step]:
    """profile: a key, or the path of a file that ends in .toml.

    Only looks into the root. Raises an InstallError, or a SettingsError of the profile's.
    """
    pedal = read_pedal(profile)
    return [
        *system_steps(pedal, target),
        Runtime(places.RUNTIME, target.wheel, python_of(target.root), machine_of(target.root)),
        File(places.COMMAND, launcher().encode(), 0o755),
        File(places.SETTINGS, pedal_env(pedal, target).encode()),
        File(SCRIPTS / "jack", jack_script().encode(), 0o755),
        *([File(places.TRUSTED, "".join(target.trusted).encode())] if target.trusted else []),
        File(SCRIPTS / "mixer", mixer_script(pedal).encode(), 0o755),
        File(SCRIPTS / "tune", tune_script(pedal).encode(), 0o755),
        *profile_steps(profile, pedal),
        *unit_steps(pedal, target),
        *_boot_steps(pedal, target),
    ]


def _boot_steps(pedal: Pedal, target: Target) -> list[Step]:
    """The last: without the rest, what they ask for is not there."""
    # They are looked at in any case, for what is wrong with them.
    lines, words = config_block(pedal, target), cmdline_words(pedal, target)
    if target.image:
        return []
    if not boot_files_there(target):
        if target.base == "debian":
            return []
        raise BootFilesMissingError(
            f"{target.root}: has no {CONFIG_TXT} and {CMDLINE_TXT}, as Raspberry Pi OS since bookworm has; install on "
            "one of these, or as an image"
        )
    return [Block(CONFIG_TXT, tuple(lines)), Words(CMDLINE_TXT, tuple(words), tuple(console_words(pedal)))]
