"""Cuts the power of an emulated pedal while presets are saved, and checks what is on its card at the next boot.

Needs the image that `make test-image` builds, and the programs that it installs:

    PYTHONPATH=tests .venv/bin/python bench/power_cuts.py build/image/pedal.img --cuts 50 --jobs 2
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from support.machines.emulated_pedal import make_key, prepare
from support.machines.pulled_plug import Cut, PulledPlug


def run(image: Path, cuts: int, seed: int, folder: Path) -> list[Cut]:
    folder.mkdir()
    key = make_key(folder)
    return PulledPlug(prepare(image, key, folder), key, folder, seed).run(cuts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("image", type=Path)
    parser.add_argument("--cuts", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=1, help="cards at a time")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    shares = [len(range(job, given.cuts, given.jobs)) for job in range(given.jobs)]
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(given.jobs) as pool:
        jobs = [
            pool.submit(run, given.image, share, given.seed + job, Path(folder, str(job)))
            for job, share in enumerate(shares)
        ]
        cuts = [cut for job in jobs for cut in job.result()]
    new = sum(cut.found == cut.saving != cut.saved for cut in cuts)
    print(f"{len(cuts)} cuts while {sum(cut.saves for cut in cuts)} presets were saved")
    print(
        f"found: the last that was said to be saved {len(cuts) - new} times, the one after it {new} times; nothing else"
    )
    lost = sum(int(cut.lost.split(": ")[1].split()[0]) for cut in cuts)
    print(f"{lost} writes were lost that the card was not told to keep")
    print(f"from power to sound, emulated: {statistics.median(cut.boot_s for cut in cuts):.0f} s (median)")


if __name__ == "__main__":
    main()
