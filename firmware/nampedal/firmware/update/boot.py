"""The card's files that decide which system is started: config.txt, tryboot.txt, and a folder for each system.

The firmware reads kernel, device trees, overlays and cmdline.txt from the folder that os_prefix names, and reads
tryboot.txt in place of config.txt if it was asked to, once (Raspberry Pi documentation, config.txt: "os_prefix", and
"Fail-safe OS updates"). A folder without kernel or device tree is passed over; overlays without a README beside them
are taken from elsewhere.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nampedal.board import image_facts, places
from nampedal.board.errors import SettingsError
from nampedal.board.image_facts import SLOTS, ImageFacts, read_facts, write_facts
from nampedal.board.settings import reason, sync_folder, write_through
from nampedal.firmware.update.errors import CardLayoutError, UpdateUnreadableError, UpdateUnwritableError
from nampedal.firmware.update.system import System

CONFIG, TRYBOOT, CMDLINE = places.CARD_CONFIG.name, places.CARD_TRYBOOT.name, "cmdline.txt"
README = "overlays/README"
_PREFIX = re.compile(rb"^os_prefix=([AB])/[ \t]*\r?$", re.MULTILINE)
_ROOT = re.compile(r"\broot=PARTUUID=([0-9a-fA-F]{8})-0*([23])\b")
_KERNELS = re.compile(r"(kernel|initramfs|vmlinuz|initrd).*")


@dataclass(frozen=True, slots=True)
class Systems:
    """running, default, trial: slots; trial: of tryboot.txt, None: nothing is to be tried, or was.

    disk: the eight digits that PARTUUIDs begin with.
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
        """What runs is what is to be tried."""
        return self.trial == self.running != self.default


def slot_in(text: bytes) -> str | None:
    """The slot that a config.txt names; None: none, or more than one."""
    found = _PREFIX.findall(text)
    return found[0].decode() if len(found) == 1 else None


def with_slot(text: bytes, slot: str) -> bytes:
    """The same config.txt for another slot."""
    return _PREFIX.sub(lambda line: line[0].replace(line[1], slot.encode(), 1), text)


def cmdline_for(text: str, disk: str, slot: str) -> str:
    """A cmdline.txt for a slot of another disk. Raises CardLayoutError."""
    if len(_ROOT.findall(text)) != 1:
        raise CardLayoutError(f"{CMDLINE}: names no root=PARTUUID=...-02 or -03; it is no image's of nampedal")
    return _ROOT.sub(f"root={root_of(disk, slot)}", text)


def root_of(disk: str, slot: str) -> str:
    return f"PARTUUID={disk}-{SLOTS.index(slot) + 2:02}"


def look(system: System) -> Systems:
    """Which system runs, and which are named. Raises CardLayoutError, UpdateUnreadableError."""
    card = system.at(places.CARD)
    found = _ROOT.search(_read(system.root / "proc" / "cmdline").decode(errors="replace"))
    default = slot_in(_read(card / CONFIG))
    if found is None or default is None:
        raise CardLayoutError(
            f"{card / CONFIG}: does not say which of two systems is started (os_prefix=A/ or B/): flash an image to "
            "update this pedal"
        )
    tryboot = card / TRYBOOT
    trial = slot_in(_read(tryboot)) if tryboot.exists() else None
    return Systems(found[1].lower(), SLOTS[int(found[2]) - 2], default, trial)


def facts_of(card: Path, slot: str) -> ImageFacts | None:
    """Of the system in a slot; None: there is none, or no whole one."""
    path = card / slot / image_facts.NAME
    try:
        return read_facts(path.read_bytes(), str(path))
    except (OSError, SettingsError):
        return None


def check_folder(folder: Path, running: Path) -> None:
    """Whether the firmware would start what is there in the way that it started what runs. Raises CardLayoutError."""
    kernels = [path.name for path in running.iterdir() if _KERNELS.fullmatch(path.name)]
    needed = [CMDLINE, *sorted(kernels), *([README] if (running / README).exists() else [])]
    for name in needed:
        if not (folder / name).is_file():
            raise CardLayoutError(
                f"{name}: the image does not have it, and this pedal is started by it; flash the image"
            )


def empty_slot(card: Path, slot: str) -> None:
    """Has nothing name it, then takes away what is there. Raises UpdateUnwritableError."""
    try:
        for path in (card / TRYBOOT, card / slot / image_facts.NAME):
            if path.exists():
                path.unlink()
                sync_folder(path.parent)
        if (card / slot).is_dir():
            shutil.rmtree(card / slot)
        sync_folder(card)
    except OSError as error:
        raise UpdateUnwritableError(f"{card / slot}: can't be removed: {reason(error)}") from error


def fill_slot(card: Path, systems: Systems, source: Path, facts: ImageFacts) -> None:
    """Puts a system's files into the slot that does not run; its facts come last. Raises UpdateUnwritableError."""
    slot = card / systems.other
    try:
        for path, data in _files(source, systems):
            target = slot / path
            target.parent.mkdir(parents=True, exist_ok=True)
            write_through(data, target)
        for folder in (*(path for path in slot.rglob("*") if path.is_dir()), slot, card):
            sync_folder(folder)
        write_through(write_facts(facts), slot / image_facts.NAME)
        sync_folder(slot)
    except OSError as error:
        raise UpdateUnwritableError(f"{slot}: can't be written: {reason(error)}") from error


def name_trial(card: Path, slot: str) -> None:
    """Writes tryboot.txt: config.txt, but for the slot. It is read by who asks for it only."""
    try:
        write_through(with_slot((card / CONFIG).read_bytes(), slot), card / TRYBOOT)
        sync_folder(card)
    except OSError as error:
        raise UpdateUnwritableError(f"{card / TRYBOOT}: can't be written: {reason(error)}") from error


def make_default(card: Path, slot: str) -> None:
    """From now on it is started by itself.

    One byte is written over in place: FAT has no journal, and so neither a cluster nor a name changes. Of a sector a
    power cut leaves the old or the new.
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
        raise UpdateUnwritableError(f"{path}: can't be written: {reason(error)}") from error


def forget_trial(card: Path) -> None:
    try:
        (card / TRYBOOT).unlink(missing_ok=True)
        sync_folder(card)
    except OSError as error:
        raise UpdateUnwritableError(f"{card / TRYBOOT}: can't be removed: {reason(error)}") from error


def _files(source: Path, systems: Systems) -> Iterator[tuple[Path, bytes]]:
    """As they are to be on this card, but for the facts."""
    for path in sorted(source.rglob("*")):
        if path.is_file() and path.name != image_facts.NAME:
            data = path.read_bytes()
            name = path.relative_to(source)
            if name == Path(CMDLINE):
                data = cmdline_for(data.decode(errors="replace"), systems.disk, systems.other).encode()
            yield name, data


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UpdateUnreadableError(f"{path}: can't be read: {reason(error)}") from error
