"""Measures how well the cost model predicts captures that it was not fitted to: predicted against measured block time.

    python bench/cost.py captures/*.nam                 calibrates first, with the best kernels
    NAMPEDAL_ISA=avx2 python bench/cost.py ...          with others

For every tier and block size, each of ten turns gives the median block time, and the lower fifth of these is used. The
turns of all captures are interleaved.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from nampedal.converter.nam.open_capture import open_capture
from nampedal.firmware.cost import cost_calibration as calibration
from nampedal.firmware.cost.cost_model import predict_us
from nampedal.firmware.engine.network import Network

TURNS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    arguments = parser.parse_args()
    networks: dict[tuple[str, int], Network] = {}
    for path in arguments.models:
        for number, size in enumerate(open_capture(path).capture.tiers):
            networks[path.stem, number] = size.network

    prices = calibration.calibrate()
    _, timings = calibration.measure(list(networks.values()), "", TURNS, lambda done, total: None)
    print(f"{prices.kernels} kernels, calibrated: 95 of 100 blocks within {prices.error_percent:.1f} %")
    print(f"{'':30} {'tier':>4}", *(f"{frames:>24}" for frames in calibration.BLOCKS))
    errors: dict[int, list[float]] = {frames: [] for frames in calibration.BLOCKS}
    for number, (model, tier) in enumerate(networks):
        cells = []
        for timing in timings:
            if timing.network != number:
                continue
            predicted = predict_us(networks[model, tier], timing.frames, prices.kernels, prices.nanoseconds)
            error = 100.0 * (predicted / timing.block_us - 1.0)
            errors[timing.frames].append(error)
            cells.append(f"{predicted:7.2f} {timing.block_us:7.2f} us {error:+5.1f}%")
        print(f"{model:30} {tier:4}", *cells)
    for name, statistic in (("worst", np.max), ("mean", np.mean)):
        print(f"{name:35}", *(f"{float(statistic(np.abs(e))):23.1f}%" for e in errors.values()))


if __name__ == "__main__":
    main()
