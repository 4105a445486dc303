"""Reads and writes the image manifest: a TOML file in each slot folder (A/, B/) of the boot partition.

A slot folder holds the kernel and what belongs to it; the slot's root file system is a partition of its own.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass

from nampedal.firmware.base.errors import SettingValueError
from nampedal.firmware.base.files.toml_schema import (
    Values,
    check_format,
    check_keys,
    load_toml,
    number_of,
    text_of,
    to_toml,
)

FORMAT = 1
MANIFEST_NAME = "nampedal-image.toml"
# Slot folders of the boot partition, in the order of the root partitions: the second and the third.
SLOTS = ("A", "B")
MAX_ROOT_BYTES = 1 << 40
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ImageManifest:
    """The contents of the manifest.

    version: of nampedal.
    base: raspios or debian.
    machine: as `uname -m` prints it, such as aarch64.
    pedal: the NAMPEDAL_PEDAL that the image was built for.
    root_bytes, root_sha256: of the root file system, without the unused rest of its partition.
    """

    version: str
    base: str
    machine: str
    pedal: str
    root_bytes: int
    root_sha256: str


def dump_manifest(facts: ImageManifest) -> bytes:
    """Return the contents of the manifest file."""
    return to_toml({"format": FORMAT, **asdict(facts)})


def read_manifest(data: bytes, where: str) -> ImageManifest:
    """Parse a manifest. where: its name in messages.

    Raises SettingsError; NewerFormatError if only a newer nampedal can use the image.
    """
    values: Values = load_toml(where, data)
    check_format(where, values, FORMAT)
    texts = ("version", "base", "machine", "pedal")
    check_keys(where, "", values, ("format", *texts, "root_bytes", "root_sha256"))
    sha256 = text_of(where, "root_sha256", values)
    if _SHA256.fullmatch(sha256) is None:
        raise SettingValueError(f"{where}: root_sha256: is {sha256!r}; 64 of 0 to 9 and a to f are needed")
    root_bytes = int(number_of(where, "root_bytes", values, (1, MAX_ROOT_BYTES), whole=True))
    version, base, machine, pedal = (text_of(where, key, values) for key in texts)
    return ImageManifest(version, base, machine, pedal, root_bytes, sha256)
