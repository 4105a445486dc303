"""A capture: what was measured of an amplifier or pedal, in one or more sizes, and where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from nampedal.firmware.network import Network
from numpy.typing import NDArray

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


@dataclass(frozen=True, slots=True)
class Proof:
    """What a tier as stored is against its float32 original, both played exactly, on `material`.

    dBA: A-weighted, of the material's last two seconds, a decay to silence, against what came before.
    noise_floor, loudness, peak: of the tier; source_noise_floor: of its original.
    """

    material: str
    esr: float
    pre_emphasised_esr: float
    a_weighted_esr: float
    max_error: float
    mr_stft_distance: float
    decay_error_dba: float
    noise_floor_dba: float
    source_noise_floor_dba: float
    loudness_lufs: float
    peak_dbfs: float


@dataclass(frozen=True, slots=True, eq=False)
class Golden:
    """What a tier must answer to the capture's golden input: output (frames, out_channels), within the tolerance.

    sample_rate: Hz, the capture's when it was made.
    """

    output: NDArray[np.float32]
    tolerance: float
    sample_rate: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the weights were rounded with. beyond: what becomes of input above the peak."""

    material: str
    peak_dbfs: float
    beyond: str


@dataclass(frozen=True, slots=True, eq=False)
class Tier:
    """One size of a capture.

    size_below: played when a slimmable size below this is asked for; the full tier's is above 1.
    parameters: numbers in the .nam for this size.  proof, golden: None where nobody measured.
    likeness: what a smaller size is against the original of the full one; None where nobody measured.
    """

    network: Network
    parameters: int
    size_below: float = float("inf")
    proof: Proof | None = None
    golden: Golden | None = None
    likeness: Proof | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Capture:
    """tiers: full first, each smaller than the one before.  sample_rate: Hz.  precision: 'f32' or 'w8'.

    golden_input: (frames,), for every tier that has a Golden.
    """

    source: Source
    sample_rate: float
    tiers: tuple[Tier, ...]
    precision: str = "f32"
    calibration: Calibration | None = None
    golden_input: NDArray[np.float32] | None = None

    def tier_for_size(self, size: float) -> int:
        """Index of the tier that NeuralAmpModelerCore would play for this slimmable size in [0, 1]."""
        return max(i for i, tier in enumerate(self.tiers) if size < tier.size_below or i == 0)
