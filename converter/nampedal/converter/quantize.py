"""int8 weights, precision `w8`: per output channel, symmetric, rounded so that the network's own sound changes least.

Of a WaveNet the layers' convolutions and their 1x1s, of a ConvNet its blocks: nearly all of the weights. What is left
of them is few numbers that would cost much to round so far, and becomes float16: mixins, rechannels, heads, FiLMs and
biases, but for the last bias of all. An LSTM and an impulse response stay float32.

The network plays calibration audio twice at once: as it is, and as far as it has been rounded. Each convolution, when
the two reach it, is fitted to give from the rounded network's signal what the original gives from its own, and then
rounded (GPTQ). Errors of earlier layers are so made up for by later ones. Signals are counted from their values at
silence, and the bias takes up what rounding does to those: silence stays what it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
from nampedal.converter import reference
from nampedal.converter.reference import Signal
from nampedal.converter.rounding import round_rows, to_float16
from nampedal.firmware.network import (
    Conv,
    ConvNet,
    Film,
    Int8Weights,
    LayerArray,
    Linear,
    Lstm,
    Network,
    WaveNet,
    WaveNetLayer,
    Weights,
    convolutions,
    expand,
    prewarm_frames,
)
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

# Of the mean second moment: how far a fit may trust inputs that calibration hardly excites.
DAMPING = 3e-4
# Of a signal's energy: what rounding errors of its float64 numbers may look like an excitation.
NOISE = 1e-20
# Frames whose second moments are summed at a time: bounds the memory, not the result.
CHUNK = 1 << 12


def quantize(
    network: Network,
    audio: NDArray[np.float32],
    advance: Callable[[int, int], None] = lambda done, total: None,
    spared: Sequence[Conv] = (),
) -> Network:
    """The same network with int8 weights where `w8` has them, calibrated on audio (frames,).

    advance(done, total) is told the convolutions. spared: those of `int8_convs` that become float16 all the same.
    """
    if isinstance(network, Lstm | Linear):
        return network
    silence = prewarm_frames(network)
    once = np.concatenate([np.zeros(silence), audio.astype(np.float64)])
    both = np.repeat(np.concatenate([once, once])[:, None], network.in_channels, axis=1)
    rounding = _Rounding(network, spared, silence, advance)
    # More threads only wait for one another: the products are small.
    with threadpool_limits(1, "blas"):
        reference.forward(network, both, rounding)
    return replace_convs(network, rounding.done)


def int8_convs(network: Network) -> list[Conv]:
    """The convolutions that `w8` makes int8, in the order in which they are played."""
    match network:
        case WaveNet():
            inner = [] if network.condition is None else int8_convs(network.condition)
            layers = [layer for array in network.arrays for layer in array.layers]
            return inner + [c for y in layers for c in (y.conv, y.head1x1, y.layer1x1) if c is not None]
        case ConvNet():
            return [block.conv for block in network.blocks]
        case Lstm() | Linear():
            return []


def replace_convs(network: Network, done: dict[int, Conv]) -> Network:
    """The network with its convolutions replaced, by their identities."""

    def of(conv: Conv) -> Conv:
        return done.get(id(conv), conv)

    match network:
        case WaveNet():
            arrays = tuple(
                LayerArray(of(array.rechannel), tuple(_layer(layer, of) for layer in array.layers), of(array.head))
                for array in network.arrays
            )
            head = tuple(replace(stage, conv=of(stage.conv)) for stage in network.head)
            condition = network.condition and replace_convs(network.condition, done)
            return replace(network, arrays=arrays, head=head, condition=condition)
        case ConvNet():
            blocks = tuple(replace(block, conv=of(block.conv)) for block in network.blocks)
            return ConvNet(blocks, of(network.head))
        case Lstm() | Linear():
            return network


def _layer(layer: WaveNetLayer, of: Callable[[Conv], Conv]) -> WaveNetLayer:
    films: dict[str, Any] = {
        field.name: Film(of(film.conv), film.shift)
        for field in fields(layer)
        if isinstance(film := getattr(layer, field.name), Film)
    }
    return replace(
        layer,
        conv=of(layer.conv),
        mixin=of(layer.mixin),
        layer1x1=layer.layer1x1 and of(layer.layer1x1),
        head1x1=layer.head1x1 and of(layer.head1x1),
        **films,
    )


class _Rounding:
    """A convolution for `reference.forward` that rounds each when it is first reached, and answers for both networks.

    Signals are two, one behind the other, each with `silence` frames before its audio: what the original network has
    there, and what the rounded one has.
    """

    def __init__(
        self, network: Network, spared: Sequence[Conv], silence: int, advance: Callable[[int, int], None]
    ) -> None:
        self.done: dict[int, Conv] = {}
        self._int8 = {id(conv) for conv in int8_convs(network)} - {id(conv) for conv in spared}
        self._all = list(convolutions(network))
        self._streams = _streams(network)
        self._passing: dict[int, Signal] = {}
        self._silence = silence
        self._advance = advance

    def __call__(self, conv: Conv, x: Signal) -> Signal:
        if id(conv) not in self.done:
            if id(conv) in self._streams:
                self._passing[self._streams[id(conv)]] = x
            self.done[id(conv)] = self._round(conv, x)
            self._advance(len(self.done), len(self._all))
        y = np.empty((len(x), conv.out_channels))
        for network, signal, into in zip((conv, self.done[id(conv)]), np.split(x, 2), np.split(y, 2), strict=True):
            reference.causal(network, signal, into)
        return y

    def _round(self, conv: Conv, x: Signal) -> Conv:
        original, rounded = np.split(x, 2)
        # What is added to a stream may make up for the error that is in the stream already.
        passing = self._passing.pop(id(conv), None)
        error = None if passing is None else np.subtract(*np.split(passing, 2))
        stored = self._fit(conv, original, rounded, error)
        rest = self._silence - 1
        lost = _at_silence(conv.weight, conv.groups, original[rest]) - _at_silence(stored, conv.groups, rounded[rest])
        lost += 0.0 if error is None else error[rest]
        if conv.bias is None and np.max(np.abs(lost)) <= np.finfo(np.float32).eps * np.max(np.abs(expand(stored))):
            return replace(conv, weight=stored)
        bias = lost if conv.bias is None else conv.bias + lost
        # The last bias of all holds the output's own silence, which nothing behind it could put right.
        last = conv is self._all[-1]
        return replace(conv, weight=stored, bias=bias.astype(np.float32) if last else to_float16(bias))

    def _fit(self, conv: Conv, original: Signal, rounded: Signal, error: Signal | None) -> Weights:
        """Weights that make of the rounded signal what the convolution makes of the original, plus the error."""
        weight = expand(conv.weight).astype(np.float64)
        int8 = id(conv) in self._int8
        if not int8 and np.array_equal(original, rounded):
            return to_float16(weight)
        out, per_group, taps = weight.shape
        height = out // conv.groups
        values, scale = np.empty(weight.shape), np.empty(out)
        for group in range(conv.groups):
            rows = slice(group * height, (group + 1) * height)
            columns = slice(group * per_group, (group + 1) * per_group)
            wanted = weight[rows].reshape(height, -1)
            moments, products = self._moments(
                conv, wanted, original[:, columns], rounded[:, columns], None if error is None else error[:, rows]
            )
            noise = NOISE * float(np.sum(rounded[:, columns] ** 2)) + np.finfo(np.float32).tiny
            damping = DAMPING * np.trace(moments) / len(moments) + noise
            moments += damping * np.eye(len(moments))
            fitted = np.linalg.solve(moments, (products + damping * wanted).T).T
            if int8:
                fitted, scale[rows] = round_rows(fitted, moments)
            values[rows] = fitted.reshape(height, per_group, taps)
        return Int8Weights(values.astype(np.int8), scale.astype(np.float32)) if int8 else to_float16(values)

    def _moments(
        self, conv: Conv, wanted: Signal, original: Signal, rounded: Signal, error: Signal | None
    ) -> tuple[Signal, Signal]:
        """Second moments of what the taps see of the rounded signal, (in * kernel)^2, and its products with the goal.

        wanted: (out, in * kernel), of one group, as all signals are. Everything counts from its value at silence.
        """
        rest = self._silence - 1
        size = wanted.shape[1]
        moments, products = np.zeros((size, size)), np.zeros(wanted.shape)
        for start in range(self._silence, len(rounded), CHUNK):
            seen = _columns(conv, rounded, start, CHUNK, rounded[rest])
            goal = _columns(conv, original, start, CHUNK, original[rest]) @ wanted.T
            if error is not None:
                goal += error[start : start + CHUNK] - error[rest]
            moments += seen.T @ seen
            products += goal.T @ seen
        return moments, products


def _streams(network: Network) -> dict[int, int]:
    """Of each layer whose input goes on unchanged to what its 1x1 adds: its conv's identity, to its 1x1's."""
    if not isinstance(network, WaveNet):
        return {}
    layers = [layer for array in network.arrays for layer in array.layers]
    found = {
        id(layer.conv): id(layer.layer1x1)
        for layer in layers
        if layer.layer1x1 is not None and layer.conv_pre_film is None and layer.layer1x1_post_film is None
    }
    return found if network.condition is None else found | _streams(network.condition)


def _at_silence(weight: Weights, groups: int, idle: Signal) -> Signal:
    """What weights (out, in, kernel) make of inputs that have always been idle, (channels,). -> (out,)."""
    return np.asarray(reference.steady(Conv(weight, groups=groups), idle[None])[0])


def _columns(conv: Conv, x: Signal, start: int, frames: int, idle: Signal) -> Signal:
    """What each tap sees beyond idle from frame `start` on, (frames, channels * taps); before x it was idle."""
    end = min(start + frames, len(x))
    seen = np.zeros((end - start, x.shape[1], conv.kernel_size))
    for tap in range(conv.kernel_size):
        delay = conv.lookback - tap * conv.dilation
        first = max(start, delay)
        if first < end:
            seen[first - start :, :, tap] = x[first - delay : end - delay] - idle
    return seen.reshape(end - start, -1)
