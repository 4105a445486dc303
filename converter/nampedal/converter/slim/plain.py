"""Which networks can be slimmed, and the shapes that they can be slimmed to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeGuard

import numpy as np
from nampedal.firmware.network import Conv, LayerArray, Network, WaveNet, WaveNetLayer, films


@dataclass(frozen=True, slots=True)
class Part:
    """A layer array of the smaller network: some consecutive layers of one array of the original.

    first, last: of the original's layers, both among them.
    """

    array: int
    first: int
    last: int
    channels: int

    @property
    def layers(self) -> int:
        return self.last - self.first + 1


Shape = tuple[Part, ...]


def name_of(shape: Shape) -> str:
    """Channels of each array and how many layers have them: '8x10/4x10'."""
    return "/".join(f"{part.channels}x{part.layers}" for part in shape)


def is_plain(network: Network) -> TypeGuard[WaveNet]:
    """A WaveNet of one channel in and out, conditioned on its input, whose layers only differ in numbers."""
    if not isinstance(network, WaveNet) or network.condition is not None or network.head:
        return False
    layers = [layer for array in network.arrays for layer in array.layers]
    return (
        network.in_channels == network.out_channels == 1
        and all(_is_plain(layer) for layer in layers)
        and all(array.rechannel.groups == array.head.groups == 1 for array in network.arrays)
    )


def shape_of(network: WaveNet) -> Shape:
    """The network's own."""
    return tuple(
        Part(number, 0, len(array.layers) - 1, array.rechannel.out_channels)
        for number, array in enumerate(network.arrays)
    )


def divided(network: WaveNet, shape: Shape) -> WaveNet:
    """The same network, its arrays divided as the shape's are, with all its channels."""
    arrays = []
    for part in shape:
        array = network.arrays[part.array]
        identity = Conv(np.eye(array.rechannel.out_channels, dtype=np.float32)[:, :, None])
        # What the layers hand to the head may be of another width than the stream.
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
