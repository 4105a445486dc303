"""What nampedal wrote into a .tflite: read without any TensorFlow Lite package.

A .tflite of ours is a TensorFlow Lite model, then the CRC-32 of all before it, little-endian; interpreters do not look
behind the model. Its metadata entry `nampedal` is a JSON object:

    format          1
    sample_rate     Hz
    block           frames of the audio tensors `audio` and `output`, (1, 1, block, 1) float32
    any_block       whether the interpreter may resize `audio` to other frames
    mode            one of MODES
    float_layers    names of the layers whose activations are float32
    prewarm_frames  frames of silence that bring a used graph back to its steady state; a new one begins there
    facts           an object, whatever the converter was told
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import flatbuffers
from flatbuffers.number_types import UOffsetTFlags
from nampedal.firmware.errors import (
    ForeignTfliteError,
    NotATfliteError,
    TfliteDamagedError,
    TfliteFormatError,
    TfliteUnreadableError,
)

SUFFIX = ".tflite"
IDENTIFIER = b"TFL3"
ENTRY = "nampedal"
FORMAT = 1
# weights: int8 weights at most.  mixed: int8 activations in some layers.  int8: every activation.
MODES = ("weights", "mixed", "int8")

_CHECKSUM_BYTES = 4
# Fields of TensorFlow Lite's tables, in the order of schema.fbs.
_MODEL_BUFFERS, _MODEL_METADATA = 4, 6
_METADATA_NAME, _METADATA_BUFFER = 0, 1
_BUFFER_DATA = 0


@dataclass(frozen=True, slots=True)
class TfliteFile:
    """A .tflite of ours. data: the whole file.  The rest as in the module's own words."""

    path: Path
    data: bytes = field(repr=False)
    sample_rate: float
    block: int
    any_block: bool
    mode: str
    float_layers: tuple[str, ...]
    prewarm_frames: int
    facts: Mapping[str, Any]


def seal(model: bytes) -> bytes:
    """The model with its checksum behind it."""
    return model + zlib.crc32(model).to_bytes(_CHECKSUM_BYTES, "little")


def read(path: Path) -> TfliteFile:
    """Read and check. Raises a subclass of TfliteError whose one line begins with the file."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TfliteUnreadableError(f"{path}: can't be read: {(error.strerror or str(error)).lower()}") from error
    if data[4:8] != IDENTIFIER:
        raise NotATfliteError(f"{path}: is no TensorFlow Lite model; a .tflite has {IDENTIFIER.decode()} at byte 4")
    try:
        entry = _entry(data)
    except (struct.error, IndexError, TypeError, ValueError) as error:
        raise TfliteDamagedError(f"{path}: is damaged: its tables do not hold together; copy it again") from error
    if entry is None:
        raise ForeignTfliteError(
            f"{path}: has no metadata '{ENTRY}'; only a .tflite that nampedal wrote is played: convert the .nam"
        )
    if seal(data[:-_CHECKSUM_BYTES]) != data:
        raise TfliteDamagedError(f"{path}: is damaged: its checksum does not match; copy or convert it again")
    return _parse(path, data, entry)


def _parse(path: Path, data: bytes, entry: bytes) -> TfliteFile:
    try:
        values = json.loads(entry)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise TfliteFormatError(f"{path}: metadata is no JSON object; convert the .nam again")
    if values.get("format") != FORMAT:
        raise TfliteFormatError(
            f"{path}: metadata format is {values.get('format')!r}; {FORMAT} is read here; convert the .nam again"
        )

    def value(key: str, wanted: str, is_good: Callable[[Any], bool]) -> Any:
        if not is_good(values.get(key)):
            raise TfliteFormatError(f"{path}: metadata {key} is {values.get(key)!r}; it must be {wanted}")
        return values[key]

    return TfliteFile(
        path=path,
        data=data,
        sample_rate=float(value("sample_rate", "a number above 0", lambda v: _is_number(v) and v > 0)),
        block=value("block", "a whole number above 0", lambda v: _is_count(v) and v > 0),
        any_block=value("any_block", "true or false", lambda v: isinstance(v, bool)),
        mode=value("mode", f"one of {', '.join(MODES)}", lambda v: v in MODES),
        float_layers=tuple(value("float_layers", "a list of names", _is_names)),
        prewarm_frames=value("prewarm_frames", "a whole number", _is_count),
        facts=value("facts", "an object", lambda v: isinstance(v, dict)),
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _entry(data: bytes) -> bytes | None:
    """The bytes of our metadata entry; None if there is none. Raises what flatbuffers raises on damaged bytes."""
    model = flatbuffers.table.Table(data, flatbuffers.encode.Get(UOffsetTFlags.packer_type, data, 0))
    for metadata in _tables(model, _MODEL_METADATA):
        name = _offset(metadata, _METADATA_NAME)
        if name and metadata.String(name + metadata.Pos) == ENTRY.encode():
            at = _offset(metadata, _METADATA_BUFFER)
            index = metadata.Get(flatbuffers.number_types.Uint32Flags, at + metadata.Pos) if at else 0
            buffer = _tables(model, _MODEL_BUFFERS)[index]
            contents = _offset(buffer, _BUFFER_DATA)
            if not contents:
                return b""
            start, length = buffer.Vector(contents), buffer.VectorLen(contents)
            if start + length > len(data):
                raise IndexError("the entry ends behind the file")
            return data[start : start + length]
    return None


def _offset(table: Any, number: int) -> int:
    return int(table.Offset(4 + 2 * number))


def _tables(table: Any, number: int) -> list[Any]:
    """The tables in a vector field; none where the field is absent."""
    offset = _offset(table, number)
    if not offset:
        return []
    count, start = table.VectorLen(offset), table.Vector(offset)
    if start + 4 * count > len(table.Bytes):
        raise IndexError("the vector ends behind the file")
    return [flatbuffers.table.Table(table.Bytes, table.Indirect(start + 4 * i)) for i in range(count)]
