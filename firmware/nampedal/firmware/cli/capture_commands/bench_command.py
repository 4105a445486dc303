"""The command `nampedal bench`."""

from __future__ import annotations

from pathlib import Path

import click
from nampedal.converter.listening import bench as benchmark
from nampedal.converter.nam.open_capture import open_capture
from nampedal.converter.tflite import litert_process
from nampedal.firmware.cli.shared import FILE, as_json, console, exact, examples, isa, print_json, tier, verbose
from nampedal.firmware.cli.text_tables import columns
from nampedal.firmware.cli.unused import refuse_options
from nampedal.firmware.engine import tflite_artifact
from nampedal.firmware.engine.tier_names import find_tier, tier_names


@click.command("bench", epilog=examples("nampedal bench amp.stomp", "nampedal bench amp.nam --isa scalar"))
@click.argument("file", type=FILE)
@tier
@exact
@isa
@click.option("--seconds", type=click.FloatRange(0.5, 600.0), default=4.0, show_default=True, help="Audio per repeat.")
@as_json
@verbose
def bench_command(file: Path, tier: int | str, exact: bool, isa: str, seconds: float, as_json: bool) -> None:
    """Measure how much of one core of this machine a capture takes."""
    if file.suffix.lower() == tflite_artifact.SUFFIX:
        refuse_options("tier", "exact", "isa", todo="LiteRT plays a .tflite as it is; leave it out")
        number, name = None, None
        ran, costs = litert_process.measure(file, seconds)
    else:
        capture = open_capture(file).capture
        names = tier_names(capture.tiers)
        number = find_tier(tier, names, str(file))
        name = names[number]
        engines = benchmark.capture_engines(capture, number, exact, isa)
        ran, costs = benchmark.measure(engines, seconds)
    if as_json:
        blocks = [
            {
                "block_frames": cost.frames,
                "cpu_share": cost.cpu_share,
                "median_block_us": cost.block_us,
                "worst_block_us": cost.max_us,
                "deadline_us": cost.deadline_us,
            }
            for cost in costs
        ]
        played = {"file": file, "tier": number, "tier_name": name, "kernels": ran}
        print_json({**played, "repeats": benchmark.REPEATS, "seconds": seconds, "blocks": blocks})
        return
    table = columns("block", "CPU s per s", "% of one core", "median block", "worst block", "deadline")
    for cost in costs:
        table.add_row(
            str(cost.frames),
            f"{cost.cpu_share:.4f}",
            f"{100 * cost.cpu_share:.1f}",
            f"{cost.block_us:.0f} us",
            f"{cost.max_us:.0f} us",
            f"{cost.deadline_us:.0f} us",
        )
    console.print(f"measured on this machine, {ran} kernels, {benchmark.REPEATS} x {seconds:g} s of plucked notes")
    console.print(table)
