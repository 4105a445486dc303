"""Small unpacked kernel packages without a real kernel: the tests only need the locations of files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nampedal.firmware.system.image.sources.kernel_files import Kernel

from support.makers.pi_archive import LAYOUTS, TREES, make_overlays

BOOT_FILES = ("bootcode.bin", "start.elf", "start4.elf", "fixup.dat", "fixup4.dat", "LICENCE.broadcom")
PI_VERSIONS = ("6.12.34+rpt-rpi-2712", "6.12.34+rpt-rpi-v8")
DEBIANS = ("7.3.4+deb13-rt-arm64",)


def unpack(folder: Path, release: str = "trixie", versions: Sequence[str] = PI_VERSIONS) -> Kernel:
    """Make unpacked packages. release: a key of `LAYOUTS`. Versions that are not Raspberry Pi's have no overlays."""
    layout = LAYOUTS[release]
    for name in BOOT_FILES:
        _write(folder / "usr/lib/raspi-firmware" / name, name)
    for version in versions:
        (folder / layout.modules.format(v=version) / "kernel").mkdir(parents=True)
        _write(folder / layout.kernel.format(v=version), version)
        _write(folder / layout.config.format(v=version), "CONFIG_SQUASHFS=m\nCONFIG_SQUASHFS_ZSTD=y\n")
        trees = folder / f"usr/lib/linux-image-{version}"
        of_pi = "-rpi-" in version
        for pi, debian in TREES.items():
            _write(trees / f"broadcom/{pi if of_pi else debian}.dtb", pi)
        if of_pi:
            make_overlays(trees / "overlays")
    _write(folder / ("bin/busybox" if release == "bookworm" else "usr/bin/busybox"), "busybox")
    return Kernel(folder)


def root_of(folder: Path, versions: Sequence[str] = PI_VERSIONS) -> Path:
    """Make a root with module folders for these kernel versions, without modules in them."""
    for version in versions:
        _write(folder / f"usr/lib/modules/{version}/modules.dep", "")
    return folder


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
