"""What a block costs: the work in it, counted from a network's shapes as the kernels do it, and a price for each kind.

`counts()` walks a network as firmware/dsp/ plays it: on planes (planar_impl.h), on rows (rows_impl.h) or on the general
path (conv_impl.h, rt/wavenet.cpp). Each kind of work is one of TERMS; a board's profile has what one of it takes, in
nanoseconds. The sum is linear, so that prices can be fitted to measured or estimated times (calibrate.py).
"""

from __future__ import annotations

from collections.abc import Mapping

from nampedal.firmware.cost_counter import KERNELS, TERMS, Counter
from nampedal.firmware.cost_fused import count_fused, fused_layout
from nampedal.firmware.cost_general import count_convnet, count_linear, count_lstm, count_wavenet
from nampedal.firmware.errors import CostKernelsError, CostTermsError
from nampedal.firmware.network import ConvNet, Linear, Lstm, Network, WaveNet

__all__ = ["KERNELS", "TERMS", "counts", "predict_us"]


def counts(network: Network, frames: int, kernels: str) -> dict[str, float]:
    """How much of each of TERMS is in a block of so many frames.

    kernels: a name of KERNELS, as `Engine.isa` gives it.  Raises CostKernelsError.
    """
    if kernels not in KERNELS:
        raise CostKernelsError(
            f"kernels {kernels!r}: nothing is known of what they cost; known are {', '.join(KERNELS)}"
        )
    counter = Counter(KERNELS[kernels], frames)
    counter.add("blocks", 1)
    _count(network, counter)
    counter.finish()
    return counter.counts


def predict_us(network: Network, frames: int, kernels: str, nanoseconds: Mapping[str, float]) -> float:
    """Microseconds that a block of so many frames takes on the board whose prices these are.

    kernels: a name of KERNELS.  nanoseconds: of one of each of TERMS.  Raises CostKernelsError, or CostTermsError where
    terms are missing or unknown.
    """
    check_terms(nanoseconds)
    return sum(count * nanoseconds[term] for term, count in counts(network, frames, kernels).items()) / 1e3


def check_terms(nanoseconds: Mapping[str, float]) -> None:
    """Raises CostTermsError unless there is a price for each of TERMS and for nothing else."""
    for term in nanoseconds:
        if term not in TERMS:
            raise CostTermsError(f"cost {term!r}: is no term of the cost model; run 'nampedal calibrate' again")
    for term in TERMS:
        if term not in nanoseconds:
            raise CostTermsError(f"cost {term!r}: is missing; run 'nampedal calibrate' again")


def _count(network: Network, counter: Counter) -> None:
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
