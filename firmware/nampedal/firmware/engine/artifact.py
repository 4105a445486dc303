"""Converts captures to artifacts (.stomp files) and back.

The layout is firmware/schema/stomp.fbs. The native engine checks artifacts when it opens them.
"""

from __future__ import annotations

import json
import math
import zlib
from dataclasses import fields
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import flatbuffers
import nampedal.firmware.engine.stomp_generated as fbs
from nampedal.firmware.base.errors import FileAccessError, NampedalError, NotAnArtifactError
from nampedal.firmware.base.files import bounded_json, file_names
from nampedal.firmware.base.files.bounded_file import check_regular_file
from nampedal.firmware.base.files.file_kind import what_it_is
from nampedal.firmware.base.files.toml_schema import os_error_text
from nampedal.firmware.base.one_line import one_line
from nampedal.firmware.engine import _engine
from nampedal.firmware.engine.artifact_network import floats, pack_network, unpack_network
from nampedal.firmware.engine.capture import Calibration, Capture, CaptureSource, Golden, Proof, Tier
from nampedal.firmware.engine.network import Sequential, macs_per_frame, networks, prewarm_frames, receptive_field

SUFFIX = file_names.ARTIFACT
IDENTIFIER = b"STMP"
# In frames. The engine's networks do not delay the sound.
ADDED_LATENCY = 0
# Maximum absolute value of an error or a dB figure in a proof; larger values can't be real measurements.
_MAX_FIGURE = 1e9
# Same limit as in the engine, which refuses longer files.
_MAX_BYTES = 64 << 20
_HEAD_BYTES = 1 << 16


def is_artifact(head: bytes) -> bool:
    """Return True if a file is marked as an artifact. head: its first bytes, at least 8."""
    return head[4:8] == IDENTIFIER


def pack(capture: Capture) -> bytes:
    """Return the artifact of a capture: a FlatBuffer, then its CRC-32, little-endian.

    The same capture gives the same bytes.
    """
    root = fbs.ArtifactT()
    root.format = _format_of(capture)
    root.writtenBy = _written_by()
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
    """Return the capture in an artifact. The engine checked it when it was opened."""
    root = fbs.ArtifactT.InitFromObj(fbs.Artifact.GetRootAs(artifact.flatbuffer(), 0))
    source = root.source or fbs.SourceT()
    return Capture(
        source=CaptureSource(
            file_name=_text(source.fileName),
            sha256=_text(source.sha256),
            version=_text(source.version),
            architecture=_text(source.architecture),
            metadata=_metadata(_text(source.metadata)),
            states_sample_rate=not source.sampleRateAssumed,
        ),
        sample_rate=root.sampleRate,
        tiers=tuple(_unpack_tier(tier) for tier in root.tiers),
        precision=_text(root.precision),
        calibration=None if root.calibration is None else _unpack_fields(root.calibration, Calibration),
        golden_input=None if root.goldenInput is None else floats(root.goldenInput),
    )


def read(path: Path) -> Capture:
    """Read, check and unpack an artifact. Raises ArtifactError that names the file."""
    return unpack(load(path))


def load(path: Path) -> _engine.Artifact:
    """Open an artifact for the engine.

    Raises ArtifactError that names the file. If the file is another known kind, the message says which.
    """
    try:
        check_regular_file(path)
        return _engine.Artifact.open(str(path)) if _is_utf8(path) else _load_bytes(path)
    except OSError as error:
        if isinstance(error, NampedalError):
            raise
        raise FileAccessError(f"{path}: can't be read: {os_error_text(error)}") from error
    except NotAnArtifactError as error:
        kind = _kind(path)
        if not kind:
            raise
        raise NotAnArtifactError(f"{path}: is {kind}; a {SUFFIX} artifact is needed") from error


def _is_utf8(path: Path) -> bool:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def _load_bytes(path: Path) -> _engine.Artifact:
    """Open an artifact whose path is not valid UTF-8. The engine can't take such a path, so Python reads the file."""
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise FileAccessError(f"{path}: can't be read: {os_error_text(error)}") from error
    return _engine.Artifact.from_bytes(data, one_line(path))


def _kind(path: Path) -> str:
    """Return the kind of a file that is not an artifact; empty if the kind is unknown."""
    try:
        with path.open("rb") as file:
            return what_it_is(file.read(_HEAD_BYTES))
    except OSError:
        return ""


# ---- packing ----


# Looking up the version takes longer than the rest of packing a small network, and the cost model packs many.
@cache
def _written_by() -> str:
    return f"nampedal {version('nampedal')}"


def _format_of(capture: Capture) -> int:
    """Return the oldest format version that can store the capture, so that older readers can still read it."""
    every = (network for tier in capture.tiers for network in networks(tier.network))
    return _engine.SEQUENTIAL_FORMAT if any(isinstance(one, Sequential) for one in every) else _engine.OLDEST_FORMAT


def _pack_source(source: CaptureSource) -> Any:
    table = fbs.SourceT()
    table.fileName = source.file_name
    table.sha256 = source.sha256
    table.version = source.version
    table.architecture = source.architecture
    table.metadata = json.dumps(source.metadata, separators=(",", ":"))
    table.sampleRateAssumed = not source.states_sample_rate
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
    """Copy the fields of a dataclass (numbers and text) to a table that has the same fields."""
    for field in fields(value):
        setattr(table, _slot(field.name), getattr(value, field.name))
    return table


def _slot(name: str) -> str:
    """Return the name that flatc gives a field in Python: camelCase."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


# ---- unpacking ----


def _text(value: bytes | str | None) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""


def _metadata(text: str) -> dict[str, Any]:
    """Return the object in a JSON text; empty if it is no object, or exceeds the limits of `bounded_json`."""
    try:
        value = bounded_json.loads(text, finite=False)
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
    values: dict[str, Any] = {n: _figure(value) if isinstance(value, float) else _text(value) for n, value in found}
    return kind(**values)


def _figure(value: float) -> float:
    """Return a figure of a proof, or nan if its absolute value is impossibly large. -inf is allowed: silence in dB."""
    return value if abs(value) <= _MAX_FIGURE or value == -math.inf else math.nan
