"""Tells which numbers of a network are stored as int8, float16 or float32, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nampedal.firmware.engine.artifact_network import is_float16
from nampedal.firmware.engine.network import (
    Conv,
    ConvNet,
    Int8Weights,
    Linear,
    Lstm,
    Network,
    Sequential,
    WaveNet,
    Weights,
    films,
)

# Why `w8` does not store this kind as int8.
NOT_INT8_REASONS = {
    "convolutions": "rounding these would cost most",
    "1x1s": "rounding these would cost most",
    "biases": "they hold silence in place",
    "mixins": "they see the input itself",
    "rechannels": "every layer stands on them",
    "heads": "nothing comes behind them to make up for an error",
    "FiLMs": "they multiply",
    "gates": "a memory adds up what rounding costs, an ESR of 1e-3 and more",
    "impulse response": "its quiet end would be lost",
}
ALWAYS_FLOAT32 = ("gates", "impulse response")


@dataclass(frozen=True, slots=True)
class TensorKind:
    """All tensors of one kind.

    int8, float16, float32: number of values.
    why: the reason for values that are not int8.
    """

    kind: str
    int8: int
    float16: int
    float32: int
    why: str


def tensors_by_kind(network: Network) -> list[TensorKind]:
    """Return one entry per kind, in network order. Nested networks are counted together with the outer one."""
    counts: dict[str, tuple[int, int, int]] = {}
    for kind, weights in _kinds(network):
        int8, half, single = counts.get(kind, (0, 0, 0))
        if isinstance(weights, Int8Weights):
            int8 += weights.values.size
        elif kind not in ALWAYS_FLOAT32 and is_float16(weights):
            half += weights.size
        else:
            single += weights.size
        counts[kind] = int8, half, single
    return [TensorKind(kind, *count, why=NOT_INT8_REASONS[kind]) for kind, count in counts.items()]


def _kinds(network: Network) -> Iterator[tuple[str, Weights]]:
    match network:
        case WaveNet():
            if network.condition is not None:
                yield from _kinds(network.condition)
            for array in network.arrays:
                for layer in array.layers:
                    yield from _conv("convolutions", layer.conv)
                    for one in (layer.layer1x1, layer.head1x1):
                        if one is not None:
                            yield from _conv("1x1s", one)
            for array in network.arrays:
                yield from _conv("rechannels", array.rechannel)
                for layer in array.layers:
                    yield from _conv("mixins", layer.mixin)
                    for film in films(layer):
                        yield from _conv("FiLMs", film.conv)
                yield from _conv("heads", array.head)
            for stage in network.head:
                yield from _conv("heads", stage.conv)
        case ConvNet():
            for block in network.blocks:
                yield from _conv("convolutions", block.conv)
            yield from _conv("heads", network.head)
        case Lstm():
            for cell in network.layers:
                yield "gates", cell.weight
                yield "gates", cell.bias
            yield from _conv("heads", network.head)
        case Linear():
            yield "impulse response", network.impulse_response
        case Sequential():
            for member in network.networks:
                yield from _kinds(member)


def _conv(kind: str, conv: Conv) -> Iterator[tuple[str, Weights]]:
    yield kind, conv.weight
    if conv.bias is not None:
        yield "biases", conv.bias
