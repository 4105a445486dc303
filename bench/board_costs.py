"""Estimates the prices of the cost model on each Raspberry Pi: the [cost] tables of hw-profiles/boards/*.toml.

    python bench/board_costs.py --record     counts the probe networks under qemu, and estimates their cycles with
                                             llvm-mca 19: writes bench/board-cycles.tsv (after make test-aarch64 has
                                             built what it needs)
    python bench/board_costs.py              fits the prices to that record, and writes the profiles

Counts and estimates as in instructions.py: caches and mispredicted jumps are not included, so the memory terms
(MEMORY_TERMS) have a price of zero. The A53 is the mean of two models, one faster and one slower than it; half of the
distance between them is part of its error.
"""

from __future__ import annotations

import argparse
import re
import subprocess
from pathlib import Path

import instructions
import numpy as np
from nampedal.board.profiles.boards import Cost, read_board
from nampedal.firmware.base.files.toml_schema import to_toml
from nampedal.firmware.cost.calibration_networks import draw_networks
from nampedal.firmware.cost.cost_calibration import COVERED, SAMPLE_RATE, Timing, fit
from nampedal.firmware.cost.cost_model import counts
from nampedal.firmware.engine.capture import Capture, CaptureSource, Tier
from nampedal.firmware.engine.network import macs_per_frame

ROOT = Path(__file__).parent.parent
RECORD = ROOT / "bench" / "board-cycles.tsv"
BOARDS = ROOT / "hw-profiles" / "boards"
BLOCKS = (16, 64)
FRAMES = 1024
MEMORY_TERMS = ("lines", "far_lines", "lstm_lines", "streams")
CORES = {"Cortex-A53": ("A53 low", "A53 high"), "Cortex-A72": ("A72",), "Cortex-A76": ("A76",)}
COLUMNS = ("probe", "MACs a frame", "block", "instructions a block", *(f"{core} cycles" for core in instructions.CORES))


def tools() -> str:
    """Return the names and versions of the tools that count and estimate, as text."""

    def version(*command: str) -> str:
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found = re.search(r"version (\d[\d.]*)", out)
        return found.group(1) if found else "unknown"

    qemu, llvm = version("qemu-aarch64", "--version"), version("llvm-mca-19", "--version")
    return f"{instructions.compiler()}, qemu {qemu}, llvm-mca {llvm}"


def record() -> None:
    lines = [f"# {tools()}", "\t".join(COLUMNS)]
    for number, network in enumerate(draw_networks()):
        capture = Capture(CaptureSource("probe", "", "", ""), SAMPLE_RATE, (Tier(network, 0),))
        for block in BLOCKS:
            (counted,) = instructions.count_capture(str(number), capture, block, FRAMES)
            cycles = [block * instructions.cycles(counted, core) for core in instructions.CORES]
            figures = [block * counted.instructions, *cycles]
            lines.append(
                "\t".join([str(number), str(macs_per_frame(network)), str(block), *(f"{f:.0f}" for f in figures)])
            )
            print(lines[-1], flush=True)
    RECORD.write_text("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", action="store_true")
    arguments = parser.parse_args()
    if arguments.record:
        record()
    write_profiles()


def write_profiles() -> None:
    head, columns, *lines = RECORD.read_text().splitlines()
    table = np.array([[float(field) for field in line.split("\t")] for line in lines])
    networks = draw_networks()
    macs = [macs_per_frame(network) for network in networks]
    if columns.split("\t") != list(COLUMNS) or [macs[int(row[0])] for row in table] != list(table[:, 1]):
        raise SystemExit(f"{RECORD.name}: is of other probes: write it again with --record")
    rows = [{**counts(networks[int(row[0])], int(row[2]), "neon"), **dict.fromkeys(MEMORY_TERMS, 0.0)} for row in table]
    for path in sorted(BOARDS.glob("*.toml")):
        board = read_board(path)
        cycles = table[:, [COLUMNS.index(f"{core} cycles") for core in CORES[board.cpu]]]
        middle = cycles.mean(axis=1)
        timings = [
            Timing(int(row[0]), int(row[2]), cycle / board.clock_mhz.value)
            for row, cycle in zip(table, middle, strict=True)
        ]
        prices = fit("neon", rows, timings)
        bracket = 100.0 * float(np.quantile((cycles.max(axis=1) - cycles.min(axis=1)) / 2 / middle, COVERED))
        spread = (
            f"; the {len(cycles[0])} models stand {bracket:.0f} % or less to either side of the mean" if bracket else ""
        )
        cost = Cost(
            status="estimated",
            source=f"bench/board_costs.py ({head.removeprefix('# ')}): cycles by LLVM's models of "
            f"{' and '.join(instructions.CORES[core] for core in CORES[board.cpu])} at {board.clock_mhz.value} MHz"
            f"{spread}; caches, memory and mispredicted jumps are not in it",
            kernels="neon",
            error_percent=round(prices.error_percent + bracket, 1),
            nanoseconds={term: round(price, 4) for term, price in prices.nanoseconds.items()},
        )
        # Only the [cost] table is replaced: the part before it is written by hand and stays as it is.
        facts = path.read_text().partition("\n[cost]\n")[0].rstrip()
        values = {key: getattr(cost, key) for key in ("status", "source", "kernels", "error_percent", "nanoseconds")}
        path.write_text(facts + "\n\n" + to_toml(values, "cost").decode())
        assert read_board(path).cost == cost
        print(f"{board.name}: fitted within {prices.error_percent:.1f} %, with the bracket {cost.error_percent:.1f} %")


if __name__ == "__main__":
    main()
