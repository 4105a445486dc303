"""A TFLite graph under construction: signals, operators on them, state from block to block.

Signals are (1, 1, frames, channels), float32 or int8 as real = scale * (value - zero_point). An operator on int8 gives
int8, on the grid of the range that was measured for the signal of that name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from nampedal.converter.rounding import round_to_nearest
from nampedal.converter.tflite_file import Array, File, quantization, schema
from nampedal.firmware.network import Conv, Int8Weights, Weights

FRAMES_AXIS = 2
CHANNELS_AXIS = 3


@dataclass(frozen=True, slots=True)
class Grid:
    """The real values that int8 stands for: scale * (value - zero_point)."""

    scale: float
    zero_point: int

    @property
    def parameters(self) -> Any:
        return quantization(np.array([self.scale]), np.array([self.zero_point]))


# What TFLite demands of its int8 TANH and LOGISTIC.
FIXED_GRIDS = {"TANH": Grid(1 / 128, 0), "LOGISTIC": Grid(1 / 256, -128)}


@dataclass(frozen=True, slots=True)
class Range:
    """The smallest and the largest value that a signal took."""

    low: float
    high: float

    @property
    def grid(self) -> Grid:
        """Over the range and 0, which TFLite wants to be on it."""
        low, high = min(self.low, 0.0), max(self.high, 0.0)
        scale = float(np.float32((high - low) / 255))
        # A signal that never moves may have any scale.
        if scale < np.finfo(np.float32).tiny:
            return Grid(1.0, 0)
        return Grid(scale, int(np.clip(round(-128 - low / scale), -128, 127)))


@dataclass(frozen=True, slots=True)
class Tensor:
    """A place in the graph. shape: for the default block.  grid: None for float32."""

    index: int
    name: str
    shape: tuple[int, ...]
    grid: Grid | None = None


class Graph:
    """One input, one output, state in between.

    ranges: of the signals that become int8, by name.  idle: what each state begins with, by name, as stored and
    broadcast to its shape; zeros where absent.
    """

    def __init__(self, ranges: Mapping[str, Range], idle: Mapping[str, Array]) -> None:
        self._ranges = ranges
        self._idle = idle
        self._file = File()
        self._main = self._file.subgraph("main")
        self._init = self._file.subgraph("init")
        self._main.operator("CALL_ONCE", [], [], "CallOnce", initSubgraphIndex=1)
        self._converted: dict[int, Tensor] = {}
        self._indices: dict[int | tuple[int, ...], int] = {}
        self._floats: list[Tensor] = []
        self._next: list[Tensor] = []
        # What the output is called within the network.
        self.output_signal = ""

    # ---- the ends ----

    def input(self, name: str, shape: tuple[int, ...], any_frames: bool) -> Tensor:
        """any_frames: the interpreter may resize it."""
        tensor = self._signal(name, shape, None)
        table = self._main.table
        table.inputs.append(tensor.index)
        if any_frames:
            table.tensors[tensor.index].shapeSignature = [*shape[:FRAMES_AXIS], -1, *shape[FRAMES_AXIS + 1 :]]
        return tensor

    def output(self, name: str, tensor: Tensor) -> None:
        self._main.table.tensors[tensor.index].name = name
        self._main.table.outputs.append(tensor.index)
        self.output_signal = tensor.name

    def put_out_floats(self) -> None:
        """Make every float signal an output, by its name."""
        self._put_out(self._floats)

    def put_out_next_states(self) -> None:
        """Make what each state becomes an output, by the state's name."""
        self._put_out(self._next)

    def _put_out(self, tensors: Sequence[Tensor]) -> None:
        outputs = self._main.table.outputs
        outputs += [tensor.index for tensor in tensors if tensor.index not in outputs]

    def pack(self, metadata: Mapping[str, bytes]) -> bytes:
        return self._file.pack(metadata)

    # ---- formats ----

    def int8(self, x: Tensor) -> Tensor:
        """The same signal as int8."""
        return x if x.grid is not None else self._convert("QUANTIZE", x, self._ranges[x.name].grid)

    def float32(self, x: Tensor) -> Tensor:
        """The same signal as float32."""
        return x if x.grid is None else self._convert("DEQUANTIZE", x, None)

    def _convert(self, code: str, x: Tensor, grid: Grid | None) -> Tensor:
        if x.index not in self._converted:
            y = self._signal(f"{x.name}.{'float32' if grid is None else 'int8'}", x.shape, grid)
            self._main.operator(code, [x.index], [y.index])
            self._converted[x.index] = replace(y, name=x.name)
        return self._converted[x.index]

    def _signal(self, name: str, shape: tuple[int, ...], grid: Grid | None) -> Tensor:
        kind = "FLOAT32" if grid is None else "INT8"
        return Tensor(self._main.tensor(name, shape, kind, 0, grid and grid.parameters), name, shape, grid)

    # ---- state ----

    def state(self, name: str, shape: tuple[int, ...], grid: Grid | None) -> Tensor:
        """What `keep` stored in the block before."""
        kind, parameters = ("FLOAT32", None) if grid is None else ("INT8", grid.parameters)
        zero = np.zeros(1, np.float32) if grid is None else np.array([grid.zero_point], np.int8)
        row = np.broadcast_to(self._idle.get(name, zero), (*[1] * (len(shape) - 1), shape[-1]))
        filled = self._init.tensor(name, shape, kind, 0, parameters)
        row_and_shape = [
            self._init.constant(f"{name}.idle", row, parameters),
            self._init.constant(f"{name}.shape", np.array(shape, np.int32)),
        ]
        self._init.operator("BROADCAST_TO", row_and_shape, [filled], "BroadcastTo")
        self._init.operator("ASSIGN_VARIABLE", [self._init.variable(name), filled], [], "AssignVariable")
        past = self._signal(f"{name}.past", shape, grid)
        self._main.operator("READ_VARIABLE", [self._main.variable(name)], [past.index], "ReadVariable")
        return past

    def keep(self, name: str, value: Tensor) -> None:
        """Store the state for the next block."""
        self._main.operator("ASSIGN_VARIABLE", [self._main.variable(name), value.index], [], "AssignVariable")
        self._main.table.tensors[value.index].name = name
        self._next.append(value)

    # ---- operators ----

    def constant(self, name: str, values: Array) -> Tensor:
        """A float32 operand."""
        floats = np.asarray(values, np.float32)
        return Tensor(self._main.constant(name, floats), name, floats.shape)

    def weight(self, name: str, weight: Weights) -> Tensor:
        """A float32 operand; int8 weights are stored as they are, and the interpreter expands them."""
        if not isinstance(weight, Int8Weights):
            return self.constant(name, weight)
        expanded = Tensor(self._main.tensor(name, weight.shape, "FLOAT32"), name, weight.shape)
        self._main.operator("DEQUANTIZE", [self._int8_weight(f"{name}.int8", weight)], [expanded.index])
        return expanded

    def _int8_weight(self, name: str, weight: Int8Weights) -> int:
        return self._main.constant(name, weight.values, quantization(weight.scale, np.zeros(len(weight.scale))))

    def conv(self, name: str, x: Tensor, conv: Conv) -> Tensor:
        """The convolution of x, whose first conv.lookback frames are the past.

        On int8, weights that are float32 still are rounded to nearest, and the bias is int32.
        """
        weight = _out_height_width_in(conv)
        bias = np.zeros(conv.out_channels, np.float32) if conv.bias is None else conv.bias
        if x.grid is None:
            operands = [self.weight(f"{name}.weight", weight).index, self.constant(f"{name}.bias", bias).index]
        else:
            packed = weight if isinstance(weight, Int8Weights) else round_to_nearest(weight)
            scale = x.grid.scale * packed.scale.astype(np.float64)
            limits = np.iinfo(np.int32)
            values = np.clip(np.rint(bias / scale), limits.min, limits.max).astype(np.int32)
            zeros = np.zeros(len(scale))
            operands = [
                self._int8_weight(f"{name}.weight", packed),
                self._main.constant(f"{name}.bias", values, quantization(scale, zeros)),
            ]
        shape = (1, 1, x.shape[FRAMES_AXIS] - conv.lookback, conv.out_channels)
        result = self._result("CONV_2D", name, x, shape)
        self._main.operator(
            "CONV_2D",
            [x.index, *operands],
            [result.index],
            "Conv2D",
            padding=schema().Padding.VALID,
            strideW=1,
            strideH=1,
            dilationWFactor=conv.dilation,
        )
        return result

    def unary(self, code: str, name: str, x: Tensor, options: str = "", **values: Any) -> Tensor:
        """TANH, LOGISTIC, RELU and the like: an operator on each value."""
        result = self._result(code, name, x, x.shape)
        self._main.operator(code, [x.index], [result.index], options, **values)
        return result

    def binary(self, code: str, name: str, x: Tensor, y: Tensor) -> Tensor:
        """ADD, SUB, MUL, DIV, MAXIMUM, MINIMUM, PRELU; y is broadcast."""
        options = {"MAXIMUM": "MaximumMinimum", "MINIMUM": "MaximumMinimum", "PRELU": ""}
        result = self._result(code, name, x, x.shape)
        self._main.operator(code, [x.index, y.index], [result.index], options.get(code, code.capitalize()))
        return result

    def matmul(self, name: str, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """X (rows, in) by weight (out, in) -> (rows, out), float32."""
        result = self._result("FULLY_CONNECTED", name, x, (x.shape[0], weight.shape[0]))
        self._main.operator("FULLY_CONNECTED", [x.index, weight.index, bias.index], [result.index], "FullyConnected")
        return result

    # What moves values about keeps their grid.

    def concat(self, name: str, parts: Sequence[Tensor], axis: int) -> Tensor:
        """parts: of one grid."""
        shape = list(parts[0].shape)
        shape[axis] = sum(part.shape[axis] for part in parts)
        result = self._signal(name, tuple(shape), parts[0].grid)
        self._main.operator("CONCATENATION", [p.index for p in parts], [result.index], "Concatenation", axis=axis)
        return result

    def split(self, name: str, x: Tensor, parts: int) -> list[Tensor]:
        """Equal parts of the last axis."""
        shape = (*x.shape[:-1], x.shape[-1] // parts)
        results = [self._signal(f"{name}.{i}", shape, x.grid) for i in range(parts)]
        axis = self._integers(len(shape) - 1)
        self._main.operator("SPLIT", [axis, x.index], [r.index for r in results], "Split", numSplits=parts)
        self._floats += [result for result in results if result.grid is None]
        return results

    def tail(self, name: str, x: Tensor, frames: int) -> Tensor:
        """The last frames of x, however many it has."""
        shape = (*x.shape[:FRAMES_AXIS], frames, *x.shape[FRAMES_AXIS + 1 :])
        return self._slice(name, x, shape, begin=(0, 0, -frames, 0), end=(0, 0, 0, 0), endMask=0b1111, beginMask=0b1011)

    def row(self, name: str, x: Tensor, at: int) -> Tensor:
        """Row `at` of x (rows, width) -> (1, width)."""
        return self._slice(name, x, (1, x.shape[1]), begin=(at, 0), end=(at + 1, 0), endMask=0b10, beginMask=0b10)

    def _slice(
        self, name: str, x: Tensor, shape: tuple[int, ...], begin: tuple[int, ...], end: tuple[int, ...], **masks: int
    ) -> Tensor:
        result = self._signal(name, shape, x.grid)
        bounds = [self._integers(values) for values in (begin, end, (1,) * len(begin))]
        self._main.operator("STRIDED_SLICE", [x.index, *bounds], [result.index], "StridedSlice", **masks)
        return result

    def reshape(self, name: str, x: Tensor, shape: tuple[int, ...]) -> Tensor:
        result = self._signal(name, shape, x.grid)
        self._main.operator(
            "RESHAPE", [x.index, self._integers(shape)], [result.index], "Reshape", newShape=list(shape)
        )
        return result

    def _integers(self, values: int | tuple[int, ...]) -> int:
        if values not in self._indices:
            self._indices[values] = self._main.constant(str(values), np.array(values, np.int32))
        return self._indices[values]

    def _result(self, code: str, name: str, x: Tensor, shape: tuple[int, ...]) -> Tensor:
        if x.grid is None:
            result = self._signal(name, shape, None)
            self._floats.append(result)
            return result
        return self._signal(name, shape, FIXED_GRIDS.get(code) or self._ranges[name].grid)


def _out_height_width_in(conv: Conv) -> Weights:
    """The weight (out, in / groups, kernel) as TFLite has it, (out, 1, kernel, in). Groups become zeros."""
    weight = conv.weight
    if isinstance(weight, Int8Weights):
        return Int8Weights(_dense(weight.values, conv.groups), weight.scale)
    return _dense(weight, conv.groups)


def _dense(weight: Array, groups: int) -> Array:
    out, per_group, kernel = weight.shape
    dense = np.zeros((out, 1, kernel, per_group * groups), weight.dtype)
    for group in range(groups):
        rows = slice(group * out // groups, (group + 1) * out // groups)
        columns = slice(group * per_group, (group + 1) * per_group)
        dense[rows, 0, :, columns] = weight[rows].transpose(0, 2, 1)
    return dense
