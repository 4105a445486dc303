"""Builds activations from TFLite operators. Activations without an int8 operator are computed in float32."""

from __future__ import annotations

import numpy as np
from nampedal.converter.tflite.tflite_graph import Tensor, TfliteGraph
from nampedal.firmware.engine.network import Activation, ActivationKind


def activate(graph: TfliteGraph, name: str, activation: Activation, x: Tensor) -> Tensor:
    """Add an activation on x. The result has the format of x: int8 or float32."""
    match activation.kind:
        case ActivationKind.TANH:
            return graph.unary("TANH", name, x)
        case ActivationKind.SIGMOID:
            return graph.unary("LOGISTIC", name, x)
        case ActivationKind.RELU:
            return graph.unary("RELU", name, x)
        case ActivationKind.LEAKY_RELU:
            return graph.unary("LEAKY_RELU", name, x, "LeakyRelu", alpha=activation.parameters[0])
        case _:
            y = _float_activation(_Steps(graph, name), activation, graph.float32(x))
            return y if x.grid is None else graph.int8(y)


class _Steps:
    """Adds arithmetic operators on float32 signals; each result gets its own name."""

    def __init__(self, graph: TfliteGraph, name: str) -> None:
        self._graph = graph
        self._name = name
        self._taken = 0

    def __call__(self, code: str, x: Tensor, y: Tensor | float | tuple[float, ...] | None = None) -> Tensor:
        """Add the operator with this code on x, or on x and y."""
        self._taken += 1
        name = f"{self._name}.{self._taken}"
        if y is None:
            return self._graph.unary(code, name, x)
        if not isinstance(y, Tensor):
            y = self._graph.constant(f"{name}.operand", np.reshape(np.array(y, np.float32), (1, 1, -1)))
        return self._graph.binary(code, name, x, y)


def _float_activation(do: _Steps, activation: Activation, x: Tensor) -> Tensor:
    match activation.kind:
        case ActivationKind.HARD_TANH:
            return do("RELU_N1_TO_1", x)
        case ActivationKind.HARD_SWISH:
            return do("HARD_SWISH", x)
        case ActivationKind.PRELU:
            slopes = np.broadcast_to(activation.parameters, x.shape[-1])
            return do("PRELU", x, tuple(slopes.tolist()))
        case ActivationKind.SILU:
            return do("MUL", x, do("LOGISTIC", x))
        case ActivationKind.SOFTSIGN:
            return _softsign(do, x)
        case ActivationKind.SOFTSIGMOID:
            return do("MUL", do("ADD", _softsign(do, x), 1.0), 0.5)
        case ActivationKind.LEAKY_HARD_TANH:
            return _leaky_hard_tanh(do, x, *activation.parameters)
        case ActivationKind.FAST_TANH:
            return _fast_tanh(do, x)
        case kind:
            raise AssertionError(f"{kind} is not composed here")


def _softsign(do: _Steps, x: Tensor) -> Tensor:
    return do("DIV", x, do("ADD", do("ABS", x), 1.0))


def _leaky_hard_tanh(do: _Steps, x: Tensor, low: float, high: float, low_slope: float, high_slope: float) -> Tensor:
    inside = do("MINIMUM", do("MAXIMUM", x, low), high)
    below = do("MUL", do("MINIMUM", do("SUB", x, low), 0.0), low_slope)
    above = do("MUL", do("MAXIMUM", do("SUB", x, high), 0.0), high_slope)
    return do("ADD", do("ADD", inside, below), above)


def _fast_tanh(do: _Steps, x: Tensor) -> Tensor:
    # NeuralAmpModelerCore's approximation.
    a, x2 = do("ABS", x), do("MUL", x, x)
    slope = do("ADD", do("MUL", a, 0.821226666969744), 0.893229853513558)
    linear = do("ADD", do("MUL", a, 2.45550750702956), 2.45550750702956)
    top = do("MUL", x, do("ADD", linear, do("MUL", slope, x2)))
    bent = do("ABS", do("ADD", x, do("MUL", do("MUL", x, a), 0.814642734961073)))
    bottom = do("ADD", do("MUL", do("ADD", x2, 2.44506634652299), bent), 2.44506634652299)
    return do("DIV", top, bottom)
