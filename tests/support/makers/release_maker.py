"""Makes the files that a release is made of: small wheels, a source distribution, and small images of a card."""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest
from conftest import ROOT
from nampedal.firmware.system.image import disk_layout, mbr
from nampedal.firmware.system.image.image_manifest import MANIFEST_NAME, ImageManifest, dump_manifest
from nampedal.firmware.system.image.mbr import Partition

MIB = 1 << 20
SECTORS = MIB // mbr.SECTOR_BYTES
PROGRAMS = ("bmaptool", "mcopy", "mkfs.vfat", "mksquashfs", "unsquashfs", "zstd")
NATIVES = {
    "FlatBuffers": "2.0.8",
    "GCC's runtime libraries, libstdc++ and libgcc": "12.2.0",
    "KissFFT": "131.1.0",
    "nanobind": "3.1.0",
    "zlib": "1.2.13",
}
STATUS = """\
Package: bash
Status: install ok installed
Architecture: arm64
Version: 5.2.15-2+b7
Description: GNU Bourne Again SHell
 A shell.

Package: removed
Status: deinstall ok config-files
Architecture: arm64
Version: 1

Package: linux-firmware
Status: install ok installed
Architecture: all
Version: 1:20230625-2+rpt3
"""


def skip_without_programs() -> None:
    """Skip the test if a program that makes images is missing."""
    path = "/usr/sbin:/sbin"
    missing = [name for name in PROGRAMS if shutil.which(name) is None and shutil.which(name, path=path) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


def make_wheel(folder: Path, version: str, tag: str = "cp311-cp311-manylinux_2_28_x86_64", **changes: str) -> Path:
    """Write a wheel that has nothing but metadata. changes: replaced texts, as of a requirement."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [
        "Metadata-Version: 2.4",
        f"Name: {project['name']}",
        f"Version: {version}",
        f"Summary: {project['description']}",
        f"License-Expression: {project['license']}",
        *(f"Requires-Dist: {one}" for one in project["dependencies"]),
        "Requires-Dist: torch>=2.4; extra == 'slim'",
    ]
    text = "\n".join(lines) + "\n\n"
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    path = folder / f"nampedal-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo(f"nampedal-{version}.dist-info/METADATA"), text)
    return path


def make_sdist(folder: Path, version: str) -> Path:
    """Write a file in the place of a source distribution, which nothing reads."""
    path = folder / f"nampedal-{version}.tar.gz"
    path.write_bytes(b"source")
    return path


def make_image(folder: Path, name: str, version: str, pedal: str = "pi-4-dac-adc", status: str = STATUS) -> Path:
    """Write a packed image with the files beside it, as 'nampedal image build' does, only smaller. Return it.

    Its root has a list of Debian packages, a kernel's modules and a Python package.
    """
    work = folder / f".{name}"
    root = work / "root"
    for path, text in {
        "var/lib/dpkg/status": status,
        "usr/lib/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_CODENAME=bookworm\n',
        "usr/lib/modules/6.12.34+rpt-rpi-v8/modules.dep": "",
        "opt/nampedal/runtime/nampedal-1.2.3.dist-info/METADATA": "Name: nampedal\nVersion: 1.2.3\n"
        "License-Expression: MIT\n",
        "usr/lib/python3/dist-packages/click-8.1.3.dist-info/METADATA": "Name: click\nVersion: 8.1.3\n",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    squashed = work / "root.squashfs"
    quiet = ("-noappend", "-no-progress", "-quiet", "-all-root")
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "0"}
    subprocess.run(["mksquashfs", root, squashed, *quiet], env=environment, check=True, capture_output=True)
    data = squashed.read_bytes()
    facts = ImageManifest(version, "raspios", "aarch64", pedal, len(data), sha256(data).hexdigest())
    (work / "A").mkdir()
    (work / "A" / MANIFEST_NAME).write_bytes(dump_manifest(facts))
    (work / "A" / "kernel8.img").write_bytes(b"kernel")
    (work / "config.txt").write_text("os_prefix=A/\n")
    parts = (
        Partition(1 * SECTORS, 4 * SECTORS, mbr.FAT32_LBA, bootable=True),
        *(Partition((5 + 2 * slot) * SECTORS, 2 * SECTORS, mbr.LINUX) for slot in range(2)),
        Partition(9 * SECTORS, SECTORS, mbr.LINUX),
    )
    card = work / "card.fat"
    card.write_bytes(bytes(parts[0].size_bytes))
    make = ["mkfs.vfat", "--invariant", str(card)]
    subprocess.run(make, check=True, capture_output=True, env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"})
    subprocess.run(["mcopy", "-s", "-i", card, work / "A", work / "config.txt", "::/"], check=True, capture_output=True)
    image = folder / f"{name}.img"
    with image.open("wb") as file:
        file.truncate(10 * MIB)
        file.write(mbr.pack(1, parts))
        for part, content in ((parts[0], card.read_bytes()), (parts[1], data)):
            file.seek(part.start_bytes)
            file.write(content)
    packed = disk_layout.compress(image)[0]
    image.unlink()
    shutil.rmtree(work)
    return packed
