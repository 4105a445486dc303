"""What there is to know about a .nam or an artifact, as plain values."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nampedal.converter import nam_file
from nampedal.converter.tensors import tensors
from nampedal.firmware import artifact
from nampedal.firmware.capture import Capture, Tier
from nampedal.firmware.network import describe_channels, macs_per_frame, prewarm_frames, receptive_field


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that holds a capture. kind: 'capture' (.nam) or 'artifact' (.stomp)."""

    path: Path
    kind: str
    capture: Capture


def open_capture(path: Path) -> Opened:
    """Read a .nam or an artifact, whichever it is by its first bytes. Raises CaptureError or ArtifactError."""
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError:
        head = b""
    if artifact.is_artifact(head) or path.suffix.lower() == artifact.SUFFIX:
        return Opened(path, "artifact", artifact.read(path))
    return Opened(path, "capture", nam_file.read(path))


def facts(opened: Opened) -> dict[str, Any]:
    """Everything `nampedal inspect` tells, JSON-ready; null where the file does not say."""
    return {
        "file": str(opened.path).encode("utf-8", "replace").decode(),
        "kind": opened.kind,
        "bytes": opened.path.stat().st_size,
        **capture_facts(opened.capture),
    }


def capture_facts(capture: Capture) -> dict[str, Any]:
    """What `facts` tells of the capture, whatever file it stands in."""
    source = capture.source
    return {
        "source_file": source.file_name,
        "source_sha256": source.sha256,
        "nam_version": source.version,
        "architecture": source.architecture,
        "precision": capture.precision,
        "sample_rate_hz": capture.sample_rate,
        "name": source.text("name"),
        "modeled_by": source.text("modeled_by"),
        "gear": " ".join(filter(None, (source.text("gear_make"), source.text("gear_model")))) or None,
        "gear_type": source.text("gear_type"),
        "tone_type": source.text("tone_type"),
        "loudness_db": source.number("loudness"),
        "input_level_dbu": source.number("input_level_dbu"),
        "output_level_dbu": source.number("output_level_dbu"),
        "calibration": None if capture.calibration is None else finite(asdict(capture.calibration)),
        "golden_frames": 0 if capture.golden_input is None else len(capture.golden_input),
        "added_latency_frames": artifact.ADDED_LATENCY,
        "tiers": [_tier_facts(i, tier, capture.sample_rate) for i, tier in enumerate(capture.tiers)],
    }


def _tier_facts(index: int, tier: Tier, sample_rate: float) -> dict[str, Any]:
    field = receptive_field(tier.network)
    return {
        "tier": index,
        "network": type(tier.network).__name__,
        "channels": describe_channels(tier.network),
        "parameters": tier.parameters,
        "macs_per_frame": macs_per_frame(tier.network),
        "receptive_field_frames": field,
        "receptive_field_ms": None if field is None else 1e3 * field / sample_rate,
        "prewarm_frames": prewarm_frames(tier.network),
        "size_below": tier.size_below if tier.size_below < 1.0 or index else None,
        "tensors": [asdict(kind) for kind in tensors(tier.network)],
        "proof": None if tier.proof is None else finite(asdict(tier.proof)),
        "golden_tolerance": None if tier.golden is None else tier.golden.tolerance,
    }


def finite(values: dict[str, Any]) -> dict[str, Any]:
    """The same with null where JSON has no number."""
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in values.items()}
