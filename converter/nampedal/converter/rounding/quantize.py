"""Quantizes to int8 weights (precision `w8`): symmetric, per output channel, with the least change of the output.

A WaveNet's layer convolutions and their 1x1s, and a ConvNet's blocks, become int8: nearly all of the weights. The other
weights of these networks are few but would cost much as int8, so they become float16: mixins, rechannels, heads, FiLMs
and biases, except for the very last bias. An LSTM and an impulse response stay float32.

The network plays the calibration audio twice in parallel: in its original form, and in its form rounded so far. When
both reach a convolution, it is fitted to produce the original's output from the rounded network's signal, and then
rounded (GPTQ). So later layers compensate the errors of earlier ones. Signals are measured relative to their values at
silence, and the bias absorbs the change that rounding makes to those: the output at silence does not change.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import numpy as np
from nampedal.converter.rounding import reference
from nampedal.converter.rounding.reference import Signal
from nampedal.converter.rounding.round_weights import round_rows, to_float16
from nampedal.firmware.engine.network import (
    Conv,
    Int8Weights,
    Network,
    Weights,
    convolutions,
    expand,
    prewarm_frames,
    replace_convolutions,
)
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

# Damping relative to the mean second moment: limits how far a fit relies on inputs that calibration hardly excites.
DAMPING = 3e-4
# Part of a signal's energy that may be float32 rounding errors instead of excitation.
NOISE = 1e-11
# Part of the largest weight: a smaller bias is only a rounding error of float32 signals.
LOST = 1e-6
# Paths of the convolutions that become int8: those of a ConvNet's blocks, and of a WaveNet's layers except mixins and
# FiLMs.
INT8 = re.compile(r"(.*\.)?(layers|blocks)\[\d+\]\.(conv|layer1x1|head1x1)")
# Number of frames per step of the second moments: limits the memory, does not change the result.
CHUNK = 1 << 12


def quantize(
    network: Network,
    audio: NDArray[np.float32],
    advance: Callable[[int, int], None] = lambda done, total: None,
    spared: Collection[str] = (),
) -> Network:
    """Return the network with `w8` weights, calibrated on audio (frames,).

    advance(done, total): progress callback, in convolutions.
    spared: paths out of `int8_paths` whose convolutions become float16 instead.
    """
    if not int8_paths(network):
        return network
    silence = prewarm_frames(network)
    once = np.concatenate([np.zeros(silence, np.float32), audio])
    both = np.repeat(np.concatenate([once, once])[:, None], network.in_channels, axis=1)
    rounding = _Rounding(network, spared, silence, advance)
    # One thread: the matrix products are too small for more.
    with threadpool_limits(1, "blas"):
        reference.forward(network, both, rounding)
    return replace_convolutions(network, rounding.done)


def int8_paths(network: Network) -> list[str]:
    """Return the paths of the convolutions that `w8` stores as int8."""
    return [path for path in convolutions(network) if INT8.fullmatch(path)]


class _Rounding:
    """A convolution function for `reference.forward` that rounds each convolution.

    Its signals contain two networks' signals, one after the other: the original's, then the rounded one's. Each starts
    with `silence` frames before its audio.
    """

    def __init__(
        self, network: Network, spared: Collection[str], silence: int, advance: Callable[[int, int], None]
    ) -> None:
        # All keys are paths.
        self.done: dict[str, Conv] = {}
        self._int8 = set(int8_paths(network)).difference(spared)
        self._paths = list(convolutions(network))
        self._streams = _residual_streams(self._paths)
        self._passing: dict[str, Signal] = {}
        self._silence = silence
        self._advance = advance

    def __call__(self, path: str, conv: Conv, x: Signal) -> Signal:
        y = np.empty((len(x), conv.out_channels), x.dtype)
        original, rounded = np.split(x, 2)
        wanted, got = np.split(y, 2)
        reference.causal(conv, original, wanted)
        if path in self._streams:
            self._passing[self._streams[path]] = x
        self.done[path] = self._round(path, conv, original, rounded, wanted)
        self._advance(len(self.done), len(self._paths))
        reference.causal(self.done[path], rounded, got)
        return y

    def _round(self, path: str, conv: Conv, original: Signal, rounded: Signal, wanted: Signal) -> Conv:
        # A convolution that adds to a residual stream can also compensate the error that the stream already has.
        passing = self._passing.pop(path, None)
        goal = _Goal(original, wanted, passing, self._silence - 1)
        stored = self._fit(conv, rounded, goal, int8=path in self._int8)
        rest = self._silence - 1
        lost = _at_silence(conv.weight, conv.groups, original[rest]) - _at_silence(stored, conv.groups, rounded[rest])
        lost += 0.0 if passing is None else passing[rest] - passing[len(rounded) + rest]
        if conv.bias is None and np.max(np.abs(lost)) <= LOST * np.max(np.abs(expand(stored))):
            return replace(conv, weight=stored)
        bias = lost if conv.bias is None else conv.bias + lost
        # The last bias sets the output at silence, and no later layer could correct it.
        last = path == self._paths[-1]
        return replace(conv, weight=stored, bias=bias.astype(np.float32) if last else to_float16(bias))

    def _fit(self, conv: Conv, rounded: Signal, goal: _Goal, *, int8: bool) -> Weights:
        """Return weights that produce the goal from the rounded network's signal."""
        weight = expand(conv.weight).astype(np.float64)
        if not int8 and goal.reached_with(rounded):
            return to_float16(weight)
        out, per_group, taps = weight.shape
        height = out // conv.groups
        values, scale = np.empty(weight.shape), np.empty(out)
        for group in range(conv.groups):
            rows = slice(group * height, (group + 1) * height)
            columns = slice(group * per_group, (group + 1) * per_group)
            # Order of the columns: tap by tap, same as in `_columns`.
            now = weight[rows].transpose(0, 2, 1).reshape(height, -1)
            moments, missing = self._moments(conv, now, rounded[:, columns], goal, rows)
            noise = NOISE * float(np.sum(rounded[:, columns] ** 2)) + np.finfo(np.float32).tiny
            moments += (DAMPING * np.trace(moments) / len(moments) + noise) * np.eye(len(moments))
            fitted = now + np.linalg.solve(moments, missing.T).T
            if int8:
                fitted, scale[rows] = round_rows(fitted, moments)
            values[rows] = fitted.reshape(height, taps, per_group).transpose(0, 2, 1)
        return Int8Weights(values.astype(np.int8), scale.astype(np.float32)) if int8 else to_float16(values)

    def _moments(
        self, conv: Conv, weight: NDArray[np.float64], rounded: Signal, goal: _Goal, rows: slice
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the second moments of the rounded signal at the taps, and its products with the missing output.

        weight: (out, kernel * in), of one group. All signals are relative to their values at silence.
        Shapes: moments (kernel * in, kernel * in), products (out, kernel * in).
        """
        out, size = weight.shape
        moments, products = np.zeros((size, size)), np.zeros((out, size))
        plain = weight.astype(rounded.dtype).T
        for start in range(self._silence, len(rounded), CHUNK):
            seen = _columns(conv, rounded, start, CHUNK, rounded[self._silence - 1])
            missing = goal.segment(start, len(seen), rows) - seen @ plain
            moments += seen.T @ seen
            products += missing.T @ seen
        # Make it exactly symmetric: rounding errors of the product would grow when it is inverted.
        return (moments + moments.T) / 2, products


@dataclass(frozen=True, slots=True, eq=False)
class _Goal:
    """The wanted output of one convolution in the rounded network: the original's output plus the stream's error.

    original, wanted: the convolution's input and output in the original network, (frames, channels).
    passing: the residual stream that the output is added to, of both networks; None: there is none.
    rest: the last frame of silence.
    """

    original: Signal
    wanted: Signal
    passing: Signal | None
    rest: int

    def segment(self, start: int, frames: int, rows: slice) -> Signal:
        """Return some frames of some output channels, relative to their values at silence."""
        here = slice(start, start + frames)
        found = self.wanted[here, rows] - self.wanted[self.rest, rows]
        if self.passing is not None:
            original, rounded = np.split(self.passing[:, rows], 2)
            found += original[here] - rounded[here]
            found -= original[self.rest] - rounded[self.rest]
        return found

    def reached_with(self, rounded: Signal) -> bool:
        """Return True if the unchanged weights reach the goal."""
        return self.passing is None and np.array_equal(self.original, rounded)


def _residual_streams(paths: Collection[str]) -> dict[str, str]:
    """Map `conv` to `layer1x1`, as paths, for each layer whose input is added unchanged to its 1x1's output."""
    layers = [path.removesuffix(".layer1x1") for path in paths if path.endswith(".layer1x1")]
    return {
        f"{layer}.conv": f"{layer}.layer1x1"
        for layer in layers
        if f"{layer}.conv_pre_film.conv" not in paths and f"{layer}.layer1x1_post_film.conv" not in paths
    }


def _at_silence(weight: Weights, groups: int, idle: Signal) -> Signal:
    """Return the output of weights (out, in, kernel) for inputs that have always been idle, (channels,) -> (out,)."""
    return np.asarray(reference.steady_state(Conv(weight, groups=groups), idle[None])[0])


def _columns(conv: Conv, x: Signal, start: int, frames: int, idle: Signal) -> Signal:
    """Return the input of each tap minus `idle`, from frame `start` on: (frames, taps * channels).

    Before the start of x the input is `idle`.
    """
    end = min(start + frames, len(x))
    seen = np.zeros((end - start, conv.kernel_size, x.shape[1]), x.dtype)
    for tap in range(conv.kernel_size):
        delay = conv.lookback - tap * conv.dilation
        first = max(start, delay)
        if first < end:
            np.subtract(x[first - delay : end - delay], idle, out=seen[first - start :, tap])
    return seen.reshape(end - start, -1)
