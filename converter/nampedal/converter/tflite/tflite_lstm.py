"""Builds the TFLite graph of an LSTM. It is unrolled: each frame of the block has its own operators."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from nampedal.converter.tflite.tflite_file import Array
from nampedal.converter.tflite.tflite_graph import FRAMES_AXIS, Tensor, TfliteGraph
from nampedal.firmware.engine.network import Lstm

# Limits the file size: each layer needs about 13 operators for each frame.
MAX_LSTM_BLOCK = 256


def put_lstm(graph: TfliteGraph, prefix: str, network: Lstm, x: Tensor) -> Tensor:
    """Add the LSTM layers. Return the hidden state of the last layer after each frame.

    x: (1, 1, frames, in) float32 -> (1, 1, frames, hidden) float32.
    """
    frames = x.shape[FRAMES_AXIS]
    rows = graph.reshape(f"{prefix}rows", x, (frames, x.shape[-1]))
    inputs = [graph.row(f"{prefix}t{t}", rows, t) for t in range(frames)]
    for i, layer in enumerate(network.layers):
        name = f"{prefix}lstm{i}"
        width = (1, layer.hidden_size)
        hidden = graph.state(f"{name}.hidden", width, None)
        cell = graph.state(f"{name}.cell", width, None)
        weight, bias = graph.weight(f"{name}.weight", layer.weight), graph.constant(f"{name}.bias", layer.bias)
        outputs = []
        for t, row in enumerate(inputs):
            at = f"{name}.t{t}"
            sums = graph.matmul(f"{at}.sums", graph.concat(f"{at}.in", [row, hidden], 1), weight, bias)
            i_sum, f_sum, g_sum, o_sum = graph.split(f"{at}.gate", sums, 4)
            forgotten = graph.binary("MUL", f"{at}.kept", cell, graph.unary("LOGISTIC", f"{at}.f", f_sum))
            news = graph.binary(
                "MUL", f"{at}.new", graph.unary("LOGISTIC", f"{at}.i", i_sum), graph.unary("TANH", f"{at}.g", g_sum)
            )
            cell = graph.binary("ADD", f"{at}.cell", forgotten, news)
            gate = graph.unary("LOGISTIC", f"{at}.o", o_sum)
            hidden = graph.binary("MUL", f"{at}.hidden", gate, graph.unary("TANH", f"{at}.bent", cell))
            outputs.append(hidden)
        graph.keep(f"{name}.hidden", hidden)
        graph.keep(f"{name}.cell", cell)
        inputs = outputs
    joined = graph.concat(f"{prefix}joined", inputs, 0)
    return graph.reshape(f"{prefix}hidden", joined, (1, 1, frames, joined.shape[-1]))


def initial_states(prefix: str, network: Lstm) -> Mapping[str, Array]:
    """Return the states before the first frame of the prewarm, by name."""
    states = {}
    for i, layer in enumerate(network.layers):
        states[f"{prefix}lstm{i}.hidden"] = np.asarray(layer.initial_hidden, np.float32)
        states[f"{prefix}lstm{i}.cell"] = np.asarray(layer.initial_cell, np.float32)
    return states
