"""Writes a network as the bytes of a .tflite, in one of three modes.

weights: activations are float32; weights are in the format that the network has them in.
mixed: as many layers as the measured error allows have int8 activations; the least sensitive layers are chosen first.
int8: all activations are int8; `audio` and `output` are float32, the format of the audio.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from nampedal.converter.errors import ConversionError
from nampedal.converter.tflite import tflite_calibration
from nampedal.converter.tflite.tflite_file import Array
from nampedal.converter.tflite.tflite_network import (
    OUTPUT,
    QuantizationPlan,
    build,
    has_lstm,
    layer_names,
    states_before_prewarm,
)
from nampedal.converter.tflite.tflite_player import Audio, TflitePlayer
from nampedal.firmware.engine import tflite_artifact
from nampedal.firmware.engine.network import Network, prewarm_frames

DEFAULT_BLOCK = 64
PREWARM_BLOCK = 64


@dataclass(frozen=True, slots=True)
class Tflite:
    """A written .tflite.

    data: bytes of the file.
    float_layers: names of the layers whose activations are float32, from input to output.
    """

    data: bytes
    float_layers: tuple[str, ...]


def write(
    network: Network,
    *,
    sample_rate: float,
    block: int = DEFAULT_BLOCK,
    mode: str = "weights",
    calibration: Audio | None = None,
    plan: QuantizationPlan | None = None,
    facts: Mapping[str, Any],
) -> Tflite:
    """Write a mono network as a .tflite that starts in its steady state. The same arguments give the same bytes.

    sample_rate: Hz.
    block: frames of the audio tensors; a graph with an LSTM takes only blocks of this length.
    mode: one of `tflite_artifact.MODES`.
    calibration: (frames,), typical input audio for the network, at any level; needed for `mixed` and `int8`.
    plan: result of `make_plan` for the same arguments; None: it is made here.
    facts: JSON-ready values, stored in the metadata.

    Raises ConversionError, MissingPackageError.
    """
    layers = layer_names(network)
    plan = plan or make_plan(network, sample_rate, mode, calibration)
    graph = build(network, block, plan, _idle(network, plan))
    float_layers = tuple(name for name in layers if name not in plan.layers)
    entry = {
        "format": tflite_artifact.FORMAT,
        "sample_rate": sample_rate,
        "block": block,
        "any_block": not has_lstm(network),
        "mode": mode,
        "float_layers": float_layers,
        "prewarm_frames": prewarm_frames(network),
        "facts": facts,
    }
    text = json.dumps(entry, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return Tflite(tflite_artifact.add_checksum(graph.pack({tflite_artifact.ENTRY: text.encode()})), float_layers)


def make_plan(network: Network, sample_rate: float, mode: str, calibration: Audio | None) -> QuantizationPlan:
    """Choose which activations are int8, and measure their ranges. Arguments: see `write`.

    Raises ConversionError.
    """
    if mode not in tflite_artifact.MODES:
        raise ConversionError(f"mode: is {mode!r}; known are {', '.join(tflite_artifact.MODES)}")
    if mode == "weights":
        return QuantizationPlan()
    layers = layer_names(network)
    if has_lstm(network) or not layers:
        kind = "LSTM" if has_lstm(network) else type(network).__name__
        raise ConversionError(f"network: {kind} has no layers that bear int8 activations; write mode weights")
    if calibration is None:
        raise _calibration_error("absent", mode)
    if not np.isfinite(calibration).all():
        raise _calibration_error("not finite", mode)
    if not np.any(calibration):
        raise _calibration_error("silent", mode)
    if mode == "mixed":
        return tflite_calibration.mixed_plan(network, calibration, sample_rate)
    return tflite_calibration.int8_plan(network, calibration, sample_rate)


def _calibration_error(found: str, mode: str) -> ConversionError:
    return ConversionError(f"calibration: is {found}; mode {mode} measures ranges with audio: give a dry recording")


def _idle(network: Network, plan: QuantizationPlan) -> dict[str, Array]:
    """Return each state after endless silence, by name, computed in the graph's own arithmetic."""
    graph = build(network, PREWARM_BLOCK, plan, states_before_prewarm(network))
    graph.expose_next_states()
    player = TflitePlayer(graph.pack({}))
    player.settle(prewarm_frames(network))
    states = player.outputs()
    del states[OUTPUT]
    return {name: state.reshape(-1, state.shape[-1])[-1] for name, state in states.items()}
