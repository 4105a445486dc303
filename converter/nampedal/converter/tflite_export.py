"""A capture as a .tflite: one tier, with the facts of its .stomp and the proof of what this file itself sounds like."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from nampedal.converter import calibration, material, tflite_writer
from nampedal.converter.convert import convert, proof_of
from nampedal.converter.facts import capture_facts, finite
from nampedal.converter.play import play
from nampedal.converter.tflite_network import check, layer_names
from nampedal.converter.tflite_player import TflitePlayer
from nampedal.firmware import artifact
from nampedal.firmware.capture import Calibration, Capture, Proof
from nampedal.firmware.engine import Audio
from nampedal.firmware.errors import NoSuchTierError, TfliteFormatError
from nampedal.firmware.tflite import TfliteFile

# Plays any block alike; so many frames at a time it plays fastest.
OFFLINE_BLOCK = 1024
RANGES_S = 5.0
EXCERPT_S = 0.5


@dataclass(frozen=True, slots=True)
class Options:
    """mode: one of tflite.MODES.  block: frames of the audio tensors.  tier: 0 is full.  precision: of convert."""

    mode: str = "weights"
    block: int = tflite_writer.DEFAULT_BLOCK
    tier: int = 0
    precision: str = "w8"


@dataclass(frozen=True, slots=True)
class Exported:
    """data: the file.  proof: of it, against the float32 original.  float_layers: those with float activations."""

    data: bytes
    proof: Proof
    float_layers: tuple[str, ...]
    int8_layers: int


def export(
    capture: Capture,
    options: Options,
    calibrate: tuple[Audio, Calibration] | None = None,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> Exported:
    """One tier of a capture as a .tflite. calibrate, advance: as `convert` has them.

    Raises NoSuchTierError, TfliteUnsupportedError, TfliteBlockError, TfliteMissingError.
    """
    if not 0 <= options.tier < len(capture.tiers):
        found = f"no tier {options.tier}; it has tiers 0 to {len(capture.tiers) - 1}"
        raise NoSuchTierError(f"{capture.source.file_name}: {found}")
    check(capture.tiers[options.tier].network, options.block)
    stomp = convert(capture, options.precision, calibrate, advance=advance)
    network = stomp.tiers[options.tier].network
    audio = (calibrate or calibration.built_in(capture.sample_rate))[0]
    plan = tflite_writer.make_plan(network, capture.sample_rate, options.mode, short(audio, capture.sample_rate))

    def write(facts: dict[str, Any]) -> tflite_writer.Tflite:
        return tflite_writer.write(
            network, sample_rate=capture.sample_rate, block=options.block, mode=options.mode, plan=plan, facts=facts
        )

    original = replace(capture, tiers=(capture.tiers[options.tier],))
    proof = _prove(original, write({}).data)
    facts = {
        **capture_facts(stomp),
        "stomp_sha256": hashlib.sha256(artifact.pack(stomp)).hexdigest(),
        "tier": options.tier,
        "layers": len(layer_names(network)),
        "proof": finite(asdict(proof)),
    }
    written = write(facts)
    return Exported(written.data, proof, written.float_layers, len(layer_names(network)) - len(written.float_layers))


def short(audio: Audio, sample_rate: float) -> Audio:
    """Excerpts from all over: ranges need variety, not length."""
    length, frames = round(EXCERPT_S * sample_rate), round(RANGES_S * sample_rate)
    if len(audio) <= frames:
        return audio
    starts = np.linspace(0, len(audio) - length, frames // length).astype(int)
    return np.concatenate([audio[start : start + length] for start in starts])


def _prove(original: Capture, data: bytes) -> Proof:
    audio = material.held_back(original.sample_rate)
    wanted = play(original, audio, exact=True)[:, 0]
    return proof_of(wanted, offline_player(data).render(audio), original.sample_rate)


def offline_player(data: bytes, name: str = "tflite") -> TflitePlayer:
    """The player of a file, with large blocks where it takes any: fast, where nobody waits for them."""
    player = TflitePlayer(data, name=name)
    return TflitePlayer(data, block=OFFLINE_BLOCK, name=name) if player.any_block else player


def tflite_facts(file: TfliteFile) -> dict[str, Any]:
    """What `facts` tells of a capture, told of a .tflite: its one tier, with its own proof.

    Raises TfliteFormatError for a file that was written without those facts.
    """
    try:
        told = dict(file.facts)
        tier = {**told["tiers"][told["tier"]], "tier": 0, "proof": told.pop("proof"), "golden_tolerance": None}
    except (KeyError, IndexError, TypeError) as error:
        raise TfliteFormatError(f"{file.path}: does not say what it was made from; convert the .nam again") from error
    return {
        "file": str(file.path),
        "kind": "tflite",
        "bytes": len(file.data),
        **told,
        "mode": file.mode,
        "block": file.block,
        "any_block": file.any_block,
        "float_layers": list(file.float_layers),
        "golden_frames": 0,
        "tiers": [tier],
    }
