"""Slimmable WaveNets: the narrower networks inside a wide one.

`slice_channels_uniform` keeps the first rows and columns of every tensor. A size in [0, 1] picks, for each array, entry
min(floor(size * n), n - 1) of its n allowed widths (NeuralAmpModelerCore, slimmable.cpp).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from nampedal.converter.errors import CaptureFieldError
from nampedal.converter.nam_json import Field, shown
from nampedal.firmware._engine import MAX_CHANNELS
from nampedal.firmware.network import (
    Activation,
    Conv,
    Film,
    FloatArray,
    Gating,
    LayerArray,
    WaveNet,
    WaveNetLayer,
    convolutions,
    films,
)

METHOD = "slice_channels_uniform"


def read_allowed_channels(config: Field) -> list[list[int]] | None:
    """The widths each layer array may have, smallest first, [] for one that keeps its own; None: not slimmable."""
    per_array = [_allowed(layer) for layer in config["layers"].items(1, MAX_CHANNELS)]
    return per_array if any(per_array) else None


def _allowed(layer: Field) -> list[int]:
    slimmable = layer["slimmable"]
    if not isinstance(slimmable.value, dict) or not slimmable["method"].value:
        return []
    if slimmable["method"].value != METHOD:
        slimmable["method"].fail(CaptureFieldError, f"is {shown(slimmable['method'].value)}; known is '{METHOD}'")
    channels = layer["channels"].integer(1, MAX_CHANNELS)
    field = slimmable["kwargs"]["allowed_channels"]
    if not field.present:
        return list(range(1, channels + 1))
    allowed = [item.integer(1, MAX_CHANNELS) for item in field.items(1, MAX_CHANNELS)]
    if sorted(set(allowed)) != allowed or allowed[-1] != channels:
        field.fail(CaptureFieldError, f"is {allowed}; it must ascend and end at the array's {channels} channels")
    return allowed


def slimmed(wavenet: WaveNet, allowed: list[list[int]]) -> list[tuple[float, WaveNet]]:
    """(size_below, network) for every smaller size, largest first. Empty where slicing is not defined."""
    if not _can_slice(wavenet):
        return []
    breakpoints = sorted({i / len(widths) for widths in allowed for i in range(1, len(widths))})
    full = [array.rechannel.out_channels for array in wavenet.arrays]
    found = []
    for low, high in zip([0.0, *breakpoints[:-1]], breakpoints, strict=True):
        size = (low + high) / 2
        widths = [entry[int(size * len(entry))] if entry else own for entry, own in zip(allowed, full, strict=True)]
        found.append((high, sliced(wavenet, widths)))
    return found[::-1]


def parameter_count(wavenet: WaveNet) -> int:
    return 1 + sum(
        conv.macs + (0 if conv.bias is None else len(conv.bias))
        for conv in convolutions(replace(wavenet, condition=None))
    )


def _can_slice(wavenet: WaveNet) -> bool:
    """As in NeuralAmpModelerCore: no groups but a FiLM's, no head behind the stack, array heads of kernel size 1."""
    if wavenet.head:
        return False
    convs = [array.rechannel for array in wavenet.arrays]
    for array in wavenet.arrays:
        if array.head.kernel_size != 1:
            return False
        for layer in array.layers:
            convs += [layer.conv, layer.mixin, *(c for c in (layer.layer1x1, layer.head1x1) if c is not None)]
            convs += [film.conv for film in films(layer)]
    return all(conv.groups == 1 for conv in convs)


def sliced(wavenet: WaveNet, widths: list[int]) -> WaveNet:
    """The WaveNet with its arrays cut down to these widths."""
    arrays = []
    for i, array in enumerate(wavenet.arrays):
        stream = array.rechannel.in_channels if i == 0 else widths[i - 1]
        last = i == len(wavenet.arrays) - 1
        head_out = array.head.out_channels if last else widths[i + 1]
        arrays.append(_slice_array(array, widths[i], stream, head_out))
    return replace(wavenet, arrays=tuple(arrays))


def _slice_array(array: LayerArray, channels: int, stream: int, head_out: int) -> LayerArray:
    layers = tuple(_slice_layer(layer, array.rechannel.out_channels, channels) for layer in array.layers)
    head_in = array.head.in_channels if layers[0].head1x1 is not None else layers[0].mixin.out_channels
    if layers[0].head1x1 is None and layers[0].gating is not Gating.OFF:
        head_in //= 2
    return LayerArray(_cut(array.rechannel, channels, stream), layers, _cut(array.head, head_out, head_in))


def _slice_layer(layer: WaveNetLayer, full_channels: int, channels: int) -> WaveNetLayer:
    halves = 1 if layer.gating is Gating.OFF else 2
    full_bottleneck = layer.conv.out_channels // halves
    bottleneck = channels if layer.layer1x1 is None else max(1, full_bottleneck * channels // full_channels)
    inner = bottleneck * halves

    def film(given: Film | None, width: int) -> Film | None:
        return given and Film(_cut(given.conv, width * (2 if given.shift else 1), given.conv.in_channels), given.shift)

    return replace(
        layer,
        conv=_cut(layer.conv, inner, channels),
        mixin=_cut(layer.mixin, inner, layer.mixin.in_channels),
        activation=_cut_activation(layer.activation, bottleneck),
        secondary=layer.secondary and _cut_activation(layer.secondary, bottleneck),
        layer1x1=layer.layer1x1 and _cut(layer.layer1x1, channels, bottleneck),
        head1x1=layer.head1x1 and _cut(layer.head1x1, layer.head1x1.out_channels, bottleneck),
        conv_pre_film=film(layer.conv_pre_film, channels),
        conv_post_film=film(layer.conv_post_film, inner),
        mixin_post_film=film(layer.mixin_post_film, inner),
        activation_pre_film=film(layer.activation_pre_film, inner),
        activation_post_film=film(layer.activation_post_film, bottleneck),
        layer1x1_post_film=film(layer.layer1x1_post_film, channels),
    )


def _cut(conv: Conv, out: int, width: int) -> Conv:
    assert isinstance(conv.weight, np.ndarray)
    weight: FloatArray = np.ascontiguousarray(conv.weight[:out, :width])
    return replace(conv, weight=weight, bias=None if conv.bias is None else conv.bias[:out].copy())


def _cut_activation(activation: Activation, channels: int) -> Activation:
    if len(activation.parameters) > channels and activation.kind.name == "PRELU":
        return replace(activation, parameters=activation.parameters[:channels])
    return activation
