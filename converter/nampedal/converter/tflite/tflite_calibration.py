"""Decides which activations can be int8, and their ranges, by playing audio through the graphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from nampedal.converter.listening import metrics
from nampedal.converter.tflite.tflite_graph import SignalRange
from nampedal.converter.tflite.tflite_network import AUDIO, OUTPUT, QuantizationPlan, build, layer_names
from nampedal.converter.tflite.tflite_player import Audio, TflitePlayer
from nampedal.firmware.engine.network import ActivationKind, Gating, Network, WaveNet, WaveNetLayer, prewarm_frames

# Maximum ESR of a mixed graph, compared with the same weights and float32 activations, at the worst of LEVELS.
MAX_MIXED_ESR = 5e-4
# Peak levels. The int8 grids are made for the first level. The error is measured at each level, because quiet
# audio must not be lost in the quantization noise.
LEVELS = (1.0, 0.1)
BLOCK = 1024
SWEEP_HZ = (40.0, 6000.0)
SWEEP_S = 1.0
# Input at which an activation is within 1e-3 of its final value; the grid does not have to cover larger inputs.
SATURATED_AT = {ActivationKind.TANH: 4.0, ActivationKind.SIGMOID: 7.0, ActivationKind.HARD_TANH: 1.0}


def int8_plan(network: Network, audio: Audio, sample_rate: float) -> QuantizationPlan:
    """Return the plan with all activations int8. audio: (frames,), not silent; its level does not matter."""
    ranges = _ranges(network, _loud(audio), sample_rate)
    return QuantizationPlan(frozenset(layer_names(network)), trunk=True, ranges=ranges)


def mixed_plan(network: Network, audio: Audio, sample_rate: float) -> QuantizationPlan:
    """Return a plan with as many int8 layers as possible while the measured error is at most MAX_MIXED_ESR.

    The errors of single layers nearly add up. So layers are added in the order of their error, smallest first, and the
    sum of the errors gives the number of layers at which measuring starts. audio: see `int8_plan`.
    """
    loud = _loud(audio)
    ranges = _ranges(network, loud, sample_rate)
    levels = [level * loud for level in LEVELS]
    wanted = _render(network, QuantizationPlan(), levels)

    def plan(layers: Sequence[str]) -> QuantizationPlan:
        return QuantizationPlan(frozenset(layers), ranges=ranges)

    def error(layers: Sequence[str]) -> float:
        found = _render(network, plan(layers), levels)
        return max(metrics.esr(a, b) for a, b in zip(wanted, found, strict=True))

    alone = {name: error([name]) for name in layer_names(network)}
    order = sorted(alone, key=lambda name: alone[name])
    count = int(np.searchsorted(np.cumsum([alone[name] for name in order]), MAX_MIXED_ESR, side="right"))
    while count and error(order[:count]) > MAX_MIXED_ESR:
        count -= 1
    while count < len(order) and error(order[: count + 1]) <= MAX_MIXED_ESR:
        count += 1
    return plan(order[:count])


def _loud(audio: Audio) -> Audio:
    """Return the audio scaled to peak 1. At a lower level the ranges would be too small, and louder audio clips."""
    return np.asarray(audio / np.max(np.abs(audio)), np.float32)


def _render(network: Network, plan: QuantizationPlan, signals: Sequence[Audio]) -> list[Audio]:
    """Play each signal through the graph from the steady state. Signals are padded with zeros to whole blocks."""
    data = build(network, BLOCK, plan, {}).pack({})
    rendered = []
    for signal in signals:
        player = TflitePlayer(data)
        player.settle(prewarm_frames(network))
        rendered.append(np.concatenate([player.play(block) for block in _blocks(signal)]))
    return rendered


def _blocks(signal: Audio) -> Sequence[Audio]:
    padded = np.pad(signal, (0, -len(signal) % BLOCK))
    return list(padded.reshape(-1, BLOCK))


def _sweep(sample_rate: float) -> Audio:
    """Return an exponential sine sweep over SWEEP_HZ with peak 1."""
    low, high = SWEEP_HZ
    pace = np.log(high / low) / SWEEP_S
    time_s = np.arange(round(SWEEP_S * sample_rate)) / sample_rate
    return np.asarray(np.sin(2 * np.pi * low / pace * np.expm1(pace * time_s)), np.float32)


def _ranges(network: Network, audio: Audio, sample_rate: float) -> dict[str, SignalRange]:
    """Measure the range of each signal of the float32 graph, with the audio and with a sine sweep.

    A recording may lack the low notes that give the largest values; the sweep contains them.
    """
    graph = build(network, BLOCK, QuantizationPlan(), {})
    graph.expose_floats()
    data = graph.pack({})
    ranges = {AUDIO: SignalRange(-1.0, 1.0)}
    # Also inverted, because the polarity of a recording is arbitrary.
    for signal in (audio, -audio, _sweep(sample_rate)):
        player = TflitePlayer(data)
        player.settle(prewarm_frames(network))
        for block in _blocks(signal):
            player.play(block)
            for name, values in player.outputs().items():
                known = ranges.get(name, SignalRange(0.0, 0.0))
                ranges[name] = SignalRange(min(known.low, float(values.min())), max(known.high, float(values.max())))
    ranges[graph.output_signal] = ranges.pop(OUTPUT)
    return ranges | _saturated(network, ranges)


def _saturated(network: Network, ranges: Mapping[str, SignalRange]) -> dict[str, SignalRange]:
    """Return narrower ranges for the sums whose activation saturates."""
    narrow = {}
    if isinstance(network, WaveNet):
        for i, array in enumerate(network.arrays):
            for j, layer in enumerate(array.layers):
                name, limit = f"array{i}.layer{j}", _limit(layer)
                mixin = ranges[f"{name}.mixin"]
                narrow[f"{name}.z"] = _clipped(ranges[f"{name}.z"], limit, limit)
                # The mixin is added to it, and can bring a value beyond the limit back by up to its own range.
                narrow[f"{name}.conv"] = _clipped(ranges[f"{name}.conv"], limit + mixin.high, limit - mixin.low)
    return narrow


def _clipped(known: SignalRange, below: float, above: float) -> SignalRange:
    return SignalRange(max(known.low, -below), min(known.high, above))


def _limit(layer: WaveNetLayer) -> float:
    """Return the sum beyond which the layer saturates; infinite if it does not, or if a FiLM is applied before."""
    if layer.conv_post_film or layer.mixin_post_film or layer.activation_pre_film or layer.gating is Gating.BLENDED:
        return float("inf")
    activations = [layer.activation]
    if layer.secondary is not None and layer.gating is Gating.GATED:
        activations.append(layer.secondary)
    # One convolution computes both halves, so the larger limit applies.
    return max(SATURATED_AT.get(activation.kind, np.inf) for activation in activations)
