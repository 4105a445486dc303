"""What the engine can play, as values: networks, their layers, their sizes.

Audio is (frames,) or (frames, channels). A convolution's weight is (out, in / groups, kernel), the newest input at the
last tap. Everything is frozen; arrays are float32 unless they are `Int8Weights`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


class ActivationKind(IntEnum):
    """Numbered as in firmware/schema/stomp.fbs."""

    TANH = 0
    HARD_TANH = 1
    FAST_TANH = 2
    RELU = 3
    LEAKY_RELU = 4
    PRELU = 5
    SIGMOID = 6
    SILU = 7
    HARD_SWISH = 8
    LEAKY_HARD_TANH = 9
    SOFTSIGN = 10
    SOFTSIGMOID = 11


class Gating(IntEnum):
    """How the second half of a layer's channels acts on the first. Numbered as in firmware/schema/stomp.fbs."""

    OFF = 0
    GATED = 1
    BLENDED = 2


@dataclass(frozen=True, slots=True, eq=False)
class Int8Weights:
    """Symmetric int8, one scale per output channel: value = values * scale.

    values: (out, ...) int8 in [-127, 127].  scale: (out,) float32, > 0.
    """

    values: NDArray[np.int8]
    scale: FloatArray

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    def expand(self) -> FloatArray:
        """The float32 weights that the engine computes with."""
        scale = self.scale.reshape(-1, *([1] * (self.values.ndim - 1)))
        return np.asarray(self.values.astype(np.float32) * scale, dtype=np.float32)


Weights = FloatArray | Int8Weights


def expand(weights: Weights) -> FloatArray:
    return weights.expand() if isinstance(weights, Int8Weights) else weights


@dataclass(frozen=True, slots=True)
class Activation:
    """What a layer's sums go through.

    parameters: LeakyReLU (slope,); PReLU (slope,) or one a channel; LeakyHardTanh (min, max, min_slope, max_slope).
    """

    kind: ActivationKind
    parameters: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Conv:
    """Causal convolution. weight: (out, in / groups, kernel).  bias: (out,) or None."""

    weight: Weights
    bias: FloatArray | None = None
    dilation: int = 1
    groups: int = 1

    @property
    def out_channels(self) -> int:
        return self.weight.shape[0]

    @property
    def in_channels(self) -> int:
        return self.weight.shape[1] * self.groups

    @property
    def kernel_size(self) -> int:
        return self.weight.shape[2]

    @property
    def lookback(self) -> int:
        """Frames before the present one that the output depends on."""
        return (self.kernel_size - 1) * self.dilation

    @property
    def macs(self) -> int:
        return int(np.prod(self.weight.shape))


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """Feature-wise linear modulation: x * scale(condition), + shift(condition) if `shift`.

    conv: kernel 1, from the condition to the scales, then the shifts.  Perez et al. 2018.
    """

    conv: Conv
    shift: bool


@dataclass(frozen=True, slots=True, eq=False)
class WaveNetLayer:
    """One dilated layer. With gating, conv and mixin put out twice the bottleneck: primary channels, then secondary."""

    conv: Conv
    mixin: Conv
    activation: Activation
    gating: Gating = Gating.OFF
    secondary: Activation | None = None
    layer1x1: Conv | None = None
    head1x1: Conv | None = None
    conv_pre_film: Film | None = None
    conv_post_film: Film | None = None
    mixin_pre_film: Film | None = None
    mixin_post_film: Film | None = None
    activation_pre_film: Film | None = None
    activation_post_film: Film | None = None
    layer1x1_post_film: Film | None = None
    head1x1_post_film: Film | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LayerArray:
    rechannel: Conv
    layers: tuple[WaveNetLayer, ...]
    head: Conv


@dataclass(frozen=True, slots=True, eq=False)
class HeadStage:
    """One stage of the head behind the stack: activation, then convolution."""

    activation: Activation
    conv: Conv


@dataclass(frozen=True, slots=True, eq=False)
class WaveNet:
    """Layer arrays whose heads add up, scaled, through an optional head stack.

    condition: the network whose output the layers are conditioned on; None: the input itself.
    """

    arrays: tuple[LayerArray, ...]
    head_scale: float
    head: tuple[HeadStage, ...] = ()
    condition: Network | None = None

    @property
    def in_channels(self) -> int:
        return self.arrays[0].rechannel.in_channels

    @property
    def out_channels(self) -> int:
        return (self.head[-1].conv if self.head else self.arrays[-1].head).out_channels


@dataclass(frozen=True, slots=True, eq=False)
class ConvNetBlock:
    """Convolution (batch norm folded in), then activation."""

    conv: Conv
    activation: Activation


@dataclass(frozen=True, slots=True, eq=False)
class ConvNet:
    blocks: tuple[ConvNetBlock, ...]
    head: Conv

    @property
    def in_channels(self) -> int:
        return self.blocks[0].conv.in_channels

    @property
    def out_channels(self) -> int:
        return self.head.out_channels


@dataclass(frozen=True, slots=True, eq=False)
class LstmLayer:
    """weight: (4 * hidden, in + hidden), gates in PyTorch's order i, f, g, o.  bias: (4 * hidden,).

    initial_hidden, initial_cell: (hidden,).
    """

    weight: FloatArray
    bias: FloatArray
    initial_hidden: FloatArray
    initial_cell: FloatArray

    @property
    def hidden_size(self) -> int:
        return len(self.initial_hidden)


@dataclass(frozen=True, slots=True, eq=False)
class Lstm:
    """prewarm_frames: frames of silence that bring the memory to rest."""

    layers: tuple[LstmLayer, ...]
    head: Conv
    prewarm_frames: int

    @property
    def in_channels(self) -> int:
        return int(self.layers[0].weight.shape[1]) - self.layers[0].hidden_size

    @property
    def out_channels(self) -> int:
        return self.head.out_channels


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """One finite impulse response for every channel, (taps,), first tap first.

    Output channels beyond the input's are silent.
    """

    impulse_response: FloatArray
    bias: float = 0.0
    in_channels: int = 1
    out_channels: int = 1


Network = WaveNet | ConvNet | Lstm | Linear


def convolutions(network: Network) -> Iterator[Conv]:
    """Every convolution of the network, its condition's first. An LSTM's gates and a Linear are none."""
    match network:
        case WaveNet():
            if network.condition is not None:
                yield from convolutions(network.condition)
            for array in network.arrays:
                yield array.rechannel
                for layer in array.layers:
                    yield from _layer_convolutions(layer)
                yield array.head
            yield from (stage.conv for stage in network.head)
        case ConvNet():
            yield from (block.conv for block in network.blocks)
            yield network.head
        case Lstm():
            yield network.head
        case Linear():
            return


def films(layer: WaveNetLayer) -> Iterator[Film]:
    """The layer's FiLMs, in the order in which a .nam stores them."""
    for film in (
        layer.conv_pre_film,
        layer.conv_post_film,
        layer.mixin_pre_film,
        layer.mixin_post_film,
        layer.activation_pre_film,
        layer.activation_post_film,
        layer.layer1x1_post_film,
        layer.head1x1_post_film,
    ):
        if film is not None:
            yield film


def _layer_convolutions(layer: WaveNetLayer) -> Iterator[Conv]:
    yield layer.conv
    yield layer.mixin
    if layer.layer1x1 is not None:
        yield layer.layer1x1
    if layer.head1x1 is not None:
        yield layer.head1x1
    yield from (film.conv for film in films(layer))


def macs_per_frame(network: Network) -> int:
    """Multiply-accumulates per frame, counted from the shapes."""
    macs = sum(conv.macs for conv in convolutions(network))
    if isinstance(network, Lstm):
        macs += sum(int(np.prod(layer.weight.shape)) for layer in network.layers)
    if isinstance(network, Linear):
        macs += len(network.impulse_response) * min(network.in_channels, network.out_channels)
    return macs


def receptive_field(network: Network) -> int | None:
    """Frames of input that one frame of output depends on; None for an LSTM, whose memory has no end."""
    match network:
        case WaveNet():
            frames = 1
            for array in network.arrays:
                frames += sum(layer.conv.lookback for layer in array.layers) + array.head.lookback
            frames += sum(stage.conv.lookback for stage in network.head)
            if network.condition is None:
                return frames
            condition = receptive_field(network.condition)
            return None if condition is None else frames + condition - 1
        case ConvNet():
            return 1 + sum(block.conv.lookback for block in network.blocks) + network.head.lookback
        case Lstm():
            return None
        case Linear():
            return len(network.impulse_response)


def prewarm_frames(network: Network) -> int:
    """Frames of silence after which the network is in its steady state; exact for everything but an LSTM."""
    match network:
        case Lstm():
            return network.prewarm_frames
        case WaveNet(condition=condition) if condition is not None:
            own = receptive_field(WaveNet(network.arrays, network.head_scale, network.head))
            return (own or 1) - 1 + prewarm_frames(condition)
        case _:
            return receptive_field(network) or 1


def describe_channels(network: Network) -> str:
    """The widths, as players name a model: '16/8', '1x16', '3'."""
    match network:
        case WaveNet():
            return "/".join(str(array.rechannel.out_channels) for array in network.arrays)
        case ConvNet():
            return str(network.head.in_channels)
        case Lstm():
            return f"{len(network.layers)}x{network.layers[0].hidden_size}"
        case Linear():
            return f"{len(network.impulse_response)} taps"
