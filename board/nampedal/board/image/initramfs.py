"""What the kernel starts from before it has a root: busybox, the modules that a card is read with, and a script.

Made on this computer, as a cpio archive in the format newc (linux, Documentation/driver-api/early-userspace/
buffer-format.rst): Debian's own way would take minutes of emulation.
"""

from __future__ import annotations

import lzma
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from nampedal.board.image import tools
from nampedal.board.image.errors import KernelError

# Of the card's controller, by board and emulator, and of the root's file system; what a kernel has built in is none.
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
class Entry:
    """Of an archive. mode: type and rights."""

    name: str
    mode: int
    data: bytes = b""


def initramfs(kernel_root: Path, version: str, busybox: Path) -> bytes:
    """kernel_root: holds usr/lib/modules/VERSION, with modules.dep. zstd inside. Raises KernelError, BuildToolError."""
    modules = list(_modules(kernel_root / "usr/lib/modules" / version))
    script = (resources.files("nampedal.board.image") / _SCRIPT).read_bytes()
    folders = ("bin", "dev", "modules", "proc", "root", "run", "sys")
    names = [f"modules/{name}" for name, _ in modules]
    entries = [
        *(Entry(name, stat.S_IFDIR | 0o755) for name in folders),
        Entry("bin/busybox", stat.S_IFREG | 0o755, busybox.read_bytes()),
        Entry("init", stat.S_IFREG | 0o755, script),
        Entry("modules/order", stat.S_IFREG | 0o644, "".join(f"/{name}\n" for name in names).encode()),
        *(Entry(f"modules/{name}", stat.S_IFREG | 0o644, data) for name, data in modules),
    ]
    return cpio(entries)


def cpio(entries: Iterable[Entry]) -> bytes:
    """Everything is root's, and of no time."""
    return b"".join(_packed(number, entry) for number, entry in enumerate((*entries, Entry("TRAILER!!!", 0)), 1))


def _packed(number: int, entry: Entry) -> bytes:
    name = entry.name.encode() + b"\0"
    links = 2 if stat.S_ISDIR(entry.mode) else 1
    # ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
    fields = (number, entry.mode, 0, 0, links, 0, len(entry.data), 0, 0, 0, 0, len(name), 0)
    header = b"070701" + b"".join(b"%08x" % field for field in fields)
    return _padded(header + name) + _padded(entry.data)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _modules(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Name and contents, each behind those that it needs."""
    needs = needs_of(folder)
    seen = set()
    for wanted in MODULES:
        for path in (path for path in needs if _name(path) == wanted):
            # modules.dep has the one that is needed by none of the others last (modules.dep(5)).
            for needed in (*reversed(needs[path]), path):
                if needed not in seen:
                    seen.add(needed)
                    yield f"{_name(needed)}.ko", _unpacked(folder / needed)


def needs_of(folder: Path) -> dict[str, list[str]]:
    """What each module needs, from modules.dep; paths from the folder on. Raises KernelError."""
    try:
        lines = (folder / "modules.dep").read_text().splitlines()
    except OSError as error:
        raise KernelError(f"{folder}: has no modules.dep: {error.strerror}") from error
    parts = (line.partition(":") for line in lines)
    return {path: rest.split() for path, _, rest in parts}


def _name(path: str) -> str:
    return path.rpartition("/")[2].partition(".ko")[0].replace("-", "_")


def _unpacked(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(data)
    if path.suffix == ".zst":
        return tools.run_binary(["zstd", "-dcq", str(path)])
    return data
