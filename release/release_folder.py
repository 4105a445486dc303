"""Sorts the files of a release: wheels, the source distribution, images, and what belongs to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from errors import ReleaseError
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

PROJECT = "nampedal"
PACKED = ".img.zst"
# What the tool itself writes, and what lies beside an image; another run replaces its own files.
CHECKSUMS = "SHA256SUMS"
SBOM_SUFFIX = ".cdx.json"
SIGNATURE_SUFFIX = ".sig"
IMAGER_LIST = "nampedal.rpi-imager-manifest"
ICON = "nampedal-icon.svg"


@dataclass(frozen=True, slots=True)
class ReleaseFolder:
    """The files of a release, sorted by name.

    version: as in the file names.
    images: packed images, each with its block map beside it.
    """

    folder: Path
    version: str
    wheels: tuple[Path, ...]
    sdist: Path
    images: tuple[Path, ...]

    def packages(self) -> tuple[Path, ...]:
        """Return what goes to PyPI: the source distribution and the wheels."""
        return (self.sdist, *self.wheels)


def sort_folder(folder: Path) -> ReleaseFolder:
    """Sort the files of a folder. Raises ReleaseError if one does not belong into a release, or one is missing."""
    if not folder.is_dir():
        raise ReleaseError(f"{folder}: is no folder; name the one with the wheels")
    files = sorted(path for path in folder.iterdir())
    wheels = tuple(path for path in files if path.suffix == ".whl")
    sdists = [path for path in files if path.name.endswith(".tar.gz")]
    images = tuple(path for path in files if path.name.endswith(PACKED))
    if not wheels:
        raise ReleaseError(f"{folder}: holds no wheel; a release has at least one")
    if len(sdists) != 1:
        raise ReleaseError(f"{folder}: holds {len(sdists)} source distributions (.tar.gz); a release has one")
    versions = {path.name: _version(path) for path in (*wheels, *sdists)}
    if len(set(versions.values())) != 1:
        told = ", ".join(f"{name} is {version}" for name, version in versions.items())
        raise ReleaseError(f"{folder}: holds more than one version: {told}; remove the old files")
    version = versions[sdists[0].name]
    if version.is_devrelease or version.local is not None:
        raise ReleaseError(f"{sdists[0]}: is of version {version}, between two tags; a release is made at a tag")
    _check_rest(folder, files, {*wheels, *sdists, *images}, images)
    return ReleaseFolder(folder, str(version), wheels, sdists[0], images)


def image_stem(image: Path) -> str:
    """Return the name of an image without .img.zst."""
    return image.name.removesuffix(PACKED)


def bmap_path(image: Path) -> Path:
    """Return the path of the block map of a packed image."""
    return image.with_name(f"{image_stem(image)}.img.bmap")


def _version(path: Path) -> Version:
    try:
        if path.suffix == ".whl":
            name, version, _, _ = parse_wheel_filename(path.name)
        else:
            name, version = parse_sdist_filename(path.name)
    except (InvalidWheelFilename, InvalidSdistFilename) as error:
        raise ReleaseError(f"{path}: has no name of a package: {error}") from error
    if name != canonicalize_name(PROJECT):
        raise ReleaseError(f"{path}: is of the project {name}; only {PROJECT} is released")
    return version


def _check_rest(folder: Path, files: Iterable[Path], known: set[Path], images: Iterable[Path]) -> None:
    allowed = {folder / name for name in (CHECKSUMS, IMAGER_LIST, ICON)}
    for image in images:
        stem = image_stem(image)
        allowed |= {folder / f"{stem}.img{suffix}" for suffix in (".bmap", ".sha256", ".zst.sha256")}
        if not bmap_path(image).is_file():
            raise ReleaseError(f"{image}: has no block map {bmap_path(image).name} beside it; build the image again")
    for path in files:
        if path.name.endswith(SBOM_SUFFIX) or path in known | allowed:
            continue
        if path.name.endswith(SIGNATURE_SUFFIX) and path.with_name(path.name.removesuffix(".sig")) in known | allowed:
            continue
        advice = "an image is released packed, as .img.zst; " if path.suffix == ".img" else ""
        raise ReleaseError(f"{path}: does not belong into a release; {advice}remove it")
