"""What a radio's driver is told when it is loaded, as the package of the radio's firmware has it."""

from __future__ import annotations

import shutil
from pathlib import Path

# Raspberry Pi's firmware-brcm80211 switches off what its firmware does badly: roaming, the 4-way handshake, WPA3 in the
# firmware (RPi-Distro/firmware-nonfree 2788cb5; in bookworm below lib/, in trixie below usr/lib/: raspberrypi/linux
# issue 7634). Debian's package of the same name has no such file.
_OPTIONS = "modprobe.d/rpi-brcmfmac.conf"
_FOLDERS = ("usr/lib", "lib", "etc")


def copy_options(kernel: Path, root: Path) -> None:
    """kernel: the folder with the unpacked packages. Where they have no options, nothing is done. Raises OSError."""
    for folder in _FOLDERS:
        options = kernel / folder / _OPTIONS
        if options.is_file():
            target = root / "usr/lib" / _OPTIONS
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(options, target)
