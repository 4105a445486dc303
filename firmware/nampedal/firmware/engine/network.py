"""Data classes for the networks that the engine can play, and functions for their sizes.

Audio is (frames,) or (frames, channels). The weight of a convolution is (out, in / groups, kernel); the last tap is for
the newest input. All classes are frozen; arrays are float32 unless they are `Int8Weights`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


class ActivationKind(IntEnum):
    """The activation functions. The numbers are those of firmware/schema/stomp.fbs."""

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
    """The effect of the second half of a layer's channels on the first half.

    The numbers are those of firmware/schema/stomp.fbs.
    """

    OFF = 0
    GATED = 1
    BLENDED = 2


@dataclass(frozen=True, slots=True, eq=False)
class Int8Weights:
    """Weights in symmetric int8 with one scale for each output channel: weight = values * scale.

    values: (out, ...) int8 in [-127, 127].
    scale: (out,) float32, > 0.
    """

    values: NDArray[np.int8]
    scale: FloatArray

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    def expand(self) -> FloatArray:
        """Return the float32 weights that the engine computes with."""
        scale = self.scale.reshape(-1, *([1] * (self.values.ndim - 1)))
        return np.asarray(self.values.astype(np.float32) * scale, dtype=np.float32)


Weights = FloatArray | Int8Weights


def expand(weights: Weights) -> FloatArray:
    """Return the float32 values of weights of either kind."""
    return weights.expand() if isinstance(weights, Int8Weights) else weights


@dataclass(frozen=True, slots=True)
class Activation:
    """The activation function of a layer.

    parameters: LeakyReLU (slope,); PReLU (slope,) or one slope for each channel; LeakyHardTanh (min, max, min_slope,
    max_slope); empty for the others.
    """

    kind: ActivationKind
    parameters: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Conv:
    """A causal convolution. weight: (out, in / groups, kernel).  bias: (out,) or None."""

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
        """Number of past frames that the output depends on, without the present one."""
        return (self.kernel_size - 1) * self.dilation

    @property
    def macs(self) -> int:
        return int(np.prod(self.weight.shape))


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """Feature-wise linear modulation (Perez et al. 2018): x * scale(condition), + shift(condition) if `shift`.

    conv: kernel 1, from the condition to the scales, followed by the shifts.
    """

    conv: Conv
    shift: bool


@dataclass(frozen=True, slots=True, eq=False)
class WaveNetLayer:
    """One dilated layer of a WaveNet.

    With gating, conv and mixin have twice as many output channels as the bottleneck: first the primary channels, then
    the secondary channels.
    """

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
    """Consecutive layers of a WaveNet that have the same width.

    rechannel: converts the array's input to its width.
    head: applied to the sum of what the layers, and the array before, give to the head.
    """

    rechannel: Conv
    layers: tuple[WaveNetLayer, ...]
    head: Conv


@dataclass(frozen=True, slots=True, eq=False)
class HeadStage:
    """One stage of the head after the layer arrays: activation, then convolution."""

    activation: Activation
    conv: Conv


@dataclass(frozen=True, slots=True, eq=False)
class WaveNet:
    """A WaveNet: layer arrays whose head outputs are added, scaled, and passed through an optional head stack.

    condition: network whose output conditions the layers; None: the input itself conditions them.
    """

    condition: Network | None = field(default=None, kw_only=True)
    arrays: tuple[LayerArray, ...]
    head_scale: float
    head: tuple[HeadStage, ...] = ()

    @property
    def in_channels(self) -> int:
        return self.arrays[0].rechannel.in_channels

    @property
    def out_channels(self) -> int:
        return (self.head[-1].conv if self.head else self.arrays[-1].head).out_channels


@dataclass(frozen=True, slots=True, eq=False)
class ConvNetBlock:
    """One block of a ConvNet: convolution (batch norm is folded in), then activation."""

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
    """One LSTM layer.

    weight: (4 * hidden, in + hidden), gates in PyTorch's order i, f, g, o.
    bias: (4 * hidden,).
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
    """LSTM layers and a head. prewarm_frames: frames of silence after which the state is steady."""

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
    """A finite impulse response filter, the same for every channel.

    impulse_response: (taps,), first tap first.
    Output channels without a matching input channel are silent.
    """

    impulse_response: FloatArray
    bias: float = 0.0
    in_channels: int = 1
    out_channels: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Sequential:
    """Networks in series: the output channels of each are the input channels of the next."""

    networks: tuple[Network, ...]

    @property
    def in_channels(self) -> int:
        return self.networks[0].in_channels

    @property
    def out_channels(self) -> int:
        return self.networks[-1].out_channels


Network = WaveNet | ConvNet | Lstm | Linear | Sequential


def networks(network: Network) -> Iterator[Network]:
    """Yield the network and all networks inside it, in playing order; a condition comes before its network."""
    match network:
        case WaveNet() if network.condition is not None:
            yield from networks(network.condition)
        case Sequential():
            for one in network.networks:
                yield from networks(one)
    yield network


def convolutions(network: Network) -> dict[str, Conv]:
    """Return every convolution of the network by its path, such as 'arrays[0].layers[3].conv'.

    Those of a condition come first; the network's last one is the last. The gates of an LSTM and a Linear are not
    convolutions.
    """
    return dict(_convolutions("", network))


def _convolutions(path: str, part: object) -> Iterator[tuple[str, Conv]]:
    if isinstance(part, Conv):
        yield path, part
    else:
        for inner_path, inner in _parts(path, part):
            yield from _convolutions(inner_path, inner)


def replace_convolutions(network: Network, by_path: Mapping[str, Conv]) -> Network:
    """Return the network with the convolutions at these paths replaced. Raises KeyError for an unknown path."""
    if unknown := by_path.keys() - convolutions(network).keys():
        raise KeyError(min(unknown))
    replaced: Network = _with_convolutions("", network, by_path)
    return replaced


def _with_convolutions(path: str, part: Any, by_path: Mapping[str, Conv]) -> Any:
    if isinstance(part, Conv):
        return by_path.get(path, part)
    inner = [_with_convolutions(inner_path, inner, by_path) for inner_path, inner in _parts(path, part)]
    if isinstance(part, tuple):
        return tuple(inner)
    return replace(part, **dict(zip((f.name for f in fields(part)), inner, strict=True))) if inner else part


def _parts(path: str, part: Any) -> Iterator[tuple[str, Any]]:
    """Yield the items of a tuple or the fields of a dataclass, each with its path."""
    if isinstance(part, tuple):
        yield from ((f"{path}[{i}]", item) for i, item in enumerate(part))
    elif is_dataclass(part):
        yield from ((f"{path}.{f.name}".lstrip("."), getattr(part, f.name)) for f in fields(part))


def films(layer: WaveNetLayer) -> Iterator[Film]:
    """Yield the FiLMs of a layer in the order in which a .nam stores them."""
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


def macs_per_frame(network: Network) -> int:
    """Return the multiply-accumulates for one frame, counted from the shapes."""
    macs = sum(conv.macs for conv in convolutions(network).values())
    for one in networks(network):
        if isinstance(one, Lstm):
            macs += sum(int(np.prod(layer.weight.shape)) for layer in one.layers)
        if isinstance(one, Linear):
            macs += len(one.impulse_response) * min(one.in_channels, one.out_channels)
    return macs


def receptive_field(network: Network) -> int | None:
    """Return the number of input frames that one output frame depends on; None for an LSTM: its memory is unlimited."""
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
        case Sequential():
            frames_of_each = [receptive_field(one) for one in network.networks]
            known = [frames for frames in frames_of_each if frames is not None]
            return 1 + sum(frames - 1 for frames in known) if len(known) == len(frames_of_each) else None


def prewarm_frames(network: Network) -> int:
    """Return the frames of silence after which the network is in its steady state; exact except for an LSTM."""
    match network:
        case Lstm():
            return network.prewarm_frames
        case WaveNet(condition=condition) if condition is not None:
            own = receptive_field(WaveNet(network.arrays, network.head_scale, network.head))
            return (own or 1) - 1 + prewarm_frames(condition)
        case Sequential():
            return sum(prewarm_frames(one) for one in network.networks)
        case _:
            return receptive_field(network) or 1


def describe_channels(network: Network) -> str:
    """Return the widths in the notation that NAM users know: '16/8', '1x16', '3'."""
    match network:
        case WaveNet():
            return "/".join(str(array.rechannel.out_channels) for array in network.arrays)
        case ConvNet():
            return str(network.head.in_channels)
        case Lstm():
            return f"{len(network.layers)}x{network.layers[0].hidden_size}"
        case Linear():
            return f"{len(network.impulse_response)} taps"
        case Sequential():
            return " + ".join(describe_channels(one) for one in network.networks)
