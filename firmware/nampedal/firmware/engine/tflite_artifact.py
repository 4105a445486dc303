"""Reads a .tflite that nampedal wrote, and verifies its graph, without any TensorFlow Lite package.

Such a file is a TensorFlow Lite model, followed by the CRC-32 of the model, little-endian. Interpreters ignore bytes
after the model. The metadata entry `nampedal` is a JSON object:

    format          1
    sample_rate     Hz
    block           frames of the audio tensors `audio` and `output`, (1, 1, block, 1) float32
    any_block       true if the interpreter may resize `audio` to another number of frames
    mode            one of MODES
    float_layers    names of the layers whose activations are float32
    prewarm_frames  frames of silence that bring a used graph back to its steady state; a new graph starts there
    facts           an object with facts about the capture, from the converter

LiteRT does not check the graphs that it is given: a bad index makes it read outside the tables. So a graph that the
converter could not have written is refused here (firmware/litert/tflite_verify.h), and later code need not check again.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import flatbuffers
from flatbuffers.number_types import UOffsetTFlags
from nampedal.firmware.base.errors import ArtifactError, FileAccessError
from nampedal.firmware.base.files import bounded_json, file_names
from nampedal.firmware.base.files.bounded_file import read_bounded
from nampedal.firmware.base.files.file_kind import what_it_is
from nampedal.firmware.base.files.toml_schema import os_error_text
from nampedal.firmware.engine import _engine
from nampedal.firmware.engine.capture import LEVEL_FACTS, CaptureSource

SUFFIX = file_names.TFLITE
IDENTIFIER = b"TFL3"
ENTRY = "nampedal"
FORMAT = 1
# weights: activations are float32, weights may be int8.  mixed: int8 activations in some layers.  int8: all int8.
MODES = ("weights", "mixed", "int8")

_CHECKSUM_BYTES = 4
# Files of nampedal have one entry; other converters write a few more.
_MAX_ENTRIES = 1000
_MAX_PREWARM = _engine.MAX_LOOKBACK
_RATES = (_engine.MIN_SAMPLE_RATE, _engine.MAX_SAMPLE_RATE)
# Fields of TensorFlow Lite's tables, in the order of schema.fbs.
_MODEL_BUFFERS, _MODEL_METADATA = 4, 6
_METADATA_NAME, _METADATA_BUFFER = 0, 1
_BUFFER_DATA = 0


@dataclass(frozen=True, slots=True)
class TfliteFile:
    """A .tflite that nampedal wrote. data: the whole file.  The other fields: see the module docstring."""

    path: Path
    data: bytes = field(repr=False)
    sample_rate: float
    block: int
    any_block: bool
    mode: str
    float_layers: tuple[str, ...]
    prewarm_frames: int
    facts: Mapping[str, Any]


def add_checksum(model: bytes) -> bytes:
    """Append the checksum to a model."""
    return model + zlib.crc32(model).to_bytes(_CHECKSUM_BYTES, "little")


def read(path: Path) -> TfliteFile:
    """Read and check a file. Raises ArtifactError; its one-line message starts with the path."""
    try:
        data = read_bounded(path, _engine.MAX_FILE_BYTES)
    except OSError as error:
        raise FileAccessError(f"{path}: can't be read: {os_error_text(error)}") from error
    return parse(path, data)


def parse(path: Path, data: bytes) -> TfliteFile:
    """Check the bytes of a file. Raises ArtifactError; its one-line message starts with the path."""
    if data[4:8] != IDENTIFIER:
        kind = what_it_is(data)
        raise ArtifactError(
            f"{path}: is {kind}; a .tflite is needed"
            if kind
            else f"{path}: is no TensorFlow Lite model; a .tflite has {IDENTIFIER.decode()} at byte 4"
        )
    try:
        entry = _entry(data)
    except (struct.error, IndexError, TypeError, ValueError) as error:
        raise ArtifactError(f"{path}: is damaged: its tables do not hold together; copy it again") from error
    if entry is None:
        raise ArtifactError(
            f"{path}: has no metadata '{ENTRY}'; only a .tflite that nampedal wrote is played: convert the .nam"
        )
    if add_checksum(data[:-_CHECKSUM_BYTES]) != data:
        raise ArtifactError(f"{path}: is damaged: its checksum does not match; copy or convert it again")
    file = _parse(path, data, entry)
    _check_graph(file)
    return file


def capture_source(file: TfliteFile) -> CaptureSource:
    """Return the .nam that a .tflite was made from, as far as its facts say: names, checksum and levels."""
    told = file.facts
    levels = {key: told.get(name) for key, name in LEVEL_FACTS.items() if told.get(name) is not None}

    def text(key: str) -> str:
        found = told.get(key)
        return found if isinstance(found, str) else ""

    return CaptureSource(text("source_file"), text("source_sha256"), text("nam_version"), text("architecture"), levels)


def _check_graph(file: TfliteFile) -> None:
    """Verify the graph, and that it matches the metadata. Raises ArtifactError."""
    try:
        graph = _engine.verify_tflite(file.data, str(file.path))
    except ArtifactError as error:
        raise ArtifactError(str(error)) from error
    if (graph.block, graph.any_block) != (file.block, file.any_block):
        told, found = (
            f"{block} frames{' or any other' if any_block else ''}"
            for block, any_block in ((file.block, file.any_block), (graph.block, graph.any_block))
        )
        raise ArtifactError(f"{file.path}: metadata says blocks of {told}; its graph plays {found}")


def _parse(path: Path, data: bytes, entry: bytes) -> TfliteFile:
    try:
        values = bounded_json.loads(entry)
    except bounded_json.JsonBoundError as error:
        raise ArtifactError(f"{path}: metadata, {error}; convert the .nam again") from error
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise ArtifactError(f"{path}: metadata is no JSON object; convert the .nam again")
    if values.get("format") != FORMAT:
        raise ArtifactError(
            f"{path}: metadata format is {values.get('format')!r}; {FORMAT} is read here; convert the .nam again"
        )

    def value(key: str, wanted: str, is_good: Callable[[Any], bool]) -> Any:
        if not is_good(values.get(key)):
            raise ArtifactError(f"{path}: metadata {key} is {values.get(key)!r}; it must be {wanted}")
        return values[key]

    return TfliteFile(
        path=path,
        data=data,
        sample_rate=float(value("sample_rate", f"{_RATES[0]:g} to {_RATES[1]:g} Hz", _is_rate)),
        block=value("block", "a whole number above 0", lambda v: _is_count(v) and v > 0),
        any_block=value("any_block", "true or false", lambda v: isinstance(v, bool)),
        mode=value("mode", f"one of {', '.join(MODES)}", lambda v: v in MODES),
        float_layers=tuple(value("float_layers", "a list of names", _is_names)),
        prewarm_frames=value("prewarm_frames", f"0 to {_MAX_PREWARM}", lambda v: _is_count(v) and v <= _MAX_PREWARM),
        facts=value("facts", "an object", lambda v: isinstance(v, dict)),
    )


def _is_rate(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and _RATES[0] <= value <= _RATES[1]


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _entry(data: bytes) -> bytes | None:
    """Return the bytes of the metadata entry `nampedal`; None if there is none.

    Raises IndexError, or other errors of flatbuffers, if the file is damaged.
    """
    model = flatbuffers.table.Table(data, flatbuffers.encode.Get(UOffsetTFlags.packer_type, data, 0))
    entries = _count(model, _MODEL_METADATA)
    if entries > _MAX_ENTRIES:
        raise IndexError(f"{entries} entries of metadata")
    for metadata in (_table(model, _MODEL_METADATA, i) for i in range(entries)):
        name = _offset(metadata, _METADATA_NAME)
        if name and metadata.String(name + metadata.Pos) == ENTRY.encode():
            at = _offset(metadata, _METADATA_BUFFER)
            index = metadata.Get(flatbuffers.number_types.Uint32Flags, at + metadata.Pos) if at else 0
            buffer = _table(model, _MODEL_BUFFERS, index)
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


def _count(table: Any, number: int) -> int:
    """Return the number of tables in a vector field; 0 if the field is absent."""
    offset = _offset(table, number)
    return int(table.VectorLen(offset)) if offset else 0


def _table(table: Any, number: int, index: int) -> Any:
    """Return one table of a vector field. Raises IndexError if the vector is too short."""
    if index >= _count(table, number):
        raise IndexError("the vector is shorter")
    start = table.Vector(_offset(table, number))
    return flatbuffers.table.Table(table.Bytes, table.Indirect(start + 4 * index))
