"""Removes channels from a WaveNet, and fits the remaining weights to replace them. Needs no PyTorch.

In each layer array, the kept activations are those from which the output of all activations is best predicted. The
residual stream has no nonlinearity, so it is reduced to its principal components. Then the smaller network is fitted
from front to back by least squares: each layer takes the smaller network's own signals so far as input, and the output
of the original's layer as target.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from nampedal.converter.rounding import reference
from nampedal.converter.rounding.reference import Signal
from nampedal.converter.slim.fusable import Shape, split_arrays
from nampedal.firmware.engine.network import (
    Activation,
    ActivationKind,
    Conv,
    Gating,
    LayerArray,
    WaveNet,
    WaveNetLayer,
    expand,
    prewarm_frames,
)
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

# Ridge regularisation, relative to the mean second moment: limits the weights of inputs that are weak or nearly equal.
LAYER_RIDGE = 1e-4
HEAD_RIDGE = 1e-6


@dataclass(frozen=True, slots=True)
class _Choice:
    """The reduction of one array.

    kept: indices of the inner channels that stay.
    basis: of the residual stream, (channels, fewer), orthonormal.
    """

    kept: NDArray[np.intp]
    basis: Signal


def prune(network: WaveNet, shape: Shape, audio: NDArray[np.float32]) -> WaveNet:
    """Return the network with fewer channels, fitted on audio (frames,). It is not trained."""
    network = split_arrays(network, shape)
    silence = prewarm_frames(network)
    given = np.concatenate([np.zeros(silence), audio.astype(np.float64)])[:, None]
    # The matrix products are small; more threads would only wait for each other.
    with threadpool_limits(1, "blas"):
        choices = _choices(network, shape, given, silence)
        return replace(network, arrays=tuple(_fit(network, choices, given, silence)))


def _choices(network: WaveNet, shape: Shape, given: Signal, silence: int) -> list[_Choice]:
    choices = []
    stream, before = given, None
    for array, part in zip(network.arrays, shape, strict=True):
        stream = reference.causal(array.rechannel, stream)
        moments, handed_on = [], []
        spread = np.zeros((stream.shape[1], stream.shape[1]))
        to_head = expand(array.head.weight).sum(axis=2).astype(np.float64)
        total = np.zeros((len(given), array.head.in_channels)) if before is None else before
        for layer in array.layers:
            spread = spread + _scaled(_covariance(stream[silence:]))
            a = _inner(layer, stream, given)
            total = total + a
            assert layer.layer1x1 is not None
            onward = expand(layer.layer1x1.weight)[:, :, 0].astype(np.float64)
            # Scaled so that head and stream have the same weight.
            share = np.linalg.norm(onward) / max(float(np.linalg.norm(to_head)), 1e-12)
            moments.append(_covariance(a[silence:]))
            handed_on.append(np.concatenate([onward, share * to_head]))
            stream = stream + reference.causal(layer.layer1x1, a)
        before = reference.causal(array.head, total)
        basis = np.linalg.eigh(spread)[1][:, ::-1][:, : part.channels]
        choices.append(_Choice(_kept(moments, handed_on, part.channels), basis))
    return choices


def _kept(moments: list[Signal], handed_on: list[Signal], count: int) -> NDArray[np.intp]:
    """Return the channels that best predict the output of all channels, over all layers.

    The least useful channel is removed one at a time until `count` are left.
    """
    kept = list(range(len(moments[0])))
    wholes = [max(float(np.trace(h @ m @ h.T)), 1e-30) for m, h in zip(moments, handed_on, strict=True)]

    def lost(channels: list[int]) -> float:
        total = 0.0
        for moment, hand, whole in zip(moments, handed_on, wholes, strict=True):
            ridge = 1e-6 * np.trace(moment) / len(moment) + 1e-30
            inside = moment[np.ix_(channels, channels)] + ridge * np.eye(len(channels))
            across = moment[:, channels]
            rest = moment - across @ np.linalg.solve(inside, across.T)
            total += float(np.trace(hand @ rest @ hand.T)) / whole
        return total

    while len(kept) > count:
        kept.remove(min(kept, key=lambda channel: lost([other for other in kept if other != channel])))
    return np.array(kept)


def _fit(network: WaveNet, choices: list[_Choice], given: Signal, silence: int) -> Iterator[LayerArray]:
    original = own = given
    before = own_before = None
    for number, (array, choice) in enumerate(zip(network.arrays, choices, strict=True)):
        original = reference.causal(array.rechannel, original)
        rechannel = _fitted(array.rechannel, own, original @ choice.basis, silence, HEAD_RIDGE)
        own = reference.causal(rechannel, own)
        total = np.zeros_like(original) if before is None else before
        own_total = np.zeros((len(given), len(choice.kept))) if own_before is None else own_before
        layers = []
        for layer in array.layers:
            assert layer.layer1x1 is not None
            z = reference.causal(layer.conv, original) + reference.causal(layer.mixin, given)
            a = _activated(layer, z)
            total = total + a
            original = original + reference.causal(layer.layer1x1, a)
            smaller = _layer(layer, choice, own, given, z, silence)
            own_a = _inner(smaller, own, given)
            own_total = own_total + own_a
            onward = _fitted(layer.layer1x1, own_a, original @ choice.basis - own, silence, LAYER_RIDGE)
            own = own + reference.causal(onward, own_a)
            layers.append(replace(smaller, layer1x1=onward))
        before = reference.causal(array.head, total)
        heard = slice(None) if array is network.arrays[-1] else choices[number + 1].kept
        head = _fitted(array.head, own_total, before[:, heard], silence, HEAD_RIDGE)
        own_before = reference.causal(head, own_total)
        yield LayerArray(rechannel, tuple(layers), head)


def _layer(layer: WaveNetLayer, choice: _Choice, own: Signal, given: Signal, z: Signal, silence: int) -> WaveNetLayer:
    """Return the layer with fewer channels, its sums fitted to the kept channels of z. Its 1x1 is not changed."""
    halves = 1 if layer.gating is Gating.OFF else 2
    inner = z.shape[1] // halves
    kept = np.concatenate([choice.kept + half * inner for half in range(halves)])
    both = np.concatenate([_taps(layer.conv, own), given], axis=1)
    flat, bias = _least_squares(both[silence:], z[silence:, kept], LAYER_RIDGE)
    conv = _conv(flat[:, :-1], bias, layer.conv)
    mixin = Conv(np.ascontiguousarray(flat[:, -1:, None], np.float32))
    activation, secondary = (
        None if shape is None else _of_channels(shape, choice.kept) for shape in (layer.activation, layer.secondary)
    )
    assert activation is not None
    return replace(layer, conv=conv, mixin=mixin, activation=activation, secondary=secondary)


def _of_channels(activation: Activation, kept: NDArray[np.intp]) -> Activation:
    if len(activation.parameters) <= 1 or activation.kind is not ActivationKind.PRELU:
        return activation
    return replace(activation, parameters=tuple(activation.parameters[channel] for channel in kept))


def _inner(layer: WaveNetLayer, stream: Signal, given: Signal) -> Signal:
    return _activated(layer, reference.causal(layer.conv, stream) + reference.causal(layer.mixin, given))


def _activated(layer: WaveNetLayer, z: Signal) -> Signal:
    if layer.gating is Gating.OFF:
        return reference.activate(layer.activation, z)
    assert layer.secondary is not None
    primary, secondary = np.split(z, 2, axis=1)
    a, gate = reference.activate(layer.activation, primary), reference.activate(layer.secondary, secondary)
    return a * gate if layer.gating is Gating.GATED else gate * a + (1.0 - gate) * primary


def _fitted(like: Conv, x: Signal, goal: Signal, silence: int, ridge: float) -> Conv:
    """Fit a convolution from x (frames, in) to goal (frames, out). It has the kernel and dilation of `like`."""
    return _conv(*_least_squares(_taps(like, x)[silence:], goal[silence:], ridge), like)


def _least_squares(x: Signal, goal: Signal, ridge: float) -> tuple[Signal, Signal]:
    """Return weights (out, columns) and biases (out,) that map x (frames, columns) to goal (frames, out)."""
    mean, mean_goal = x.mean(axis=0), goal.mean(axis=0)
    moment = x.T @ x / len(x) - np.outer(mean, mean)
    product = goal.T @ x / len(x) - np.outer(mean_goal, mean)
    moment += (ridge * np.trace(moment) / len(moment) + 1e-30) * np.eye(len(moment))
    weights = np.linalg.solve(moment, product.T).T
    return np.asarray(weights), np.asarray(mean_goal - weights @ mean)


def _taps(conv: Conv, x: Signal) -> Signal:
    """Return the inputs of a convolution at each frame, (frames, kernel * in), oldest tap first. The past is zeros."""
    taps = []
    for tap in range(conv.kernel_size):
        delay = min(conv.lookback - tap * conv.dilation, len(x))
        taps.append(np.concatenate([np.zeros((delay, x.shape[1])), x[: len(x) - delay]]))
    return np.concatenate(taps, axis=1)


def _conv(flat: Signal, bias: Signal, like: Conv) -> Conv:
    out, columns = flat.shape
    weight = flat.reshape(out, like.kernel_size, columns // like.kernel_size).transpose(0, 2, 1)
    return Conv(np.ascontiguousarray(weight, np.float32), bias.astype(np.float32), like.dilation)


def _covariance(x: Signal) -> Signal:
    return np.asarray(np.cov(x, rowvar=False).reshape(x.shape[1], x.shape[1]))


def _scaled(covariance: Signal) -> Signal:
    return covariance / max(float(np.trace(covariance)), 1e-30)
