"""Checks that an artifact gives the same output on this machine as on the machine that made it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from nampedal.firmware.base.errors import NoGoldenVectorsError
from nampedal.firmware.engine import artifact
from nampedal.firmware.engine.inference import Engine
from nampedal.firmware.engine.tier_names import tier_names


@dataclass(frozen=True, slots=True)
class GoldenCheck:
    """Result of the check of one tier.

    tier, name: number and name of the tier.
    deviation: maximum difference of a sample from the golden output; inf if the outputs can't be compared.
    isa: the kernels that played.
    """

    tier: int
    name: str
    deviation: float
    tolerance: float
    isa: str

    @property
    def passed(self) -> bool:
        """True if the deviation is within the tolerance."""
        return self.deviation <= self.tolerance


def verify(path: str | os.PathLike[str], isa: str = "") -> list[GoldenCheck]:
    """Play the golden input of an artifact, and compare the output of each tier with its golden output.

    path: of a .stomp.  isa: the kernels to play with, such as 'scalar'; '': the best of this machine.
    Raises ArtifactError, FileAccessError, NoGoldenVectorsError or ArgumentError.
    """
    path = Path(path)
    capture = artifact.read(path)
    names = tier_names(capture.tiers)
    checks = []
    for i, tier in enumerate(capture.tiers):
        if capture.golden_input is None or tier.golden is None:
            raise NoGoldenVectorsError(f"{path}: tier {i} has no golden vectors; convert it again without --no-golden")
        engine = Engine.prepare(path, tier=i, isa=isa)
        answer = engine.render(np.repeat(capture.golden_input[:, None], engine.in_channels, axis=1))
        deviation = float(np.max(np.abs(answer.astype(np.float64) - tier.golden.output)))
        # The golden output is only valid at the sample rate at which it was made.
        if not np.isfinite(deviation) or tier.golden.sample_rate != capture.sample_rate:
            deviation = float("inf")
        checks.append(GoldenCheck(i, names[i], deviation, tier.golden.tolerance, engine.isa))
    return checks
