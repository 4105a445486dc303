"""Counts the work of a fused WaveNet, which runs one layer at a time, on planes or rows (rt/fused_wavenet.cpp).

Planes are channel-major: one run of frames for each channel. Rows are frame-major: all channels of a frame together.
"""

from __future__ import annotations

from collections.abc import Iterator

from nampedal.firmware.cost.cost_counter import (
    FUSED_TILE,
    LANE_QUANTUM,
    LINE_FLOATS,
    SUMS_IN_FLIGHT,
    Kernels,
    WorkCounter,
    ceil_div,
    lanes_for,
)
from nampedal.firmware.engine.network import ActivationKind, Conv, Gating, WaveNet, WaveNetLayer, films

ROWS_PER_TILE = 8
# Maximum floats of a tile of rows: a quarter of a small first-level cache (rows_impl.h).
ROWS_TILE_FLOATS = 2048


def fused_layout(network: WaveNet, kernels: Kernels) -> str | None:
    """Return the layout that setup/build_fused.cpp chooses: 'planes', 'rows', or None for the general path."""
    layers = [layer for array in network.arrays for layer in array.layers]
    if network.head or not kernels.plane_sums:
        return None
    if any(list(films(layer)) or layer.layer1x1 is None or layer.head1x1 is not None for layer in layers):
        return None
    narrow = all(layer.conv.in_channels <= LANE_QUANTUM and bottleneck(layer) <= LANE_QUANTUM for layer in layers)
    return "planes" if narrow or not kernels.rows else "rows"


def condition_channels(network: WaveNet) -> int:
    """Return the number of channels that are copied from the condition network; 0 if there is none."""
    return 0 if network.condition is None else network.arrays[0].layers[0].mixin.in_channels


def bottleneck(layer: WaveNetLayer) -> int:
    """Return the channels of a layer after its activation; with gating, half of the convolution's output channels."""
    return layer.conv.out_channels // halves(layer)


def halves(layer: WaveNetLayer) -> int:
    """Return 2 if the layer has gating (primary and secondary channels), otherwise 1."""
    return 1 if layer.gating is Gating.OFF else 2


def count_fused(network: WaveNet, counter: WorkCounter, layout: str) -> None:
    frames = counter.frames
    slack = FUSED_TILE if layout == "planes" else ROWS_PER_TILE
    conv = _planes_conv if layout == "planes" else _rows_conv
    layer_of = _planes_layer if layout == "planes" else _rows_layer
    counter.add("samples", frames * (network.in_channels + network.out_channels + condition_channels(network)))
    layers = [layer for array in network.arrays for layer in array.layers]
    for array in network.arrays:
        counter.add("arrays", 1)
        conv(counter, array.rechannel, frames)
        _past(counter, array.head, layout, slack)
        # The sum over the layers starts at zero, or at the output of the head before; that is one write of it.
        counter.add("vectors", ceil_div(frames, counter.kernels.widths[0]) * array.head.in_channels)
        conv(counter, array.head, frames)
        for layer in array.layers:
            counter.add("layers", 1)
            _past(counter, layer.conv, layout, slack)
            layer_of(counter, layer, layer is layers[-1])


def _past(counter: WorkCounter, conv: Conv, layout: str, slack: int) -> None:
    whole = ceil_div(conv.lookback, LINE_FLOATS) * LINE_FLOATS
    ring = whole + ceil_div(counter.frames + slack, LINE_FLOATS) * LINE_FLOATS
    planes = conv.in_channels if layout == "planes" else 1
    floats = conv.in_channels if layout == "planes" else lanes_for(conv.in_channels)
    counter.history(floats, planes, conv.kernel_size, conv.dilation, ring)
    counter.weights(conv.kernel_size * conv.in_channels * lanes_for(conv.out_channels))


def plane_tiles(frames: int, outputs: int, kernels: Kernels) -> Iterator[tuple[int, int, int, int]]:
    """Yield the tiles into which planar_impl.h divides the sums of a run of frames.

    Each item is (vectors, outputs, groups, tiles): a tile has `vectors` vectors of frames and `outputs` outputs; there
    are `groups` such groups of outputs, with `tiles` tiles each.
    """
    width = kernels.widths[0]
    start = 0
    for vectors in (4, 2, 1):
        together = kernels.plane_sums // vectors
        if vectors == 4 and outputs > together:
            continue
        least = (vectors - 1) * width + 1
        if frames - start < least:
            continue
        tile = vectors * width
        tiles = (frames - start + tile - least) // tile
        start += tiles * tile
        if outputs // together:
            yield vectors, together, outputs // together, tiles
        if outputs % together:
            yield vectors, outputs % together, 1, tiles


def _planes_sums(
    counter: WorkCounter,
    frames: int,
    lanes: int,
    outputs: int,
    inputs: int,
    taps: int,
    mixed: int = 0,
    dilation: int = 0,
) -> None:
    """Count the sums over `inputs` planes at `taps` taps, and over `mixed` planes of the condition.

    lanes: of the convolution's weights, including both halves of a gated layer; 0 for a convolution outside a layer,
    for which the kernels have no special code for few inputs.
    """
    width = counter.kernels.widths[0]
    for vectors, together, groups, tiles_of_each in plane_tiles(frames, outputs, counter.kernels):
        tiles = groups * tiles_of_each
        steps = inputs * taps + mixed
        sums = vectors * together
        counter.add("planes_runs", groups)
        unrolled = vectors == 4 and lanes == LANE_QUANTUM and inputs <= LANE_QUANTUM
        turns = (0 if unrolled else inputs * taps) + (mixed if mixed > 1 else 0)
        counter.add("planes_turns", tiles * turns)
        counter.add("planes_macs", tiles * steps * sums)
        counter.add("planes_waits", tiles * steps * max(0, SUMS_IN_FLIGHT - sums))
        loaded = vectors * (together if together <= counter.kernels.plane_reloads else 1)
        astray = sum(k * dilation % LINE_FLOATS != 0 for k in range(1, taps)) / taps * width / LINE_FLOATS
        loads = loaded * (1 + astray) + together
        counter.add("planes_loads", tiles * steps * max(0.0, loads - max(sums, SUMS_IN_FLIGHT)))
        counter.add("planes_splits", tiles * steps * loaded * astray)
        counter.add("planes_taps", tiles * (taps + (mixed > 1)))
        counter.add("planes_tiles", tiles)
        counter.add("planes_stores", tiles * sums)


def _planes_conv(counter: WorkCounter, conv: Conv, frames: int) -> None:
    counter.add("fused_convs", 1)
    _planes_sums(counter, frames, 0, conv.out_channels, conv.in_channels, conv.kernel_size, dilation=conv.dilation)


def _planes_layer(counter: WorkCounter, layer: WaveNetLayer, last: bool) -> None:
    conv, channels = layer.conv, bottleneck(layer)
    for start in range(0, counter.frames, FUSED_TILE):
        frames = min(counter.frames - start, FUSED_TILE)
        for _ in range(halves(layer)):
            mixed = layer.mixin.in_channels
            lanes = halves(layer) * lanes_for(channels)
            _planes_sums(counter, frames, lanes, channels, conv.in_channels, conv.kernel_size, mixed, conv.dilation)
        vectors = channels * ceil_div(frames, counter.kernels.widths[0])
        counter.activation(layer.activation.kind, vectors, channels)
        if layer.secondary is not None:
            counter.activation(layer.secondary.kind, vectors, channels)
            counter.add("vectors", vectors * (1 if layer.gating is Gating.GATED else 2))
        if layer.layer1x1 is not None and not last:
            outputs = layer.layer1x1.out_channels
            _planes_sums(counter, frames, lanes_for(outputs), outputs, channels, 1)


def _rows_sums(counter: WorkCounter, lanes: int, inputs: int, taps: int, frames: int, mixed: int = 0) -> None:
    tiles = ceil_div(frames, ROWS_PER_TILE)
    rows = inputs if inputs <= LANE_QUANTUM else lanes_for(inputs)
    groups = ceil_div(lanes, ROWS_PER_TILE)
    vectors = ROWS_PER_TILE * lanes // LANE_QUANTUM
    counter.add("rows_macs", tiles * vectors * (rows * taps + mixed))
    counter.add("rows_taps", tiles * groups * taps)
    counter.add("rows_tiles", tiles * groups)
    counter.add("rows_calls", groups)


def _rows_conv(counter: WorkCounter, conv: Conv, frames: int) -> None:
    counter.add("fused_convs", 1)
    _rows_sums(counter, lanes_for(conv.out_channels), conv.in_channels, conv.kernel_size, frames)


def _rows_layer(counter: WorkCounter, layer: WaveNetLayer, last: bool) -> None:
    conv, lanes, mixed = layer.conv, lanes_for(bottleneck(layer)), layer.mixin.in_channels
    tile = FUSED_TILE
    while tile > ROWS_PER_TILE and tile * lanes > ROWS_TILE_FLOATS:
        tile -= ROWS_PER_TILE
    for start in range(0, counter.frames, tile):
        frames = min(counter.frames - start, tile)
        for _ in range(halves(layer)):
            if mixed <= LANE_QUANTUM:
                _rows_sums(counter, lanes, conv.in_channels, conv.kernel_size, frames, mixed)
            else:
                _rows_sums(counter, lanes, mixed, 1, frames)
                _rows_sums(counter, lanes, conv.in_channels, conv.kernel_size, frames)
        vectors = ceil_div(frames, ROWS_PER_TILE) * ROWS_PER_TILE * lanes // LANE_QUANTUM
        _rows_activations(counter, layer, vectors)
        if layer.layer1x1 is not None and not last:
            _rows_sums(counter, lanes_for(layer.layer1x1.out_channels), bottleneck(layer), 1, frames)


def _rows_activations(counter: WorkCounter, layer: WaveNetLayer, vectors: int) -> None:
    counter.activation(layer.activation.kind, vectors, 1)
    if layer.activation.kind is ActivationKind.PRELU:
        counter.add("activations", 1)
    if layer.secondary is not None:
        counter.activation(layer.secondary.kind, vectors, 1)
        counter.add("vectors", vectors * (1 if layer.gating is Gating.GATED else 2))
