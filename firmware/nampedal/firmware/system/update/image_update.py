"""Update by image: writes its system to the other slot, boots it once on trial, and keeps it if it plays."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path

from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import DeployError, FileAccessError, NampedalError
from nampedal.firmware.base.files.toml_schema import os_error_text, read_text_file
from nampedal.firmware.system.image import image_manifest
from nampedal.firmware.system.image.image_manifest import ImageManifest, read_manifest
from nampedal.firmware.system.image.mbr import SECTOR_BYTES
from nampedal.firmware.system.update import boot_slots
from nampedal.firmware.system.update.health import Progress, ignore_progress, watch
from nampedal.firmware.system.update.image_file import (
    check_sum,
    copy_card,
    open_image,
    parse_partitions,
    unpack_card,
    write_root,
)
from nampedal.firmware.system.update.last_result import SYSTEM, LastResult, record_expected, write_last
from nampedal.firmware.system.update.runtime_update import SPARE_BYTES, size_of
from nampedal.firmware.system.update.signed import Says, check_signature
from nampedal.firmware.system.update.update_host import UpdateHost

DISKS = Path("/dev/disk/by-partuuid")


def has_two_systems(system: UpdateHost) -> bool:
    """Return True if the pedal has two systems and supports a trial boot."""
    try:
        check_trybootable(system)
    except NampedalError:
        return False
    return True


def check_trybootable(system: UpdateHost) -> None:
    """Check that a system can be tried on this pedal. Raises DeployError."""
    settings = system.settings()
    base = settings.get("NAMPEDAL_BASE", "")
    if settings.get("NAMPEDAL_IMAGE") != "1":
        raise DeployError(
            "update: this pedal was installed, not flashed, and has one system only; update nampedal with a wheel, and "
            "the system with 'sudo apt full-upgrade'"
        )
    if base != "raspios":
        raise DeployError(
            f"update: a system of base '{base}' can't be tried before it is kept: its kernel does not pass tryboot on; "
            "update with a wheel, or flash the image"
        )


def install_image(system: UpdateHost, path: Path, say: Says, *, unsigned: bool = False) -> ImageManifest:
    """Write an image's system to the slot that does not run. It is tried once, at the next boot with tryboot.

    say: called with progress messages.  unsigned: do not check the signature. Raises DeployError, SignatureError,
    SettingsError.
    """
    check_trybootable(system)
    systems = boot_slots.read_systems(system)
    _check_untried(systems)
    say("reading the image")
    pinned = check_signature(system, path, say, unsigned=unsigned)
    say("its checksum is right" if check_sum(pinned) else f"there is no {path.name}.sha256 to check it by")
    work = system.under_root(system_paths.UPDATES) / "work"
    _make_empty(work)
    try:
        with open_image(pinned) as reader:
            partitions = parse_partitions(str(path), b"".join(reader.read(SECTOR_BYTES)))
            # Twice: for the copy of the partition and for its unpacked folder, each about as large as the running one.
            _check_room(work, 2 * size_of(system.under_root(system_paths.CARD) / systems.running))
            copy_card(reader, partitions[0], work / "card.img")
            folder = unpack_card(system, path, work / "card.img", work)
            facts = _facts_in(folder, path)
            _check_facts(system, facts, path)
            target = _partition(system, systems)
            _check_size(path, facts, partitions[1].size_bytes, target)
            card = system.under_root(system_paths.CARD)
            boot_slots.check_folder(folder, card / systems.running)
            boot_slots.cmdline_for(
                (folder / boot_slots.CMDLINE).read_text(errors="replace"), systems.disk, systems.other
            )
            _check_card_room(card, systems, folder)
            with system.card_writable():
                boot_slots.empty_slot(card, systems.other)
            say(f"writing nampedal {facts.version} to {target.name}")
            write_root(reader, partitions[1], facts, target)
        with system.card_writable():
            boot_slots.fill_slot(card, systems, folder, facts)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    begin_trial(system, systems, facts)
    return facts


def begin_trial(system: UpdateHost, systems: boot_slots.Systems, facts: ImageManifest) -> None:
    """Prepare a trial of the system that does not run. The caller has to reboot with tryboot.

    Raises DeployError, SettingsUnwritableError.
    """
    record_expected(system, SYSTEM, facts.version, "it did not start, or the power was cut meanwhile")
    with system.card_writable() as card:
        boot_slots.name_trial(card, systems.other)


def judge_image(system: UpdateHost, told: Progress = ignore_progress) -> LastResult | None:
    """Decide whether the system on trial is kept. Return the result; None if no system is on trial.

    A system that fails the trial is left by a reboot into the system before it. told: called with the progress.
    """
    card = system.under_root(system_paths.CARD)
    if not (card / boot_slots.TRYBOOT).exists():
        return None
    systems = boot_slots.read_systems(system)
    last = None
    if systems.on_trial:
        last = _last(card, systems, watch(system, lambda: False, told))
        if not last.kept:
            write_last(system, last)
            system.reboot(tryboot=False)
            return last
        with system.card_writable():
            boot_slots.make_default(card, systems.running)
        write_last(system, last)
    elif systems.trial == systems.default == systems.running:
        # The system was kept, but the power was cut before its result was recorded.
        write_last(system, _last(card, systems, ""))
    with system.card_writable():
        boot_slots.forget_trial(card)
    return last


def go_back(system: UpdateHost) -> ImageManifest:
    """Prepare a trial of the system that does not run, as an update does. Return its facts.

    Raises DeployError.
    """
    check_trybootable(system)
    systems = boot_slots.read_systems(system)
    _check_untried(systems)
    facts = boot_slots.facts_of(system.under_root(system_paths.CARD), systems.other)
    if facts is None:
        raise DeployError("update: there is no version before this one; flash the one that you want")
    begin_trial(system, systems, facts)
    return facts


def _last(card: Path, systems: boot_slots.Systems, why: str) -> LastResult:
    """Return the result for the running system. why: the reason for not keeping it; empty: it is kept."""
    facts = boot_slots.facts_of(card, systems.running)
    version = facts.version if facts is not None else "unknown"
    return LastResult(SYSTEM, version, not why, why or "it played for 30 s without a break")


def _check_untried(systems: boot_slots.Systems) -> None:
    if systems.running != systems.default:
        raise DeployError("update: this system is on trial still; wait for it: 'nampedal update status'")


def _make_empty(work: Path) -> None:
    try:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
    except OSError as error:
        raise FileAccessError(f"{work}: can't be written: {os_error_text(error)}") from error


def _facts_in(folder: Path, path: Path) -> ImageManifest:
    where = f"{path}: {folder.name}/{image_manifest.MANIFEST_NAME}"
    try:
        return read_manifest(read_text_file(folder / image_manifest.MANIFEST_NAME), where)
    except OSError as error:
        raise DeployError(f"{where}: is not there; this is no image of nampedal's") from error


def _check_facts(system: UpdateHost, facts: ImageManifest, path: Path) -> None:
    settings = system.settings()
    for what, found, here in (
        ("base", facts.base, settings.get("NAMPEDAL_BASE", "")),
        ("machine", facts.machine, platform.machine()),
        ("pedal", facts.pedal, settings.get("NAMPEDAL_PEDAL", "")),
    ):
        if found != here:
            raise DeployError(
                f"{path}: is for the {what} '{found}'; this is '{here}': take the image for that, or flash this one"
            )


def _partition(system: UpdateHost, systems: boot_slots.Systems) -> Path:
    """Return the device of the root partition that is not in use. Raises DeployError."""
    name = boot_slots.root_of(systems.disk, systems.other).removeprefix("PARTUUID=")
    path = system.under_root(DISKS) / name
    if not path.exists():
        raise DeployError(f"{path}: is not there; this card has no second root: flash the image")
    return path.resolve()


def _check_size(path: Path, facts: ImageManifest, held: int, target: Path) -> None:
    try:
        with target.open("rb") as file:
            room = file.seek(0, os.SEEK_END)
    except OSError as error:
        raise FileAccessError(f"{target}: can't be read: {os_error_text(error)}") from error
    if facts.root_bytes > held:
        raise DeployError(f"{path}: says that its root has {facts.root_bytes} bytes; its partition has {held}")
    if facts.root_bytes > room:
        raise DeployError(
            f"{path}: its root has {facts.root_bytes >> 20} MB; there is room for {room >> 20} MB: flash the image"
        )


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed + SPARE_BYTES:
        raise FileAccessError(
            f"{folder}: has room for {free >> 20} MB; {(needed + SPARE_BYTES) >> 20} MB are needed: remove what is not "
            "needed"
        )


def _check_card_room(card: Path, systems: boot_slots.Systems, folder: Path) -> None:
    """Check that the card has room for the new folder once the slot's old one is removed. Raises FileAccessError."""
    free = shutil.disk_usage(card).free + size_of(card / systems.other)
    needed = size_of(folder)
    if free < needed:
        raise FileAccessError(
            f"{card}: has room for {free >> 20} MB; {needed >> 20} MB are needed: remove what you put there yourself"
        )
