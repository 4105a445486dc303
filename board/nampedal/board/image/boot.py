"""What a Raspberry Pi's firmware reads: the card's first partition, as a folder.

Of what is started there are two sets, in A/ and in B/, as with the roots: `os_prefix` in config.txt chooses
(raspberrypi/documentation, documentation/asciidoc/computers/config_txt/boot.adoc).
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from nampedal.board import mbr
from nampedal.board.image.bases import Base
from nampedal.board.image.errors import KernelError
from nampedal.board.image.initramfs import initramfs
from nampedal.board.image.tree import versions
from nampedal.board.image_facts import NAME, SLOTS, ImageFacts, write_facts
from nampedal.board.install.edits import with_block

# Of the roots, counted from 1.
ROOT_PARTITIONS = {"A": 2, "B": 3}
# How Raspberry Pi's firmware calls a kernel and what goes with it, by the end of its version.
_PI_NAMES = {"v8": ("kernel8.img", "initramfs8"), "2712": ("kernel_2712.img", "initramfs_2712")}
_PLAIN_NAMES = ("vmlinuz", "initrd.img")
_FIRMWARE = ("bootcode.bin", "start*.elf", "fixup*.dat")
_CONFIG = """\
# What the Raspberry Pi starts: A/ or B/, which an update changes. Edit below the next lines as you like.
os_prefix={prefix}/
arm_64bit=1
disable_splash=1
boot_delay=0
{kernel}
"""
_PI_KERNEL = "auto_initramfs=1"
_PLAIN_KERNEL = "kernel=vmlinuz\ninitramfs initrd.img followkernel\nupstream_kernel=1"
_WORDS = ("console=tty1", "ro", "rootfstype=squashfs", "rootwait", "panic=10", "quiet")


def config_txt(base: Base, slot: str, block: Sequence[str]) -> str:
    """block: what the installer says of a pedal."""
    kernel = _PI_KERNEL if base.pi else _PLAIN_KERNEL
    return with_block(_CONFIG.format(prefix=slot, kernel=kernel), block)


def cmdline_txt(disk_id: int, slot: str, words: Sequence[str]) -> str:
    """One line. words: the installer's."""
    root = f"root=PARTUUID={mbr.partuuid(disk_id, ROOT_PARTITIONS[slot])}"
    return " ".join(dict.fromkeys((root, *_WORDS, *words))) + "\n"


def fill(
    folder: Path,
    kernel: Path,
    root: Path,
    base: Base,
    disk_id: int,
    block: Sequence[str],
    words: Sequence[str],
    facts: ImageFacts,
) -> None:
    """With all that the first slot needs to start. kernel: unpacked packages.  root: has its modules.

    Raises KernelError, BuildToolError.
    """
    folder.mkdir()
    firmware = kernel / "usr/lib/raspi-firmware"
    for pattern in _FIRMWARE:
        for path in sorted(firmware.glob(pattern)):
            shutil.copyfile(path, folder / path.name)
    slot = folder / SLOTS[0]
    slot.mkdir()
    for version in versions(kernel):
        _copy_kernel(kernel, root, version, slot, base)
    (folder / "config.txt").write_text(config_txt(base, SLOTS[0], block))
    (slot / "cmdline.txt").write_text(cmdline_txt(disk_id, SLOTS[0], words))
    (slot / NAME).write_bytes(write_facts(facts))


def _copy_kernel(kernel: Path, root: Path, version: str, slot: Path, base: Base) -> None:
    image, initrd = _PI_NAMES.get(version.rpartition("-")[2], _PLAIN_NAMES) if base.pi else _PLAIN_NAMES
    places = (kernel / "usr/lib/modules" / version / "vmlinuz", kernel / "boot" / f"vmlinuz-{version}")
    found = next((path for path in places if path.is_file()), None)
    if found is None:
        raise KernelError(f"{kernel}: there is no kernel {version}: neither {places[0]} nor {places[1]}")
    shutil.copyfile(found, slot / image)
    (slot / initrd).write_bytes(initramfs(root, version, kernel / "usr/bin/busybox"))
    trees = kernel / "usr/lib" / f"linux-image-{version}"
    for path in sorted((trees / "broadcom").glob("bcm2[78]*.dtb")):
        shutil.copyfile(path, slot / path.name)
    overlays = trees / "overlays"
    if overlays.is_dir():
        # Without a README the firmware takes the overlays of the folder above (boot.adoc: overlay_prefix).
        shutil.copytree(overlays, slot / "overlays", dirs_exist_ok=True)
