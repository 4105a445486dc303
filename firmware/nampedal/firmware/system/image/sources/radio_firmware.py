"""Copies the module options of the radio's driver from the package of the radio's firmware."""

from __future__ import annotations

import shutil
from pathlib import Path

# Raspberry Pi's firmware-brcm80211 has options that disable features with faults in the radio's firmware: roaming, the
# 4-way handshake, and WPA3 in the firmware (RPi-Distro/firmware-nonfree 2788cb5; in bookworm below lib/, in trixie
# below usr/lib/: raspberrypi/linux issue 7634). Debian's package of the same name has no such file.
_OPTIONS = "modprobe.d/rpi-brcmfmac.conf"
_FOLDERS = ("usr/lib", "lib", "etc")


def copy_options(kernel: Path, root: Path) -> None:
    """Copy the driver options to the root, if the packages have any. kernel: folder of the unpacked packages.

    Raises OSError.
    """
    for folder in _FOLDERS:
        options = kernel / folder / _OPTIONS
        if options.is_file():
            target = root / "usr/lib" / _OPTIONS
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(options, target)
