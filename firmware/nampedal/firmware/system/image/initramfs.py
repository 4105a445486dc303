"""Builds the initramfs: busybox, the kernel modules for reading the card, and a script that mounts the root.

The archive is made on this computer, as cpio in the format newc (linux,
Documentation/driver-api/early-userspace/buffer-format.rst): Debian's own tool would run for minutes in emulation.
"""

from __future__ import annotations

import lzma
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from nampedal.firmware.base.errors import DeployError
from nampedal.firmware.system.image.sources import build_tools

# Modules for the card's controller (boards and emulator) and for the root's file system. A module that is built into
# the kernel is skipped.
MODULES = (
    "squashfs",
    "mmc_block",
    "sdhci_iproc",
    "sdhci_brcmstb",
    "bcm2835",
    "bcm2835_mmc",
    "virtio_blk",
    "virtio_pci",
)
_SCRIPT = "init.sh"


@dataclass(frozen=True, slots=True)
class CpioEntry:
    """One entry of an archive. mode: file type and permissions."""

    name: str
    mode: int
    data: bytes = b""


def initramfs(kernel_root: Path, version: str, busybox: Path) -> bytes:
    """Return the initramfs of a kernel.

    kernel_root: contains usr/lib/modules/VERSION with modules.dep. Packed modules are unpacked.
    Raises DeployError, ProgramError.
    """
    modules = list(_modules(kernel_root / "usr/lib/modules" / version))
    script = (resources.files("nampedal.firmware.system.image") / _SCRIPT).read_bytes()
    folders = ("bin", "dev", "modules", "proc", "root", "run", "sys")
    names = [f"modules/{name}" for name, _ in modules]
    entries = [
        *(CpioEntry(name, stat.S_IFDIR | 0o755) for name in folders),
        CpioEntry("bin/busybox", stat.S_IFREG | 0o755, busybox.read_bytes()),
        CpioEntry("init", stat.S_IFREG | 0o755, script),
        CpioEntry("modules/order", stat.S_IFREG | 0o644, "".join(f"/{name}\n" for name in names).encode()),
        *(CpioEntry(f"modules/{name}", stat.S_IFREG | 0o644, data) for name, data in modules),
    ]
    return cpio(entries)


def cpio(entries: Iterable[CpioEntry]) -> bytes:
    """Return a cpio archive in which all entries belong to root and have the time 0."""
    return b"".join(_packed(number, entry) for number, entry in enumerate((*entries, CpioEntry("TRAILER!!!", 0)), 1))


def _packed(number: int, entry: CpioEntry) -> bytes:
    name = entry.name.encode() + b"\0"
    links = 2 if stat.S_ISDIR(entry.mode) else 1
    # ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
    fields = (number, entry.mode, 0, 0, links, 0, len(entry.data), 0, 0, 0, 0, len(name), 0)
    header = b"070701" + b"".join(b"%08x" % field for field in fields)
    return _padded(header + name) + _padded(entry.data)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _modules(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and contents of each needed module, after the modules that it depends on."""
    needs = module_dependencies(folder)
    seen = set()
    for wanted in MODULES:
        for path in (path for path in needs if _name(path) == wanted):
            # In modules.dep, a module's dependencies come before their own dependencies, so read backwards
            # (modules.dep(5)).
            for needed in (*reversed(needs[path]), path):
                if needed not in seen:
                    seen.add(needed)
                    yield f"{_name(needed)}.ko", _unpacked(folder / needed)


def module_dependencies(folder: Path) -> dict[str, list[str]]:
    """Return the dependencies of each module, from modules.dep; paths are relative to the folder.

    Raises DeployError.
    """
    try:
        lines = (folder / "modules.dep").read_text().splitlines()
    except OSError as error:
        raise DeployError(f"{folder}: has no modules.dep: {error.strerror}") from error
    parts = (line.partition(":") for line in lines)
    return {path: rest.split() for path, _, rest in parts}


def _name(path: str) -> str:
    return path.rpartition("/")[2].partition(".ko")[0].replace("-", "_")


def _unpacked(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(data)
    if path.suffix == ".zst":
        return build_tools.run_binary(["zstd", "-dcq", str(path)])
    return data
