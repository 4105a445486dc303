"""A plain NumPy forward pass, written from the format's definition: a second opinion on the engine.

Whole signals at once, float64, slow. Everything here is (frames, channels). What a convolution does is a parameter, so
that who calibrates or traces a network sees the input of each.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from nampedal.firmware.network import (
    Activation,
    ActivationKind,
    Conv,
    ConvNet,
    Film,
    Gating,
    LayerArray,
    Linear,
    Lstm,
    Network,
    WaveNet,
    WaveNetLayer,
    expand,
    prewarm_frames,
)
from numpy.typing import NDArray

Signal = NDArray[np.float64]
_BLOCK = 4096

Convolve = Callable[[Conv, Signal], Signal]


def render(network: Network, audio: NDArray[np.float32], convolve: Convolve | None = None) -> NDArray[np.float32]:
    """What the network answers to audio (frames,) or (frames, channels), from its steady state."""
    rows = audio.reshape(len(audio), -1).astype(np.float64)
    silence = np.zeros((prewarm_frames(network), rows.shape[1]))
    out = forward(network, np.concatenate([silence, rows]), convolve)[len(silence) :].astype(np.float32)
    return out[:, 0] if audio.ndim == 1 and out.shape[1] == 1 else out


def forward(network: Network, x: Signal, convolve: Convolve | None = None) -> Signal:
    """What the network answers to x after a past of zeros. convolve: in place of `causal`, called in order."""
    convolve = convolve or causal
    match network:
        case WaveNet():
            return _wavenet(network, x, convolve)
        case ConvNet():
            for block in network.blocks:
                x = activate(block.activation, convolve(block.conv, x))
            return convolve(network.head, x)
        case Lstm():
            return _lstm(network, x, convolve)
        case Linear():
            return _linear(network, x)


def steady(conv: Conv, x: Signal) -> Signal:
    """The convolution of an endless constant signal, one frame of it: x (1, in) -> (1, out)."""
    return causal(conv, np.repeat(x, conv.lookback + 1, axis=0))[-1:]


def causal(conv: Conv, x: Signal, into: Signal | None = None) -> Signal:
    """The convolution of x (frames, in) -> (frames, out), after a past of zeros. into: where to put it."""
    weight = expand(conv.weight).astype(np.float64)
    out, per_group, taps = weight.shape
    y = np.empty((len(x), out)) if into is None else into
    y[:] = 0.0 if conv.bias is None else conv.bias
    rows = out // conv.groups
    # Block by block: what a block needs stays in the cache.
    for start in range(0, len(x), _BLOCK):
        end = min(start + _BLOCK, len(x))
        for group in range(conv.groups):
            outputs = slice(group * rows, (group + 1) * rows)
            inputs = slice(group * per_group, (group + 1) * per_group)
            for tap in range(taps):
                delay = conv.lookback - tap * conv.dilation
                first = max(start, delay)
                if first < end:
                    y[first:end, outputs] += x[first - delay : end - delay, inputs] @ weight[outputs, :, tap].T
    return y


def _sigmoid(x: Signal) -> Signal:
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def _fast_tanh(x: Signal) -> Signal:
    # NeuralAmpModelerCore's approximation.
    a, x2 = np.abs(x), x * x
    top = x * (2.45550750702956 + 2.45550750702956 * a + (0.893229853513558 + 0.821226666969744 * a) * x2)
    return top / (2.44506634652299 + (2.44506634652299 + x2) * np.abs(x + 0.814642734961073 * x * a))


_PLAIN: dict[ActivationKind, Callable[[Signal], Signal]] = {
    ActivationKind.TANH: np.tanh,
    ActivationKind.HARD_TANH: lambda x: np.clip(x, -1.0, 1.0),
    ActivationKind.FAST_TANH: _fast_tanh,
    ActivationKind.RELU: lambda x: np.maximum(x, 0.0),
    ActivationKind.SIGMOID: _sigmoid,
    ActivationKind.SILU: lambda x: x * _sigmoid(x),
    ActivationKind.HARD_SWISH: lambda x: x * np.clip(x + 3.0, 0.0, 6.0) / 6.0,
    ActivationKind.SOFTSIGN: lambda x: x / (1.0 + np.abs(x)),
    ActivationKind.SOFTSIGMOID: lambda x: 0.5 * (1.0 + x / (1.0 + np.abs(x))),
}


def activate(activation: Activation, x: Signal) -> Signal:
    """X (frames, channels), through it."""
    match activation.kind:
        case ActivationKind.LEAKY_RELU | ActivationKind.PRELU:
            return np.where(x > 0.0, x, np.array(activation.parameters) * x)
        case ActivationKind.LEAKY_HARD_TANH:
            low, high, low_slope, high_slope = activation.parameters
            y = np.where(x < low, (x - low) * low_slope + low, x)
            return np.where(x > high, (x - high) * high_slope + high, y)
        case kind:
            return _PLAIN[kind](x)


def _film(film: Film | None, condition: Signal, x: Signal, convolve: Convolve) -> Signal:
    if film is None:
        return x
    modulation = convolve(film.conv, condition)
    if not film.shift:
        return x * modulation
    scale, shift = np.split(modulation, 2, axis=1)
    return x * scale + shift


def _layer(layer: WaveNetLayer, x: Signal, condition: Signal, convolve: Convolve) -> tuple[Signal, Signal]:
    """What goes on to the next layer, and what goes to the head."""

    def film(by: Film | None, signal: Signal) -> Signal:
        return _film(by, condition, signal, convolve)

    z = film(layer.conv_post_film, convolve(layer.conv, film(layer.conv_pre_film, x)))
    mixed = convolve(layer.mixin, film(layer.mixin_pre_film, condition))
    z = film(layer.activation_pre_film, z + film(layer.mixin_post_film, mixed))
    if layer.gating is Gating.OFF:
        a = activate(layer.activation, z)
    else:
        assert layer.secondary is not None
        primary, secondary = np.split(z, 2, axis=1)
        a = activate(layer.activation, primary)
        gate = activate(layer.secondary, secondary)
        a = a * gate if layer.gating is Gating.GATED else gate * a + (1.0 - gate) * primary
    a = film(layer.activation_post_film, a)
    to_head = a if layer.head1x1 is None else film(layer.head1x1_post_film, convolve(layer.head1x1, a))
    if layer.layer1x1 is None:
        return x, to_head
    return x + film(layer.layer1x1_post_film, convolve(layer.layer1x1, a)), to_head


def _array(
    array: LayerArray, x: Signal, condition: Signal, head: Signal | None, convolve: Convolve
) -> tuple[Signal, Signal]:
    x = convolve(array.rechannel, x)
    for layer in array.layers:
        x, to_head = _layer(layer, x, condition, convolve)
        head = to_head if head is None else head + to_head
    assert head is not None
    return x, convolve(array.head, head)


def _wavenet(network: WaveNet, x: Signal, convolve: Convolve) -> Signal:
    condition = x if network.condition is None else forward(network.condition, x, convolve)
    head = None
    for array in network.arrays:
        x, head = _array(array, x, condition, head, convolve)
    assert head is not None
    y = head * network.head_scale
    for stage in network.head:
        y = convolve(stage.conv, activate(stage.activation, y))
    return y


def _lstm(network: Lstm, x: Signal, convolve: Convolve) -> Signal:
    for layer in network.layers:
        weight = expand(layer.weight).astype(np.float64)
        hidden, cell = layer.initial_hidden.astype(np.float64), layer.initial_cell.astype(np.float64)
        out = np.zeros((len(x), layer.hidden_size))
        for frame, row in enumerate(x):
            i, f, g, o = np.split(weight @ np.concatenate([row, hidden]) + layer.bias, 4)
            cell = _sigmoid(f) * cell + _sigmoid(i) * np.tanh(g)
            hidden = _sigmoid(o) * np.tanh(cell)
            out[frame] = hidden
        x = out
    return convolve(network.head, x)


def _linear(network: Linear, x: Signal) -> Signal:
    y = np.zeros((len(x), network.out_channels))
    for c in range(min(network.in_channels, network.out_channels)):
        y[:, c] = np.convolve(x[:, c], network.impulse_response)[: len(x)] + network.bias
    return y
