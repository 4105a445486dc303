"""Does an artifact still sound, on this machine, as it did where it was made?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from nampedal.firmware import _engine, artifact
from nampedal.firmware.engine import Engine
from nampedal.firmware.errors import NoGoldenVectorsError


@dataclass(frozen=True, slots=True)
class Check:
    """deviation: the largest difference of a sample from the golden output; inf where there is nothing to compare.

    isa: the kernels that played.
    """

    tier: int
    deviation: float
    tolerance: float
    isa: str

    @property
    def passed(self) -> bool:
        return self.deviation <= self.tolerance


def verify(path: Path, isa: str = "") -> list[Check]:
    """Play every tier's golden vectors through the engine as it would play live. isa: as `Engine.prepare` takes it.

    Raises a subclass of ArtifactError, NoGoldenVectorsError or IsaError.
    """
    capture = artifact.unpack(_engine.Artifact.open(str(path)))
    checks = []
    for i, tier in enumerate(capture.tiers):
        if capture.golden_input is None or tier.golden is None:
            raise NoGoldenVectorsError(f"{path}: tier {i} has no golden vectors; convert it again without --no-golden")
        engine = Engine.prepare(path, tier=i, isa=isa)
        answer = engine.render(np.repeat(capture.golden_input[:, None], engine.in_channels, axis=1))
        deviation = float(np.max(np.abs(answer.astype(np.float64) - tier.golden.output)))
        # At another rate the same samples are another sound.
        if not np.isfinite(deviation) or tier.golden.sample_rate != capture.sample_rate:
            deviation = float("inf")
        checks.append(Check(i, deviation, tier.golden.tolerance, engine.isa))
    return checks
