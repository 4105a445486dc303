"""Makes a small .tflite whose every output frame can be calculated by hand.

Audio (1, 1, block, 1) in, the same shape out: y[t] = sum over k of taps[k] * (x[t - k] + bias). The frames before the
block, bias included, are a resource variable; the subgraph that CALL_ONCE runs sets each of them to `past`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

# In bytes. Interpreters read constants in place, so these have to be aligned.
ALIGNMENT = 16
Op = schema.BuiltinOperator
Options = schema.BuiltinOptions


class AlignedBuffer(schema.BufferT):  # type: ignore[misc]
    def Pack(self, builder: Any) -> Any:  # noqa: N802
        if self.data is not None:
            builder.Prep(ALIGNMENT, len(self.data))
        return super().Pack(builder)


class Graph:
    """A model under construction. Tensors and operators are added to the newest subgraph."""

    def __init__(self) -> None:
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.operatorCodes = []
        self.model.buffers = [schema.BufferT()]
        self.model.subgraphs = []

    def subgraph(self, name: str) -> None:
        self.now = schema.SubGraphT()
        self.now.name, self.now.tensors, self.now.operators = name, [], []
        self.now.inputs, self.now.outputs = [], []
        self.model.subgraphs.append(self.now)

    def tensor(
        self, name: str, shape: Sequence[int], kind: int = schema.TensorType.FLOAT32, signature: Any = None
    ) -> int:
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type, tensor.shapeSignature = name, list(shape), kind, signature
        tensor.buffer = 0
        self.now.tensors.append(tensor)
        return len(self.now.tensors) - 1

    def constant(self, name: str, values: Any, dtype: Any = np.float32) -> int:
        array = np.asarray(values, dtype)
        index = self.tensor(
            name, array.shape, schema.TensorType.INT32 if dtype == np.int32 else schema.TensorType.FLOAT32
        )
        buffer = AlignedBuffer()
        buffer.data = np.frombuffer(array.tobytes(), np.uint8)
        self.model.buffers.append(buffer)
        self.now.tensors[index].buffer = len(self.model.buffers) - 1
        return index

    def add(self, kind: str, inputs: list[int], outputs: list[int], **options: Any) -> None:
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(Op, kind)
        code.deprecatedBuiltinCode = min(code.builtinCode, Op.PLACEHOLDER_FOR_GREATER_OP_CODES)
        code.version = 2 if kind == "BROADCAST_TO" else 1
        self.model.operatorCodes.append(code)
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self.model.operatorCodes) - 1
        operator.inputs, operator.outputs = inputs, outputs
        table = {"CONV_2D": "Conv2DOptions"}.get(kind, kind.title().replace("_", "") + "Options")
        operator.builtinOptionsType = getattr(Options, table)
        operator.builtinOptions = getattr(schema, table + "T")()
        for name, value in options.items():
            setattr(operator.builtinOptions, name, value)
        self.now.operators.append(operator)

    def handle(self) -> int:
        """Add the variable that holds the past frames, and return its tensor."""
        index = self.tensor("handle", [], schema.TensorType.RESOURCE)
        self.add("VAR_HANDLE", [], [index], container="", sharedName="past")
        return index

    def bytes(self) -> bytes:
        builder = flatbuffers.Builder(4096)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def fir(taps: Sequence[float], *, bias: float = 0.0, past: float = 0.0, block: int = 64, dynamic: bool = True) -> bytes:
    """Return a FIR filter of at least two taps. dynamic: the block size can be changed; otherwise it is fixed to
    `block`.
    """
    kept = len(taps) - 1
    free = [1, 1, -1, 1] if dynamic else None
    graph = Graph()

    graph.subgraph("main")
    audio = graph.tensor("audio", [1, 1, block, 1], signature=free)
    biased = graph.tensor("biased", [1, 1, block, 1])
    before = graph.tensor("before", [1, 1, kept, 1])
    joined = graph.tensor("joined", [1, 1, kept + block, 1])
    played = graph.tensor("played", [1, 1, block, 1])
    after = graph.tensor("after", [1, 1, kept, 1])
    graph.now.inputs, graph.now.outputs = [audio], [played]
    graph.add("CALL_ONCE", [], [], initSubgraphIndex=1)
    handle = graph.handle()
    graph.add("READ_VARIABLE", [handle], [before])
    graph.add("ADD", [audio, graph.constant("bias", [bias])], [biased])
    graph.add("CONCATENATION", [before, biased], [joined], axis=2)
    # A "convolution" in machine learning is a correlation: the first weight multiplies the oldest frame.
    kernel = graph.constant("taps", np.asarray(taps, np.float32)[::-1].reshape(1, 1, -1, 1))
    convolved = [joined, kernel, graph.constant("no bias", [0.0])]
    graph.add("CONV_2D", convolved, [played], padding=schema.Padding.VALID, strideW=1, strideH=1)
    last = [[0, 0, -kept, 0], [0, 0, 0, 0], [1, 1, 1, 1]]
    corners = [graph.constant(name, row, np.int32) for name, row in zip(("begin", "end", "step"), last, strict=True)]
    graph.add("STRIDED_SLICE", [joined, *corners], [after], endMask=0b1111)
    graph.add("ASSIGN_VARIABLE", [handle, after], [])

    graph.subgraph("init")
    start = graph.tensor("start", [1, 1, kept, 1])
    row = graph.constant("row", np.full((1, 1, 1, 1), past))
    graph.add("BROADCAST_TO", [row, graph.constant("shape", [1, 1, kept, 1], np.int32)], [start])
    graph.add("ASSIGN_VARIABLE", [graph.handle(), start], [])
    return graph.bytes()
