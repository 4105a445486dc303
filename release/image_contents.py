"""Reads what a packed image holds: its size and checksum, its manifest, and the packages of its root."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from pathlib import Path

from checksums import sha256
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
# What on the boot partition is no program: texts, and descriptions of hardware.
_NO_PROGRAMS = (".dtb", ".dtbo", ".toml", ".txt")
# How unsquashfs -l begins each path.
_LISTED = "squashfs-root/"


@dataclass(frozen=True, slots=True)
class DebianPackage:
    """An installed package of Debian or of Raspberry Pi's archive."""

    name: str
    version: str
    architecture: str


@dataclass(frozen=True, slots=True)
class BootFile:
    """A program on the boot partition: firmware, a kernel, an initramfs. name: with its folder."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class RootContents:
    """The software in a root file system.

    codename: of the Debian release, such as bookworm.
    debian: ordered by name.
    kernels: releases as `uname -r` prints them, ordered.
    python: metadata of the Python packages that Debian does not have, ordered by name.
    """

    codename: str
    debian: tuple[DebianPackage, ...]
    kernels: tuple[str, ...]
    python: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class ImageContents:
    """A packed image.

    size, sha256: of the unpacked image, in bytes and hexadecimal.
    packed_size, packed_sha256: of the file.
    boot: ordered by name.
    """

    path: Path
    size: int
    sha256: str
    packed_size: int
    packed_sha256: str
    manifest: ImageManifest
    boot: tuple[BootFile, ...]
    root: RootContents


def read_contents(path: Path) -> ImageContents:
    """Read an image, and check it with the checksums and the block map beside it.

    Raises ReleaseError, FlashImageError, DeployError, FileAccessError, ProgramError, SettingsError.
    """
    image = read_image(path, _silent)
    pinned = PinnedFile(path)
    for _ in pinned.first_pass():
        pass
    with tempfile.TemporaryDirectory(prefix="nampedal-release-") as folder:
        manifest, boot, root = _copy_parts(pinned, Path(folder))
        contents = _read_root(root, path, Path(folder) / "root")
    return ImageContents(
        path, image.size, image.checksum, pinned.size, pinned.sha256, manifest=manifest, boot=boot, root=contents
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


def _copy_parts(pinned: PinnedFile, folder: Path) -> tuple[ImageManifest, tuple[BootFile, ...], Path]:
    """Read the manifest and the boot files of an image, and copy the root's file system out of it."""
    path, card, root, boot = pinned.path, folder / "card.img", folder / "root.squashfs", folder / "boot"
    boot.mkdir()
    with open_image(pinned) as reader:
        partitions = parse_partitions(str(path), b"".join(reader.read(SECTOR_BYTES)))
        copy_card(reader, partitions[0], card)
        build_tools.run(["mcopy", "-s", "-n", "-i", str(card), "::/", str(boot)])
        try:
            text = (boot / SLOTS[0] / MANIFEST_NAME).read_bytes()
        except FileNotFoundError as error:
            raise ReleaseError(f"{path}: has no {SLOTS[0]}/{MANIFEST_NAME}; it is no image of nampedal") from error
        manifest = read_manifest(text, f"{path}: {MANIFEST_NAME}")
        reader.go_to(partitions[1].start_bytes)
        with root.open("wb") as file:
            for data in reader.read(manifest.root_bytes):
                file.write(data)
    return manifest, _boot_files(boot), root


def _boot_files(folder: Path) -> tuple[BootFile, ...]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix not in _NO_PROGRAMS)
    return tuple(BootFile(path.relative_to(folder).as_posix(), sha256(path)) for path in files)


def _read_root(root: Path, where: Path, folder: Path) -> RootContents:
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
    return RootContents(
        codename=release.get("VERSION_CODENAME", "").strip('"'),
        debian=parse_status((folder / _STATUS).read_text(encoding="utf-8"), str(where)),
        kernels=tuple(sorted(kernels - {""})),
        python=tuple(sorted(python, key=lambda one: (one["Name"].lower(), one["Version"]))),
    )


@contextmanager
def _silent(name: str) -> Iterator[Callable[[int, int], None]]:
    yield lambda done, total: None
