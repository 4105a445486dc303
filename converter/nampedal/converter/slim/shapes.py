"""Lists candidate shapes for slimming: several different ones, each as large as the limit allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
from nampedal.converter.slim.fusable import Shape, shape_of
from nampedal.firmware.engine.network import Conv, Gating, LayerArray, WaveNet, WaveNetLayer

# Array widths are proportional to the original widths raised to this power: 1 keeps the proportions, 0.5 brings the
# widths nearer to each other, 0 makes them equal, -0.5 makes narrow arrays the wide ones.
_POWERS = (1.0, 0.5, 0.0, -0.5)
# An array can be split in two after this share of its layers; one part is then half as wide as the other.
_DIVISIONS = (1 / 6, 1 / 3, 1 / 2, 2 / 3, 5 / 6)
_POWERS_DIVIDED = (1.0, 0.0)
_MIN_DIVIDED = 6
_MIN_CHANNELS = 2

Fits = Callable[[WaveNet], bool]


def shapes(network: WaveNet, fits: Fits) -> list[Shape]:
    """Return the candidate shapes. Each fits, and no part of it can be wider. Empty if nothing fits.

    fits(network): returns True if the network is within the limit; called with networks of zeros.
    """
    found: dict[Shape, None] = {}
    for relative in _families(network):
        shape = _widest(network, relative, fits)
        if shape is not None and not _divided_for_nothing(shape):
            found[shape] = None
    return list(found)


def smallest_shape(network: WaveNet) -> Shape:
    """Return the shape with the fewest channels that is allowed."""
    return tuple(replace(part, channels=min(part.channels, _MIN_CHANNELS)) for part in shape_of(network))


def untrained(network: WaveNet, shape: Shape) -> WaveNet:
    """Return a network of this shape with all weights zero; its cost is the same as that of the trained one."""
    arrays = []
    for number, part in enumerate(shape):
        array = network.arrays[part.array]
        before = 1 if number == 0 else shape[number - 1].channels
        after = 1 if number == len(shape) - 1 else shape[number + 1].channels
        whole = part.last == len(array.layers) - 1
        layers = tuple(_layer(layer, part.channels) for layer in array.layers[part.first : part.last + 1])
        head = _zeros(after, part.channels, array.head if whole else None)
        arrays.append(LayerArray(_zeros(part.channels, before), layers, head))
    return replace(network, arrays=tuple(arrays))


def _layer(layer: WaveNetLayer, channels: int) -> WaveNetLayer:
    inner = channels * (1 if layer.gating is Gating.OFF else 2)
    return replace(
        layer,
        conv=_zeros(inner, channels, layer.conv),
        mixin=_zeros(inner, 1),
        layer1x1=_zeros(channels, channels),
    )


def _zeros(out: int, into: int, like: Conv | None = None) -> Conv:
    kernel, dilation = (1, 1) if like is None else (like.kernel_size, like.dilation)
    return Conv(np.zeros((out, into, kernel), np.float32), np.zeros(out, np.float32), dilation)


def _families(network: WaveNet) -> Iterator[Shape]:
    """Yield the candidate splits of the network. Only the ratio of their widths counts; `_widest` scales them."""
    own = shape_of(network)
    for power in _POWERS if len(own) > 1 else _POWERS[:1]:
        yield _relative(own, power, [1.0] * len(own))
    for number, part in enumerate(own):
        if part.layers < _MIN_DIVIDED:
            continue
        for division in _DIVISIONS:
            middle = part.first + round(division * part.layers)
            halves = replace(part, last=middle - 1), replace(part, first=middle)
            parts = (*own[:number], *halves, *own[number + 1 :])
            for narrow in (number, number + 1):
                factors = [0.5 if index == narrow else 1.0 for index in range(len(parts))]
                for power in _POWERS_DIVIDED if len(own) > 1 else _POWERS_DIVIDED[:1]:
                    yield _relative(parts, power, factors)


def _relative(parts: Shape, power: float, factors: list[float]) -> Shape:
    return tuple(
        replace(part, channels=round(1e6 * factor * part.channels**power))
        for part, factor in zip(parts, factors, strict=True)
    )


def _widest(network: WaveNet, relative: Shape, fits: Fits) -> Shape | None:
    own = {part.array: part.channels for part in shape_of(network)}

    def scaled(scale: float) -> Shape:
        return tuple(
            replace(part, channels=min(max(_MIN_CHANNELS, round(scale * part.channels)), own[part.array]))
            for part in relative
        )

    best = scaled(0.0)
    if not fits(untrained(network, best)):
        return None
    largest = 2 * max(own.values()) / min(part.channels for part in relative)
    for scale in np.linspace(0.0, largest, 8 * max(own.values()))[1:]:
        wider = scaled(float(scale))
        if wider != best:
            if not fits(untrained(network, wider)):
                break
            best = wider
    # Use the rest of the limit: widen single parts as long as the result fits.
    while (larger := next((one for one in _larger(best, own) if fits(untrained(network, one))), None)) is not None:
        best = larger
    return best


def _divided_for_nothing(shape: Shape) -> bool:
    return any(part.array == after.array and part.channels == after.channels for part, after in pairwise(shape))


def _larger(shape: Shape, own: dict[int, int]) -> Iterator[Shape]:
    """Yield slightly larger shapes: a part has one more channel, or the wider part of a split array one more layer."""
    for index, part in enumerate(shape):
        if part.channels < own[part.array]:
            yield (*shape[:index], replace(part, channels=part.channels + 1), *shape[index + 1 :])
    for index, (part, after) in enumerate(pairwise(shape)):
        border = part.last + (1 if part.channels > after.channels else -1)
        narrower = min(part, after, key=lambda one: one.channels)
        if part.array == after.array and part.channels != after.channels and narrower.layers > 1:
            moved = replace(part, last=border), replace(after, first=border + 1)
            yield (*shape[:index], *moved, *shape[index + 2 :])
