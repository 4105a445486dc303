"""Collects the facts about a .nam or an artifact as plain values."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from nampedal.converter.nam.open_capture import OpenedCapture
from nampedal.converter.nam.tensors import tensors_by_kind
from nampedal.firmware.engine import artifact
from nampedal.firmware.engine.capture import LEVEL_FACTS, Capture, Tier
from nampedal.firmware.engine.network import describe_channels, macs_per_frame, prewarm_frames, receptive_field
from nampedal.firmware.engine.tier_names import tier_names


def file_metadata(opened: OpenedCapture) -> dict[str, Any]:
    """Return everything that `nampedal inspect` prints, ready for JSON; None if the file does not state it."""
    return {
        "file": str(opened.path).encode("utf-8", "replace").decode(),
        "kind": opened.kind,
        "bytes": opened.path.stat().st_size,
        **capture_metadata(opened.capture),
    }


def capture_metadata(capture: Capture) -> dict[str, Any]:
    """Return the part of `file_metadata` that is about the capture, whatever file it comes from."""
    source = capture.source
    return {
        "source_file": source.file_name,
        "source_sha256": source.sha256,
        "nam_version": source.version,
        "architecture": source.architecture,
        "precision": capture.precision,
        "sample_rate_hz": capture.sample_rate,
        "sample_rate_stated": source.states_sample_rate,
        "name": source.text("name"),
        "modeled_by": source.text("modeled_by"),
        "gear": " ".join(filter(None, (source.text("gear_make"), source.text("gear_model")))) or None,
        "gear_type": source.text("gear_type"),
        "tone_type": source.text("tone_type"),
        **{name: source.level(key).value for key, name in LEVEL_FACTS.items()},
        "doubtful_levels": source.doubtful_levels(),
        "calibration": None if capture.calibration is None else null_non_finite(asdict(capture.calibration)),
        "golden_frames": 0 if capture.golden_input is None else len(capture.golden_input),
        "added_latency_frames": artifact.ADDED_LATENCY,
        "left_out": list(capture.left_out),
        "tiers": [
            _tier_facts(i, name, tier, capture.sample_rate)
            for i, (name, tier) in enumerate(zip(tier_names(capture.tiers), capture.tiers, strict=True))
        ],
    }


def _tier_facts(index: int, name: str, tier: Tier, sample_rate: float) -> dict[str, Any]:
    field = receptive_field(tier.network)
    return {
        "tier": index,
        "tier_name": name,
        "network": type(tier.network).__name__,
        "channels": describe_channels(tier.network),
        "parameters": tier.parameters,
        "macs_per_frame": macs_per_frame(tier.network),
        "receptive_field_frames": field,
        "receptive_field_ms": None if field is None else 1e3 * field / sample_rate,
        "prewarm_frames": prewarm_frames(tier.network),
        "size_below": tier.size_below if tier.size_below < 1.0 or index else None,
        "tensors": [asdict(kind) for kind in tensors_by_kind(tier.network)],
        "proof": None if tier.proof is None else null_non_finite(asdict(tier.proof)),
        "likeness": None if tier.likeness is None else null_non_finite(asdict(tier.likeness)),
        "golden_tolerance": None if tier.golden is None else tier.golden.tolerance,
    }


def null_non_finite(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values with None in place of each inf and nan, which JSON can't express."""
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in values.items()}
