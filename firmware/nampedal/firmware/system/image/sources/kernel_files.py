"""Finds files of the kernel and boot firmware packages, unpacked into one folder; their paths depend on the release.

Sources. bookworm: RPi-Distro/linux-packaging, debian/rules.real at 82c8e36 (lib/modules, boot/vmlinuz-VERSION,
boot/config-VERSION, usr/lib/linux-image-VERSION); RPi-Distro/firmware-nonfree, debian/rules.real at 223ccf3
(lib/firmware); Debian's busybox-static 1:1.35.0-4 (bin/busybox). Later releases have everything below usr/: Debian's
linux-image-7.3.4+deb13-rt-arm64 also has usr/lib/modules/VERSION/vmlinuz and .../config.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nampedal.firmware.base.errors import DeployError

_LIBRARIES = ("usr/lib", "lib")
_PROGRAMS = ("usr/bin", "bin")
# Links that a package makes with update-alternatives at its installation, which does not happen here
# (RPi-Distro/firmware-nonfree, debian/firmware-brcm80211.postinst at 223ccf3: of two, the one with priority 50).
_ALTERNATIVES = {"cypress/cyfmac43455-sdio.bin": "cyfmac43455-sdio-standard.bin"}
# Firmware files of the Raspberry Pis' radios, named by board or by chip (RPi-Distro/firmware-nonfree,
# debian/config/brcm80211/defines at 223ccf3).
_OF_A_PI = re.compile(r"(brcm|cy)fmac434(30|30b0|36|36s|39|55|56)-sdio(\.raspberrypi,.*|\.(bin|clm_blob|txt))")


@dataclass(frozen=True, slots=True)
class Kernel:
    """Unpacked packages of kernels and boot firmware. folder: contains the packages' files."""

    folder: Path

    def versions(self) -> list[str]:
        """Return the versions of the kernels, sorted. Raises DeployError."""
        found = {path.parent.name for top in _LIBRARIES for path in (self.folder / top / "modules").glob("*/kernel")}
        if not found:
            places = " or ".join(f"{top}/modules" for top in _LIBRARIES)
            raise DeployError(f"{self.folder}: holds no kernel's modules in {places}; fetch the packages with --fresh")
        return sorted(found)

    def modules(self, version: str) -> Path:
        """Return the folder of a kernel's modules. Raises DeployError."""
        return self._first(f"the modules of kernel {version}", *(f"{top}/modules/{version}" for top in _LIBRARIES))

    def image(self, version: str) -> Path:
        """Return the kernel itself. Raises DeployError."""
        beside = (f"{top}/modules/{version}/vmlinuz" for top in _LIBRARIES)
        return self._first(f"kernel {version}", *beside, f"boot/vmlinuz-{version}")

    def config(self, version: str) -> Path | None:
        """Return the file with the kernel's build configuration; None if the package has none."""
        beside = (f"{top}/modules/{version}/config" for top in _LIBRARIES)
        return next(self._there(*beside, f"boot/config-{version}"), None)

    def trees(self, version: str) -> Path:
        """Return the folder of the device trees, which may not exist; overlays are beside it."""
        return self.folder / "usr/lib" / f"linux-image-{version}" / "broadcom"

    def overlays(self, version: str) -> Path:
        """Return the folder of the overlays, which may not exist."""
        return self.trees(version).parent / "overlays"

    def boot_files(self) -> Path:
        """Return the folder of the boot firmware, which starts before the kernel; it may not exist."""
        return self.folder / "usr/lib/raspi-firmware"

    def busybox(self) -> Path:
        """Return the busybox program. Raises DeployError."""
        return self._first("busybox", *(f"{top}/busybox" for top in _PROGRAMS))

    def radio_files(self) -> list[Path]:
        """Return the folders with firmware for the radio."""
        return [path for path in self._there(*(f"{top}/firmware" for top in _LIBRARIES)) if path.is_dir()]

    def _first(self, what: str, *names: str) -> Path:
        found = next(self._there(*names), None)
        if found is None:
            raise DeployError(f"{self.folder}: {what} is not there, neither as {' nor as '.join(names)}; try --fresh")
        return found

    def _there(self, *names: str) -> Iterator[Path]:
        return (path for name in names if (path := self.folder / name).exists())


def copy_radio(kernel: Kernel, target: Path, needed: Sequence[str] = ()) -> None:
    """Copy the firmware of the radio to a folder, and remove links there that lead nowhere.

    needed: file names that must exist in target afterwards.
    Raises DeployError if one of them is missing, or if a broken link is one that a Raspberry Pi would follow.
    """
    for folder in kernel.radio_files():
        shutil.copytree(folder, target, symlinks=True, dirs_exist_ok=True)
    for name, to in _ALTERNATIVES.items():
        link = target / name
        if not link.exists() and (link.parent / to).is_file():
            link.unlink(missing_ok=True)
            link.symlink_to(to)
    for link in sorted(path for path in target.rglob("*") if path.is_symlink() and not path.exists()):
        if _OF_A_PI.fullmatch(link.name):
            raise DeployError(
                f"{kernel.folder}: firmware of the radio: {link.relative_to(target)} leads to {link.readlink()}, which "
                "is not there; try --fresh, or leave out --radio"
            )
        link.unlink()
    for name in needed:
        if not (target / name).is_file():
            raise DeployError(
                f"{kernel.folder}: has no firmware of this board's radio: {name} is needed; try --fresh, or leave out "
                "--radio"
            )
