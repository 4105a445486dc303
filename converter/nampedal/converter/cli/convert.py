"""nampedal convert."""

from __future__ import annotations

from pathlib import Path

import click
from nampedal.converter import calibration, nam_file, tflite_export
from nampedal.converter.cli.shared import FILE, console, decibels, examples, force, progress, verbose
from nampedal.converter.convert import PRECISIONS, convert
from nampedal.converter.output import replacing
from nampedal.converter.tensors import tensors
from nampedal.firmware import artifact, tflite
from nampedal.firmware.capture import Capture, Proof

FORMATS = ("stomp", "tflite")
# From here on anyone hears it.
AUDIBLE_ESR = 2e-3


@click.command(
    "convert",
    epilog=examples(
        "nampedal convert amp.nam",
        "nampedal convert amp.nam -o bank/amp.stomp",
        "nampedal convert amp.nam --calibrate my-guitar.wav --calibrate my-bass.wav",
        "nampedal convert amp.nam -o amp.tflite --tflite-mode mixed",
    ),
)
@click.argument("source", metavar="IN.nam", type=FILE)
@click.option("-o", "--output", type=FILE, metavar="OUT", help="Default: beside the input, as .stomp or .tflite.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="Default: what the output is called, else stomp.")
@click.option("--precision", type=click.Choice(PRECISIONS), default=PRECISIONS[0], show_default=True)
@click.option(
    "--calibrate",
    "recordings",
    type=FILE,
    multiple=True,
    metavar="DI.wav",
    help="A dry recording to round the weights with; may be given several times. Default: built-in sounds.",
)
@click.option(
    "--tflite-mode",
    type=click.Choice(tflite.MODES),
    default=tflite.MODES[0],
    show_default=True,
    help="weights: float activations; mixed: int8 ones where little is lost; int8: everywhere, which is heard.",
)
@click.option("--block", type=int, default=64, show_default=True, help="Frames of a .tflite's audio tensors.")
@click.option("--tier", type=int, default=0, show_default=True, help="Which size goes into a .tflite; 0 is full.")
@click.option("--no-golden", is_flag=True, help="Without golden vectors: 40 kB less, and 'verify' can't check it.")
@force
@verbose
def convert_command(
    source: Path,
    output: Path | None,
    form: str | None,
    precision: str,
    recordings: tuple[Path, ...],
    tflite_mode: str,
    block: int,
    tier: int,
    no_golden: bool,
    force: bool,
) -> None:
    """Convert a capture into an artifact that a pedal loads, or into a .tflite.

    w8 stores int8 weights and prints what that costs in sound; f32 changes nothing.
    """
    form = form or ("tflite" if output is not None and output.suffix.lower() == tflite.SUFFIX else FORMATS[0])
    target = output or source.with_suffix(f".{form}")
    capture = nam_file.read(source)
    calibrate = calibration.from_files(recordings, capture.sample_rate) if recordings else None
    with replacing(target, force) as partial:
        with progress(f"rounding {source.name}") as advance:
            if form == "tflite":
                options = tflite_export.Options(tflite_mode, block, tier, precision)
                exported = tflite_export.export(capture, options, calibrate, advance)
                data, kind = exported.data, f"TFLite {tflite_mode}, {precision}"
                lines = _exported(exported)
            else:
                converted = convert(capture, precision, calibrate, not no_golden, advance)
                data, kind = artifact.pack(converted), precision
                lines = described(converted)
        partial.write_bytes(data)
    console.print(f"{target}: {kind}, {len(data):,} bytes ({source.stat().st_size:,} as .nam)")
    for line in lines:
        console.print(f"  {line}")


def _exported(exported: tflite_export.Exported) -> list[str]:
    lines = [_sounds(exported.proof), f"measured against the original on {exported.proof.material}"]
    if exported.int8_layers:
        count = len(exported.float_layers) + exported.int8_layers
        lines.append(f"float activations in {len(exported.float_layers)} of {count} layers, int8 in the others")
    if exported.proof.esr > AUDIBLE_ESR:
        lines.append("int8 activations cost this much: write --tflite-mode weights for the capture's own sound")
    return lines


def described(capture: Capture) -> list[str]:
    """What a conversion did, a line each."""
    lines = [f"tier {i}: {_sounds(tier.proof)}" for i, tier in enumerate(capture.tiers)]
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


def _sounds(proof: Proof | None) -> str:
    if proof is None:
        return "not measured"
    figures = f"ESR {proof.esr:.1e}, pre-emphasised {proof.pre_emphasised_esr:.1e}"
    floor, before = decibels(proof.noise_floor_dba), decibels(proof.source_noise_floor_dba)
    loud = f"{decibels(proof.loudness_lufs, 'LUFS')}, peak {decibels(proof.peak_dbfs, 'dBFS')}"
    return f"{figures}, noise floor {floor} (original {before}), {loud}"
