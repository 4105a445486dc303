"""A player's nampedal.toml onto a card that was just written: on its first partition, which is FAT."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from nampedal.board import mbr
from nampedal.board.errors import SettingsUnreadableError
from nampedal.board.flash.card import Card
from nampedal.board.flash.errors import McopyMissingError, NoFatPartitionError, SettingsCopyError
from nampedal.board.flash.image import Image
from nampedal.board.places import CARD_SETTINGS
from nampedal.board.settings import load_toml, reason

# Geometry, which no card has.
_ENVIRONMENT = {"MTOOLS_SKIP_CHECK": "1", "MTOOLSRC": os.devnull}


@dataclass(frozen=True, slots=True)
class CardSettings:
    """data: TOML; whether it is a pedal's is said by the pedal."""

    path: Path
    data: bytes


def read_settings(path: Path) -> CardSettings:
    """Raises SettingsUnreadableError, SettingsSyntaxError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SettingsUnreadableError(f"{path}: can't be read: {reason(error)}") from error
    load_toml(str(path), data)
    return CardSettings(path, data)


def fat_offset(image: Image) -> int:
    """Where the first partition begins, in bytes. Raises NoFatPartitionError."""
    table = mbr.unpack(image.head[: mbr.SECTOR_BYTES])
    if table is None or table[0].type not in mbr.FATS:
        raise NoFatPartitionError(f"{image.path}: its first partition is not FAT; leave out --settings")
    return table[0].start_bytes


def copy_settings(settings: CardSettings, card: Card, offset: int) -> None:
    """offset: of the FAT partition. Raises McopyMissingError, SettingsCopyError, WriteFailedError."""
    where = f"{card.disk.path}@@{offset}"
    name = f"::{CARD_SETTINGS.name}"
    _run(settings, ["mcopy", "-o", "-i", where, "-", name], settings.data)
    card.sync(offset)
    if _run(settings, ["mtype", "-i", where, name]) != settings.data:
        raise _uncopied(settings, "it is not read back as it was written")


def check_tools(settings: CardSettings) -> None:
    """Raises McopyMissingError."""
    _run(settings, ["mcopy", "--version"])


def _run(settings: CardSettings, command: list[str], data: bytes = b"") -> bytes:
    try:
        done = subprocess.run(command, input=data, capture_output=True, check=False, env={**os.environ, **_ENVIRONMENT})
    except FileNotFoundError as error:
        raise McopyMissingError(
            f"{settings.path}: the program {command[0]}, which puts it onto the card, is not installed: sudo apt "
            "install mtools"
        ) from error
    if done.returncode != 0:
        raise _uncopied(settings, " ".join(done.stderr.decode(errors="replace").split()))
    return done.stdout


def _uncopied(settings: CardSettings, why: str) -> SettingsCopyError:
    return SettingsCopyError(
        f"{settings.path}: is not on the card, which is written but for it: {why}; copy it onto the card's first "
        f"partition as {CARD_SETTINGS.name}"
    )
