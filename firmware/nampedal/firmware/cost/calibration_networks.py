"""Networks to which the prices of the cost model are fitted: all kinds of shapes, with random weights."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from nampedal.firmware.engine.network import (
    Activation,
    ActivationKind,
    Conv,
    ConvNet,
    ConvNetBlock,
    Film,
    Gating,
    HeadStage,
    LayerArray,
    Linear,
    Lstm,
    LstmLayer,
    Network,
    WaveNet,
    WaveNetLayer,
    macs_per_frame,
)

SEED = 20
# Maximum multiply-adds for one frame. Larger networks would take long to measure and add no information.
MAX_MACS = 40_000
WIDTHS = (1, 2, 3, 4, 5, 6, 8, 8, 10, 12, 16, 16, 20, 24, 32, 48, 64)
SMALL = (1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 6, 8)
KERNELS = (1, 2, 3, 3, 3, 4, 6, 6, 9, 12, 16)
# Channels of the arrays of common captures.
USUAL = ((1,), (2,), (3,), (4, 2), (6,), (8, 4), (12, 6), (16, 8), (20,))
KINDS = tuple(ActivationKind)
# Activations of common captures; repeated entries are drawn more often.
COMMON = (ActivationKind.TANH, ActivationKind.TANH, ActivationKind.LEAKY_RELU, ActivationKind.SIGMOID)

Random = np.random.Generator


def draw_networks() -> list[Network]:
    """Return the calibration networks; they are the same on each call."""
    rng = np.random.default_rng(SEED)
    plain = [_drawn(partial(_wavenet, rng, width, plain=True)) for width in WIDTHS * 5]
    small = [_wavenet(rng, width, plain=True, max_layers=2) for width in SMALL * 2]
    films = [_drawn(partial(_wavenet, rng, width, plain=False)) for width in WIDTHS * 3]
    convnets = [_drawn(partial(_convnet, rng, width)) for width in (1, 3, 4, 8, 12, 16, 24, 32) * 2]
    lstms = [_lstm(rng, layers, hidden) for layers in (1, 2, 3) for hidden in (3, 4, 8, 12, 16, 24, 28, 32)]
    linears = [Linear(_weights(rng, taps)) for taps in (1, 2, 4, 8, 16, 24, 48, 128, 300, 512, 1000, 2048)]
    usual = [_a1(rng, widths, kind) for widths in USUAL for kind in (ActivationKind.TANH, ActivationKind.LEAKY_RELU)]
    return [*plain, *small, *films, *convnets, *lstms, *linears, *usual]


def a1_standard() -> WaveNet:
    """Return the network of most captures, an A1 standard, with random weights."""
    return _a1(np.random.default_rng(SEED), (16, 8), ActivationKind.TANH)


def _a1(rng: Random, widths: tuple[int, ...], kind: ActivationKind) -> WaveNet:
    """Return a WaveNet with one array for each width; each array has ten layers with dilations 1 to 512."""
    activation = Activation(kind, (0.01,) if kind is ActivationKind.LEAKY_RELU else ())
    arrays: list[LayerArray] = []
    stream = 1
    for channels, head_out in zip(widths, (*widths[1:], 1), strict=True):
        layers = tuple(
            WaveNetLayer(
                conv=_conv(rng, channels, channels, 3, 2**i),
                mixin=_conv(rng, channels, 1),
                activation=activation,
                layer1x1=_conv(rng, channels, channels),
            )
            for i in range(10)
        )
        arrays.append(LayerArray(_conv(rng, channels, stream), layers, _conv(rng, head_out, channels)))
        stream = channels
    return WaveNet(tuple(arrays), 0.02)


def _drawn(draw: Callable[[], Network]) -> Network:
    while True:
        network = draw()
        if macs_per_frame(network) <= MAX_MACS:
            return network


def _weights(rng: Random, *shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    fan_in = max(1, int(np.prod(shape[1:])))
    return np.asarray(rng.uniform(-1, 1, shape) / np.sqrt(fan_in), np.float32)


def _conv(rng: Random, out: int, inputs: int, kernel: int = 1, dilation: int = 1) -> Conv:
    return Conv(_weights(rng, out, inputs, kernel), _weights(rng, out), dilation)


def _activation(rng: Random) -> Activation:
    kind = ActivationKind(int(rng.choice(COMMON if rng.random() < 0.5 else KINDS)))
    if kind in (ActivationKind.LEAKY_RELU, ActivationKind.PRELU):
        return Activation(kind, (0.1,))
    if kind is ActivationKind.LEAKY_HARD_TANH:
        return Activation(kind, (-0.5, 0.8, 0.1, 0.05))
    return Activation(kind)


def _dilations(rng: Random, depth: int) -> list[int]:
    match int(rng.integers(4)):
        case 0:
            return [1] * depth
        case 1:
            return [int(d) for d in rng.integers(1, 300, depth)]
        case _:
            return [2 ** (i % 10) for i in range(depth)]


def _wavenet(rng: Random, width: int, *, plain: bool, nested: bool = False, max_layers: int = 10) -> WaveNet:
    condition: Network | None = None
    given = 1
    if not nested and rng.random() < 0.15:
        given = int(rng.integers(1, 9))
        condition = _wavenet(rng, given, plain=True, nested=True)
    arrays: list[LayerArray] = []
    count = 1 if nested else int(rng.choice([1, 1, 2, 2, 3, 4]))
    inner = width if rng.random() < 0.6 else int(rng.integers(1, width + 1))
    stream, channels = 1, width
    for i in range(count):
        last = i + 1 == count
        head_out = (given if not nested else width) if nested else 1
        if not last or nested:
            head_out = width if nested else max(1, inner // int(rng.choice([1, 2])))
        arrays.append(_array(rng, stream, channels, inner, head_out, given, plain=plain, max_layers=max_layers))
        stream, inner = channels, head_out
        channels = max(1, channels // int(rng.choice([1, 2])))
    head: tuple[HeadStage, ...] = ()
    if not plain and rng.random() < 0.3:
        stages = [
            HeadStage(_activation(rng), _conv(rng, 4, 1, int(rng.choice(KERNELS)))),
            HeadStage(_activation(rng), _conv(rng, 1, 4)),
        ]
        head = tuple(stages)
    return WaveNet(tuple(arrays), 0.1, head, condition=condition)


def _array(
    rng: Random, stream: int, channels: int, inner: int, head_out: int, given: int, *, plain: bool, max_layers: int
) -> LayerArray:
    depth = int(rng.integers(1, max_layers + 1))
    kernel = int(rng.choice(KERNELS))
    gating = Gating(int(rng.choice([0, 0, 0, 1, 2])))
    activation, secondary = _activation(rng), _activation(rng)
    rows = inner * (1 if gating is Gating.OFF else 2)
    bare = not plain and inner == channels and rng.random() < 0.2
    to_head = not plain and rng.random() < 0.4
    layers = []
    chosen = rng.random(8) < (0.0 if plain else float(rng.choice([0.0, 0.2, 0.6])))

    def film(index: int, width: int, *, possible: bool = True) -> Film | None:
        if not chosen[index] or not possible:
            return None
        shift = bool(rng.random() < 0.5)
        return Film(_conv(rng, width * (2 if shift else 1), given), shift)

    for dilation in _dilations(rng, depth):
        layers.append(
            WaveNetLayer(
                conv=_conv(rng, rows, channels, kernel, dilation),
                mixin=_conv(rng, rows, given),
                activation=activation,
                gating=gating,
                secondary=None if gating is Gating.OFF else secondary,
                layer1x1=None if bare else _conv(rng, channels, inner),
                head1x1=_conv(rng, inner, inner) if to_head else None,
                conv_pre_film=film(0, channels),
                conv_post_film=film(1, rows),
                mixin_pre_film=film(2, given),
                mixin_post_film=film(3, rows),
                activation_pre_film=film(4, rows),
                activation_post_film=film(5, inner),
                layer1x1_post_film=film(6, channels, possible=not bare),
                head1x1_post_film=film(7, inner, possible=to_head),
            )
        )
    head = _conv(rng, head_out, inner, int(rng.choice([1, 1, 4, 16])))
    return LayerArray(_conv(rng, channels, stream), tuple(layers), head)


def _convnet(rng: Random, width: int) -> ConvNet:
    depth = int(rng.integers(2, 11))
    kernel = int(rng.choice(KERNELS))
    activation = _activation(rng)
    blocks = [
        ConvNetBlock(_conv(rng, width, width if i else 1, kernel, dilation), activation)
        for i, dilation in enumerate(_dilations(rng, depth))
    ]
    return ConvNet(tuple(blocks), _conv(rng, 1, width))


def _lstm(rng: Random, layers: int, hidden: int) -> Lstm:
    return Lstm(
        tuple(
            LstmLayer(
                _weights(rng, 4 * hidden, (hidden if i else 1) + hidden),
                _weights(rng, 4 * hidden),
                _weights(rng, hidden),
                _weights(rng, hidden),
            )
            for i in range(layers)
        ),
        _conv(rng, 1, hidden),
        prewarm_frames=100,
    )
