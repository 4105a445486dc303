"""Levels with which presets are equally loud for one guitar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from nampedal.firmware.chain import LOUDNESS_LUFS, Chain
from nampedal.firmware.engine import Audio
from nampedal.firmware.loudness import loudness_lufs

# The highest peak that any preset may have. The ceiling begins to bend at -1 dBFS.
MOST_PEAK_DBFS = -2.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What a preset's blocks make of one guitar, in front of its level: gated loudness, and the sample peak.

    -inf: silence.
    """

    lufs: float
    peak_dbfs: float


def hear(chain: Chain, guitar: Audio) -> Heard:
    """guitar: (frames,), at the chain's sample rate. The chain is not on a stage."""
    played = chain.render_blocks(guitar)
    peak = float(np.max(np.abs(played), initial=0.0))
    return Heard(loudness_lufs(played, chain.sample_rate), 20.0 * float(np.log10(peak)) if peak > 0.0 else -np.inf)


def common_lufs(heard: Sequence[Heard]) -> float:
    """How loud all can be: LOUDNESS_LUFS, or less, so that no peak is above MOST_PEAK_DBFS. Silent ones don't count."""
    headroom = [MOST_PEAK_DBFS - (one.peak_dbfs - one.lufs) for one in heard if np.isfinite(one.lufs)]
    return min([LOUDNESS_LUFS, *headroom])
