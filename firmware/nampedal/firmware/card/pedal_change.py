"""Another pedal, or another HAT on it, because the card says so: the firmware's overlay, and what JACK is run with.

The overlay counts from the next start on, so the pedal restarts; once, whatever comes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from nampedal.board import places, profiles
from nampedal.board.errors import SettingsError, UnknownPedalError
from nampedal.board.hats import read_hat
from nampedal.board.pedals import Pedal, parse_pedal, read_pedal
from nampedal.board.settings import check_format, check_keys, flag_of, load_toml, reason, replace_file, to_toml
from nampedal.firmware.card.errors import CardFileError, ConfigNotKeptError, NoInstallerError, PedalUnknownError
from nampedal.firmware.card.settings import CardSettings
from nampedal.firmware.card.system import System
from nampedal.firmware.card.where import SYSTEM, placed, write_run
from nampedal.firmware.store import read_safely, remove_safely, write_safely

FORMAT = 1
Read = TypeVar("Read")
CONFIG = places.CARD_CONFIG
PROFILES = places.CARD_RUN / "pedals"
CHANGED = SYSTEM / "pedal-change.toml"


@dataclass(frozen=True, slots=True)
class Installer:
    """What the installer knows, and a boot does again.

    with_block: config.txt with what a pedal needs in nampedal's part of it, nothing else changed; done twice, it is the
    same.
    run_files: by name, what the units read from `places.CARD_RUN` in place of what was installed; of what a pedal is
    asked for by, and the pedal.
    """

    with_block: Callable[[str, Pedal], str]
    run_files: Callable[[str, Pedal], Mapping[str, str]]


def change(system: System, root: Path, settings: CardSettings, installed: str, installer: Installer | None) -> bool:
    """Whether the machine has to restart. installed: what the installed pedal is asked for by.

    Raises SettingsError of the pedal, ConfigNotKeptError, CardFileError, PedalUnknownError.
    """
    changed = placed(root, CHANGED)
    named = bool(settings.pedal or settings.hat)
    if not named and not changed.exists():
        return False
    if installer is None:
        raise NoInstallerError("pedal: this nampedal can't change over to another pedal; make a card for it")
    name, pedal = find(root, settings, installed)
    if named:
        for file, text in installer.run_files(name, pedal).items():
            write_run(placed(root, places.CARD_RUN) / file, text)
    return _rewrite(system, placed(root, CONFIG), changed, lambda text: installer.with_block(text, pedal), named=named)


def _rewrite(system: System, config: Path, changed: Path, new: Callable[[str], str], *, named: bool) -> bool:
    try:
        before = config.read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise CardFileError(f"{config}: can't be read: {reason(error)}") from error
    if (config.parent / places.CARD_TRYBOOT.name).exists():
        # A restart would end the trial of an update; it is decided soon, and the next start looks again.
        return False
    wanted, restarted = new(before), _restarted(changed)
    if wanted == before:
        if restarted and named:
            write_safely(changed, _marker(restarted=False))
        elif not named:
            remove_safely(changed)
        return False
    if restarted:
        # The next start that a person brings about may try again.
        write_safely(changed, _marker(restarted=False))
        raise ConfigNotKeptError(
            f"{config}: was changed for the pedal, and is as before after a restart; the card may be worn out or locked"
        )
    # First: without it there is no restart.
    write_safely(changed, _marker(restarted=True))
    with system.writable(config.parent):
        replace_file(wanted.encode("utf-8", "surrogateescape"), config)
    return True


def find(root: Path, settings: CardSettings, installed: str) -> tuple[str, Pedal]:
    """The pedal that counts, and what it is asked for by. Raises SettingsError, PedalUnknownError, OSError."""
    name = settings.pedal or installed
    if not name:
        raise PedalUnknownError('pedal: nobody says which one was installed; add a line pedal = "..." to nampedal.toml')
    if not settings.hat and not settings.pedal.endswith(".toml"):
        return name, _told("pedal", lambda: read_pedal(name))
    pedal, data = merged(placed(root, places.CARD), settings, name)
    path = placed(root, PROFILES) / f"{pedal.key}.toml"
    write_run(path, data.decode())
    return str(path), pedal


def check(card: Path, settings: CardSettings) -> None:
    """Of a card in any computer: the pedal and the HAT that it names. Raises SettingsError."""
    if settings.pedal:
        merged(card, settings, settings.pedal)
    elif settings.hat:
        _told("hat", lambda: read_hat(card / settings.hat if settings.hat.endswith(".toml") else settings.hat))


def merged(card: Path, settings: CardSettings, name: str) -> tuple[Pedal, bytes]:
    """A profile made of what the card says: read, and as a file. name: of the pedal. Raises SettingsError."""
    asked = card / name if settings.pedal.endswith(".toml") else name
    file = _told("pedal", lambda: profiles.find("pedal", asked, UnknownPedalError))
    values = _told("pedal", lambda: load_toml(str(file), profiles.read(file)))
    if settings.hat:
        values["hat"] = settings.hat
    for part in ("board", "hat"):
        # Who names a file on the card does not know where the card is.
        if str(values.get(part)).endswith(".toml"):
            values[part] = str(card / values[part])
    data = to_toml(values)
    return _told("hat" if settings.hat else "pedal", lambda: parse_pedal(data, file)), data


def _told(key: str, read: Callable[[], Read]) -> Read:
    try:
        return read()
    except SettingsError as error:
        raise type(error)(f"{places.CARD_SETTINGS.name}: {key}: {error}") from error


def _marker(*, restarted: bool) -> bytes:
    return to_toml({"format": FORMAT, "restarted": restarted})


def _restarted(path: Path) -> bool:
    """Whether the last thing that was done was a restart. A marker that can't be read says so: no restart is safe."""
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
