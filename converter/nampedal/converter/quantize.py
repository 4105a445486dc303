"""int8 weights, precision `w8`: per output channel, symmetric, rounded to nearest.

Of a WaveNet the layers' convolutions and their 1x1s, of a ConvNet its blocks: nearly all of the weights. What stays
float32 costs little to keep and much to round: mixins, rechannels, heads, FiLMs, an LSTM, an impulse response.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from nampedal.firmware.network import (
    Conv,
    ConvNet,
    FloatArray,
    Int8Weights,
    Linear,
    Lstm,
    Network,
    WaveNet,
    WaveNetLayer,
)

LARGEST = 127


def quantize(network: Network) -> Network:
    """The same network with int8 weights where `w8` has them."""
    match network:
        case WaveNet():
            arrays = tuple(
                replace(array, layers=tuple(_quantize_layer(layer) for layer in array.layers))
                for array in network.arrays
            )
            return replace(network, arrays=arrays, condition=network.condition and quantize(network.condition))
        case ConvNet():
            return replace(network, blocks=tuple(replace(b, conv=_quantize_conv(b.conv)) for b in network.blocks))
        case Lstm() | Linear():
            return network


def _quantize_layer(layer: WaveNetLayer) -> WaveNetLayer:
    return replace(
        layer,
        conv=_quantize_conv(layer.conv),
        layer1x1=layer.layer1x1 and _quantize_conv(layer.layer1x1),
        head1x1=layer.head1x1 and _quantize_conv(layer.head1x1),
    )


def _quantize_conv(conv: Conv) -> Conv:
    return conv if isinstance(conv.weight, Int8Weights) else replace(conv, weight=round_to_nearest(conv.weight))


def round_to_nearest(weight: FloatArray) -> Int8Weights:
    """weight: (out, ...) float32. A channel's largest weight becomes 127; an all-zero channel gets scale 1."""
    rows = weight.reshape(len(weight), -1)
    largest = np.max(np.abs(rows), axis=1)
    # A subnormal scale would lose the weights themselves.
    scale = np.where(largest > np.finfo(np.float32).tiny * LARGEST, largest / LARGEST, 1.0).astype(np.float32)
    values = np.clip(np.rint(rows / scale[:, None]), -LARGEST, LARGEST).astype(np.int8)
    return Int8Weights(values.reshape(weight.shape), scale)
