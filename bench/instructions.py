"""Counts the aarch64 instructions per sample under qemu, and estimates the cycles that they take.

    make test-aarch64                                  builds what this needs, and compares with the table
    python bench/instructions.py captures/*.nam        counts
    python bench/instructions.py --estimate ...        estimates cycles as well, with llvm-mca 19
    python bench/instructions.py --block 16 ...        in blocks of 16 frames instead of 64
    python bench/instructions.py --record ...          writes the table: bench/aarch64-instructions.tsv

Each capture is played twice, the second time longer. The difference is the cost of the additional samples, without
start-up. It counts executed instructions: no caches, no stalls. The estimate sums over the basic blocks (instructions
between jumps) how often each ran times the cycles that llvm-mca gives for one of many runs of it. Caches and
mispredicted jumps are still not included. LLVM's models stand for the cores: cortex-a55 and cortex-a53 bracket the A53
(the first issues more instructions at once than it, the second never lets a later instruction finish first), cortex-a57
stands for the A72, neoverse-n1 for the A76.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nampedal.converter.nam import nam_file
from nampedal.firmware.engine import artifact
from nampedal.firmware.engine.capture import Capture

ROOT = Path(__file__).parent.parent
CROSS = ROOT / "build" / "aarch64"
TABLE = ROOT / "bench" / "aarch64-instructions.tsv"
BLOCK = 64
FRAMES = 4096
CORES = {"A53 low": "cortex-a55", "A53 high": "cortex-a53", "A72": "cortex-a57", "A76": "neoverse-n1"}

# A basic block: its address and the text of its instructions.
Block = tuple[str, tuple[str, ...]]


@dataclass(frozen=True)
class Count:
    """The instructions that one tier of a capture executes per sample. blocks: how often each basic block runs per
    sample.
    """

    model: str
    tier: int
    instructions: float
    blocks: dict[Block, float]


def compiler() -> str:
    """Return the name and version of the compiler that builds the engine."""
    out = subprocess.run(["aarch64-linux-gnu-g++", "-dumpfullversion"], check=True, capture_output=True, text=True)
    return f"gcc {out.stdout.strip()}"


def _executed(stomp: Path, tier: int, block: int, frames: int) -> dict[Block, int]:
    with tempfile.NamedTemporaryFile("r") as out:
        command = [
            *("qemu-aarch64", "-cpu", "cortex-a53", "-L", f"{CROSS}/root", "-plugin", f"{CROSS}/qemu_blocks.so"),
            *(f"{CROSS}/bench/play", str(stomp), str(tier), str(block), str(frames // block)),
        ]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, "BLOCKS_OUT": out.name})
        counts: dict[Block, int] = {}
        for text in out.read().split("block ")[1:]:
            head, *instructions = text.splitlines()
            count, address = head.split()
            counts[(address, tuple(instructions))] = int(count)
    return counts


def count(model: Path, block: int = BLOCK) -> Iterator[Count]:
    """Count every tier of a capture. block: frames in a block."""
    yield from count_capture(model.stem, nam_file.read(model), block)


def count_capture(name: str, capture: Capture, block: int, frames: int = FRAMES) -> Iterator[Count]:
    """Count every tier of a capture in memory. block: frames in a block.  frames: how many frames are counted."""
    with tempfile.TemporaryDirectory() as folder:
        stomp = Path(folder) / "model.stomp"
        stomp.write_bytes(artifact.pack(capture))
        for tier in range(len(capture.tiers)):
            short = _executed(stomp, tier, block, frames)
            long = _executed(stomp, tier, block, 2 * frames)
            blocks = {b: (n - short.get(b, 0)) / frames for b, n in long.items() if n > short.get(b, 0)}
            yield Count(name, tier, sum(n * len(b[1]) for b, n in blocks.items()), blocks)


def _for_assembler(instruction: str) -> str:
    # The target of a jump does not matter, and would be out of range for the assembler.
    if re.match(r"(b|bl|b\.\w+|cbn?z|tbn?z|adrp?)\b", instruction):
        return re.sub(r"#0x[0-9a-f]+$", "#0", instruction)
    return instruction


def cycles(counted: Count, core: str) -> float:
    """Return the estimated cycles per sample on a core. core: a key of CORES."""
    # Skip basic blocks with less than a hundred-thousandth of the instructions: together they are below a thousandth.
    hot = [b for b, n in counted.blocks.items() if n * len(b[1]) > counted.instructions * 1e-5]
    known = _block_cycles.setdefault(core, {})
    unknown = list({text for _, text in hot} - known.keys())
    if unknown:
        known.update(zip(unknown, _estimate(unknown, core), strict=True))
    return float(sum(counted.blocks[b] * known[b[1]] for b in hot))


# A cache by core and text: captures share the basic blocks of the kernels.
_block_cycles: dict[str, dict[tuple[str, ...], float]] = {}


def _estimate(blocks: list[tuple[str, ...]], core: str) -> list[float]:
    mca = shutil.which("llvm-mca-19")
    if mca is None:
        raise SystemExit("--estimate needs llvm-mca-19: apt-get install llvm-19")
    text = ""
    for number, instructions in enumerate(blocks):
        body = "\n".join(map(_for_assembler, instructions))
        text += f"# LLVM-MCA-BEGIN {number}\n{body}\n# LLVM-MCA-END\n"
    command = [mca, "-mtriple=aarch64", f"-mcpu={CORES[core]}", "--json", "--iterations=100", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"llvm-mca: {done.stderr[-1000:]}")
    regions = json.loads(done.stdout)["CodeRegions"]
    by_name = {int(r["Name"]): r["SummaryView"]["TotalCycles"] / 100 for r in regions}
    return [by_name[number] for number in range(len(blocks))]


def recorded() -> dict[tuple[str, int], float]:
    """Return the recorded instructions per sample, by model and tier."""
    rows = [line.split("\t") for line in TABLE.read_text().splitlines() if line and not line.startswith(("#", "model"))]
    return {(model, int(tier)): float(instructions) for model, tier, instructions in rows}


def recorded_compiler() -> str:
    """Return the name and version of the compiler that the table was recorded with."""
    return TABLE.read_text().splitlines()[0].removeprefix("# ")


def record(counts: Iterable[Count]) -> None:
    """Write the table of instructions per sample."""
    lines = [f"# {compiler()}", "model\ttier\tinstructions a sample"]
    lines += [f"{c.model}\t{c.tier}\t{c.instructions:.1f}" for c in counts]
    TABLE.write_text("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--block", type=int, default=BLOCK)
    parser.add_argument("--estimate", action="store_true")
    parser.add_argument("--record", action="store_true")
    arguments = parser.parse_args()
    print(f"{'model':30} {'tier':>4} {'instructions':>12}", *(f"{core:>9}" for core in CORES if arguments.estimate))
    counts = []
    for model in arguments.models:
        for counted in count(model, arguments.block):
            counts.append(counted)
            estimates = [f"{cycles(counted, core):9.0f}" for core in CORES] if arguments.estimate else []
            print(f"{counted.model:30} {counted.tier:4} {counted.instructions:12.0f}", *estimates, flush=True)
    if arguments.record:
        record(counts)


if __name__ == "__main__":
    main()
