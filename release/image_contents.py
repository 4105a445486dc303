"""Reads what a packed image holds: its size and checksum, its manifest, and the packages of its root."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from pathlib import Path

from errors import ReleaseError
from nampedal.firmware.system.flash.image_reader import read_image
from nampedal.firmware.system.image.image_manifest import MANIFEST_NAME, SLOTS, ImageManifest, read_manifest
from nampedal.firmware.system.image.mbr import SECTOR_BYTES
from nampedal.firmware.system.image.sources import build_tools
from nampedal.firmware.system.update.image_file import copy_card, open_image, parse_partitions
from nampedal.firmware.system.update.pinned_file import PinnedFile

_STATUS = "var/lib/dpkg/status"
_OS_RELEASE = "usr/lib/os-release"
_MODULES = "usr/lib/modules/"
# How unsquashfs -l begins each path.
_LISTED = "squashfs-root/"


@dataclass(frozen=True, slots=True)
class DebianPackage:
    """An installed package of Debian or of Raspberry Pi's archive."""

    name: str
    version: str
    architecture: str


@dataclass(frozen=True, slots=True)
class ImageContents:
    """A packed image.

    size, sha256: of the unpacked image, in bytes and hexadecimal.
    packed_size, packed_sha256: of the file.
    codename: of the Debian release, such as bookworm.
    debian: ordered by name.
    kernels: releases as `uname -r` prints them, ordered.
    python: metadata of the Python packages that Debian does not have, ordered by name.
    """

    path: Path
    size: int
    sha256: str
    packed_size: int
    packed_sha256: str
    manifest: ImageManifest
    codename: str
    debian: tuple[DebianPackage, ...]
    kernels: tuple[str, ...]
    python: tuple[Message, ...]


def read_contents(path: Path) -> ImageContents:
    """Read an image, and check it with the checksums and the block map beside it.

    Raises ReleaseError, FlashImageError, DeployError, FileAccessError, ProgramError, SettingsError.
    """
    image = read_image(path, _silent)
    pinned = PinnedFile(path)
    for _ in pinned.first_pass():
        pass
    with tempfile.TemporaryDirectory(prefix="nampedal-release-") as folder:
        manifest, root = _copy_parts(pinned, Path(folder))
        codename, debian, kernels, python = _read_root(root, path, Path(folder) / "root")
    return ImageContents(
        *(path, image.size, image.checksum, pinned.size, pinned.sha256),
        *(manifest, codename, debian, kernels, python),
    )


def parse_status(text: str, where: str) -> tuple[DebianPackage, ...]:
    """Return the installed packages in dpkg's status file, ordered by name. Raises ReleaseError if there are none."""
    found = set()
    for block in text.split("\n\n"):
        fields = Parser().parsestr(block.strip())
        if fields.get("Status", "").split()[-1:] == ["installed"]:
            found.add((fields["Package"], fields["Version"], fields["Architecture"]))
    if not found:
        raise ReleaseError(f"{where}: its root has no list of Debian packages; build the image again")
    return tuple(DebianPackage(*one) for one in sorted(found))


def _copy_parts(pinned: PinnedFile, folder: Path) -> tuple[ImageManifest, Path]:
    """Copy the first partition and the root's file system out of an image; return the manifest and the root."""
    path, card, root = pinned.path, folder / "card.img", folder / "root.squashfs"
    with open_image(pinned) as reader:
        partitions = parse_partitions(str(path), b"".join(reader.read(SECTOR_BYTES)))
        copy_card(reader, partitions[0], card)
        text = build_tools.run_binary(["mtype", "-i", str(card), f"::{SLOTS[0]}/{MANIFEST_NAME}"])
        manifest = read_manifest(text, f"{path}: {MANIFEST_NAME}")
        reader.go_to(partitions[1].start_bytes)
        with root.open("wb") as file:
            for data in reader.read(manifest.root_bytes):
                file.write(data)
    return manifest, root


def _read_root(
    root: Path, where: Path, folder: Path
) -> tuple[str, tuple[DebianPackage, ...], tuple[str, ...], tuple[Message, ...]]:
    listed = build_tools.run(["unsquashfs", "-no-progress", "-l", str(root)]).splitlines()
    names = [line.removeprefix(_LISTED) for line in listed if line.startswith(_LISTED)]
    kernels = {name.removeprefix(_MODULES).partition("/")[0] for name in names if name.startswith(_MODULES)}
    # Debian's own Python packages are in usr/lib/python3, and in dpkg's list.
    metadata = [
        name for name in names if name.endswith(".dist-info/METADATA") and not name.startswith("usr/lib/python3/")
    ]
    wanted = [name for name in (_STATUS, _OS_RELEASE) if name in names] + metadata
    if _STATUS not in wanted or _OS_RELEASE not in wanted:
        raise ReleaseError(f"{where}: its root has no {_STATUS} or no {_OS_RELEASE}; build the image again")
    build_tools.run(["unsquashfs", "-no-progress", "-quiet", "-no-xattrs", "-d", str(folder), str(root), *wanted])
    release = dict(
        line.split("=", 1) for line in (folder / _OS_RELEASE).read_text(encoding="utf-8").splitlines() if "=" in line
    )
    python = [Parser().parsestr((folder / name).read_text(encoding="utf-8"), headersonly=True) for name in metadata]
    return (
        release.get("VERSION_CODENAME", "").strip('"'),
        parse_status((folder / _STATUS).read_text(encoding="utf-8"), str(where)),
        tuple(sorted(kernels - {""})),
        tuple(sorted(python, key=lambda one: (one["Name"].lower(), one["Version"]))),
    )


@contextmanager
def _silent(name: str) -> Iterator[Callable[[int, int], None]]:
    yield lambda done, total: None
