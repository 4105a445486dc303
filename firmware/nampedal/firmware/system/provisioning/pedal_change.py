"""Changes the pedal or its HAT to those that nampedal.toml names: the overlay in config.txt, and JACK's settings.

An overlay is loaded only at a start, so the machine restarts. It restarts at most once, also if the change fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from nampedal.board.profiles import profile_files
from nampedal.board.profiles.hats import read_hat
from nampedal.board.profiles.pedals import PedalProfile, parse_pedal, read_pedal
from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import CardError, FileAccessError, SettingsError, SettingValueError
from nampedal.firmware.base.files.durable_toml import read_safely, remove_safely, write_safely
from nampedal.firmware.base.files.toml_schema import (
    check_format,
    check_keys,
    flag_of,
    load_toml,
    os_error_text,
    replace_file,
    to_toml,
)
from nampedal.firmware.system.host.card_host import CardHost
from nampedal.firmware.system.host.root_paths import SYSTEM, under_root, write_volatile
from nampedal.firmware.system.provisioning.card_settings import CardSettings

FORMAT = 1
Read = TypeVar("Read")
CONFIG = system_paths.CARD_CONFIG
PROFILES = system_paths.CARD_RUN / "pedals"
CHANGED = SYSTEM / "pedal-change.toml"


@dataclass(frozen=True, slots=True)
class Installer:
    """The installer's functions that a boot repeats for another pedal.

    with_block: takes a config.txt and a pedal, and returns config.txt with nampedal's block for that pedal. It changes
    nothing else and is idempotent.
    run_files: takes the name or file of a pedal and the pedal, and returns texts by file name. The units read these
    files from `system_paths.CARD_RUN` in place of the installed ones.
    """

    with_block: Callable[[str, PedalProfile], str]
    run_files: Callable[[str, PedalProfile], Mapping[str, str]]


def change(system: CardHost, root: Path, settings: CardSettings, installed: str, installer: Installer | None) -> bool:
    """Change to the pedal that the card names. Return True if the machine has to restart.

    installed: the name or file of the installed pedal.  installer: None: this nampedal can't change the pedal.
    Raises SettingsError of the pedal, CardError, FileAccessError.
    """
    changed = under_root(root, CHANGED)
    named = bool(settings.pedal or settings.hat)
    if not named and not changed.exists():
        return False
    if installer is None:
        raise CardError("pedal: this nampedal can't change over to another pedal; make a card for it")
    name, pedal = find(root, settings, installed)
    if named:
        for file, text in installer.run_files(name, pedal).items():
            write_volatile(under_root(root, system_paths.CARD_RUN) / file, text)
    return _rewrite(
        system, under_root(root, CONFIG), changed, lambda text: installer.with_block(text, pedal), named=named
    )


def _rewrite(system: CardHost, config: Path, changed: Path, new: Callable[[str], str], *, named: bool) -> bool:
    try:
        before = config.read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise FileAccessError(f"{config}: can't be read: {os_error_text(error)}") from error
    if (config.parent / system_paths.CARD_TRYBOOT.name).exists():
        # A restart would end the trial of an update. The trial is decided soon; the next start tries again.
        return False
    wanted, restarted = new(before), _restarted(changed)
    if wanted == before:
        if restarted and named:
            write_safely(changed, _marker(restarted=False))
        elif not named:
            remove_safely(changed)
        return False
    if restarted:
        # Clear the marker, so that the next start by the user may try again.
        write_safely(changed, _marker(restarted=False))
        raise CardError(
            f"{config}: was changed for the pedal, and is as before after a restart; the card may be worn out or locked"
        )
    # The marker is written first: if that fails, there is no restart, and so no endless loop of restarts.
    write_safely(changed, _marker(restarted=True))
    with system.writable(config.parent):
        replace_file(wanted.encode("utf-8", "surrogateescape"), config)
    return True


def find(root: Path, settings: CardSettings, installed: str) -> tuple[str, PedalProfile]:
    """Return the name (or the path of the profile file) of the pedal to use, and the pedal.

    Writes a merged profile file if the card names a HAT or a profile file.
    Raises SettingsError, CardError, OSError.
    """
    name = settings.pedal or installed
    if not name:
        raise CardError('pedal: nobody says which one was installed; add a line pedal = "..." to nampedal.toml')
    if not settings.hat and not profile_files.is_profile_path(settings.pedal):
        return name, _naming_key("pedal", lambda: read_pedal(name))
    pedal, data = merged(under_root(root, system_paths.CARD), settings, name)
    path = under_root(root, PROFILES) / f"{pedal.key}.toml"
    write_volatile(path, data.decode())
    return str(path), pedal


def check(card: Path, settings: CardSettings) -> None:
    """Check the pedal and the HAT that a card names. The card may be in any computer. Raises SettingsError."""
    if settings.pedal:
        merged(card, settings, settings.pedal)
    elif settings.hat:
        _naming_key(
            "hat",
            lambda: read_hat(card / settings.hat if profile_files.is_profile_path(settings.hat) else settings.hat),
        )


def merged(card: Path, settings: CardSettings, name: str) -> tuple[PedalProfile, bytes]:
    """Merge the card's settings into a pedal's profile. Return it parsed, and as the content of a file.

    name: the name or file of the pedal. Raises SettingsError.
    """
    asked = card / name if profile_files.is_profile_path(settings.pedal) else name
    file = _naming_key("pedal", lambda: profile_files.find("pedal", asked, SettingValueError))
    values = _naming_key("pedal", lambda: load_toml(str(file), profile_files.read(file)))
    if settings.hat:
        values["hat"] = settings.hat
    for part in ("board", "hat"):
        # The user names a file relative to the card, whose mount point is not known to the user.
        if profile_files.is_profile_path(str(values.get(part))):
            values[part] = str(card / values[part])
    data = to_toml(values)
    return _naming_key("hat" if settings.hat else "pedal", lambda: parse_pedal(data, file)), data


def _naming_key(key: str, read: Callable[[], Read]) -> Read:
    """Return the result of `read`. Its SettingsError then names this key of nampedal.toml."""
    try:
        return read()
    except SettingsError as error:
        raise type(error)(f"{system_paths.CARD_SETTINGS.name}: {key}: {error}") from error


def _marker(*, restarted: bool) -> bytes:
    return to_toml({"format": FORMAT, "restarted": restarted})


def _restarted(path: Path) -> bool:
    """Return True if the last change led to a restart.

    Also True if the marker can't be read: then another restart is not safe.
    """
    if not path.exists():
        return False
    where = str(path)
    try:
        values = load_toml(where, read_safely(path).data)
        check_format(where, values, FORMAT)
        check_keys(where, "", values, ("format", "restarted"))
        restarted: bool = flag_of(where, "restarted", values)
        return restarted
    except SettingsError:
        return True
