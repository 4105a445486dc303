"""Counts the work of the general WaveNet path, one step at a time on rows (rt/wavenet.cpp), and of other networks."""

from __future__ import annotations

from nampedal.firmware.cost.cost_counter import (
    FIRST_LEVEL,
    LANE_QUANTUM,
    LINE_FLOATS,
    SUMS_IN_FLIGHT,
    Kernels,
    WorkCounter,
    ceil_div,
    evicted_share,
    lanes_for,
)
from nampedal.firmware.cost.cost_fused import bottleneck, condition_channels, halves
from nampedal.firmware.engine.network import (
    Activation,
    ActivationKind,
    Conv,
    ConvNet,
    Film,
    Gating,
    Linear,
    Lstm,
    WaveNet,
    WaveNetLayer,
)

FIR_WIDTH = 8
FIR_VECTORS = 4
# Taps of the FIR loop that a core overlaps: three or four instructions each, of the few hundred that are in flight.
LOOKAHEAD = 64


def count_wavenet(network: WaveNet, counter: WorkCounter) -> None:
    frames = counter.frames
    counter.add("samples", frames * (network.in_channels + 2 * network.out_channels + condition_channels(network)))
    layers = [layer for array in network.arrays for layer in array.layers]
    widest = max(halves(layer) * lanes_for(bottleneck(layer)) for layer in layers)
    for array in network.arrays:
        counter.add("arrays", 1)
        _conv(counter, array.rechannel)
        # The sum over the layers starts at zero, or at the output of the head before; that is one write of it.
        counter.add("vectors", frames * counter.vectors(lanes_for(array.head.in_channels)))
        for layer in array.layers:
            _layer(counter, layer, widest, layer is layers[-1])
        _past(counter, array.head)
        _conv(counter, array.head)
    for stage in network.head:
        counter.add("samples", frames * stage.conv.in_channels)
        lanes = lanes_for(stage.conv.in_channels)
        _activation(counter, stage.activation, lanes, lanes)
        _past(counter, stage.conv)
        _conv(counter, stage.conv)


def _layer(counter: WorkCounter, layer: WaveNetLayer, stride: int, last: bool) -> None:
    lanes = lanes_for(bottleneck(layer))
    inner = halves(layer) * lanes
    apart = layer.conv_post_film or layer.mixin_pre_film or layer.mixin_post_film
    _past(counter, layer.conv)
    _conv(counter, layer.conv, inner, added=not apart)
    _conv(counter, layer.mixin, inner)
    if apart:
        _elementwise(counter, inner)
    if layer.gating is Gating.BLENDED:
        counter.add("samples", counter.frames * lanes)
    _activation(counter, layer.activation, lanes, stride)
    if layer.secondary is not None:
        _activation(counter, layer.secondary, lanes, stride)
        _elementwise(counter, lanes, quads=True)
    if layer.layer1x1 is None:
        counter.add("samples", 0 if last else counter.frames * lanes_for(layer.conv.in_channels))
    elif not last:
        _conv(counter, layer.layer1x1, added=layer.layer1x1_post_film is None)
        if layer.layer1x1_post_film is not None:
            _elementwise(counter, lanes_for(layer.conv.in_channels))
    if layer.head1x1 is not None:
        _conv(counter, layer.head1x1, added=layer.head1x1_post_film is None)
    if layer.head1x1 is None or layer.head1x1_post_film is not None:
        _elementwise(counter, lanes if layer.head1x1 is None else lanes_for(layer.head1x1.out_channels))
    for film, width, parts in (
        (layer.conv_pre_film, layer.conv.in_channels, 1),
        (layer.conv_post_film, layer.conv.out_channels, halves(layer)),
        (layer.mixin_pre_film, layer.mixin.in_channels, 1),
        (layer.mixin_post_film, layer.conv.out_channels, halves(layer)),
        (layer.activation_pre_film, layer.conv.out_channels, halves(layer)),
        (layer.activation_post_film, bottleneck(layer), 1),
        (None if last else layer.layer1x1_post_film, layer.conv.in_channels, 1),
        (layer.head1x1_post_film, layer.head1x1.out_channels if layer.head1x1 else 0, 1),
    ):
        if film is not None:
            _film(counter, film, parts * lanes_for(width // parts))


def _film(counter: WorkCounter, film: Film, lanes: int) -> None:
    _conv(counter, film.conv, 2 * lanes if film.shift else lanes)
    _elementwise(counter, lanes, quads=True)


def _elementwise(counter: WorkCounter, lanes: int, *, quads: bool = False) -> None:
    """Count an elementwise step on rows. quads: it runs on four floats at a time, as scaling and blending do."""
    counter.add("rows", counter.frames)
    counter.add("vectors", counter.frames * (lanes // LANE_QUANTUM if quads else counter.vectors(lanes)))


def _activation(counter: WorkCounter, activation: Activation, lanes: int, stride: int) -> None:
    frames, width = counter.frames, counter.kernels.activation_width
    if lanes == stride and activation.kind not in (ActivationKind.PRELU, ActivationKind.LEAKY_RELU):
        counter.activation(activation.kind, ceil_div(lanes * frames, width), 1)
    else:
        counter.activation(activation.kind, frames * counter.vectors(lanes), frames)


def _past(counter: WorkCounter, conv: Conv) -> None:
    whole = ceil_div(conv.lookback, LINE_FLOATS) * LINE_FLOATS
    ring = whole + ceil_div(counter.frames, LINE_FLOATS) * LINE_FLOATS
    counter.history(lanes_for(conv.in_channels), 1, conv.kernel_size, conv.dilation, ring)
    # The mirrored part of the ring buffer is written by an extra copy.
    counter.add(
        "vectors", counter.frames * conv.lookback / ring * lanes_for(conv.in_channels) / counter.kernels.widths[0]
    )


def conv_tiles(frames: int, lanes: int, kernels: Kernels) -> list[tuple[int, int, int]]:
    """Return the tiles of sums into which conv_impl.h divides a convolution, as (vectors, frames, number of tiles)."""
    tiles = []
    for width in kernels.widths:
        if frames == 1:
            tiles.append((4, 1, lanes // (4 * width)))
            lanes %= 4 * width
        for vectors in (2, 1):
            columns, lanes = divmod(lanes, vectors * width)
            rest = frames
            for tile in (kernels.conv_frames[vectors - 1], 4, 2, 1):
                tiles.append((vectors, tile, columns * (rest // tile)))
                rest %= tile
    return [tile for tile in tiles if tile[2]]


def _conv(counter: WorkCounter, conv: Conv, lanes: int = 0, *, added: bool = False) -> None:
    lanes = lanes or lanes_for(conv.out_channels)
    steps = conv.in_channels * conv.kernel_size
    counter.add("conv_calls", 1)
    counter.weights(steps * lanes)
    for vectors, rows, tiles in conv_tiles(counter.frames, lanes, counter.kernels):
        sums = vectors * rows
        counter.add("conv_macs", tiles * steps * sums)
        counter.add("conv_waits", tiles * steps * max(0, SUMS_IN_FLIGHT - sums))
        counter.add("conv_loads", tiles * steps * (vectors + rows))
        counter.add("conv_taps", tiles * conv.kernel_size)
        counter.add("conv_tiles", tiles)
        counter.add("conv_stores", tiles * sums * (2 if added else 1))


def count_convnet(network: ConvNet, counter: WorkCounter) -> None:
    counter.add("samples", counter.frames * (network.in_channels + network.out_channels))
    for block in network.blocks:
        lanes = lanes_for(block.conv.out_channels)
        _past(counter, block.conv)
        _conv(counter, block.conv)
        _activation(counter, block.activation, lanes, lanes)
    _past(counter, network.head)
    _conv(counter, network.head)


def count_lstm(network: Lstm, counter: WorkCounter) -> None:
    frames, sums = counter.frames, counter.kernels.lstm_sums
    floats = sum(layer.weight.shape[1] * 4 * lanes_for(layer.hidden_size) for layer in network.layers)
    counter.add("lstm_lines", frames * floats / LINE_FLOATS * evicted_share(4 * floats, FIRST_LEVEL))
    for layer in network.layers:
        inputs = int(layer.weight.shape[1])
        vectors = counter.vectors(lanes_for(layer.hidden_size))
        counter.add("lstm_steps", frames)
        counter.add("lstm_macs", frames * 4 * inputs * vectors)
        counter.add("lstm_chain", frames * (inputs // sums + inputs % sums))
        counter.add("lstm_states", frames * vectors)
    counter.add("lstm_heads", frames)
    counter.add("lstm_macs", frames * network.head.in_channels * counter.vectors(lanes_for(network.out_channels)))


def count_linear(network: Linear, counter: WorkCounter) -> None:
    frames = counter.frames
    played = min(network.in_channels, network.out_channels)
    taps = len(network.impulse_response)
    wide, rest = divmod(frames, FIR_VECTORS * FIR_WIDTH)
    single = ceil_div(rest, FIR_WIDTH)
    counter.add("samples", frames * (2 * played + network.out_channels - played))
    counter.add("fir_macs", played * taps * ceil_div(frames, FIR_WIDTH))
    # Tiles of one vector overlap in the core, up to its lookahead.
    counter.add("fir_chain", played * (taps * (wide + min(single, 1)) + max(0, taps - LOOKAHEAD) * max(0, single - 1)))
    counter.add("fir_tiles", played * (wide + single))
