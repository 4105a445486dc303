"""Checks that a capture plays sound: finite numbers, and not silence, for a guitar input."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from nampedal.firmware.audio import dry_guitar
from nampedal.firmware.base.errors import ArtifactError
from nampedal.firmware.engine import _engine
from nampedal.firmware.engine.inference import Audio

if TYPE_CHECKING:
    from nampedal.firmware.presets.chain import Chain
    from nampedal.firmware.presets.chain_builder import ChainCapture

# No part of a chain lets a louder signal through (kLoudest in firmware/dsp/rt/guard.h).
LOUDEST_DBFS = 120.0
# Below the smallest step of a 24-bit converter. A level above it may be intended.
SILENT_DBFS = -140.0
# A capture below this level gets a note: normalisation may not be able to raise it enough.
QUIET_DBFS = -60.0
# Long enough for the attack of a chord.
PROBE_S = 0.1


def probe(sample_rate: float) -> Audio:
    """Return a short guitar signal at playing level, (frames,)."""
    return dry_guitar.guitar(sample_rate)[: round(PROBE_S * sample_rate)]


def problem_of(peak: float) -> str:
    """Return the problem of a capture; empty: no problem.

    peak: the largest output sample for the probe, without DC; nan or inf: not finite.
    """
    if not peak <= 10.0 ** (LOUDEST_DBFS / 20.0):
        return f"plays numbers that are no sound: not finite, or above {LOUDEST_DBFS:+g} dBFS"
    if peak < 10.0 ** (SILENT_DBFS / 20.0):
        return f"is silent: of a guitar nothing above {SILENT_DBFS:g} dBFS comes out"
    return ""


def refusal(path: Path, tier: int, problem: str) -> str:
    """Return the error line for a capture with this problem in one tier."""
    where = f"{path}: tier {tier}" if tier else f"{path}"
    return f"{where}: {problem}; train it again, or take another capture"


def peak_of(audio: Audio) -> float:
    """Return the largest sample without DC over all channels. audio: (frames, channels)."""
    if not np.all(np.isfinite(audio)):
        return float("nan")
    return float(np.max(np.ptp(audio.astype(np.float64), axis=0))) / 2.0


def check_captures(chain: Chain) -> None:
    """Play the probe through each tier of each capture of a newly built chain, each alone.

    Raises ArtifactError that names the file.
    """
    try:
        dbfs = 0.0
        for one in chain.captures:
            dbfs += min(0.0, _check(chain, one))
            if dbfs < QUIET_DBFS:
                chain.quiet.append(f"{one.path.name} is quiet: of a guitar {dbfs:.0f} dBFS come out of it")
    finally:
        for link in range(chain.native.links):
            chain.native.set_heard(link, True)


def _check(chain: Chain, one: ChainCapture) -> float:
    """Check all tiers of one capture. Return the peak of its full tier for the probe, dBFS."""
    peaks = []
    native = chain.native
    audio = np.tile(probe(chain.sample_rate), (native.channels, 1))
    for link in range(native.links):
        native.set_heard(link, link in (one.amp, one.dc_blocker))
    for tier in range(one.tiers):
        native.set(one.amp, _engine.AMP_TIER, tier)
        # Without a reset the earlier signal would fade out here, which takes long in the DC blocker.
        native.reset()
        chain.render(audio)
        peak = float("nan") if native.faults[one.amp] else native.take_peaks()[one.dc_blocker]
        if problem := problem_of(peak):
            raise ArtifactError(refusal(one.path, tier, problem))
        peaks.append(peak)
    return float(20.0 * np.log10(peaks[0]))
