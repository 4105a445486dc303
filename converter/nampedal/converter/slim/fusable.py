"""Defines which networks can be slimmed, and what the shape of a slimmed network is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeGuard

import numpy as np
from nampedal.firmware.engine.network import Conv, LayerArray, Network, WaveNet, WaveNetLayer, films


@dataclass(frozen=True, slots=True)
class Part:
    """One layer array of the smaller network: consecutive layers of one array of the original network.

    array: index of the original's array.
    first, last: indices of the first and the last of its layers, both included.
    channels: width of the smaller array.
    """

    array: int
    first: int
    last: int
    channels: int

    @property
    def layers(self) -> int:
        return self.last - self.first + 1


Shape = tuple[Part, ...]


def shape_name(shape: Shape) -> str:
    """Return the name of a shape: channels x layers of each array, such as '8x10/4x10'."""
    return "/".join(f"{part.channels}x{part.layers}" for part in shape)


def is_plain(network: Network) -> TypeGuard[WaveNet]:
    """Return True if the network is a plain WaveNet, which can be slimmed.

    Plain: one channel in and out, conditioned on its input, no head stack, no groups, no FiLM; every layer has a square
    layer1x1 and no head1x1.
    """
    if not isinstance(network, WaveNet) or network.condition is not None or network.head:
        return False
    layers = [layer for array in network.arrays for layer in array.layers]
    return (
        network.in_channels == network.out_channels == 1
        and all(_is_plain(layer) for layer in layers)
        and all(array.rechannel.groups == array.head.groups == 1 for array in network.arrays)
    )


def shape_of(network: WaveNet) -> Shape:
    """Return the shape that the network itself has."""
    return tuple(
        Part(number, 0, len(array.layers) - 1, array.rechannel.out_channels)
        for number, array in enumerate(network.arrays)
    )


def split_arrays(network: WaveNet, shape: Shape) -> WaveNet:
    """Return the same network with its arrays split as in the shape. All channels are kept; the output is the same."""
    arrays = []
    for part in shape:
        array = network.arrays[part.array]
        identity = Conv(np.eye(array.rechannel.out_channels, dtype=np.float32)[:, :, None])
        # The head may have fewer or more input channels than the residual stream, so it needs its own identity.
        passing = Conv(np.eye(array.head.in_channels, dtype=np.float32)[:, :, None])
        rechannel = array.rechannel if part.first == 0 else identity
        head = array.head if part.last == len(array.layers) - 1 else passing
        arrays.append(LayerArray(rechannel, array.layers[part.first : part.last + 1], head))
    return replace(network, arrays=tuple(arrays))


def _is_plain(layer: WaveNetLayer) -> bool:
    return (
        not list(films(layer))
        and layer.layer1x1 is not None
        and layer.head1x1 is None
        and layer.conv.groups == layer.mixin.groups == layer.layer1x1.groups == 1
        and layer.layer1x1.in_channels == layer.layer1x1.out_channels
    )
