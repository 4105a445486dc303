"""nampedal convert."""

from __future__ import annotations

from pathlib import Path

import click
from nampedal.converter import calibration, nam_file
from nampedal.converter.cli.shared import FILE, console, decibels, examples, force, progress, verbose
from nampedal.converter.convert import PRECISIONS, convert
from nampedal.converter.output import replacing
from nampedal.converter.tensors import tensors
from nampedal.firmware import artifact
from nampedal.firmware.capture import Capture, Tier


@click.command(
    "convert",
    epilog=examples(
        "nampedal convert amp.nam",
        "nampedal convert amp.nam -o bank/amp.stomp",
        "nampedal convert amp.nam --calibrate my-guitar.wav --calibrate my-bass.wav",
    ),
)
@click.argument("source", metavar="IN.nam", type=FILE)
@click.option("-o", "--output", type=FILE, metavar="OUT.stomp", help="Default: beside the input, as .stomp.")
@click.option("--precision", type=click.Choice(PRECISIONS), default=PRECISIONS[0], show_default=True)
@click.option(
    "--calibrate",
    "recordings",
    type=FILE,
    multiple=True,
    metavar="DI.wav",
    help="A dry recording to round the weights with; may be given several times. Default: built-in sounds.",
)
@click.option("--no-golden", is_flag=True, help="Without golden vectors: 40 kB less, and 'verify' can't check it.")
@force
@verbose
def convert_command(
    source: Path, output: Path | None, precision: str, recordings: tuple[Path, ...], no_golden: bool, force: bool
) -> None:
    """Convert a capture into an artifact that a pedal loads.

    w8 stores int8 weights and prints what that costs in sound; f32 changes nothing.
    """
    target = output or source.with_suffix(artifact.SUFFIX)
    capture = nam_file.read(source)
    calibrate = calibration.from_files(recordings, capture.sample_rate) if recordings else None
    with replacing(target, force) as partial:
        with progress(f"rounding {source.name}") as advance:
            converted = convert(capture, precision, calibrate, not no_golden, advance)
        data = artifact.pack(converted)
        partial.write_bytes(data)
    console.print(f"{target}: {precision}, {len(data):,} bytes ({source.stat().st_size:,} as .nam)")
    for line in described(converted):
        console.print(f"  {line}")


def described(capture: Capture) -> list[str]:
    """What a conversion did, a line each."""
    lines = [f"tier {i}: {_sounds(tier)}" for i, tier in enumerate(capture.tiers)]
    proof = capture.tiers[0].proof
    if proof is not None:
        lines.append(f"measured against the original on {proof.material}")
    if capture.calibration is not None:
        lines.append(f"calibrated with {capture.calibration.material}")
    kinds = tensors(capture.tiers[0].network)
    for form, counts in (
        ("int8", [(kind, kind.int8) for kind in kinds]),
        ("float16", [(kind, kind.float16) for kind in kinds]),
        ("float32", [(kind, kind.float32) for kind in kinds]),
    ):
        whys = "" if form == "int8" else " ({})"
        named = [f"{count:,} {kind.kind}{whys.format(kind.why)}" for kind, count in counts if count]
        if named and capture.precision == "w8":
            lines.append(f"{form}: {', '.join(named)}")
    return lines


def _sounds(tier: Tier) -> str:
    proof = tier.proof
    if proof is None:
        return "not measured"
    figures = f"ESR {proof.esr:.1e}, pre-emphasised {proof.pre_emphasised_esr:.1e}"
    floor, before = decibels(proof.noise_floor_dba), decibels(proof.source_noise_floor_dba)
    loud = f"{decibels(proof.loudness_lufs, 'LUFS')}, peak {decibels(proof.peak_dbfs, 'dBFS')}"
    return f"{figures}, noise floor {floor} (original {before}), {loud}"
