"""A wheel of nampedal: what it is for, what it needs, and its files."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from email import message_from_bytes
from importlib.metadata import distributions
from pathlib import Path

from nampedal.board.settings import reason
from nampedal.firmware.update.errors import (
    NotAWheelError,
    UpdateUnwritableError,
    WheelMachineError,
)
from nampedal.firmware.update.pinned import PinnedFile
from packaging.requirements import InvalidRequirement, Requirement
from packaging.tags import sys_tags
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion

SUFFIX = ".whl"
NAME = "nampedal"
# What a pedal has beside what the converter needs, too.
EXTRAS = ("", "pedal")
# No pedal has it.
CONVERTER = "nampedal/converter/"
# It is held in memory; one of nampedal has about 1 MB.
MOST_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class Wheel:
    """requires: as Requires-Dist says it.  data: the file's bytes."""

    path: Path
    version: str
    requires: tuple[str, ...]
    data: bytes = field(repr=False)


def read_wheel(pinned: PinnedFile) -> Wheel:
    """A whole one, for this machine and its Python.

    Raises UpdateUnreadableError, UpdateChangedError, NotAWheelError, WheelMachineError.
    """
    path = pinned.path
    try:
        name, version, _, tags = parse_wheel_filename(path.name)
    except (InvalidWheelFilename, InvalidVersion) as error:
        raise NotAWheelError(f"{path}: has no wheel's name; keep the name that it was built with") from error
    if name != NAME:
        raise NotAWheelError(f"{path}: is a wheel of {name}; one of {NAME} is needed")
    if not tags.intersection(sys_tags()):
        here = next(tag for tag in sys_tags() if "linux" in tag.platform)
        made = ", ".join(sorted(map(str, tags)))
        raise WheelMachineError(f"{path}: is made for {made}; this pedal is {here}: take the wheel for that")
    if pinned.size > MOST_BYTES:
        raise NotAWheelError(f"{path}: has {pinned.size:,} bytes; a wheel of {NAME} has at most {MOST_BYTES:,}")
    with pinned.second_pass() as file:
        data = file.read()
    metadata = f"{NAME}-{version}.dist-info/METADATA"
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            damaged = archive.testzip()
            if damaged is not None:
                raise NotAWheelError(f"{path}: is damaged at {damaged}; copy it again")
            requires = message_from_bytes(archive.read(metadata)).get_all("Requires-Dist", [])
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise NotAWheelError(f"{path}: is no wheel, or a part of one; copy it again") from error
    return Wheel(path, str(version), tuple(requires), data)


def unmet(requires: Iterable[str], paths: Iterable[Path]) -> list[str]:
    """Which of these requirements no package in these folders meets, as texts. paths: as sys.path.

    Raises NotAWheelError where one is none.
    """
    have: dict[str, str] = {}
    for found in distributions(path=list(map(str, paths))):
        # The first counts, as it does for an import.
        have.setdefault(canonicalize_name(found.metadata["Name"]), found.version)
    lacks = []
    for text in requires:
        try:
            wanted = Requirement(text)
        except InvalidRequirement as error:
            raise NotAWheelError(f"requirement {text!r}: can't be read; build the wheel again") from error
        here = wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in EXTRAS)
        version = have.get(canonicalize_name(wanted.name))
        if here and (version is None or not wanted.specifier.contains(version, prereleases=True)):
            lacks.append(f"{wanted.name}{wanted.specifier}")
    return lacks


def version_in(packages: Path) -> str:
    """Of the nampedal in a folder of packages; empty: there is none."""
    return next((found.version for found in distributions(name=NAME, path=[str(packages)])), "")


def requires_in(packages: Path) -> list[str]:
    """What the nampedal in a folder of packages requires."""
    return next((found.requires or [] for found in distributions(name=NAME, path=[str(packages)])), [])


def replace_in(packages: Path, wheel: Wheel) -> None:
    """Puts the wheel's files into a folder of packages, in place of the nampedal that is there.

    Raises UpdateUnwritableError.
    """
    try:
        for old in (packages / NAME, *packages.glob(f"{NAME}-*.dist-info")):
            shutil.rmtree(old)
        with zipfile.ZipFile(io.BytesIO(wheel.data)) as archive:
            inside = (
                name for name in archive.namelist() if not name.startswith((CONVERTER, f"{NAME}-{wheel.version}.data/"))
            )
            archive.extractall(packages, inside)
    except OSError as error:
        raise UpdateUnwritableError(f"{packages}: can't be written: {reason(error)}") from error
