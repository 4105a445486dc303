"""Makes a release of a folder with wheels, a source distribution and images.

    python release/make_release.py dist/release --key KEY

Beside the files it writes signatures, the bills of materials, the file for Raspberry Pi Imager, and SHA256SUMS with its
signature. The same files and the same key give the same bytes, if the key is of a type whose signatures are: Ed25519.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import changelog
import checksums
import imager_list
import native_libraries
import python_packages
import sbom
from errors import ReleaseError
from image_contents import ImageContents, read_contents
from nampedal.firmware.base.errors import NampedalError
from nampedal.firmware.base.files import signature
from nampedal.firmware.base.files.atomic_write import write_atomically
from release_folder import (
    ICON,
    IMAGER_LIST,
    PROJECT,
    SBOM_SUFFIX,
    SIGNATURE_SUFFIX,
    ReleaseFolder,
    image_stem,
    sort_folder,
)

ROOT = Path(__file__).resolve().parents[1]


def make_release(
    folder: Path,
    key: Path | None,
    natives: dict[str, str],
    say: Callable[[str], None],
    *,
    trial: bool = False,
    history: Path = changelog.CHANGELOG,
) -> None:
    """Write all that belongs to a release into its folder.

    key: signs it; None: it is not signed.
    natives: versions of the libraries in the engine, by name.
    trial: the changelog need not have a section of this version.
    Raises NampedalError.
    """
    release = sort_folder(folder)
    day = release_day(release.version, changelog.read(history), history.name, trial=trial)
    epoch = source_date_epoch(day)
    if key is not None:
        signature.check_key(key)
    native_libraries.check_names((ROOT / "THIRD-PARTY-LICENSES.txt").read_text(encoding="utf-8"))
    packages = python_packages.read_table()
    say(f"a release of {release.version}, {day}: {len(release.wheels)} wheels, {len(release.images)} images")
    _remove_own(release)
    documents = {f"{PROJECT}-{release.version}{SBOM_SUFFIX}": sbom.of_packages(release, packages, natives, epoch)}
    contents = []
    for image in release.images:
        say(f"reading {image.name}")
        one = read_contents(image)
        _check_image(one, release)
        contents.append(one)
        documents[f"{image_stem(image)}{SBOM_SUFFIX}"] = sbom.of_image(one, natives, epoch)
    if contents:
        documents[IMAGER_LIST] = imager_list.make_list(contents, day)
        shutil.copyfile(ROOT / "release" / "icon.svg", folder / ICON)
    for name, data in documents.items():
        write_atomically(data, folder / name)
    if key is not None:
        say(f"signing with {signature.read_public_key(key).name}")
        checksums.sign_files(release, key)
    else:
        say("not signed: no --key")
    checksums.write_checksums(folder)
    if key is not None:
        checksums.sign_checksums(folder, key)
    for path in sorted(folder.iterdir()):
        say(f"{path.name}: {path.stat().st_size:,} bytes")


def release_day(version: str, sections: tuple[changelog.Section, ...], where: str, *, trial: bool) -> date:
    """Return the day of a release: that of its section in the changelog, or of SOURCE_DATE_EPOCH for a trial.

    Raises ReleaseError.
    """
    if trial and all(one.name != version for one in sections):
        return datetime.fromtimestamp(source_date_epoch(date(1980, 1, 1)), UTC).date()
    day = changelog.released(sections, version, where).day
    assert day is not None
    return day


def source_date_epoch(day: date) -> int:
    """Return the time that the files state, in seconds since 1970: SOURCE_DATE_EPOCH, or the start of the day."""
    text = os.environ.get("SOURCE_DATE_EPOCH", "")
    if text.isdecimal():
        return int(text)
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _remove_own(release: ReleaseFolder) -> None:
    """Remove what an earlier run wrote, and all signatures: they are made anew, or the release is not signed."""
    for path in release.folder.iterdir():
        if path.name.endswith((SBOM_SUFFIX, SIGNATURE_SUFFIX)) or path.name in (IMAGER_LIST, ICON):
            path.unlink()


def _check_image(image: ImageContents, release: ReleaseFolder) -> None:
    if image.manifest.version != release.version:
        raise ReleaseError(
            f"{image.path}: has nampedal {image.manifest.version}; the release is {release.version}: build it again"
        )
    if f"-{release.version}" not in image_stem(image.path):
        raise ReleaseError(
            f"{image.path}: has no version in its name; {image_stem(image.path)}-{release.version}.img.zst has one"
        )


def main() -> None:
    """Make a release."""
    parser = argparse.ArgumentParser(description="Make a release of a folder with wheels, an sdist and images.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--key", type=Path, help="an SSH key that signs it; Ed25519 gives the same bytes each time")
    parser.add_argument(
        "--native-versions",
        type=Path,
        metavar="FILE.toml",
        help="versions of the libraries in the engine; default: those installed here",
    )
    parser.add_argument("--trial", action="store_true", help="CHANGELOG.md need not have a section of this version")
    options = parser.parse_args()
    try:
        versions = options.native_versions
        natives = native_libraries.read_versions(versions) if versions else native_libraries.versions_here()
        make_release(options.folder, options.key, natives, print, trial=options.trial)
    except NampedalError as error:
        sys.exit(f"release: {error}")


if __name__ == "__main__":
    main()
