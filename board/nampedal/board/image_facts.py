"""What an image says of itself: a TOML file in each folder of its card that a system is started from.

Such a folder (`A/`, `B/`) holds the kernel and what belongs to it; its root file system is a partition of its own.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass

from nampedal.board.errors import SettingValueError
from nampedal.board.settings import Values, check_format, check_keys, load_toml, number_of, text_of, to_toml

FORMAT = 1
NAME = "nampedal-image.toml"
# Folders of the card, in the order of the root partitions: the second and the third.
SLOTS = ("A", "B")
MOST_ROOT_BYTES = 1 << 40
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """version: of nampedal.  base: raspios or debian.  machine: as `uname -m` says, like aarch64.

    pedal: the NAMPEDAL_PEDAL that it was built for.  root_bytes, root_sha256: of the root file system, without what
    fills up its partition.
    """

    version: str
    base: str
    machine: str
    pedal: str
    root_bytes: int
    root_sha256: str


def write_facts(facts: ImageFacts) -> bytes:
    """The contents of the file."""
    return to_toml({"format": FORMAT, **asdict(facts)})


def read_facts(data: bytes, where: str) -> ImageFacts:
    """Raises SettingsError; NewerFormatError where only a newer nampedal can take the image."""
    values: Values = load_toml(where, data)
    check_format(where, values, FORMAT)
    texts = ("version", "base", "machine", "pedal")
    check_keys(where, "", values, ("format", *texts, "root_bytes", "root_sha256"))
    sha256 = text_of(where, "root_sha256", values)
    if _SHA256.fullmatch(sha256) is None:
        raise SettingValueError(f"{where}: root_sha256: is {sha256!r}; 64 of 0 to 9 and a to f are needed")
    root_bytes = int(number_of(where, "root_bytes", values, (1, MOST_ROOT_BYTES), whole=True))
    version, base, machine, pedal = (text_of(where, key, values) for key in texts)
    return ImageFacts(version, base, machine, pedal, root_bytes, sha256)
