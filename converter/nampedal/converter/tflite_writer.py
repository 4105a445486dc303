"""A network as the bytes of a .tflite, in one of three precisions.

weights: activations are float32; weights are as the network has them.
mixed: int8 activations in as many layers as a measured error allows; the least sensitive ones first.
int8: every activation is int8; `audio` and `output` are float32, because that is what there is to play.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from nampedal.converter import tflite_calibration
from nampedal.converter.errors import TfliteCalibrationError, TfliteUnsupportedError
from nampedal.converter.tflite_file import Array
from nampedal.converter.tflite_network import OUTPUT, Plan, build, has_lstm, layer_names, states_before_prewarm
from nampedal.converter.tflite_player import Audio, TflitePlayer
from nampedal.firmware import tflite
from nampedal.firmware.network import Network, prewarm_frames

DEFAULT_BLOCK = 64
SETTLING_BLOCK = 64


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
    plan: Plan | None = None,
    facts: Mapping[str, Any],
) -> Tflite:
    """A mono network as a .tflite that begins in its steady state. Same arguments, same bytes.

    block: frames of the audio tensors; for an LSTM the only ones it takes.  mode: one of tflite.MODES.  calibration:
    (frames,), the kind of audio that the network is for, at any level; for `mixed` and `int8`.  plan: what `make_plan`
    gave for these; None: made now.  facts: JSON-ready.

    Raises TfliteUnsupportedError, TfliteBlockError, TfliteCalibrationError, TfliteMissingError.
    """
    layers = layer_names(network)
    plan = plan or make_plan(network, sample_rate, mode, calibration)
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


def make_plan(network: Network, sample_rate: float, mode: str, calibration: Audio | None) -> Plan:
    """Which activations are int8, and their ranges. Raises TfliteUnsupportedError, TfliteCalibrationError."""
    if mode not in tflite.MODES:
        raise TfliteUnsupportedError(f"mode: is {mode!r}; known are {', '.join(tflite.MODES)}")
    if mode == "weights":
        return Plan()
    layers = layer_names(network)
    if has_lstm(network) or not layers:
        kind = "LSTM" if has_lstm(network) else type(network).__name__
        raise TfliteUnsupportedError(f"network: {kind} has no layers that bear int8 activations; write mode weights")
    if calibration is None:
        raise _calibration_error("absent", mode)
    if not np.isfinite(calibration).all():
        raise _calibration_error("not finite", mode)
    if not np.any(calibration):
        raise _calibration_error("silent", mode)
    if mode == "mixed":
        return tflite_calibration.mixed_plan(network, calibration, sample_rate)
    return tflite_calibration.int8_plan(network, calibration, sample_rate)


def _calibration_error(found: str, mode: str) -> TfliteCalibrationError:
    return TfliteCalibrationError(
        f"calibration: is {found}; mode {mode} measures ranges with audio: give a dry recording"
    )


def _idle(network: Network, plan: Plan) -> dict[str, Array]:
    """What each state is after endless silence, in the graph's own arithmetic."""
    graph = build(network, SETTLING_BLOCK, plan, states_before_prewarm(network))
    graph.put_out_next_states()
    player = TflitePlayer(graph.pack({}))
    player.settle(prewarm_frames(network))
    states = player.outputs()
    del states[OUTPUT]
    return {name: state.reshape(-1, state.shape[-1])[-1] for name, state in states.items()}
