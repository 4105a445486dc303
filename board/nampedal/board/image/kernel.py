"""The packages of a kernel and of what starts it, unpacked into one folder, where each release has its own places.

Sources. bookworm: RPi-Distro/linux-packaging, debian/rules.real at 82c8e36 (lib/modules, boot/vmlinuz-VERSION,
boot/config-VERSION, usr/lib/linux-image-VERSION); RPi-Distro/firmware-nonfree, debian/rules.real at 223ccf3
(lib/firmware); Debian's busybox-static 1:1.35.0-4 (bin/busybox). Later ones have everything below usr/: Debian's
linux-image-7.3.4+deb13-rt-arm64 also has usr/lib/modules/VERSION/vmlinuz and .../config.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nampedal.board.image.errors import KernelError

_LIBRARIES = ("usr/lib", "lib")
_PROGRAMS = ("usr/bin", "bin")
# Links that a package makes when it is installed, which here it never is, by update-alternatives
# (RPi-Distro/firmware-nonfree, debian/firmware-brcm80211.postinst at 223ccf3: of two, the one of priority 50).
_ALTERNATIVES = {"cypress/cyfmac43455-sdio.bin": "cyfmac43455-sdio-standard.bin"}
# Names of firmware files of Raspberry Pis' radios (RPi-Distro/firmware-nonfree, debian/config/brcm80211/defines at
# 223ccf3): with the board's name, or of its chip.
_OF_A_PI = re.compile(r"(brcm|cy)fmac434(30|30b0|36|36s|39|55|56)-sdio(\.raspberrypi,.*|\.(bin|clm_blob|txt))")


@dataclass(frozen=True, slots=True)
class Kernel:
    """folder: with the packages' files."""

    folder: Path

    def versions(self) -> list[str]:
        """Of the kernels in it. Raises KernelError."""
        found = {path.parent.name for top in _LIBRARIES for path in (self.folder / top / "modules").glob("*/kernel")}
        if not found:
            places = " or ".join(f"{top}/modules" for top in _LIBRARIES)
            raise KernelError(f"{self.folder}: holds no kernel's modules in {places}; fetch the packages with --fresh")
        return sorted(found)

    def modules(self, version: str) -> Path:
        """Raises KernelError."""
        return self._first(f"the modules of kernel {version}", *(f"{top}/modules/{version}" for top in _LIBRARIES))

    def image(self, version: str) -> Path:
        """Raises KernelError."""
        beside = (f"{top}/modules/{version}/vmlinuz" for top in _LIBRARIES)
        return self._first(f"kernel {version}", *beside, f"boot/vmlinuz-{version}")

    def config(self, version: str) -> Path | None:
        """What the kernel was configured with; None: the package does not say."""
        beside = (f"{top}/modules/{version}/config" for top in _LIBRARIES)
        return next(self._there(*beside, f"boot/config-{version}"), None)

    def trees(self, version: str) -> Path:
        """The folder of the device trees, whether it is there or not; overlays are beside it."""
        return self.folder / "usr/lib" / f"linux-image-{version}" / "broadcom"

    def overlays(self, version: str) -> Path:
        """The folder of the overlays, whether it is there or not."""
        return self.trees(version).parent / "overlays"

    def boot_files(self) -> Path:
        """The folder of what is started before the kernel, whether it is there or not."""
        return self.folder / "usr/lib/raspi-firmware"

    def busybox(self) -> Path:
        """Raises KernelError."""
        return self._first("busybox", *(f"{top}/busybox" for top in _PROGRAMS))

    def radio_files(self) -> list[Path]:
        """Folders with firmware for the radio."""
        return [path for path in self._there(*(f"{top}/firmware" for top in _LIBRARIES)) if path.is_dir()]

    def _first(self, what: str, *names: str) -> Path:
        found = next(self._there(*names), None)
        if found is None:
            raise KernelError(f"{self.folder}: {what} is not there, neither as {' nor as '.join(names)}; try --fresh")
        return found

    def _there(self, *names: str) -> Iterator[Path]:
        return (path for name in names if (path := self.folder / name).exists())


def copy_radio(kernel: Kernel, target: Path, needed: Sequence[str] = ()) -> None:
    """Copy the firmware of the radio. No link in target leads nowhere afterwards. needed: names in target.

    Raises KernelError if one of them is missing, or a link leads nowhere that a Raspberry Pi would follow.
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
            raise KernelError(
                f"{kernel.folder}: firmware of the radio: {link.relative_to(target)} leads to {link.readlink()}, which "
                "is not there; try --fresh, or leave out --radio"
            )
        link.unlink()
    for name in needed:
        if not (target / name).is_file():
            raise KernelError(
                f"{kernel.folder}: has no firmware of this board's radio: {name} is needed; try --fresh, or leave out "
                "--radio"
            )
