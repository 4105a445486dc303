"""A network as the bytes of a .tflite, in one of three precisions.

weights: activations are float32; weights are as the network has them.
mixed: int8 activations in as many layers as a measured error allows; the least sensitive ones first.
int8: every activation is int8; `audio` and `output` are float32, because that is what there is to play.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from nampedal.converter import metrics
from nampedal.converter.errors import TfliteCalibrationError, TfliteUnsupportedError
from nampedal.converter.tflite_file import Array
from nampedal.converter.tflite_graph import Range
from nampedal.converter.tflite_network import AUDIO, OUTPUT, Plan, build, has_lstm, layer_names, states_before_prewarm
from nampedal.converter.tflite_player import Audio, TflitePlayer
from nampedal.firmware import tflite
from nampedal.firmware.network import Network, prewarm_frames

DEFAULT_BLOCK = 64
# ESR of a mixed graph against its own weights in float32, on the calibration at each of LEVELS.
MIXED_AIM = 5e-4
# Quiet playing must not drown in the noise of a grid made for loud playing.
LEVELS = (1.0, 0.25)
MEASURING_BLOCK = 1024


@dataclass(frozen=True, slots=True)
class Tflite:
    """data: the file.  float_layers: names of the layers whose activations are float32, from input to output."""

    data: bytes
    float_layers: tuple[str, ...]


def write(
    network: Network,
    *,
    sample_rate: float,
    block: int = DEFAULT_BLOCK,
    mode: str = "weights",
    calibration: Audio | None = None,
    facts: Mapping[str, Any],
) -> Tflite:
    """A mono network as a .tflite that begins in its steady state. Same arguments, same bytes.

    block: frames of the audio tensors; for an LSTM the only ones it takes.  mode: one of tflite.MODES.  calibration:
    (frames,), the kind of audio that the network is for, at any level; for `mixed` and `int8`.  facts: JSON-ready.

    Raises TfliteUnsupportedError, TfliteBlockError, TfliteCalibrationError, TfliteMissingError.
    """
    layers = layer_names(network)
    plan = _plan(network, mode, calibration)
    graph = build(network, block, plan, _idle(network, plan))
    float_layers = tuple(name for name in layers if name not in plan.layers)
    entry = {
        "format": tflite.FORMAT,
        "sample_rate": sample_rate,
        "block": block,
        "any_block": not has_lstm(network),
        "mode": mode,
        "float_layers": float_layers,
        "prewarm_frames": prewarm_frames(network),
        "facts": facts,
    }
    text = json.dumps(entry, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return Tflite(tflite.seal(graph.pack({tflite.ENTRY: text.encode()})), float_layers)


def _plan(network: Network, mode: str, calibration: Audio | None) -> Plan:
    if mode not in tflite.MODES:
        raise TfliteUnsupportedError(f"mode: is {mode!r}; known are {', '.join(tflite.MODES)}")
    if mode == "weights":
        return Plan()
    layers = layer_names(network)
    if has_lstm(network) or not layers:
        kind = "LSTM" if has_lstm(network) else type(network).__name__
        raise TfliteUnsupportedError(f"network: {kind} has no layers that bear int8 activations; write mode weights")
    if calibration is None or not np.any(calibration):
        found = "absent" if calibration is None else "silent"
        raise TfliteCalibrationError(f"calibration: is {found}; mode {mode} measures ranges with audio: give a recording")
    loud = np.asarray(calibration / np.max(np.abs(calibration)), np.float32)
    ranges = _ranges(network, loud)
    if mode == "int8":
        return Plan(frozenset(layers), trunk=True, ranges=ranges)
    return _chosen(network, layers, ranges, loud)


def _settled(network: Network, data: bytes, block: int) -> TflitePlayer:
    """A player that has heard enough silence to be in the steady state, whatever the states began with."""
    player = TflitePlayer(data, block=block)
    for _ in range(-(-prewarm_frames(network) // block)):
        player.play(np.zeros(block, np.float32))
    return player


def _idle(network: Network, plan: Plan) -> dict[str, Array]:
    """What each state is after endless silence, in the graph's own arithmetic."""
    block = DEFAULT_BLOCK
    graph = build(network, block, plan, states_before_prewarm(network))
    graph.put_out_next_states()
    states = _settled(network, graph.pack({}), block).outputs()
    return {name: state.reshape(-1, state.shape[-1])[-1] for name, state in states.items() if name != OUTPUT}


def _ranges(network: Network, audio: Audio) -> dict[str, Range]:
    """What every signal of the float32 graph reaches on the audio, either way up."""
    graph = build(network, MEASURING_BLOCK, Plan(), {})
    graph.put_out_floats()
    data = graph.pack({})
    # Polarity is an accident of the recording.
    ranges = {AUDIO: Range(-1.0, 1.0)}
    for signal in (audio, -audio):
        player = _settled(network, data, MEASURING_BLOCK)
        for at in range(0, len(signal) - MEASURING_BLOCK + 1, MEASURING_BLOCK):
            player.play(signal[at : at + MEASURING_BLOCK])
            for name, values in player.outputs().items():
                known = ranges.get(name, Range(0.0, 0.0))
                ranges[name] = Range(min(known.low, float(values.min())), max(known.high, float(values.max())))
    return ranges


def _render(network: Network, plan: Plan, audio: Audio) -> Audio:
    graph = build(network, MEASURING_BLOCK, plan, {})
    player = _settled(network, graph.pack({}), MEASURING_BLOCK)
    padded = np.pad(audio, (0, -len(audio) % MEASURING_BLOCK))
    return np.concatenate([player.play(part) for part in padded.reshape(-1, MEASURING_BLOCK)])[: len(audio)]


def _chosen(network: Network, layers: Sequence[str], ranges: Mapping[str, Range], loud: Audio) -> Plan:
    """The plan with the most int8 layers whose measured error is within MIXED_AIM.

    Errors of single layers nearly add up, so the least sensitive come first, and the sum says where to begin measuring.
    """
    audio = np.concatenate([level * loud for level in LEVELS]).astype(np.float32)
    wanted = np.split(_render(network, Plan(), audio), len(LEVELS))

    def plan(count: int, order: Sequence[str]) -> Plan:
        return Plan(frozenset(order[:count]), ranges=ranges)

    def error(candidate: Plan) -> float:
        found = np.split(_render(network, candidate, audio), len(LEVELS))
        return max(metrics.esr(a, b) for a, b in zip(wanted, found, strict=True))

    alone = {name: error(plan(1, [name])) for name in layers}
    order = sorted(layers, key=lambda name: alone[name])
    count = int(np.searchsorted(np.cumsum([alone[name] for name in order]), MIXED_AIM, side="right"))
    while count and error(plan(count, order)) > MIXED_AIM:
        count -= 1
    while count < len(order) and error(plan(count + 1, order)) <= MIXED_AIM:
        count += 1
    return plan(count, order)
