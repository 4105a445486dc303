"""Inside the machine: render.py PRESET.toml IN.npy OUT.npy PERIOD: what a preset makes of samples, offline."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.chain import Chain

RATE = 48_000.0


def main(path: Path, given: str, made: str, period: int) -> None:
    chain = Chain.prepare(preset.read(path), path.parent, sample_rate=RATE, max_frames=period)
    # What rings settles to its last bit.
    chain.render(np.zeros(2 * int(RATE), np.float32))
    np.save(made, chain.render(np.load(given)))


main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))
