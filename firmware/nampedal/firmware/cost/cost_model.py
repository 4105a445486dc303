"""The cost model: predicts the time of a block from the amount of each kind of work and a price for each kind.

`counts()` counts the work from the shapes of the network, in the way in which firmware/dsp/ plays it: on planes
(planar_impl.h), on rows (rows_impl.h) or on the general path (conv_impl.h, rt/wavenet.cpp). Each kind of work is one of
TERMS. A board's profile has the price of one unit of each, in nanoseconds. The sum is linear, so prices can be fitted
to measured or estimated times (cost_calibration.py).
"""

from __future__ import annotations

from collections.abc import Mapping

from nampedal.firmware.base.errors import ArgumentError
from nampedal.firmware.cost.cost_counter import KERNELS, TERMS, WorkCounter
from nampedal.firmware.cost.cost_fused import count_fused, fused_layout
from nampedal.firmware.cost.cost_general import count_convnet, count_linear, count_lstm, count_wavenet
from nampedal.firmware.engine.network import ConvNet, Linear, Lstm, Network, Sequential, WaveNet

__all__ = ["KERNELS", "TERMS", "counts", "predict_us"]


def counts(network: Network, frames: int, kernels: str) -> dict[str, float]:
    """Return the amount of each of TERMS in one block.

    frames: frames of the block.
    kernels: a key of KERNELS, such as `Engine.isa` returns.

    Raises ArgumentError.
    """
    if kernels not in KERNELS:
        raise ArgumentError(f"kernels {kernels!r}: nothing is known of what they cost; known are {', '.join(KERNELS)}")
    counter = WorkCounter(KERNELS[kernels], frames)
    counter.add("blocks", 1)
    _count(network, counter)
    counter.finish()
    return counter.counts


def predict_us(network: Network, frames: int, kernels: str, nanoseconds: Mapping[str, float]) -> float:
    """Return the predicted time of one block, in microseconds, on the board with these prices.

    frames: frames of the block.
    kernels: a key of KERNELS.
    nanoseconds: price of one unit of each of TERMS.

    Raises ArgumentError if terms are missing or unknown.
    """
    check_terms(nanoseconds)
    return sum(count * nanoseconds[term] for term, count in counts(network, frames, kernels).items()) / 1e3


def check_terms(nanoseconds: Mapping[str, float]) -> None:
    """Raise ArgumentError unless the prices cover exactly TERMS."""
    for term in nanoseconds:
        if term not in TERMS:
            raise ArgumentError(f"cost {term!r}: is no term of the cost model; run 'nampedal calibrate' again")
    for term in TERMS:
        if term not in nanoseconds:
            raise ArgumentError(f"cost {term!r}: is missing; run 'nampedal calibrate' again")


def _count(network: Network, counter: WorkCounter) -> None:
    match network:
        case WaveNet():
            if network.condition is not None:
                _count(network.condition, counter)
            layout = fused_layout(network, counter.kernels)
            if layout is None:
                count_wavenet(network, counter)
            else:
                count_fused(network, counter, layout)
        case ConvNet():
            count_convnet(network, counter)
        case Lstm():
            count_lstm(network, counter)
        case Linear():
            count_linear(network, counter)
        case Sequential():
            for one in network.networks:
                _count(one, counter)
