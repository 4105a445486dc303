"""Defines a capture: the model of an amplifier or pedal, in one or more sizes (tiers), with its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from nampedal.firmware.engine.network import Network
from numpy.typing import NDArray

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StatedNumber:
    """A number that a file states. value: None if it is unknown; `reason` then says why."""

    value: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LevelRange:
    """Allowed range of a level, ends included. A value outside is treated as unknown: a placeholder or a mistake."""

    low: float
    high: float
    unit: str

    def read(self, key: str, value: object) -> StatedNumber:
        """Check a level from a file. value: of any type; None if the file does not state it."""
        if value is None:
            return StatedNumber(None, f"{key} is not stated")
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return StatedNumber(None, f"{key} is {_short(value)}; a number is needed")
        # Compared before the conversion to float: an integer can be too large for a float.
        if not self.low <= value <= self.high:
            allowed = f"{self.low:g} to {self.high:+g} {self.unit} can be"
            return StatedNumber(None, f"{key} is {_short(value)}; {allowed}")
        return StatedNumber(float(value))


# Levels in the metadata of a .nam. Real gear and audio interfaces have between -10 and +30 dBu at 0 dBFS.
LEVELS: Mapping[str, LevelRange] = {
    "input_level_dbu": LevelRange(-20.0, 40.0, "dBu"),
    "output_level_dbu": LevelRange(-20.0, 40.0, "dBu"),
    "loudness": LevelRange(-100.0, 40.0, "dB"),
}
# Names of the levels in the facts of a capture.
LEVEL_FACTS = {"loudness": "loudness_db", "input_level_dbu": "input_level_dbu", "output_level_dbu": "output_level_dbu"}


def _short(value: object) -> str:
    if isinstance(value, int) and not -(10**15) < value < 10**15:
        return "a number of more than 15 digits"
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "..."


_MAX_SHOWN = 40


@dataclass(frozen=True, slots=True)
class CaptureSource:
    """The .nam file that a capture was read from.

    sha256: checksum of the file, hexadecimal.
    version, architecture: as stated in the file.
    metadata: the metadata of the file.
    states_sample_rate: True if the file states its sample rate; otherwise 48 kHz is assumed.
    """

    file_name: str
    sha256: str
    version: str
    architecture: str
    metadata: Json = field(default_factory=dict)
    states_sample_rate: bool = True

    def level(self, key: str) -> StatedNumber:
        """Return a level from the metadata. key: one of LEVELS."""
        return LEVELS[key].read(key, self.metadata.get(key))

    def doubtful_levels(self) -> dict[str, str]:
        """Return, by key, the reasons why levels that the file states are not usable."""
        found = ((key, self.level(key)) for key in LEVELS if self.metadata.get(key) is not None)
        return {key: level.reason for key, level in found if level.value is None}

    def text(self, key: str) -> str | None:
        """Return a text from the metadata; None if it is missing, empty or no text."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) and value else None


@dataclass(frozen=True, slots=True)
class Proof:
    """Measured quality of a stored tier, compared with its float32 original. Both are played with exact functions.

    Errors and distances are maxima over the kinds of playing.

    material: the audio that was played.
    worst_kind: the kind of playing with the largest ESR.
    decay_error_dba: A-weighted error of the last two seconds of a decay to silence, relative to what came before.
    noise_floor_dbfs: A-weighted output of the tier for silence, without DC.
    source_noise_floor_dbfs: the same, of the original.
    loudness_lufs, peak_dbfs: of the tier.
    """

    material: str
    worst_kind: str
    esr: float
    pre_emphasised_esr: float
    a_weighted_esr: float
    max_error: float
    mr_stft_distance: float
    decay_error_dba: float
    noise_floor_dbfs: float
    source_noise_floor_dbfs: float
    loudness_lufs: float
    peak_dbfs: float


@dataclass(frozen=True, slots=True, eq=False)
class Golden:
    """The expected output of a tier for the capture's golden input.

    output: (frames, out_channels).
    tolerance: maximum allowed difference of a sample.
    sample_rate: Hz, of the capture when the golden output was made.
    """

    output: NDArray[np.float32]
    tolerance: float
    sample_rate: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """The audio that the weights were rounded with. beyond: text that says what happens with input above the peak."""

    material: str
    peak_dbfs: float
    beyond: str


@dataclass(frozen=True, slots=True, eq=False)
class Tier:
    """One size of a capture.

    parameters: count of numbers in the .nam for this size.
    size_below: the tier is played if a slimmable size below this value is requested; above 1 for the full tier.
    proof, golden: None if not measured.
    likeness: quality of a smaller tier compared with the original of the full tier; None if not measured.
    """

    network: Network
    parameters: int
    size_below: float = float("inf")
    proof: Proof | None = None
    golden: Golden | None = None
    likeness: Proof | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Capture:
    """A model of an amplifier or pedal in one or more sizes.

    tiers: the full tier first, each smaller than the one before.
    sample_rate: Hz.
    precision: 'f32' or 'w8'.
    golden_input: (frames,), input for every tier that has a Golden.
    left_out: one line for each size of the .nam that is not among the tiers, with the reason; not stored in artifacts.
    """

    source: CaptureSource
    sample_rate: float
    tiers: tuple[Tier, ...]
    precision: str = "f32"
    calibration: Calibration | None = None
    golden_input: NDArray[np.float32] | None = None
    left_out: tuple[str, ...] = ()

    def tier_for_size(self, size: float) -> int:
        """Return the index of the tier that NeuralAmpModelerCore would play for this slimmable size in [0, 1]."""
        return max(i for i, tier in enumerate(self.tiers) if size < tier.size_below or i == 0)
