"""A conversion: from a capture as read to the capture as an artifact holds it, with what that cost in sound."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from nampedal.converter import material, metrics
from nampedal.converter.quantize import quantize
from nampedal.firmware.capture import Capture
from nampedal.firmware.engine import MAX_FRAMES, Audio, Engine

PRECISIONS = ("w8", "f32")


def convert(capture: Capture, precision: str) -> Capture:
    """The capture in one of PRECISIONS; a rounded one with each tier's ESR against its float32 original.

    Both are rendered by the engine, exact activations, on material.PLUCKS.
    """
    if precision == "f32":
        return capture
    rounded = replace(
        capture,
        precision=precision,
        tiers=tuple(replace(tier, network=quantize(tier.network)) for tier in capture.tiers),
    )
    audio = material.plucks(capture.sample_rate)
    tiers = []
    for i, tier in enumerate(rounded.tiers):
        esr = metrics.esr(render(capture, i, audio), render(rounded, i, audio))
        tiers.append(replace(tier, esr=esr, esr_material=material.PLUCKS))
    return replace(rounded, tiers=tuple(tiers))


def render(capture: Capture, tier: int, audio: Audio) -> Audio:
    """Mono audio (frames,) through one tier, exact, the same into every input channel. -> (frames, out_channels)."""
    engine = Engine.prepare(capture, tier=tier, exact=True, max_frames=MAX_FRAMES)
    return engine.render(np.repeat(audio[:, None], engine.in_channels, axis=1))
