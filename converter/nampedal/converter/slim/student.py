"""A plain WaveNet (`slim/fusable.py`) as PyTorch tensors, for training by distillation.

Signals are (channels, frames). Convolutions have no padding: n output frames need n + receptive_field - 1 input frames.
Each convolution is one matrix (out, kernel * in + 1): the taps, oldest first, then the bias.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from nampedal.converter.slim.activation import activate, differentiate
from nampedal.firmware.engine.network import Conv, LayerArray, WaveNet, WaveNetLayer, expand, receptive_field
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True, slots=True)
class _Layer:
    """One layer as matrices.

    sums: conv, mixin and bias together, (out, kernel * in + 2).
    onward: layer1x1; None if its output is not used.
    """

    source: WaveNetLayer
    sums: Tensor
    onward: Tensor | None


@dataclass(frozen=True, slots=True)
class _Array:
    """One layer array as matrices. later: total lookback, in frames, of this array's head and all later heads."""

    source: LayerArray
    rechannel: Tensor
    layers: tuple[_Layer, ...]
    head: Tensor
    later: int


class Student:
    """A network that can be trained.

    parameters: the trainable matrices.
    numbers: one vector that holds all of them, one after the other; the matrices are views of it.
    """

    def __init__(self, network: WaveNet, device: str = "cpu") -> None:
        self._network = network
        self.receptive_field = receptive_field(network) or 1
        matrices = list(_matrices(network))
        self.numbers = torch.tensor(np.concatenate([matrix.ravel() for matrix in matrices]), device=device)
        self._shapes = [matrix.shape for matrix in matrices]
        self._sizes = [matrix.size for matrix in matrices]
        self.parameters = [part.detach().requires_grad_() for part in self.split(self.numbers)]
        left = iter(self.parameters)
        self._arrays: list[_Array] = []
        for number, array in enumerate(network.arrays):
            rechannel = next(left)
            layers = [
                _Layer(layer, next(left), None if _unheard(network, layer) else next(left)) for layer in array.layers
            ]
            later = sum(other.head.lookback for other in network.arrays[number:])
            self._arrays.append(_Array(array, rechannel, tuple(layers), next(left), later))

    def split(self, numbers: Tensor) -> list[Tensor]:
        """Split a vector of the length of `numbers` into matrices of the parameters' shapes."""
        parts = torch.split(numbers, self._sizes)
        return [part.view(shape) for part, shape in zip(parts, self._shapes, strict=True)]

    def forward(self, audio: Tensor) -> Tensor:
        """Return the network's output. audio: (frames,) -> (frames - receptive_field + 1,)."""
        given = torch.stack([audio, torch.ones_like(audio)])
        wanted = len(audio) - self.receptive_field + 1
        stream, before = given[:1], None
        for array in self._arrays:
            stream = _convolve(array.rechannel, stream, array.source.rechannel)
            frames = wanted + array.later
            total = None if before is None else before[:, -frames:]
            for layer in array.layers:
                heard, stream = _play(stream, given, layer, frames)
                total = heard if total is None else total + heard
            assert total is not None
            before = _convolve(array.head, total, array.source.head)
        assert before is not None
        return before[0] * self._network.head_scale

    def network(self) -> WaveNet:
        """Return the network with the current weights, in float32."""
        arrays = []
        for array in self._arrays:
            layers = []
            for layer in array.layers:
                sums = _numbers(layer.sums)
                conv = _conv(np.delete(sums, -2, axis=1), layer.source.conv)
                mixin = Conv(sums[:, -2:-1, None])
                onward = layer.source.layer1x1
                assert onward is not None
                onward = onward if layer.onward is None else _conv(_numbers(layer.onward), onward)
                layers.append(replace(layer.source, conv=conv, mixin=mixin, layer1x1=onward))
            rechannel = _conv(_numbers(array.rechannel), array.source.rechannel)
            arrays.append(LayerArray(rechannel, tuple(layers), _conv(_numbers(array.head), array.source.head)))
        return replace(self._network, arrays=tuple(arrays))


def _unheard(network: WaveNet, layer: WaveNetLayer) -> bool:
    """Return True if the output of the layer's 1x1 is not used, because it is the last layer."""
    return layer is network.arrays[-1].layers[-1]


def _matrices(network: WaveNet) -> Iterator[NDArray[np.float32]]:
    for array in network.arrays:
        yield _flat(array.rechannel)
        for layer in array.layers:
            sums = np.concatenate([_flat(layer.conv)[:, :-1], _flat(layer.mixin)], axis=1)
            sums[:, -1] += _flat(layer.conv)[:, -1]
            yield sums
            if not _unheard(network, layer):
                assert layer.layer1x1 is not None
                yield _flat(layer.layer1x1)
        yield _flat(array.head)


def _flat(conv: Conv) -> NDArray[np.float32]:
    out, into, kernel = conv.weight.shape
    taps = expand(conv.weight).transpose(0, 2, 1).reshape(out, kernel * into)
    bias = np.zeros(out, np.float32) if conv.bias is None else conv.bias
    return np.concatenate([taps, bias[:, None]], axis=1)


def _conv(flat: NDArray[np.float32], like: Conv) -> Conv:
    out, into, kernel = like.weight.shape
    weight = flat[:, :-1].reshape(out, kernel, into).transpose(0, 2, 1)
    return Conv(np.ascontiguousarray(weight), np.ascontiguousarray(flat[:, -1]), like.dilation)


def _numbers(tensor: Tensor) -> NDArray[np.float32]:
    return np.array(tensor.detach().cpu().numpy())


def _convolve(matrix: Tensor, x: Tensor, like: Conv) -> Tensor:
    frames = x.shape[1] - like.lookback
    taps = [x[:, tap * like.dilation : tap * like.dilation + frames] for tap in range(like.kernel_size)]
    return torch.addmm(matrix[:, -1:], matrix[:, :-1], taps[0] if len(taps) == 1 else torch.cat(taps))


def _play(x: Tensor, given: Tensor, layer: _Layer, frames: int) -> tuple[Tensor, Tensor]:
    """Return the layer's last `frames` frames for the head, and the input of the next layer."""
    played: tuple[Tensor, Tensor] = _Play.apply(x, given, layer.sums, layer.onward, layer.source, frames)  # type: ignore[no-untyped-call]
    return played


class _Play(torch.autograd.Function):
    """One layer, with a hand-written gradient: autograd on the tap slices would take twice the time and memory."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, given: Tensor, sums: Tensor, onward: Tensor | None, layer: WaveNetLayer, frames: int
    ) -> tuple[Tensor, Tensor | None]:
        channels, length = x.shape[0], x.shape[1] - layer.conv.lookback
        z = sums[:, -2:] @ given[:, -length:]
        for tap in range(layer.conv.kernel_size):
            at = tap * layer.conv.dilation
            z.addmm_(sums[:, tap * channels : (tap + 1) * channels], x[:, at : at + length])
        z, a = activate(layer, z)
        ctx.save_for_backward(x, given, sums, onward, z, a)
        ctx.layer, ctx.frames = layer, frames
        if onward is None:
            return a[:, -frames:], None
        return a[:, -frames:], torch.addmm(onward[:, -1:], onward[:, :-1], a).add_(x[:, -length:])

    @staticmethod
    def backward(ctx: Any, of_heard: Tensor, of_next: Tensor | None) -> tuple[Tensor | None, ...]:
        x, given, sums, onward, z, a = ctx.saved_tensors
        layer, length = ctx.layer, a.shape[1]
        of_x, of_onward = torch.zeros_like(x), None
        if onward is None:
            of_a = torch.zeros_like(a)
        else:
            assert of_next is not None
            of_a = onward[:, :-1].T @ of_next
            of_onward = torch.cat([of_next @ a.T, of_next.sum(1, keepdim=True)], 1)
            of_x[:, -length:] = of_next
        of_a[:, -ctx.frames :] += of_heard
        of_z = differentiate(layer, z, a, of_a)
        taps, dilation = layer.conv.kernel_size, layer.conv.dilation
        for tap in range(taps):
            columns = slice(tap * len(x), (tap + 1) * len(x))
            of_x[:, tap * dilation : tap * dilation + length].addmm_(sums[:, columns].T, of_z)
        seen = x.as_strided((taps, length, len(x)), (dilation, x.stride(1), x.stride(0)), x.storage_offset())
        of_taps = torch.matmul(of_z, seen).transpose(0, 1).reshape(len(of_z), -1)
        of_sums = torch.cat([of_taps, of_z @ given[:, -length:].T], 1)
        return of_x, None, of_sums, of_onward, None, None
