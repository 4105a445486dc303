"""The cost model: predicts the time of a block from the amount of each kind of work and a price for each kind.

The engine counts the work: it plays one block of the network with kernels that count instead of computing
(firmware/dsp/counting). Each kind of work is one of TERMS. A board's profile has the price of one unit of each, in
nanoseconds. The sum is linear, so prices can be fitted to measured or estimated times (cost_calibration.py).
"""

from __future__ import annotations

from collections.abc import Mapping

from nampedal.firmware.base.errors import ArgumentError
from nampedal.firmware.engine import _engine, artifact
from nampedal.firmware.engine.capture import Capture, CaptureSource, Tier
from nampedal.firmware.engine.network import Network

# The unit of each term, by the term's name.
TERMS = _engine.COST_TERMS
# The names of the kernels whose work can be counted, on any computer.
KERNELS = tuple(_engine.COUNTED_ISAS)

# The engine takes networks as captures only. The counts do not depend on the rate.
_SOURCE = CaptureSource("network", "", "", "")
_SAMPLE_RATE = 48_000.0


def counts(network: Network, frames: int, kernels: str) -> dict[str, float]:
    """Return the amount of each of TERMS in one block.

    frames: frames of the block, up to MAX_FRAMES of inference.py.
    kernels: one of KERNELS, such as `Engine.isa` returns.

    Raises ArgumentError, or ArtifactError if the engine can't play the network.
    """
    packed = artifact.pack(Capture(_SOURCE, _SAMPLE_RATE, (Tier(network, 0),)))
    loaded = _engine.Artifact.from_bytes(packed, _SOURCE.file_name)
    return dict(zip(TERMS, _engine.count_work(loaded, 0, frames, kernels), strict=True))


def predict_us(network: Network, frames: int, kernels: str, nanoseconds: Mapping[str, float]) -> float:
    """Return the predicted time of one block, in microseconds, on the board with these prices.

    frames: frames of the block.
    kernels: one of KERNELS.
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
