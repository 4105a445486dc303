"""Exports one tier of a capture as a .tflite.

The file has the same facts as the capture's .stomp, and its own proof: the measured error of the .tflite itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from nampedal.converter.listening import calibration_audio, test_signals
from nampedal.converter.nam.capture_player import play
from nampedal.converter.nam.metadata import capture_metadata, null_non_finite
from nampedal.converter.rounding.tier_conversion import convert, proof_of
from nampedal.converter.tflite import tflite_writer
from nampedal.converter.tflite.litert_process import ChildProcessPlayer
from nampedal.converter.tflite.tflite_network import check, layer_names
from nampedal.firmware.base.errors import ArtifactError
from nampedal.firmware.engine import _engine, artifact
from nampedal.firmware.engine.capture import LEVEL_FACTS, LEVELS, Calibration, Capture, Proof
from nampedal.firmware.engine.inference import Audio
from nampedal.firmware.engine.tflite_artifact import TfliteFile
from nampedal.firmware.engine.tier_names import FULL, find_tier, tier_names

# In frames. The block length does not change the output; this one is the fastest.
OFFLINE_BLOCK = 1024
RANGES_S = 5.0
EXCERPT_S = 0.5


@dataclass(frozen=True, slots=True)
class TfliteOptions:
    """Options of an export.

    mode: one of `tflite_artifact.MODES`.
    block: frames of the audio tensors.
    tier: number or name of a tier, see `find_tier`.
    precision: of the weights, see `convert`.
    """

    mode: str = "weights"
    block: int = tflite_writer.DEFAULT_BLOCK
    tier: int | str = 0
    precision: str = "w8"


@dataclass(frozen=True, slots=True)
class ExportedTflite:
    """An exported .tflite.

    data: bytes of the file.
    proof: measured against the float32 original.
    float_layers: names of the layers with float32 activations.
    int8_layers: number of layers with int8 activations.
    """

    data: bytes
    proof: Proof
    float_layers: tuple[str, ...]
    int8_layers: int


def export(
    capture: Capture,
    options: TfliteOptions,
    calibrate: tuple[Audio, Calibration] | None = None,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> ExportedTflite:
    """Export one tier of a capture as a .tflite that `tflite_artifact.read` accepts.

    calibrate, advance: see `convert`.
    Raises ArgumentError, ConversionError, MissingPackageError.
    """
    tier = find_tier(options.tier, tier_names(capture.tiers), capture.source.file_name)
    check(capture.tiers[tier].network, options.block)
    stomp = convert(capture, options.precision, calibrate, advance=advance)
    network = stomp.tiers[tier].network
    audio = (calibrate or calibration_audio.built_in(capture.sample_rate))[0]
    plan = tflite_writer.make_plan(
        network, capture.sample_rate, options.mode, spread_excerpts(audio, capture.sample_rate)
    )

    def write(facts: dict[str, Any]) -> tflite_writer.Tflite:
        return tflite_writer.write(
            network, sample_rate=capture.sample_rate, block=options.block, mode=options.mode, plan=plan, facts=facts
        )

    original = replace(capture, tiers=(capture.tiers[tier],))
    proof = _prove(original, write({}).data)
    facts = {
        **capture_metadata(stomp),
        "stomp_sha256": hashlib.sha256(artifact.pack(stomp)).hexdigest(),
        "tier": tier,
        "layers": len(layer_names(network)),
        "proof": null_non_finite(asdict(proof)),
    }
    written = write(facts)
    # Checked here, so that no file is written that could not be read.
    _engine.verify_tflite(written.data, capture.source.file_name, OFFLINE_BLOCK)
    return ExportedTflite(
        written.data, proof, written.float_layers, len(layer_names(network)) - len(written.float_layers)
    )


def spread_excerpts(audio: Audio, sample_rate: float) -> Audio:
    """Return at most RANGES_S of audio, as excerpts spread evenly: measuring ranges needs variety, not length."""
    length, frames = round(EXCERPT_S * sample_rate), round(RANGES_S * sample_rate)
    if len(audio) <= frames:
        return audio
    starts = np.linspace(0, len(audio) - length, frames // length).astype(int)
    return np.concatenate([audio[start : start + length] for start in starts])


def _prove(original: Capture, data: bytes) -> Proof:
    audio = test_signals.validation_signal(original.sample_rate)
    wanted = play(original, audio, exact=True)[:, 0]
    return proof_of(wanted, offline_player(data).render(audio), original.sample_rate)


def offline_player(data: bytes, name: str = "tflite") -> ChildProcessPlayer:
    """Return a player for offline use. It uses large blocks if the file allows any block length, which is faster."""
    return ChildProcessPlayer(data, large_block=OFFLINE_BLOCK, name=name)


def _levels(told: dict[str, Any]) -> dict[str, Any]:
    """Return the levels that a file states, checked against their allowed ranges, because the file is not trusted.

    The entry doubtful_levels has the reasons why stated levels are not used, by key.
    """
    kept = told.get("doubtful_levels")
    doubts = {key: str(why) for key, why in kept.items() if key in LEVELS} if isinstance(kept, dict) else {}
    values = {}
    for key, name in LEVEL_FACTS.items():
        level = LEVELS[key].read(key, told.get(name))
        values[name] = level.value
        if level.value is None and told.get(name) is not None:
            doubts[key] = level.reason
    return {**values, "doubtful_levels": doubts}


def tflite_facts(file: TfliteFile) -> dict[str, Any]:
    """Return the facts of a .tflite in the form of `capture_metadata`: one tier, with the proof of the .tflite itself.

    Raises ArtifactError if the file was written without facts.
    """
    try:
        told = dict(file.facts)
        tier = {**told["tiers"][told["tier"]], "tier": 0, "proof": told.pop("proof"), "golden_tolerance": None}
        # Files of older versions do not name it.
        tier["tier_name"] = str(tier.get("tier_name", FULL))
    except (KeyError, IndexError, TypeError) as error:
        raise ArtifactError(f"{file.path}: does not say what it was made from; convert the .nam again") from error
    return {
        "file": str(file.path),
        "kind": "tflite",
        "bytes": len(file.data),
        **told,
        **_levels(told),
        "mode": file.mode,
        "block": file.block,
        "any_block": file.any_block,
        "float_layers": list(file.float_layers),
        "golden_frames": 0,
        "tiers": [tier],
    }
