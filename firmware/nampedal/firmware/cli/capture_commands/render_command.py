"""The command `nampedal render`."""

from __future__ import annotations

import math
from pathlib import Path

import click
from nampedal.converter.rendering.render import RenderOptions, render_file
from nampedal.firmware.base.listing import suffix_of
from nampedal.firmware.cli.progress import progress_bar
from nampedal.firmware.cli.shared import (
    FILE,
    as_json,
    console,
    exact,
    examples,
    force,
    print_json,
    print_text,
    tier,
    verbose,
)
from nampedal.firmware.cli.unused import refuse_options
from nampedal.firmware.engine import tflite_artifact

# In frames. A shorter recording gets no progress bar.
LONG_FILE = 480_000


@click.command(
    "render",
    epilog=examples(
        "nampedal render amp.nam guitar.wav guitar-amp.wav",
        "nampedal render amp.stomp di.flac out.wav --subtype PCM_24",
    ),
)
@click.argument("file", type=FILE)
@click.argument("source", metavar="IN.wav", type=FILE)
@click.argument("target", metavar="OUT.wav", type=FILE)
@tier
@exact
@click.option("--subtype", default="", metavar="NAME", help="Sample format, as PCM_16, PCM_24, FLOAT. Default: FLOAT.")
@force
@as_json
@verbose
def render_command(
    file: Path,
    source: Path,
    target: Path,
    tier: int | str,
    exact: bool,
    subtype: str,
    force: bool,
    as_json: bool,
) -> None:
    """Play a dry recording through a capture, into a file.

    The capture is a .nam, an artifact or a .tflite.

    Any sample rate (resampled to the model's and back), each channel apart, output as long as the input.
    """
    if suffix_of(file) == tflite_artifact.SUFFIX:
        refuse_options("exact", todo="LiteRT plays a .tflite as it is; leave it out")
    with progress_bar(target.name) as show:

        def advance(done: int, total: int) -> None:
            show(done, total if total > LONG_FILE else 0)

        done = render_file(file, source, target, RenderOptions(tier, exact, subtype, force), advance)
    peak_dbfs = -math.inf if done.peak == 0.0 else 20 * math.log10(done.peak)
    resampled = ", resampled" if done.resampled else ""
    channels = "mono" if done.channels == 1 else f"{done.channels} channels"
    if as_json:
        print_json(
            {
                "model": file,
                "input": source,
                "output": target,
                "seconds": done.seconds,
                "channels": done.channels,
                "sample_rate_hz": done.sample_rate,
                "resampled": done.resampled,
                "peak_dbfs": peak_dbfs,
                "clips": done.clips,
                "warnings": done.warnings,
            }
        )
    else:
        peak = "silent" if done.peak == 0.0 else f"peak {peak_dbfs:+.1f} dBFS"
        console.print(f"{target}: {done.seconds:.1f} s, {channels}, {done.sample_rate} Hz{resampled}, {peak}")
    for warning in done.warnings:
        print_text(f"nampedal: {warning}", err=True)
    if done.clips:
        print_text(f"nampedal: {target}: clips; write it with --subtype FLOAT", err=True)
