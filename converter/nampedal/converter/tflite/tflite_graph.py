"""Builds a TFLite graph: signals, operators, and state that is kept from block to block.

Signals are (1, 1, frames, channels), float32 or int8. int8 means real = scale * (value - zero_point). An operator on
int8 gives int8; its grid comes from the range that was measured for the signal of the same name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from nampedal.converter.rounding.round_weights import round_to_nearest
from nampedal.converter.tflite.tflite_file import Array, TfliteModelFile, quantization, schema
from nampedal.firmware.engine.network import Conv, Int8Weights, Weights

FRAMES_AXIS = 2
CHANNELS_AXIS = 3


@dataclass(frozen=True, slots=True)
class Grid:
    """Maps int8 values to real values: scale * (value - zero_point)."""

    scale: float
    zero_point: int

    @property
    def parameters(self) -> Any:
        return quantization(np.array([self.scale]), np.array([self.zero_point]))


# TFLite requires these output grids for int8 TANH and LOGISTIC.
FIXED_GRIDS = {"TANH": Grid(1 / 128, 0), "LOGISTIC": Grid(1 / 256, -128)}


@dataclass(frozen=True, slots=True)
class SignalRange:
    """The smallest and the largest value that a signal took."""

    low: float
    high: float

    @property
    def grid(self) -> Grid:
        """The int8 grid that covers the range and 0. TFLite requires that 0 is on the grid."""
        low, high = min(self.low, 0.0), max(self.high, 0.0)
        scale = float(np.float32((high - low) / 255))
        # A signal that is always 0 can have any scale.
        if scale < np.finfo(np.float32).tiny:
            return Grid(1.0, 0)
        return Grid(scale, int(np.clip(round(-128 - low / scale), -128, 127)))


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of the graph. shape: for the default block.  grid: None for float32."""

    index: int
    name: str
    shape: tuple[int, ...]
    grid: Grid | None = None


class TfliteGraph:
    """A graph under construction, with one input, one output, and states.

    ranges: range of each signal that becomes int8, by name.
    idle: initial value of each state, by name, in its stored format; it is broadcast to the state's shape. States that
    are missing here start at zero.
    """

    def __init__(self, ranges: Mapping[str, SignalRange], idle: Mapping[str, Array]) -> None:
        self._ranges = ranges
        self._idle = idle
        self._file = TfliteModelFile()
        self._main = self._file.subgraph("main")
        self._init = self._file.subgraph("init")
        self._main.operator("CALL_ONCE", [], [], "CallOnce", initSubgraphIndex=1)
        self._converted: dict[int, Tensor] = {}
        self._indices: dict[int | tuple[int, ...], int] = {}
        self._floats: list[Tensor] = []
        self._next: list[Tensor] = []
        # The name of the output signal in the network.
        self.output_signal = ""

    # ---- input and outputs ----

    def input(self, name: str, shape: tuple[int, ...], any_frames: bool) -> Tensor:
        """Add the float32 input. any_frames: the interpreter may resize it to other numbers of frames."""
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

    def expose_floats(self) -> None:
        """Make every float32 signal an output, under its own name."""
        self._put_out(self._floats)

    def expose_next_states(self) -> None:
        """Make the next value of each state an output, under the state's name."""
        self._put_out(self._next)

    def _put_out(self, tensors: Sequence[Tensor]) -> None:
        outputs = self._main.table.outputs
        outputs += [tensor.index for tensor in tensors if tensor.index not in outputs]

    def pack(self, metadata: Mapping[str, bytes]) -> bytes:
        return self._file.pack(metadata)

    # ---- formats ----

    def int8(self, x: Tensor) -> Tensor:
        """Return the signal as int8; it is converted if needed."""
        return x if x.grid is not None else self._convert("QUANTIZE", x, self._ranges[x.name].grid)

    def float32(self, x: Tensor) -> Tensor:
        """Return the signal as float32; it is converted if needed."""
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
        """Add a state and return its value, which `keep` stored in the block before. grid: None for float32."""
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
        """Store the new value of a state for the next block."""
        self._main.operator("ASSIGN_VARIABLE", [self._main.variable(name), value.index], [], "AssignVariable")
        self._main.table.tensors[value.index].name = name
        self._next.append(value)

    # ---- operators ----

    def constant(self, name: str, values: Array) -> Tensor:
        """Add a float32 constant."""
        floats = np.asarray(values, np.float32)
        return Tensor(self._main.constant(name, floats), name, floats.shape)

    def weight(self, name: str, weight: Weights) -> Tensor:
        """Add weights as a float32 operand. int8 weights are stored as int8, and the interpreter expands them."""
        if not isinstance(weight, Int8Weights):
            return self.constant(name, weight)
        expanded = Tensor(self._main.tensor(name, weight.shape, "FLOAT32"), name, weight.shape)
        self._main.operator("DEQUANTIZE", [self._int8_weight(f"{name}.int8", weight)], [expanded.index])
        return expanded

    def _int8_weight(self, name: str, weight: Int8Weights) -> int:
        return self._main.constant(name, weight.values, quantization(weight.scale, np.zeros(len(weight.scale))))

    def conv(self, name: str, x: Tensor, conv: Conv) -> Tensor:
        """Add the convolution of x. The first conv.lookback frames of x are the past.

        If x is int8, float32 weights are rounded to the nearest int8, and the bias becomes int32.
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
        """Add an elementwise operator on one signal, such as TANH, LOGISTIC or RELU."""
        result = self._result(code, name, x, x.shape)
        self._main.operator(code, [x.index], [result.index], options, **values)
        return result

    def binary(self, code: str, name: str, x: Tensor, y: Tensor) -> Tensor:
        """Add an operator on two signals: ADD, SUB, MUL, DIV, MAXIMUM, MINIMUM or PRELU. y is broadcast."""
        options = {"MAXIMUM": "MaximumMinimum", "MINIMUM": "MaximumMinimum", "PRELU": ""}
        result = self._result(code, name, x, x.shape)
        self._main.operator(code, [x.index, y.index], [result.index], options.get(code, code.capitalize()))
        return result

    def matmul(self, name: str, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Add a matrix product with bias: x (rows, in), weight (out, in) -> (rows, out), float32."""
        result = self._result("FULLY_CONNECTED", name, x, (x.shape[0], weight.shape[0]))
        self._main.operator("FULLY_CONNECTED", [x.index, weight.index, bias.index], [result.index], "FullyConnected")
        return result

    # The following operators only move values, so the result has the grid of the input.

    def concat(self, name: str, parts: Sequence[Tensor], axis: int) -> Tensor:
        """Add the concatenation of signals that have the same grid."""
        shape = list(parts[0].shape)
        shape[axis] = sum(part.shape[axis] for part in parts)
        result = self._signal(name, tuple(shape), parts[0].grid)
        self._main.operator("CONCATENATION", [p.index for p in parts], [result.index], "Concatenation", axis=axis)
        return result

    def split(self, name: str, x: Tensor, parts: int) -> list[Tensor]:
        """Split the last axis into equal parts."""
        shape = (*x.shape[:-1], x.shape[-1] // parts)
        results = [self._signal(f"{name}.{i}", shape, x.grid) for i in range(parts)]
        axis = self._integers(len(shape) - 1)
        self._main.operator("SPLIT", [axis, x.index], [r.index for r in results], "Split", numSplits=parts)
        self._floats += [result for result in results if result.grid is None]
        return results

    def tail(self, name: str, x: Tensor, frames: int) -> Tensor:
        """Return the last `frames` frames of x; it works for any block length."""
        shape = (*x.shape[:FRAMES_AXIS], frames, *x.shape[FRAMES_AXIS + 1 :])
        return self._slice(name, x, shape, begin=(0, 0, -frames, 0), end=(0, 0, 0, 0), endMask=0b1111, beginMask=0b1011)

    def row(self, name: str, x: Tensor, at: int) -> Tensor:
        """Return row `at` of x: (rows, width) -> (1, width)."""
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
    """Convert the weight (out, in / groups, kernel) to TFLite's layout (out, 1, kernel, in).

    A grouped convolution becomes a dense one, with zeros between the groups.
    """
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
