"""An update by image: its system goes to where none runs, is tried once, and kept if it plays."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path

from nampedal.board import image_facts, places
from nampedal.board.image_facts import ImageFacts, read_facts
from nampedal.board.mbr import SECTOR_BYTES
from nampedal.board.settings import reason
from nampedal.firmware.update import boot
from nampedal.firmware.update.errors import (
    ImageForOthersError,
    ImageTooLargeError,
    NotAnImageError,
    NothingBeforeError,
    NoTrybootError,
    OneRootError,
    OnTrialError,
    UpdateError,
    UpdateRoomError,
    UpdateUnreadableError,
    UpdateUnwritableError,
)
from nampedal.firmware.update.health import Progress, silent, watch
from nampedal.firmware.update.image_file import (
    check_sum,
    copy_card,
    open_image,
    parse_partitions,
    unpack_card,
    write_root,
)
from nampedal.firmware.update.last import SYSTEM, Last, expect, write_last
from nampedal.firmware.update.runtime import SPARE_BYTES, size_of
from nampedal.firmware.update.signed import Says, check_signature
from nampedal.firmware.update.system import System

DISKS = Path("/dev/disk/by-partuuid")


def has_two_systems(system: System) -> bool:
    """Of which one can be tried."""
    try:
        check_trybootable(system)
    except UpdateError:
        return False
    return True


def check_trybootable(system: System) -> None:
    """Raises NoTrybootError, OneRootError, NotAPedalError."""
    settings = system.settings()
    base = settings.get("NAMPEDAL_BASE", "")
    if settings.get("NAMPEDAL_IMAGE") != "1":
        raise OneRootError(
            "update: this pedal was installed, not flashed, and has one system only; update nampedal with a wheel, and "
            "the system with 'sudo apt full-upgrade'"
        )
    if base != "raspios":
        raise NoTrybootError(
            f"update: a system of base '{base}' can't be tried before it is kept: its kernel does not pass tryboot on; "
            "update with a wheel, or flash the image"
        )


def install_image(system: System, path: Path, say: Says, *, unsigned: bool = False) -> ImageFacts:
    """Writes its system beside the one that runs, to be tried at the next start but not after.

    say: is told what is being done.  unsigned: its signature is not looked at. Raises UpdateError, SignatureError,
    SettingsError.
    """
    check_trybootable(system)
    systems = boot.look(system)
    _check_untried(systems)
    say("reading the image")
    pinned = check_signature(system, path, say, unsigned=unsigned)
    say("its checksum is right" if check_sum(pinned) else f"there is no {path.name}.sha256 to check it by")
    work = system.at(places.UPDATES) / "work"
    _make_empty(work)
    try:
        with open_image(pinned) as reader:
            partitions = parse_partitions(str(path), b"".join(reader.read(SECTOR_BYTES)))
            # The image's folder as it is in there, and unpacked: much like the one that runs.
            _check_room(work, 2 * size_of(system.at(places.CARD) / systems.running))
            copy_card(reader, partitions[0], work / "card.img")
            folder = unpack_card(system, path, work / "card.img", work)
            facts = _facts_in(folder, path)
            _check_facts(system, facts, path)
            target = _partition(system, systems)
            _check_size(path, facts, partitions[1].size_bytes, target)
            card = system.at(places.CARD)
            boot.check_folder(folder, card / systems.running)
            boot.cmdline_for((folder / boot.CMDLINE).read_text(errors="replace"), systems.disk, systems.other)
            _check_card_room(card, systems, folder)
            with system.card_writable():
                boot.empty_slot(card, systems.other)
            say(f"writing nampedal {facts.version} to {target.name}")
            write_root(reader, partitions[1], facts, target)
        with system.card_writable():
            boot.fill_slot(card, systems, folder, facts)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    begin_trial(system, systems, facts)
    return facts


def begin_trial(system: System, systems: boot.Systems, facts: ImageFacts) -> None:
    """Of the system that does not run; the pedal has to be started with tryboot then."""
    expect(system, SYSTEM, facts.version, "it did not start, or the power was cut meanwhile")
    with system.card_writable() as card:
        boot.name_trial(card, systems.other)


def judge_image(system: System, told: Progress = silent) -> Last | None:
    """Decides about a system that is on trial, if one is; None: none is.

    Of one that plays nothing this is the last that it does: the pedal is started again, and so is the one before.
    """
    card = system.at(places.CARD)
    if not (card / boot.TRYBOOT).exists():
        return None
    systems = boot.look(system)
    last = None
    if systems.on_trial:
        last = _last(card, systems, watch(system, lambda: False, told))
        if not last.kept:
            write_last(system, last)
            system.reboot(tryboot=False)
            return last
        with system.card_writable():
            boot.make_default(card, systems.running)
        write_last(system, last)
    elif systems.trial == systems.default == systems.running:
        # The power was cut as soon as it was kept.
        write_last(system, _last(card, systems, ""))
    with system.card_writable():
        boot.forget_trial(card)
    return last


def go_back(system: System) -> ImageFacts:
    """Has the system that does not run be tried, as an update would be. Raises NothingBeforeError, OnTrialError."""
    check_trybootable(system)
    systems = boot.look(system)
    _check_untried(systems)
    facts = boot.facts_of(system.at(places.CARD), systems.other)
    if facts is None:
        raise NothingBeforeError("update: there is no version before this one; flash the one that you want")
    begin_trial(system, systems, facts)
    return facts


def _last(card: Path, systems: boot.Systems, why: str) -> Last:
    """Of the system that runs. why: it is not kept; empty: it is."""
    facts = boot.facts_of(card, systems.running)
    version = facts.version if facts is not None else "unknown"
    return Last(SYSTEM, version, not why, why or "it played for 30 s without a break")


def _check_untried(systems: boot.Systems) -> None:
    if systems.running != systems.default:
        raise OnTrialError("update: this system is on trial still; wait for it: 'nampedal update status'")


def _make_empty(work: Path) -> None:
    try:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
    except OSError as error:
        raise UpdateUnwritableError(f"{work}: can't be written: {reason(error)}") from error


def _facts_in(folder: Path, path: Path) -> ImageFacts:
    where = f"{path}: {folder.name}/{image_facts.NAME}"
    try:
        return read_facts((folder / image_facts.NAME).read_bytes(), where)
    except OSError as error:
        raise NotAnImageError(f"{where}: is not there; this is no image of nampedal's") from error


def _check_facts(system: System, facts: ImageFacts, path: Path) -> None:
    settings = system.settings()
    for what, found, here in (
        ("base", facts.base, settings.get("NAMPEDAL_BASE", "")),
        ("machine", facts.machine, platform.machine()),
        ("pedal", facts.pedal, settings.get("NAMPEDAL_PEDAL", "")),
    ):
        if found != here:
            raise ImageForOthersError(
                f"{path}: is for the {what} '{found}'; this is '{here}': take the image for that, or flash this one"
            )


def _partition(system: System, systems: boot.Systems) -> Path:
    """Of the root that does not run."""
    name = boot.root_of(systems.disk, systems.other).removeprefix("PARTUUID=")
    path = system.at(DISKS) / name
    if not path.exists():
        raise OneRootError(f"{path}: is not there; this card has no second root: flash the image")
    return path.resolve()


def _check_size(path: Path, facts: ImageFacts, held: int, target: Path) -> None:
    try:
        with target.open("rb") as file:
            room = file.seek(0, os.SEEK_END)
    except OSError as error:
        raise UpdateUnreadableError(f"{target}: can't be read: {reason(error)}") from error
    if facts.root_bytes > held:
        raise NotAnImageError(f"{path}: says that its root has {facts.root_bytes} bytes; its partition has {held}")
    if facts.root_bytes > room:
        raise ImageTooLargeError(
            f"{path}: its root has {facts.root_bytes >> 20} MB; there is room for {room >> 20} MB: flash the image"
        )


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed + SPARE_BYTES:
        raise UpdateRoomError(
            f"{folder}: has room for {free >> 20} MB; {(needed + SPARE_BYTES) >> 20} MB are needed: remove what is not "
            "needed"
        )


def _check_card_room(card: Path, systems: boot.Systems, folder: Path) -> None:
    """For the folder in place of the one that goes."""
    free = shutil.disk_usage(card).free + size_of(card / systems.other)
    needed = size_of(folder)
    if free < needed:
        raise UpdateRoomError(
            f"{card}: has room for {free >> 20} MB; {needed >> 20} MB are needed: remove what you put there yourself"
        )
