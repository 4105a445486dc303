"""Writes and signs SHA256SUMS, the list of a release's files."""

from __future__ import annotations

import hashlib
from pathlib import Path

from nampedal.firmware.base.files import signature
from nampedal.firmware.base.files.atomic_write import write_atomically
from release_folder import CHECKSUMS, ReleaseFolder

# The namespace of the list's signature. It is none that a pedal takes, so a list is never taken for an update.
RELEASE = "nampedal-release"


def sign_files(release: ReleaseFolder, key: Path) -> list[Path]:
    """Sign the wheels and images, which pedals check before an update. Return the signatures.

    Raises SignatureError, ProgramError, FileAccessError.
    """
    return [signature.sign(path, key, signature.UPDATE) for path in (*release.wheels, *release.images)]


def write_checksums(folder: Path) -> Path:
    """Write SHA256SUMS of all files in a folder, in the format of sha256sum, ordered by name. Return its path."""
    target = folder / CHECKSUMS
    own = (CHECKSUMS, f"{CHECKSUMS}{signature.SUFFIX}")
    files = sorted((path for path in folder.iterdir() if path.name not in own), key=lambda path: path.name)
    write_atomically("".join(f"{sha256(path)}  {path.name}\n" for path in files).encode(), target)
    return target


def sign_checksums(folder: Path, key: Path) -> Path:
    """Sign SHA256SUMS. Return the signature. Raises SignatureError, ProgramError, FileAccessError."""
    return signature.sign(folder / CHECKSUMS, key, RELEASE)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
