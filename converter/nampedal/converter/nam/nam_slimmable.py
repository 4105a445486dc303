"""Extracts the narrower networks inside a slimmable WaveNet.

`slice_channels_uniform` keeps the first rows and columns of every tensor. A size in [0, 1] selects, for each layer
array, entry min(floor(size * n), n - 1) of its n allowed widths (NeuralAmpModelerCore, slimmable.cpp).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from nampedal.converter.errors import CaptureError
from nampedal.converter.nam.nam_json import Field, short_repr
from nampedal.firmware.engine._engine import MAX_CHANNELS
from nampedal.firmware.engine.network import (
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


def is_slimmable(config: Field) -> bool:
    """Return True if any layer array of a WaveNet names a slimming method."""
    layers = config["layers"]
    return isinstance(layers.value, list) and any(entry["slimmable"]["method"].value for entry in layers.entries())


def read_allowed_channels(config: Field) -> list[list[int]] | None:
    """Return the allowed widths of each layer array, ascending; None if the WaveNet is not slimmable.

    The list of an array that keeps its width is empty. Raises CaptureError.
    """
    per_array = [_allowed(layer) for layer in config["layers"].items(1, MAX_CHANNELS)]
    return per_array if any(per_array) else None


def _allowed(layer: Field) -> list[int]:
    slimmable = layer["slimmable"]
    if not isinstance(slimmable.value, dict) or not slimmable["method"].value:
        return []
    if slimmable["method"].value != METHOD:
        slimmable["method"].fail(CaptureError, f"is {short_repr(slimmable['method'].value)}; known is '{METHOD}'")
    channels = layer["channels"].integer(1, MAX_CHANNELS)
    field = slimmable["kwargs"]["allowed_channels"]
    if not field.present:
        return list(range(1, channels + 1))
    allowed = [item.integer(0, MAX_CHANNELS) for item in field.items(0, MAX_CHANNELS)]
    if allowed and (sorted(set(allowed)) != allowed or allowed[-1] != channels):
        field.fail(CaptureError, f"is {allowed}; it must ascend and end at the array's {channels} channels")
    return allowed


def narrower_networks(wavenet: WaveNet, allowed: list[list[int]]) -> tuple[list[tuple[float, WaveNet]], list[str]]:
    """Return (size_below, network) for every smaller size, largest first.

    The second list says why other sizes are left out, one line each.
    """
    breakpoints = sorted({i / len(widths) for widths in allowed for i in range(1, len(widths))})
    if breakpoints and (fault := _unsliceable(wavenet)):
        return [], [f"its smaller sizes are left out: {fault}"]
    full = [array.rechannel.out_channels for array in wavenet.arrays]
    found = []
    left_out = []
    for low, high in zip([0.0, *breakpoints[:-1]], breakpoints, strict=True):
        size = (low + high) / 2
        widths = [entry[int(size * len(entry))] if entry else own for entry, own in zip(allowed, full, strict=True)]
        if fault := _misfit(wavenet, widths):
            left_out.append(f"its size of {'/'.join(map(str, widths))} channels is left out: {fault}")
        else:
            found.append((high, slice_channels(wavenet, widths)))
    return found[::-1], left_out[::-1]


def _misfit(wavenet: WaveNet, widths: list[int]) -> str:
    """Return why the WaveNet can't have these widths; empty if it can."""
    if 0 in widths:
        return f"layers[{widths.index(0)}] would have no channels"
    for i, (array, width) in enumerate(zip(wavenet.arrays, widths, strict=True)):
        head1x1 = array.layers[0].head1x1
        to_head = (
            _bottleneck(array.layers[0], array.rechannel.out_channels, width)
            if head1x1 is None
            else head1x1.out_channels
        )
        # After slicing, the previous array hands the head as many channels as this array has.
        if i > 0 and to_head != width:
            return f"layers[{i}] adds {to_head} channels to the head, and the array before hands it {width}"
    return ""


def _bottleneck(layer: WaveNetLayer, full_width: int, width: int) -> int:
    """Return the channels between the layer's convolution and its layer1x1 if its array has `width` of `full_width`."""
    return width if layer.layer1x1 is None else max(1, layer.layer1x1.in_channels * width // full_width)


def parameter_count(wavenet: WaveNet) -> int:
    return 1 + sum(
        conv.macs + (0 if conv.bias is None else len(conv.bias))
        for conv in convolutions(replace(wavenet, condition=None)).values()
    )


def _unsliceable(wavenet: WaveNet) -> str:
    """Return why NeuralAmpModelerCore (wavenet/slimmable.cpp) can't slice the WaveNet; empty if it can.

    It slices no grouped convolutions (also not in FiLMs), no head after the stack, and array heads of kernel size 1
    only.
    """
    if wavenet.head:
        return "a head behind the stack can't be sliced"
    convs = [array.rechannel for array in wavenet.arrays]
    for i, array in enumerate(wavenet.arrays):
        if array.head.kernel_size != 1:
            return f"layers[{i}].head has kernel_size {array.head.kernel_size}, and only 1 can be sliced"
        for layer in array.layers:
            convs += [layer.conv, layer.mixin, *(c for c in (layer.layer1x1, layer.head1x1) if c is not None)]
            convs += [film.conv for film in films(layer)]
    return "" if all(conv.groups == 1 for conv in convs) else "layers of several groups can't be sliced"


def slice_channels(wavenet: WaveNet, widths: list[int]) -> WaveNet:
    """Return the WaveNet with its layer arrays cut to these widths."""
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
    bottleneck = _bottleneck(layer, full_channels, channels)
    inner = bottleneck * (1 if layer.gating is Gating.OFF else 2)

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
