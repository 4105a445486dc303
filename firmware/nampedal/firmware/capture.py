"""A capture: what was measured of an amplifier or pedal, in one or more sizes, and where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nampedal.firmware.network import Network

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """The .nam that a capture was read from.

    sha256: of the file, hexadecimal.  version, architecture: as the file names them.  metadata: the file's own.
    """

    file_name: str
    sha256: str
    version: str
    architecture: str
    metadata: Json = field(default_factory=dict)

    def number(self, key: str) -> float | None:
        """A number of the metadata (`loudness`, `input_level_dbu`, ...); None where it is absent or no number."""
        value = self.metadata.get(key)
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    def text(self, key: str) -> str | None:
        value = self.metadata.get(key)
        return value if isinstance(value, str) and value else None


@dataclass(frozen=True, slots=True, eq=False)
class Tier:
    """One size of a capture.

    size_below: played when a slimmable size below this is asked for; the full tier's is above 1.
    parameters: numbers in the .nam for this size.  esr: of this tier as stored against its float32 original, on
    `esr_material`; None: not measured.
    """

    network: Network
    parameters: int
    size_below: float = float("inf")
    esr: float | None = None
    esr_material: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Capture:
    """tiers: full first, each smaller than the one before.  sample_rate: Hz.  precision: 'f32' or 'w8'."""

    source: Source
    sample_rate: float
    tiers: tuple[Tier, ...]
    precision: str = "f32"

    def tier_for_size(self, size: float) -> int:
        """Index of the tier that NeuralAmpModelerCore would play for this slimmable size in [0, 1]."""
        return max(i for i, tier in enumerate(self.tiers) if size < tier.size_below or i == 0)
