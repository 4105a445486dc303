"""Builds the card's first partition, which the Raspberry Pi's firmware reads, as a folder.

The folders A/ and B/ each hold a kernel and what belongs to it, one for each root partition; `os_prefix` in config.txt
selects one (raspberrypi/documentation, documentation/asciidoc/computers/config_txt/boot.adoc).
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from nampedal.firmware.system.image import mbr
from nampedal.firmware.system.image.image_manifest import MANIFEST_NAME, SLOTS, ImageManifest, dump_manifest
from nampedal.firmware.system.image.initramfs import initramfs
from nampedal.firmware.system.image.sources.boot_firmware import PI_NAMES, PLAIN_NAMES, flavour_of
from nampedal.firmware.system.image.sources.kernel_files import Kernel
from nampedal.firmware.system.image.sources.suites import Base
from nampedal.firmware.system.install.steps.managed_block import with_block

# Partition numbers of the root file systems, counted from 1.
ROOT_PARTITIONS = {"A": 2, "B": 3}
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
    """Return the text of config.txt. block: the lines that the installer adds for a pedal."""
    kernel = _PI_KERNEL if base.pi else _PLAIN_KERNEL
    return with_block(_CONFIG.format(prefix=slot, kernel=kernel), block)


def cmdline_txt(disk_id: int, slot: str, words: Sequence[str]) -> str:
    """Return the one line of cmdline.txt. words: the installer's."""
    root = f"root=PARTUUID={mbr.partuuid(disk_id, ROOT_PARTITIONS[slot])}"
    return " ".join(dict.fromkeys((root, *_WORDS, *words))) + "\n"


def fill(
    folder: Path,
    kernel: Kernel,
    root: Path,
    base: Base,
    disk_id: int,
    block: Sequence[str],
    words: Sequence[str],
    facts: ImageManifest,
) -> None:
    """Make the folder with all that the first slot needs to boot. root: has the kernels' modules.

    Raises DeployError, ProgramError.
    """
    folder.mkdir()
    for pattern in _FIRMWARE:
        for path in sorted(kernel.boot_files().glob(pattern)):
            shutil.copyfile(path, folder / path.name)
    slot = folder / SLOTS[0]
    slot.mkdir()
    for version in kernel.versions():
        _copy_kernel(kernel, root, version, slot, base)
    (folder / "config.txt").write_text(config_txt(base, SLOTS[0], block))
    (slot / "cmdline.txt").write_text(cmdline_txt(disk_id, SLOTS[0], words))
    (slot / MANIFEST_NAME).write_bytes(dump_manifest(facts))


def _copy_kernel(kernel: Kernel, root: Path, version: str, slot: Path, base: Base) -> None:
    image, initrd = PI_NAMES.get(flavour_of(version), PLAIN_NAMES) if base.pi else PLAIN_NAMES
    shutil.copyfile(kernel.image(version), slot / image)
    (slot / initrd).write_bytes(initramfs(root, version, kernel.busybox()))
    for path in sorted(kernel.trees(version).glob("bcm2[78]*.dtb")):
        shutil.copyfile(path, slot / path.name)
    overlays = kernel.overlays(version)
    if overlays.is_dir():
        # Without overlays/README, the firmware uses the overlays of the folder above (boot.adoc: overlay_prefix).
        shutil.copytree(overlays, slot / "overlays", dirs_exist_ok=True)
