"""Which activations may be int8, and on which grid: measured by playing audio through the graphs themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from nampedal.converter import metrics
from nampedal.converter.tflite_graph import Range
from nampedal.converter.tflite_network import AUDIO, OUTPUT, Plan, build, layer_names
from nampedal.converter.tflite_player import Audio, TflitePlayer
from nampedal.firmware.network import ActivationKind, Gating, Network, WaveNet, WaveNetLayer, prewarm_frames

# ESR of a mixed graph against the same weights with float32 activations, at the worse of LEVELS.
MIXED_AIM = 5e-4
# Peaks. The grids are made for the first; what is played more quietly must not drown in their noise.
LEVELS = (1.0, 0.1)
BLOCK = 1024
SWEEP_HZ = (40.0, 6000.0)
SWEEP_S = 1.0
# Where an activation is within 1e-3 of its end: what lies beyond is not worth a step of the grid.
SATURATED_AT = {ActivationKind.TANH: 4.0, ActivationKind.SIGMOID: 7.0, ActivationKind.HARD_TANH: 1.0}


def int8_plan(network: Network, audio: Audio, sample_rate: float) -> Plan:
    """Every activation int8. audio: (frames,), not silent; its level does not matter."""
    ranges = _ranges(network, _loud(audio), sample_rate)
    return Plan(frozenset(layer_names(network)), trunk=True, ranges=ranges)


def mixed_plan(network: Network, audio: Audio, sample_rate: float) -> Plan:
    """The most int8 layers whose measured error is within MIXED_AIM. audio: as for `int8_plan`.

    Errors of single layers nearly add up, so the least sensitive come first, and the sum says where to begin measuring.
    """
    loud = _loud(audio)
    ranges = _ranges(network, loud, sample_rate)
    levels = [level * loud for level in LEVELS]
    wanted = _render(network, Plan(), levels)

    def plan(layers: Sequence[str]) -> Plan:
        return Plan(frozenset(layers), ranges=ranges)

    def error(layers: Sequence[str]) -> float:
        found = _render(network, plan(layers), levels)
        return max(metrics.esr(a, b) for a, b in zip(wanted, found, strict=True))

    alone = {name: error([name]) for name in layer_names(network)}
    order = sorted(alone, key=lambda name: alone[name])
    count = int(np.searchsorted(np.cumsum([alone[name] for name in order]), MIXED_AIM, side="right"))
    while count and error(order[:count]) > MIXED_AIM:
        count -= 1
    while count < len(order) and error(order[: count + 1]) <= MIXED_AIM:
        count += 1
    return plan(order[:count])


def _loud(audio: Audio) -> Audio:
    """The audio at peak 1. Too low a level costs more than anything else: what is louder later is clipped."""
    return np.asarray(audio / np.max(np.abs(audio)), np.float32)


def _render(network: Network, plan: Plan, signals: Sequence[Audio]) -> list[Audio]:
    """Each signal, filled up to whole blocks, through the graph, from the steady state."""
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
    """A sine of peak 1 that rises through SWEEP_HZ by equal ratios in equal times."""
    low, high = SWEEP_HZ
    pace = np.log(high / low) / SWEEP_S
    time_s = np.arange(round(SWEEP_S * sample_rate)) / sample_rate
    return np.asarray(np.sin(2 * np.pi * low / pace * np.expm1(pace * time_s)), np.float32)


def _ranges(network: Network, audio: Audio, sample_rate: float) -> dict[str, Range]:
    """What every signal of the float32 graph reaches on the audio, and on a sweep.

    A recording need not have the low notes that drive a network furthest; the sweep has them all.
    """
    graph = build(network, BLOCK, Plan(), {})
    graph.put_out_floats()
    data = graph.pack({})
    ranges = {AUDIO: Range(-1.0, 1.0)}
    # Either way up: polarity is an accident of the recording.
    for signal in (audio, -audio, _sweep(sample_rate)):
        player = TflitePlayer(data)
        player.settle(prewarm_frames(network))
        for block in _blocks(signal):
            player.play(block)
            for name, values in player.outputs().items():
                known = ranges.get(name, Range(0.0, 0.0))
                ranges[name] = Range(min(known.low, float(values.min())), max(known.high, float(values.max())))
    ranges[graph.output_signal] = ranges.pop(OUTPUT)
    return ranges | _saturated(network, ranges)


def _saturated(network: Network, ranges: Mapping[str, Range]) -> dict[str, Range]:
    """Narrower ranges for sums that saturate what they go through."""
    narrow = {}
    if isinstance(network, WaveNet):
        for i, array in enumerate(network.arrays):
            for j, layer in enumerate(array.layers):
                name, limit = f"array{i}.layer{j}", _limit(layer)
                mixin = ranges[f"{name}.mixin"]
                narrow[f"{name}.z"] = _clipped(ranges[f"{name}.z"], limit, limit)
                # The mixin may bring back what lies beyond the limit by as much as itself.
                narrow[f"{name}.conv"] = _clipped(ranges[f"{name}.conv"], limit + mixin.high, limit - mixin.low)
    return narrow


def _clipped(known: Range, below: float, above: float) -> Range:
    return Range(max(known.low, -below), min(known.high, above))


def _limit(layer: WaveNetLayer) -> float:
    """The sum beyond which the layer saturates; infinite where it does not, or where FiLMs come between."""
    if layer.conv_post_film or layer.mixin_post_film or layer.activation_pre_film or layer.gating is Gating.BLENDED:
        return float("inf")
    activations = [layer.activation]
    if layer.secondary is not None and layer.gating is Gating.GATED:
        activations.append(layer.secondary)
    # One convolution gives both halves.
    return max(SATURATED_AT.get(activation.kind, np.inf) for activation in activations)
