"""A conversion: from a capture as read to the capture as an artifact holds it, with the proof of how it sounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from nampedal.converter import calibration, material, metrics
from nampedal.converter.play import play
from nampedal.converter.quantize import int8_convs
from nampedal.converter.spare import round_inaudibly
from nampedal.firmware.capture import Calibration, Capture, Golden, Proof
from nampedal.firmware.engine import Audio, isas
from nampedal.firmware.network import convolutions

PRECISIONS = ("w8", "f32")

# A sample of a golden vector may differ by so many times what it differs between the kernels of this machine, and
# between exact and fast activations; and by this part of the largest sample in any case.
TOLERANCE_FACTOR = 8.0
LEAST_TOLERANCE = 2e-6


def convert(
    capture: Capture,
    precision: str,
    calibrate: tuple[Audio, Calibration] | None = None,
    golden: bool = True,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> Capture:
    """The capture in one of PRECISIONS, each tier with its Proof against its float32 original and a Golden.

    Smaller tiers also with their likeness to the original of the full one.

    calibrate: audio (frames,) to round with, and what it is; None: `calibration.built_in`.
    advance(done, total) is told of the work.
    """
    steps = [len(list(convolutions(tier.network))) + 1 for tier in capture.tiers]
    rounded = precision == "w8" and any(int8_convs(tier.network) for tier in capture.tiers)
    audio, described = (calibrate or calibration.built_in(capture.sample_rate)) if rounded else (None, None)
    golden_input = material.golden(capture.sample_rate) if golden else None
    tiers = []
    for i, tier in enumerate(capture.tiers):
        before = sum(steps[:i])
        original = replace(capture, tiers=(tier,))
        network = tier.network
        if audio is not None and int8_convs(network):
            network = round_inaudibly(original, audio, _shifted(advance, before, sum(steps)))
        stored = replace(original, tiers=(replace(tier, network=network),))
        vectors = None if golden_input is None else make_golden(stored, golden_input)
        likeness = prove(replace(capture, tiers=capture.tiers[:1]), stored) if i else None
        tiers.append(replace(stored.tiers[0], proof=prove(original, stored), golden=vectors, likeness=likeness))
        advance(before + steps[i], sum(steps))
    return replace(capture, precision=precision, tiers=tuple(tiers), calibration=described, golden_input=golden_input)


def _shifted(advance: Callable[[int, int], None], before: int, total: int) -> Callable[[int, int], None]:
    return lambda done, _: advance(before + done, total)


def prove(original: Capture, stored: Capture) -> Proof:
    """How the full tier of one capture differs from another's; of several output channels, the first."""
    audio = material.held_back(original.sample_rate)
    wanted, got = (play(capture, audio, exact=True)[:, 0] for capture in (original, stored))
    return proof_of(wanted, got, original.sample_rate)


def proof_of(wanted: Audio, got: Audio, sample_rate: float) -> Proof:
    """What an original and its stored form, (frames,) each, made of material.held_back."""
    found = metrics.compare(wanted, got, sample_rate)
    return Proof(
        material=material.HELD_BACK,
        esr=found.esr,
        pre_emphasised_esr=found.pre_emphasised_esr,
        a_weighted_esr=found.a_weighted_esr,
        max_error=found.max_error,
        mr_stft_distance=found.mr_stft_distance,
        decay_error_dba=found.decay_error_dba,
        noise_floor_dba=found.test_noise_floor_dba,
        source_noise_floor_dba=found.reference_noise_floor_dba,
        loudness_lufs=found.test_lufs,
        peak_dbfs=found.test_peak_dbfs,
    )


def make_golden(capture: Capture, audio: Audio) -> Golden | None:
    """The full tier's exact answer to audio (frames,), and what kernels and activations may change of it.

    None where the answer is not finite.
    """
    output = play(capture, audio, exact=True)
    peak = float(np.max(np.abs(output)))
    if not np.isfinite(peak):
        return None
    spread = max(float(np.max(np.abs(play(capture, audio, isa=isa) - output))) for isa in isas())
    return Golden(output, max(TOLERANCE_FACTOR * spread, LEAST_TOLERANCE * peak), capture.sample_rate)
