"""The command line: arguments to calls to exit codes. The only module that prints."""

from __future__ import annotations

import json
import math
import sys
import traceback
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
from click.shell_completion import get_completion_class
from nampedal.board.errors import NampedalError
from nampedal.converter import bench as benchmark
from nampedal.converter import nam_file
from nampedal.converter.convert import PRECISIONS, convert
from nampedal.converter.facts import facts, open_capture
from nampedal.converter.output import replacing
from nampedal.converter.render import RenderOptions, render_file
from nampedal.firmware import artifact
from nampedal.firmware.engine import isas
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

EXIT_MISTAKE = 2
EXIT_INTERRUPTED = 130
LONG_FILE_S = 10.0

console = Console(highlight=False, markup=False, soft_wrap=True)
FILE = click.Path(path_type=Path)


def examples(*lines: str) -> str:
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


verbose = click.option("--verbose", is_flag=True, expose_value=False, help="Show the whole traceback of an error.")
tier = click.option("--tier", type=int, default=0, show_default=True, help="Which size of the capture; 0 is full.")
exact = click.option("--exact", is_flag=True, help="The C library's tanh and exp instead of the fast ones.")
force = click.option("--force", is_flag=True, help="Overwrite the output.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("nampedal"), prog_name="nampedal")
def cli() -> None:
    """Neural Amp Modeler captures, for a Raspberry Pi pedal."""


@cli.command("convert", epilog=examples("nampedal convert amp.nam", "nampedal convert amp.nam -o bank/amp.stomp"))
@click.argument("source", metavar="IN.nam", type=FILE)
@click.option("-o", "--output", type=FILE, metavar="OUT.stomp", help="Default: beside the input, as .stomp.")
@click.option("--precision", type=click.Choice(PRECISIONS), default=PRECISIONS[0], show_default=True)
@force
@verbose
def convert_command(source: Path, output: Path | None, precision: str, force: bool) -> None:
    """Convert a capture into an artifact that a pedal loads.

    w8 stores int8 weights and prints what that costs in sound; f32 changes nothing.
    """
    target = output or source.with_suffix(artifact.SUFFIX)
    capture = convert(nam_file.read(source), precision)
    data = artifact.pack(capture)
    with replacing(target, force) as partial:
        partial.write_bytes(data)
    console.print(f"{target}: {precision}, {len(data):,} bytes ({source.stat().st_size:,} as .nam)")
    for i, stored in enumerate(capture.tiers):
        if stored.esr is not None:
            console.print(f"  tier {i}: ESR {stored.esr:.1e} against the original ({stored.esr_material})")


@cli.command("inspect", epilog=examples("nampedal inspect amp.nam", "nampedal inspect amp.stomp --json"))
@click.argument("file", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@verbose
def inspect_command(file: Path, as_json: bool) -> None:
    """Tell what a .nam or an artifact is, how large, and who made it."""
    found = facts(open_capture(file))
    if as_json:
        click.echo(json.dumps(found, indent=2, allow_nan=False))
        return
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for label, text in _described(found):
        table.add_row(label, text)
    console.print(table)
    tiers = Table(box=None, padding=(0, 2, 0, 0), header_style="")
    for header in ("tier", "network", "channels", "parameters", "MACs/sample", "receptive field", "ESR"):
        tiers.add_column(header, justify="right" if header in ("parameters", "MACs/sample") else "left")
    for row in found["tiers"]:
        ms = row["receptive_field_ms"]
        tiers.add_row(
            str(row["tier"]),
            row["network"],
            row["channels"],
            f"{row['parameters']:,}",
            f"{row['macs_per_frame']:,}",
            "no end" if ms is None else f"{ms:.1f} ms",
            "" if row["esr"] is None else f"{row['esr']:.1e}",
        )
    console.print(tiers)


def _described(found: dict[str, Any]) -> list[tuple[str, str]]:
    def level(key: str, unit: str) -> str:
        return "not stated" if found[key] is None else f"{found[key]:.1f} {unit}"

    kind = "artifact of" if found["kind"] == "artifact" else "capture"
    what = f"{found['architecture']}, .nam version {found['nam_version']}"
    return [
        (kind, found["source_file"]),
        ("format", f"{what}, {found['precision']}, {found['bytes']:,} bytes"),
        ("name", found["name"] or "not stated"),
        ("made by", found["modeled_by"] or "not stated"),
        ("gear", ", ".join(filter(None, (found["gear"], found["gear_type"], found["tone_type"]))) or "not stated"),
        ("sample rate", f"{found['sample_rate_hz']:g} Hz"),
        ("loudness", level("loudness_db", "dB")),
        ("input level", level("input_level_dbu", "dBu at 0 dBFS")),
        ("output level", level("output_level_dbu", "dBu at 0 dBFS")),
        ("SHA-256", found["source_sha256"]),
    ]


@cli.command(
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
@verbose
def render_command(file: Path, source: Path, target: Path, tier: int, exact: bool, subtype: str, force: bool) -> None:
    """Play a dry recording through a .nam or an artifact.

    Any sample rate (resampled to the model's and back), each channel apart, output as long as the input.
    """
    capture = open_capture(file).capture
    columns = TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn()
    errors = Console(stderr=True)
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task(target.name, visible=False)

        def advance(done: int, total: int) -> None:
            visible = total > LONG_FILE_S * capture.sample_rate
            progress.update(task, completed=done, total=total, visible=visible)

        options = RenderOptions(tier, exact, subtype, force)
        done = render_file(capture, source, target, options, advance)
    peak_db = "silent" if done.peak == 0.0 else f"peak {20 * math.log10(done.peak):+.1f} dBFS"
    resampled = ", resampled" if done.resampled else ""
    channels = "mono" if done.channels == 1 else f"{done.channels} channels"
    console.print(f"{target}: {done.seconds:.1f} s, {channels}, {done.sample_rate} Hz{resampled}, {peak_db}")
    if done.clips:
        click.echo(f"nampedal: {target}: clips; write it with --subtype FLOAT", err=True)


@cli.command("bench", epilog=examples("nampedal bench amp.stomp", "nampedal bench amp.nam --isa scalar"))
@click.argument("file", type=FILE)
@tier
@exact
@click.option("--isa", default="", metavar="NAME", help=f"Kernels, one of: {', '.join(isas())}. Default: the best.")
@click.option("--seconds", type=click.FloatRange(0.5, 600.0), default=4.0, show_default=True, help="Audio per repeat.")
@verbose
def bench_command(file: Path, tier: int, exact: bool, isa: str, seconds: float) -> None:
    """Measure how much of one core of this machine a capture takes."""
    ran, costs = benchmark.measure(open_capture(file).capture, tier, exact, isa, seconds)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="")
    for header in ("block", "CPU s per s", "% of one core", "median block", "worst block", "deadline"):
        table.add_column(header, justify="right")
    for cost in costs:
        table.add_row(
            str(cost.frames),
            f"{cost.cpu_share:.4f}",
            f"{100 * cost.cpu_share:.1f}",
            f"{cost.block_us:.0f} us",
            f"{cost.worst_us:.0f} us",
            f"{cost.deadline_us:.0f} us",
        )
    console.print(f"measured on this machine, {ran} kernels, {benchmark.REPEATS} x {seconds:g} s of plucked notes")
    console.print(table)


@cli.command("completion", epilog=examples('eval "$(nampedal completion bash)"', "nampedal completion fish | source"))
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_command(shell: str) -> None:
    """Print the script that completes nampedal's commands in a shell."""
    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(cli, {}, "nampedal", "_NAMPEDAL_COMPLETE").source())


def _one_line(error: NampedalError | click.ClickException) -> str:
    if not isinstance(error, click.ClickException):
        return str(error)
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f" Try '{context.command_path} --help'." if context else ""
    return error.format_message() + hint


def main() -> None:
    """Run the command line; a mistake is one line and exit code 2."""
    try:
        code = cli.main(prog_name="nampedal", standalone_mode=False)
    except (NampedalError, click.ClickException) as error:
        if "--verbose" in sys.argv:
            traceback.print_exc()
        click.echo(f"nampedal: {' '.join(_one_line(error).split())}", err=True)
        sys.exit(EXIT_MISTAKE)
    except (click.Abort, KeyboardInterrupt):
        click.echo("nampedal: interrupted", err=True)
        sys.exit(EXIT_INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
