"""Copies a player's nampedal.toml, and the profiles that it names, to the first partition of a card, which is FAT."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from nampedal.firmware.base.errors import DeployError, FileAccessError, ProgramError, SettingsUnreadableError
from nampedal.firmware.base.files.toml_schema import load_toml, os_error_text, read_text_file
from nampedal.firmware.base.system_paths import CARD_SETTINGS
from nampedal.firmware.system.flash.card_writer import Card
from nampedal.firmware.system.flash.image_reader import Image
from nampedal.firmware.system.image import mbr

# Skips mtools' check of the disk geometry, which cards do not have, and its configuration file.
_ENVIRONMENT = {"MTOOLS_SKIP_CHECK": "1", "MTOOLSRC": os.devnull}


# Keys of nampedal.toml whose value may be a file beside it, and the suffix of such a value.
_NAMING_KEYS, _FILE_END = ("pedal", "hat"), ".toml"


@dataclass(frozen=True, slots=True)
class FirstSettings:
    """A nampedal.toml and the files beside it that it names.

    path: of nampedal.toml on this computer, under any name.
    data: its bytes, which are valid TOML; the check that a pedal can use them is elsewhere.
    beside: name and bytes of each profile that it names.
    """

    path: Path
    data: bytes
    beside: tuple[tuple[str, bytes], ...] = ()


def read_settings(path: Path) -> FirstSettings:
    """Read a nampedal.toml and the profiles beside it that it names; a profile that is missing is left out.

    Raises SettingsUnreadableError, SettingsSyntaxError.
    """
    data = _read(path)
    values = load_toml(str(path), data)
    names = [values[key] for key in _NAMING_KEYS if isinstance(values.get(key), str)]
    files = [path.parent / name for name in names if name.endswith(_FILE_END) and name == Path(name).name]
    return FirstSettings(path, data, tuple((file.name, _read(file)) for file in files if file.is_file()))


def _read(path: Path) -> bytes:
    try:
        return read_text_file(path)
    except OSError as error:
        raise SettingsUnreadableError(f"{path}: can't be read: {os_error_text(error)}") from error


def fat_offset(image: Image) -> int:
    """Return the offset of the first partition in bytes. Raises DeployError."""
    table = mbr.unpack(image.head[: mbr.SECTOR_BYTES])
    if table is None or table[0].type not in mbr.FATS:
        raise DeployError(f"{image.path}: its first partition is not FAT; leave out --settings")
    return table[0].start_bytes


def copy_settings(settings: FirstSettings, card: Card, offset: int) -> None:
    """Copy all files of `settings` to the card, and read them back.

    offset: of the FAT partition, in bytes.
    Raises ProgramError, FileAccessError, DeployError.
    """
    where = f"{card.disk.path}@@{offset}"
    files = ((CARD_SETTINGS.name, settings.data), *settings.beside)
    for name, data in files:
        _run(settings, ["mcopy", "-o", "-i", where, "-", f"::{name}"], data)
    card.sync(offset)
    for name, data in files:
        if _run(settings, ["mtype", "-i", where, f"::{name}"]) != data:
            raise _uncopied(settings, f"{name} is not read back as it was written")


def check_tools(settings: FirstSettings) -> None:
    """Check that mcopy is installed. Raises ProgramError."""
    _run(settings, ["mcopy", "--version"])


def _run(settings: FirstSettings, command: list[str], data: bytes = b"") -> bytes:
    try:
        done = subprocess.run(command, input=data, capture_output=True, check=False, env={**os.environ, **_ENVIRONMENT})
    except FileNotFoundError as error:
        raise ProgramError(
            f"{settings.path}: the program {command[0]}, which puts it onto the card, is not installed: sudo apt "
            "install mtools"
        ) from error
    if done.returncode != 0:
        raise _uncopied(settings, " ".join(done.stderr.decode(errors="replace").split()))
    return done.stdout


def _uncopied(settings: FirstSettings, why: str) -> FileAccessError:
    return FileAccessError(
        f"{settings.path}: is not on the card, which is written but for it: {why}; copy it onto the card's first "
        f"partition as {CARD_SETTINGS.name}"
    )
