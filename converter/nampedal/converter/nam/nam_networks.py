"""Reads the .nam architectures Linear, ConvNet and LSTM. The weight layout is that of NeuralAmpModelerCore."""

from __future__ import annotations

import math

import numpy as np
from nampedal.converter.errors import CaptureError
from nampedal.converter.nam.nam_json import Field, WeightReader, short_repr
from nampedal.firmware.engine._engine import MAX_CHANNELS, MAX_LAYERS, MAX_LOOKBACK
from nampedal.firmware.engine.network import (
    Activation,
    ActivationKind,
    Conv,
    ConvNet,
    ConvNetBlock,
    Linear,
    Lstm,
    LstmLayer,
)

ACTIVATIONS = {
    "Tanh": ActivationKind.TANH,
    "Hardtanh": ActivationKind.HARD_TANH,
    "Fasttanh": ActivationKind.FAST_TANH,
    "ReLU": ActivationKind.RELU,
    "LeakyReLU": ActivationKind.LEAKY_RELU,
    "PReLU": ActivationKind.PRELU,
    "Sigmoid": ActivationKind.SIGMOID,
    "SiLU": ActivationKind.SILU,
    "Hardswish": ActivationKind.HARD_SWISH,
    "LeakyHardtanh": ActivationKind.LEAKY_HARD_TANH,
    "LeakyHardTanh": ActivationKind.LEAKY_HARD_TANH,
    "Softsign": ActivationKind.SOFTSIGN,
    "Softsigmoid": ActivationKind.SOFTSIGMOID,
}
DEFAULT_SLOPE = 0.01

# The kernel size of every ConvNet block; the file does not state it.
CONVNET_KERNEL_SIZE = 2
# Seconds of silence that NeuralAmpModelerCore plays into an LSTM until it settles.
LSTM_PREWARM_S = 0.5


def read_activation(field: Field, channels: int) -> Activation:
    """Read an activation of `channels` channels: a name, or an object with `type` and its parameters."""
    name = field["type"] if isinstance(field.value, dict) else field
    kind = ACTIVATIONS.get(name.text())
    if kind is None:
        name.fail(CaptureError, f"is {short_repr(name.value)}; known are {', '.join(sorted(ACTIVATIONS))}")
    match kind:
        case ActivationKind.LEAKY_RELU:
            return Activation(kind, (field["negative_slope"].number(DEFAULT_SLOPE),))
        case ActivationKind.PRELU if not field["negative_slope"].present and field["negative_slopes"].present:
            slopes = field["negative_slopes"].items(1, MAX_CHANNELS)
            if len(slopes) not in (1, channels):
                field["negative_slopes"].fail(
                    CaptureError, f"has {len(slopes)} entries; 1 or one for each of {channels} channels is needed"
                )
            return Activation(kind, tuple(slope.number() for slope in slopes))
        case ActivationKind.PRELU:
            return Activation(kind, (field["negative_slope"].number(DEFAULT_SLOPE),))
        case ActivationKind.LEAKY_HARD_TANH:
            return Activation(
                kind,
                (
                    field["min_val"].number(-1.0),
                    field["max_val"].number(1.0),
                    field["min_slope"].number(0.01),
                    field["max_slope"].number(0.01),
                ),
            )
        case _:
            return Activation(kind)


def read_channels(config: Field) -> tuple[int, int]:
    """Return in_channels and out_channels; the default of both is 1."""
    return config["in_channels"].integer(1, MAX_CHANNELS, 1), config["out_channels"].integer(1, MAX_CHANNELS, 1)


def read_linear(config: Field, weights: WeightReader) -> Linear:
    taps = config["receptive_field"].integer(1, MAX_LOOKBACK)
    bias = config["bias"].boolean()
    in_channels, out_channels = read_channels(config)
    impulse_response = weights.take(taps)
    return Linear(impulse_response, float(weights.take(1)[0]) if bias else 0.0, in_channels, out_channels)


def read_convnet(config: Field, weights: WeightReader) -> ConvNet:
    channels = config["channels"].integer(1, MAX_CHANNELS)
    batch_norm = config["batchnorm"].boolean()
    groups = config["groups"].integer(1, MAX_CHANNELS, 1)
    in_channels, out_channels = read_channels(config)
    activation = read_activation(config["activation"], channels)
    blocks = []
    for i, dilation in enumerate(config["dilations"].items(1, MAX_LAYERS)):
        width = in_channels if i == 0 else channels
        if channels % groups or width % groups:
            config["groups"].fail(CaptureError, f"is {groups}; it must divide {width} and {channels} channels")
        weight = weights.take(channels, width // groups, CONVNET_KERNEL_SIZE)
        bias = None if batch_norm else weights.take(channels)
        conv = Conv(weight, bias, dilation.integer(1, MAX_LOOKBACK), groups)
        blocks.append(ConvNetBlock(_fold_batch_norm(conv, weights, config) if batch_norm else conv, activation))
    head_weight = weights.take(out_channels, channels, 1)
    return ConvNet(tuple(blocks), Conv(head_weight, weights.take(out_channels)))


def _fold_batch_norm(conv: Conv, weights: WeightReader, config: Field) -> Conv:
    """Fold the batch norm after a convolution into it.

    Weights in the file: mean, variance, gain, offset, each (out,), then epsilon.
    """
    mean, variance, gain, offset = (weights.take(conv.out_channels).astype(np.float64) for _ in range(4))
    epsilon = float(weights.take(1)[0])
    if np.any(variance + epsilon < 0.0) or (np.any(variance + epsilon == 0.0) and weights.complete):
        config["batchnorm"].fail(CaptureError, "has a variance that is not above 0")
    scale = gain / np.sqrt(np.where(variance + epsilon == 0.0, 1.0, variance + epsilon))
    assert isinstance(conv.weight, np.ndarray)
    return Conv(
        np.asarray(conv.weight * scale[:, None, None], np.float32),
        np.asarray(offset - scale * mean, np.float32),
        conv.dilation,
        conv.groups,
    )


def read_lstm(config: Field, weights: WeightReader, sample_rate: float) -> Lstm | Linear:
    input_size = config["input_size"].integer(1, MAX_CHANNELS)
    hidden_size = config["hidden_size"].integer(1, MAX_CHANNELS)
    layer_count = config["num_layers"].integer(0, MAX_LAYERS)
    in_channels, out_channels = read_channels(config)
    if in_channels != input_size:
        config["input_size"].fail(CaptureError, f"is {input_size}; it must equal in_channels, {in_channels}")
    layers = []
    for i in range(layer_count):
        width = input_size if i == 0 else hidden_size
        layers.append(
            LstmLayer(
                weight=weights.take(4 * hidden_size, width + hidden_size),
                bias=weights.take(4 * hidden_size),
                initial_hidden=weights.take(hidden_size),
                initial_cell=weights.take(hidden_size),
            )
        )
    head_weight = weights.take(out_channels, hidden_size, 1)
    head = Conv(head_weight, weights.take(out_channels))
    if not layers:
        # NeuralAmpModelerCore passes the input through if there are no layers.
        return Linear(np.ones(1, np.float32), 0.0, in_channels, out_channels)
    return Lstm(tuple(layers), head, math.ceil(LSTM_PREWARM_S * sample_rate))
