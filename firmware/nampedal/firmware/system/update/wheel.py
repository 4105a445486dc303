"""Reads and checks a wheel of nampedal: its platform, its requirements, its files."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from email import message_from_bytes
from importlib.metadata import distributions
from pathlib import Path

from nampedal.firmware.base.errors import DeployError, FileAccessError
from nampedal.firmware.base.files.toml_schema import os_error_text
from nampedal.firmware.presets.banks.bank_archive import NO_ZIP
from nampedal.firmware.system.install.steps.site_packages import CONVERTER
from nampedal.firmware.system.update.pinned_file import PinnedFile
from packaging.requirements import InvalidRequirement, Requirement
from packaging.tags import sys_tags
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion

NAME = "nampedal"
# The extras that are installed on a pedal: none, and "pedal".
EXTRAS = ("", "pedal")
# The wheel is held in memory. A wheel of nampedal has about 1 MB.
MAX_BYTES = 32 << 20
# Limits of all its files, unpacked, and of its METADATA file.
MAX_UNPACKED_BYTES = 256 << 20
MAX_METADATA_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel in memory. requires: its Requires-Dist entries.  data: the file's bytes."""

    path: Path
    version: str
    requires: tuple[str, ...]
    data: bytes = field(repr=False)


def read_wheel(pinned: PinnedFile) -> Wheel:
    """Read a wheel and check that it is whole and made for this machine and its Python.

    Raises FileAccessError, DeployError.
    """
    path = pinned.path
    try:
        name, version, _, tags = parse_wheel_filename(path.name)
    except (InvalidWheelFilename, InvalidVersion) as error:
        raise DeployError(f"{path}: has no wheel's name; keep the name that it was built with") from error
    if name != NAME:
        raise DeployError(f"{path}: is a wheel of {name}; one of {NAME} is needed")
    if not tags.intersection(sys_tags()):
        here = next(tag for tag in sys_tags() if "linux" in tag.platform)
        made = ", ".join(sorted(map(str, tags)))
        raise DeployError(f"{path}: is made for {made}; this pedal is {here}: take the wheel for that")
    if pinned.size > MAX_BYTES:
        raise DeployError(f"{path}: has {pinned.size:,} bytes; a wheel of {NAME} has at most {MAX_BYTES:,}")
    with pinned.second_pass() as file:
        data = file.read()
    metadata = f"{NAME}-{version}.dist-info/METADATA"
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_members(path, archive)
            with archive.open(metadata) as member:
                text = member.read(MAX_METADATA_BYTES)
    except (*NO_ZIP, OSError, KeyError) as error:
        raise DeployError(f"{path}: is no wheel, or a part of one; copy it again") from error
    # A value with non-ASCII text is a Header object, not a str.
    requires = tuple(map(str, message_from_bytes(text).get_all("Requires-Dist", [])))
    return Wheel(path, str(version), requires, data)


def _check_members(path: Path, archive: zipfile.ZipFile) -> None:
    """Check that all members can be unpacked and are not too large. Raises DeployError, and zipfile's errors."""
    infos = archive.infolist()
    size = sum(info.file_size for info in infos)
    if size > MAX_UNPACKED_BYTES:
        raise DeployError(f"{path}: unpacks to {size:,} bytes; a wheel of {NAME} has at most {MAX_UNPACKED_BYTES:,}")
    if any(info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for info in infos):
        raise DeployError(f"{path}: is packed in a way that no wheel is; build it again")
    damaged = archive.testzip()
    if damaged is not None:
        raise DeployError(f"{path}: is damaged at {damaged if damaged.isprintable() else repr(damaged)}; copy it again")


def unmet(requires: Iterable[str], paths: Iterable[Path]) -> list[str]:
    """Return the requirements that no package in these folders meets. paths: folders, as in sys.path.

    Raises DeployError if a requirement can't be parsed.
    """
    have: dict[str, str] = {}
    for found in distributions(path=list(map(str, paths))):
        # The first folder wins, as in an import.
        have.setdefault(canonicalize_name(found.metadata["Name"]), found.version)
    lacks = []
    for text in requires:
        try:
            wanted = Requirement(text)
        except InvalidRequirement as error:
            raise DeployError(f"requirement {text!r}: can't be read; build the wheel again") from error
        here = wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in EXTRAS)
        version = have.get(canonicalize_name(wanted.name))
        if here and (version is None or not wanted.specifier.contains(version, prereleases=True)):
            lacks.append(f"{wanted.name}{wanted.specifier}")
    return lacks


def version_in(packages: Path) -> str:
    """Return the version of the nampedal in a folder of packages; empty if there is none."""
    return next((found.version for found in distributions(name=NAME, path=[str(packages)])), "")


def requires_in(packages: Path) -> list[str]:
    """Return the requirements of the nampedal in a folder of packages."""
    return next((found.requires or [] for found in distributions(name=NAME, path=[str(packages)])), [])


def replace_in(packages: Path, wheel: Wheel) -> None:
    """Replace the nampedal in a folder of packages by the wheel's files, without the converter.

    Raises FileAccessError.
    """
    try:
        for old in (packages / NAME, *packages.glob(f"{NAME}-*.dist-info")):
            shutil.rmtree(old)
        with zipfile.ZipFile(io.BytesIO(wheel.data)) as archive:
            inside = (
                name
                for name in archive.namelist()
                if not name.startswith((*CONVERTER, f"{NAME}-{wheel.version}.data/"))
            )
            archive.extractall(packages, inside)
    except OSError as error:
        raise FileAccessError(f"{packages}: can't be written: {os_error_text(error)}") from error
