"""Builds the bytes of a .tflite file: subgraphs of tensors and operators, constants, metadata.

The layout is TensorFlow Lite's public schema.fbs. It is written with the classes that ai-edge-litert generated from it.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import flatbuffers
import numpy as np
from nampedal.firmware.base.errors import MissingPackageError
from nampedal.firmware.engine.litert_engine import install_advice
from numpy.typing import NDArray

IDENTIFIER = b"TFL3"
SCHEMA_VERSION = 3
# In bytes. Interpreters read constants in place, so they must be aligned in the file.
ALIGNMENT = 16
# The oldest version of each operator that interpreters still support; 1 if not listed.
OLDEST_VERSIONS = {"BROADCAST_TO": 2}

Array = NDArray[Any]


@cache
def schema() -> Any:
    """Return the module of the classes generated from schema.fbs. Raises MissingPackageError."""
    try:
        return importlib.import_module("ai_edge_litert.schema_py_generated")
    except ImportError as error:
        raise MissingPackageError(
            f"ai-edge-litert: is not installed, and no .tflite can be written without it; {install_advice()}"
        ) from error


def quantization(scale: Array, zero_point: Array) -> Any:
    """Return quantization parameters: one scale and zero point for all, or one per channel along the first axis."""
    return schema().QuantizationParametersT(scale=scale.astype(np.float32), zeroPoint=zero_point.astype(np.int64))


def _operator_code(code: str) -> Any:
    number = getattr(schema().BuiltinOperator, code)
    # The old field is one signed byte; 127 means that the number is in the new field.
    return schema().OperatorCodeT(
        deprecatedBuiltinCode=min(number, 127), builtinCode=number, version=OLDEST_VERSIONS.get(code, 1)
    )


class TfliteModelFile:
    """A .tflite file under construction: its subgraphs, and the constants and operator list that they share.

    Equal constants are stored once.
    """

    def __init__(self) -> None:
        # Buffer 0 is used by tensors that are not constants.
        self._buffers: list[Array | None] = [None]
        self._places: dict[bytes, int] = {}
        self._codes: dict[str, int] = {}
        self._subgraphs: list[Any] = []

    def subgraph(self, name: str) -> Subgraph:
        table = schema().SubGraphT(tensors=[], inputs=[], outputs=[], operators=[], name=name)
        self._subgraphs.append(table)
        return Subgraph(self, table)

    def buffer(self, data: bytes) -> int:
        if data not in self._places:
            self._places[data] = len(self._buffers)
            self._buffers.append(np.frombuffer(data, np.uint8))
        return self._places[data]

    def operator_code(self, code: str) -> int:
        return self._codes.setdefault(code, len(self._codes))

    def pack(self, metadata: Mapping[str, bytes]) -> bytes:
        """Return the file as a FlatBuffer. The same calls before give the same bytes.

        metadata: the content of each metadata entry, by name.
        """
        made = schema()

        class AlignedBuffer(made.BufferT):  # type: ignore[misc, name-defined]
            def Pack(self, builder: Any) -> Any:  # noqa: N802
                if self.data is not None:
                    builder.Prep(ALIGNMENT, len(self.data))
                return super().Pack(builder)

        entries = [made.MetadataT(name=name, buffer=self.buffer(data)) for name, data in metadata.items()]
        model = made.ModelT(
            version=SCHEMA_VERSION,
            description="nampedal",
            operatorCodes=[_operator_code(code) for code in self._codes],
            subgraphs=self._subgraphs,
            buffers=[AlignedBuffer(data=data) for data in self._buffers],
            metadata=entries,
        )
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
        return bytes(builder.Output())


class Subgraph:
    """One subgraph: tensors, and the operators between them in execution order."""

    def __init__(self, file: TfliteModelFile, table: Any) -> None:
        self._file = file
        self.table = table

    def tensor(self, name: str, shape: Sequence[int], kind: str, buffer: int = 0, parameters: Any = None) -> int:
        """Add a tensor and return its index. kind: a TensorType of the schema.  parameters: from `quantization`."""
        self.table.tensors.append(
            schema().TensorT(
                shape=list(shape),
                type=getattr(schema().TensorType, kind),
                buffer=buffer,
                name=name,
                quantization=parameters,
            )
        )
        return len(self.table.tensors) - 1

    def constant(self, name: str, values: Array, parameters: Any = None) -> int:
        """Add a constant tensor and return its index. values: float32, int8 or int32."""
        kind = "FLOAT32" if values.dtype == np.float32 else values.dtype.name.upper()
        data = values.astype(values.dtype.newbyteorder("<")).tobytes()
        return self.tensor(name, values.shape, kind, self._file.buffer(data), parameters)

    def variable(self, name: str) -> int:
        """Add a handle to the variable of this name and return its tensor index. All subgraphs share the variable."""
        handle = self.tensor(f"{name}.handle", (), "RESOURCE")
        self.operator("VAR_HANDLE", [], [handle], "VarHandle", container="", sharedName=name)
        return handle

    def operator(
        self, code: str, inputs: Sequence[int], outputs: Sequence[int], options: str = "", **values: Any
    ) -> None:
        """Add an operator.

        code: a BuiltinOperator of the schema.
        options: name of its table in BuiltinOptions, without the suffix `Options`; empty for none.
        values: the fields of that table.
        """
        made = schema()
        self.table.operators.append(
            made.OperatorT(
                opcodeIndex=self._file.operator_code(code),
                inputs=list(inputs),
                outputs=list(outputs),
                builtinOptionsType=getattr(made.BuiltinOptions, f"{options}Options") if options else 0,
                builtinOptions=getattr(made, f"{options}OptionsT")(**values) if options else None,
            )
        )
