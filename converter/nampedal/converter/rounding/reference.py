"""A plain NumPy forward pass, written from the format's definition. It verifies the engine independently.

It is slow and processes whole signals at once. All signals are (frames, channels), and are computed in their own type:
float64 to verify the engine. The convolution function is a parameter, so that calibration and tracing see the input of
each convolution.

Paths of convolutions are those of `network.convolutions`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from nampedal.firmware.engine.network import (
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
    Sequential,
    WaveNet,
    WaveNetLayer,
    expand,
    prewarm_frames,
)
from numpy.typing import NDArray

Signal = NDArray[np.floating[Any]]
_BLOCK = 4096

# Arguments: the convolution's path, the convolution, its input.
Convolve = Callable[[str, Conv, Signal], Signal]


def render(network: Network, audio: NDArray[np.float32], convolve: Convolve | None = None) -> NDArray[np.float32]:
    """Return the network's output for audio (frames,) or (frames, channels), from its steady state."""
    rows = audio.reshape(len(audio), -1).astype(np.float64)
    silence = np.zeros((prewarm_frames(network), rows.shape[1]))
    out = forward(network, np.concatenate([silence, rows]), convolve)[len(silence) :].astype(np.float32)
    return out[:, 0] if audio.ndim == 1 and out.shape[1] == 1 else out


def forward(network: Network, x: Signal, convolve: Convolve | None = None) -> Signal:
    """Return the network's output for x, with zeros as its history.

    convolve: replaces `causal`; it is called in playing order, once for each convolution. The caller may overwrite its
      result, but not its argument.
    """
    convolve = convolve or _convolve
    match network:
        case WaveNet():
            return _wavenet(network, x, convolve)
        case ConvNet():
            for i, block in enumerate(network.blocks):
                x = activate(block.activation, convolve(f"blocks[{i}].conv", block.conv, x))
            return convolve("head", network.head, x)
        case Lstm():
            return _lstm(network, x, convolve)
        case Linear():
            return _linear(network, x)
        case Sequential():
            for i, one in enumerate(network.networks):
                x = forward(one, x, _inside(f"networks[{i}]", convolve))
            return x


def _convolve(path: str, conv: Conv, x: Signal) -> Signal:
    return causal(conv, x)


def _inside(part: str, convolve: Convolve) -> Convolve:
    """Return `convolve` for paths that are relative to a part of the network."""
    return lambda path, conv, x: convolve(f"{part}.{path}", conv, x)


def steady_state(conv: Conv, x: Signal) -> Signal:
    """Return one frame of the convolution's output for an endless constant signal: x (1, in) -> (1, out)."""
    return causal(conv, np.repeat(x, conv.lookback + 1, axis=0))[-1:]


def causal(conv: Conv, x: Signal, into: Signal | None = None) -> Signal:
    """Return the convolution of x (frames, in) -> (frames, out), with zeros as its history. into: output array."""
    weight = expand(conv.weight).astype(x.dtype)
    out, per_group, taps = weight.shape
    y = np.empty((len(x), out), x.dtype) if into is None else into
    y[:] = 0.0 if conv.bias is None else conv.bias
    rows = out // conv.groups
    # Process in blocks, so that the data of a block stay in the cache.
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
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))


def _fast_tanh(x: Signal) -> Signal:
    # NeuralAmpModelerCore's fast approximation of tanh.
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
    """Apply the activation to x (frames, channels)."""
    match activation.kind:
        case ActivationKind.LEAKY_RELU | ActivationKind.PRELU:
            return np.where(x > 0.0, x, np.array(activation.parameters, x.dtype) * x)
        case ActivationKind.LEAKY_HARD_TANH:
            low, high, low_slope, high_slope = activation.parameters
            y = np.where(x < low, (x - low) * low_slope + low, x)
            return np.where(x > high, (x - high) * high_slope + high, y)
        case kind:
            return np.asarray(_PLAIN[kind](x))


def _film(film: Film | None, condition: Signal, x: Signal, convolve: Convolve) -> Signal:
    if film is None:
        return x
    modulation = convolve("conv", film.conv, condition)
    if not film.shift:
        return x * modulation
    scale, shift = np.split(modulation, 2, axis=1)
    return x * scale + shift


def _layer(layer: WaveNetLayer, x: Signal, condition: Signal, convolve: Convolve) -> tuple[Signal, Signal]:
    """Return the output to the next layer, and the output to the head."""

    def film(name: str, signal: Signal) -> Signal:
        return _film(getattr(layer, name), condition, signal, _inside(name, convolve))

    # Operations are in place, and signals are deleted as soon as possible: they take most of the memory.
    z = film("conv_post_film", convolve("conv", layer.conv, film("conv_pre_film", x)))
    z += film("mixin_post_film", convolve("mixin", layer.mixin, film("mixin_pre_film", condition)))
    z = film("activation_pre_film", z)
    if layer.gating is Gating.OFF:
        a = activate(layer.activation, z)
    else:
        assert layer.secondary is not None
        primary, secondary = np.split(z, 2, axis=1)
        a = activate(layer.activation, primary)
        gate = activate(layer.secondary, secondary)
        a = a * gate if layer.gating is Gating.GATED else gate * a + (1.0 - gate) * primary
        del primary, secondary, gate
    del z
    a = film("activation_post_film", a)
    to_head = a if layer.head1x1 is None else film("head1x1_post_film", convolve("head1x1", layer.head1x1, a))
    if layer.layer1x1 is None:
        return x, to_head
    on = film("layer1x1_post_film", convolve("layer1x1", layer.layer1x1, a))
    on += x
    return on, to_head


def _array(
    array: LayerArray, x: Signal, condition: Signal, head: Signal | None, convolve: Convolve
) -> tuple[Signal, Signal]:
    x = convolve("rechannel", array.rechannel, x)
    for i, layer in enumerate(array.layers):
        x, to_head = _layer(layer, x, condition, _inside(f"layers[{i}]", convolve))
        if head is None:
            head = to_head
        else:
            head += to_head
    assert head is not None
    return x, convolve("head", array.head, head)


def _wavenet(network: WaveNet, x: Signal, convolve: Convolve) -> Signal:
    condition = x if network.condition is None else forward(network.condition, x, _inside("condition", convolve))
    head = None
    for i, array in enumerate(network.arrays):
        x, head = _array(array, x, condition, head, _inside(f"arrays[{i}]", convolve))
    assert head is not None
    y = head * network.head_scale
    for i, stage in enumerate(network.head):
        y = convolve(f"head[{i}].conv", stage.conv, activate(stage.activation, y))
    return y


def _lstm(network: Lstm, x: Signal, convolve: Convolve) -> Signal:
    for layer in network.layers:
        weight = expand(layer.weight).astype(np.float64)
        hidden, cell = layer.initial_hidden.astype(np.float64), layer.initial_cell.astype(np.float64)
        out = np.zeros((len(x), layer.hidden_size), x.dtype)
        for frame, row in enumerate(x):
            i, f, g, o = np.split(weight @ np.concatenate([row, hidden]) + layer.bias, 4)
            cell = _sigmoid(f) * cell + _sigmoid(i) * np.tanh(g)
            hidden = _sigmoid(o) * np.tanh(cell)
            out[frame] = hidden
        x = out
    return convolve("head", network.head, x)


def _linear(network: Linear, x: Signal) -> Signal:
    y = np.zeros((len(x), network.out_channels), x.dtype)
    for c in range(min(network.in_channels, network.out_channels)):
        y[:, c] = np.convolve(x[:, c], network.impulse_response)[: len(x)] + network.bias
    return y
