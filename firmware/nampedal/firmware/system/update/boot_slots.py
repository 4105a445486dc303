"""Reads and writes the boot files that select the system: config.txt, tryboot.txt, and a folder for each system.

The firmware reads kernel, device trees, overlays and cmdline.txt from the folder that os_prefix names. After a reboot
with tryboot it reads tryboot.txt once, in place of config.txt (Raspberry Pi documentation, config.txt: "os_prefix", and
"Fail-safe OS updates"). It ignores a folder without kernel or device tree, and takes overlays without a README beside
them from the default folder.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nampedal.firmware.base import system_paths
from nampedal.firmware.base.errors import DeployError, FileAccessError, SettingsError
from nampedal.firmware.base.files.atomic_write import sync_folder, write_through
from nampedal.firmware.base.files.toml_schema import os_error_text, read_text_file
from nampedal.firmware.system.image import image_manifest
from nampedal.firmware.system.image.image_manifest import SLOTS, ImageManifest, dump_manifest, read_manifest
from nampedal.firmware.system.update.update_host import UpdateHost

CONFIG, TRYBOOT, CMDLINE = system_paths.CARD_CONFIG.name, system_paths.CARD_TRYBOOT.name, "cmdline.txt"
README = "overlays/README"
_PREFIX = re.compile(rb"^os_prefix=([AB])/[ \t]*\r?$", re.MULTILINE)
_ROOT = re.compile(r"\broot=PARTUUID=([0-9a-fA-F]{8})-0*([23])\b")
_KERNELS = re.compile(r"(kernel|initramfs|vmlinuz|initrd).*")


@dataclass(frozen=True, slots=True)
class Systems:
    """The slots of the two systems.

    disk: the first eight digits of the disk's PARTUUIDs.  running: the slot of the running system.
    default: the slot in config.txt.  trial: the slot in tryboot.txt; None: there is no trial.
    """

    disk: str
    running: str
    default: str
    trial: str | None

    @property
    def other(self) -> str:
        return SLOTS[1 - SLOTS.index(self.running)]

    @property
    def on_trial(self) -> bool:
        """True if the running system is the one on trial."""
        return self.trial == self.running != self.default


def slot_in(text: bytes) -> str | None:
    """Return the slot that a config.txt names; None if it names none or more than one."""
    found = _PREFIX.findall(text)
    return found[0].decode() if len(found) == 1 else None


def with_slot(text: bytes, slot: str) -> bytes:
    """Return the same config.txt for another slot."""
    return _PREFIX.sub(lambda line: line[0].replace(line[1], slot.encode(), 1), text)


def cmdline_for(text: str, disk: str, slot: str) -> str:
    """Return a cmdline.txt whose root is a slot of this disk. Raises DeployError."""
    if len(_ROOT.findall(text)) != 1:
        raise DeployError(f"{CMDLINE}: names no root=PARTUUID=...-02 or -03; it is no image's of nampedal")
    return _ROOT.sub(f"root={root_of(disk, slot)}", text)


def root_of(disk: str, slot: str) -> str:
    return f"PARTUUID={disk}-{SLOTS.index(slot) + 2:02}"


def read_systems(system: UpdateHost) -> Systems:
    """Return which system runs, is the default, and is on trial. Raises DeployError, FileAccessError."""
    card = system.under_root(system_paths.CARD)
    found = _ROOT.search(_read(system.root / "proc" / "cmdline").decode(errors="replace"))
    default = slot_in(_read(card / CONFIG))
    if found is None or default is None:
        raise DeployError(
            f"{card / CONFIG}: does not say which of two systems is started (os_prefix=A/ or B/): flash an image to "
            "update this pedal"
        )
    tryboot = card / TRYBOOT
    trial = slot_in(_read(tryboot)) if tryboot.exists() else None
    return Systems(found[1].lower(), SLOTS[int(found[2]) - 2], default, trial)


def facts_of(card: Path, slot: str) -> ImageManifest | None:
    """Return the facts of the system in a slot; None if there is none or it is incomplete."""
    path = card / slot / image_manifest.MANIFEST_NAME
    try:
        return read_manifest(read_text_file(path), str(path))
    except (OSError, SettingsError):
        return None


def check_folder(folder: Path, running: Path) -> None:
    """Check that a folder has the same boot files as the folder of the running system. Raises DeployError."""
    kernels = [path.name for path in running.iterdir() if _KERNELS.fullmatch(path.name)]
    needed = [CMDLINE, *sorted(kernels), *([README] if (running / README).exists() else [])]
    for name in needed:
        if not (folder / name).is_file():
            raise DeployError(f"{name}: the image does not have it, and this pedal is started by it; flash the image")


def empty_slot(card: Path, slot: str) -> None:
    """Remove tryboot.txt and the slot's facts, then the slot's folder. Raises FileAccessError.

    In this order a power cut never leaves a trial or a complete-looking slot with missing files.
    """
    try:
        for path in (card / TRYBOOT, card / slot / image_manifest.MANIFEST_NAME):
            if path.exists():
                path.unlink()
                sync_folder(path.parent)
        if (card / slot).is_dir():
            shutil.rmtree(card / slot)
        sync_folder(card)
    except OSError as error:
        raise FileAccessError(f"{card / slot}: can't be removed: {os_error_text(error)}") from error


def fill_slot(card: Path, systems: Systems, source: Path, facts: ImageManifest) -> None:
    """Write a system's files into the slot that does not run. Raises FileAccessError.

    The facts are written last: they mark the slot as complete.
    """
    slot = card / systems.other
    try:
        for path, data in _files(source, systems):
            target = slot / path
            target.parent.mkdir(parents=True, exist_ok=True)
            write_through(data, target)
        for folder in (*(path for path in slot.rglob("*") if path.is_dir()), slot, card):
            sync_folder(folder)
        write_through(dump_manifest(facts), slot / image_manifest.MANIFEST_NAME)
        sync_folder(slot)
    except OSError as error:
        raise FileAccessError(f"{slot}: can't be written: {os_error_text(error)}") from error


def name_trial(card: Path, slot: str) -> None:
    """Write tryboot.txt: config.txt with another slot. The firmware reads it only after a reboot with tryboot.

    Raises FileAccessError.
    """
    try:
        write_through(with_slot((card / CONFIG).read_bytes(), slot), card / TRYBOOT)
        sync_folder(card)
    except OSError as error:
        raise FileAccessError(f"{card / TRYBOOT}: can't be written: {os_error_text(error)}") from error


def make_default(card: Path, slot: str) -> None:
    """Make a slot the default that config.txt boots. Raises FileAccessError.

    Only one byte is overwritten, in place: FAT has no journal, so no cluster and no name may change. A power cut leaves
    either the old or the new content of the sector.
    """
    path = card / CONFIG
    try:
        text = path.read_bytes()
        new = with_slot(text, slot)
        if new == text:
            return
        (place,) = (index for index, (old, byte) in enumerate(zip(text, new, strict=True)) if old != byte)
        file = os.open(path, os.O_WRONLY)
        try:
            os.pwrite(file, new[place : place + 1], place)
            os.fsync(file)
        finally:
            os.close(file)
    except OSError as error:
        raise FileAccessError(f"{path}: can't be written: {os_error_text(error)}") from error


def forget_trial(card: Path) -> None:
    try:
        (card / TRYBOOT).unlink(missing_ok=True)
        sync_folder(card)
    except OSError as error:
        raise FileAccessError(f"{card / TRYBOOT}: can't be removed: {os_error_text(error)}") from error


def _files(source: Path, systems: Systems) -> Iterator[tuple[Path, bytes]]:
    """Yield path and content of a system's files as needed on this card, without the facts."""
    for path in sorted(source.rglob("*")):
        if path.is_file() and path.name != image_manifest.MANIFEST_NAME:
            data = path.read_bytes()
            name = path.relative_to(source)
            if name == Path(CMDLINE):
                data = cmdline_for(data.decode(errors="replace"), systems.disk, systems.other).encode()
            yield name, data


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileAccessError(f"{path}: can't be read: {os_error_text(error)}") from error
