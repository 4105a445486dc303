"""A .tflite as bytes: subgraphs of tensors and operators, constants, metadata.

The layout is TensorFlow Lite's public schema.fbs, by way of the classes that ai-edge-litert generated from it.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import flatbuffers
import numpy as np
from nampedal.converter.errors import TfliteMissingError
from numpy.typing import NDArray

IDENTIFIER = b"TFL3"
SCHEMA_VERSION = 3
# Interpreters read constants where they lie in the file.
ALIGNMENT = 16
# Of operators; 1 where absent. The oldest that interpreters still know.
OLDEST_VERSIONS = {"BROADCAST_TO": 2}

Array = NDArray[Any]


@cache
def schema() -> Any:
    """The generated classes. Raises TfliteMissingError."""
    try:
        return importlib.import_module("ai_edge_litert.schema_py_generated")
    except ImportError as error:
        raise TfliteMissingError(
            "ai-edge-litert: is not installed, and no .tflite can be written without it; pip install ai-edge-litert"
        ) from error


def quantization(scale: Array, zero_point: Array) -> Any:
    """One scale and zero point for all, or one a channel along the first axis."""
    return schema().QuantizationParametersT(scale=scale.astype(np.float32), zeroPoint=zero_point.astype(np.int64))


def _operator_code(code: str) -> Any:
    number = getattr(schema().BuiltinOperator, code)
    # The old field is one signed byte; its last value says that the number is in the new one.
    return schema().OperatorCodeT(
        deprecatedBuiltinCode=min(number, 127), builtinCode=number, version=OLDEST_VERSIONS.get(code, 1)
    )


class File:
    """What subgraphs share: constants, each stored once, and the list of operators in use."""

    def __init__(self) -> None:
        # Buffer 0 is that of tensors which are no constants.
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
        """The FlatBuffer. Same calls before, same bytes."""
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
    """Tensors and the operators between them, in the order in which they run."""

    def __init__(self, file: File, table: Any) -> None:
        self._file = file
        self.table = table

    def tensor(self, name: str, shape: Sequence[int], kind: str, buffer: int = 0, parameters: Any = None) -> int:
        """kind: a TensorType of the schema.  parameters: from `quantization`."""
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
        """values: float32, int8 or int32."""
        kind = "FLOAT32" if values.dtype == np.float32 else values.dtype.name.upper()
        data = values.astype(values.dtype.newbyteorder("<")).tobytes()
        return self.tensor(name, values.shape, kind, self._file.buffer(data), parameters)

    def variable(self, name: str) -> int:
        """A handle on the variable of that name, which all subgraphs share."""
        handle = self.tensor(f"{name}.handle", (), "RESOURCE")
        self.operator("VAR_HANDLE", [], [handle], "VarHandle", container="", sharedName=name)
        return handle

    def operator(
        self, code: str, inputs: Sequence[int], outputs: Sequence[int], options: str = "", **values: Any
    ) -> None:
        """code: a BuiltinOperator.  options: its table of BuiltinOptions, without the `Options`; values: the fields."""
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
