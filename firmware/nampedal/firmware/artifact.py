"""Artifacts: captures as bytes (.stomp), and back. The layout is firmware/schema/stomp.fbs, the checks are native."""

from __future__ import annotations

import json
import zlib
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import flatbuffers
import nampedal.firmware.stomp_generated as fbs
from nampedal.firmware import _engine, file_names
from nampedal.firmware.artifact_network import floats, pack_network, unpack_network
from nampedal.firmware.capture import Calibration, Capture, Golden, Proof, Source, Tier
from nampedal.firmware.network import macs_per_frame, prewarm_frames, receptive_field

SUFFIX = file_names.ARTIFACT
IDENTIFIER = b"STMP"
# Frames. No network of ours delays the sound.
ADDED_LATENCY = 0


def is_artifact(head: bytes) -> bool:
    """Whether a file that begins with these (at least 8) bytes claims to be an artifact."""
    return head[4:8] == IDENTIFIER


def pack(capture: Capture) -> bytes:
    """The artifact of a capture: a FlatBuffer, then its CRC-32, little-endian. Same capture, same bytes."""
    root = fbs.ArtifactT()
    root.format = _engine.FORMAT
    root.writtenBy = f"nampedal {version('nampedal')}"
    root.source = _pack_source(capture.source)
    root.sampleRate = capture.sample_rate
    root.precision = capture.precision
    root.tiers = [_pack_tier(tier) for tier in capture.tiers]
    root.calibration = None if capture.calibration is None else _pack_fields(fbs.CalibrationT(), capture.calibration)
    root.goldenInput = capture.golden_input
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(root.Pack(builder), file_identifier=IDENTIFIER)
    body = bytes(builder.Output())
    return body + zlib.crc32(body).to_bytes(4, "little")


def unpack(artifact: _engine.Artifact) -> Capture:
    """The capture in an artifact that the engine has checked."""
    root = fbs.ArtifactT.InitFromObj(fbs.Artifact.GetRootAs(artifact.flatbuffer(), 0))
    source = root.source or fbs.SourceT()
    return Capture(
        source=Source(
            file_name=_text(source.fileName),
            sha256=_text(source.sha256),
            version=_text(source.version),
            architecture=_text(source.architecture),
            metadata=_metadata(_text(source.metadata)),
        ),
        sample_rate=root.sampleRate,
        tiers=tuple(_unpack_tier(tier) for tier in root.tiers),
        precision=_text(root.precision),
        calibration=None if root.calibration is None else _unpack_fields(root.calibration, Calibration),
        golden_input=None if root.goldenInput is None else floats(root.goldenInput),
    )


def read(path: Path) -> Capture:
    """Read, check and unpack an artifact. Raises a subclass of ArtifactError that names the file."""
    return unpack(_engine.Artifact.open(str(path)))


# ---- out ----


def _pack_source(source: Source) -> Any:
    table = fbs.SourceT()
    table.fileName = source.file_name
    table.sha256 = source.sha256
    table.version = source.version
    table.architecture = source.architecture
    table.metadata = json.dumps(source.metadata, separators=(",", ":"))
    return table


def _pack_tier(tier: Tier) -> Any:
    table = fbs.TierT()
    table.sizeBelow = tier.size_below
    table.network = pack_network(tier.network)
    table.parameters = tier.parameters
    table.macsPerFrame = macs_per_frame(tier.network)
    table.receptiveField = receptive_field(tier.network) or 0
    table.prewarm = prewarm_frames(tier.network)
    table.addedLatency = ADDED_LATENCY
    table.proof = None if tier.proof is None else _pack_fields(fbs.ProofT(), tier.proof)
    table.likeness = None if tier.likeness is None else _pack_fields(fbs.ProofT(), tier.likeness)
    if tier.golden is not None:
        table.golden = fbs.GoldenT()
        table.golden.output = tier.golden.output.reshape(-1)
        table.golden.tolerance = tier.golden.tolerance
        table.golden.sampleRate = tier.golden.sample_rate
    return table


def _pack_fields(table: Any, value: Proof | Calibration) -> Any:
    """A table whose fields are those of a dataclass: numbers and text."""
    for field in fields(value):
        setattr(table, _slot(field.name), getattr(value, field.name))
    return table


def _slot(name: str) -> str:
    """A field's name as flatc writes it in Python."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


# ---- in ----


def _text(value: bytes | str | None) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""


def _metadata(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _unpack_tier(table: Any) -> Tier:
    network = unpack_network(table.network)
    golden = table.golden
    return Tier(
        network=network,
        parameters=table.parameters,
        size_below=table.sizeBelow,
        proof=None if table.proof is None else _unpack_fields(table.proof, Proof),
        golden=golden
        and Golden(floats(golden.output).reshape(-1, network.out_channels), golden.tolerance, golden.sampleRate),
        likeness=None if table.likeness is None else _unpack_fields(table.likeness, Proof),
    )


T = TypeVar("T", Proof, Calibration)


def _unpack_fields(table: Any, kind: type[T]) -> T:
    found = ((field.name, getattr(table, _slot(field.name))) for field in fields(kind))
    values: dict[str, Any] = {name: value if isinstance(value, float) else _text(value) for name, value in found}
    return kind(**values)
