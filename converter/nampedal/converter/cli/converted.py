"""What a conversion did, in lines and tables."""

from __future__ import annotations

from nampedal.converter import tflite_export
from nampedal.converter.job import Done, Job, can_train
from nampedal.converter.tensors import tensors
from nampedal.firmware.capture import Capture, Proof
from nampedal.firmware.cli.shared import columns, decibels
from rich.table import Table

# From here on anyone hears it.
AUDIBLE_ESR = 2e-3


def described(job: Job, done: Done) -> list[str]:
    """Of one conversion, a line each."""
    kind = job.precision if job.tflite is None else f"TFLite {job.tflite.mode}, {job.precision}"
    size = f"{done.bytes:,} bytes ({job.source.stat().st_size:,} as .nam)"
    inside = _exported(done.made) if isinstance(done.made, tflite_export.Exported) else _converted(done.made)
    return [f"{done.output}: {kind}, {size}", *(f"  {line}" for line in [*_fitted(job, done), *inside])]


def summary(work: list[Job], results: list[Done | str]) -> Table:
    """Of several, a row each."""
    table = columns("capture", "result", left=("capture", "result"))
    for job, result in zip(work, results, strict=True):
        if isinstance(result, str):
            table.add_row(job.source.name, f"failed: {result}")
            continue
        within = result.sized[1:2] or result.sized
        told = [f"{one.how}, {one.percent:.1f} % of a core, ESR {one.esr:.1e}" for one in within]
        table.add_row(job.source.name, ", ".join([f"{result.bytes:,} bytes", *told]))
    return table


def _fitted(job: Job, done: Done) -> list[str]:
    target = done.target
    if target is None or job.sized is None:
        return []
    lines = [
        f"for {target.board.name}: {target.budget_percent:g} % of a core, periods of {target.period_frames} frames; "
        f"costs are {target.status}"
    ]
    for number, one in enumerate(done.sized):
        fits = "fits" if target.fits(one.tier.network) else "does not fit"
        esr = "" if number == 0 else f", ESR {one.esr:.1e}"
        lines.append(f"tier {number}: {one.how}, {one.percent:.1f} % {target.status}, {fits}{esr}")
    if any("pruned" in one.how for one in done.sized) and not can_train():
        lines.append("PyTorch is not installed, so nothing was trained, which costs most of the likeness:")
        lines.append("pip install 'nampedal[slim]' and convert again")
    return lines


def _exported(exported: tflite_export.Exported) -> list[str]:
    lines = [_sounds(exported.proof), f"measured against the original on {exported.proof.material}"]
    if exported.int8_layers:
        count = len(exported.float_layers) + exported.int8_layers
        lines.append(f"float activations in {len(exported.float_layers)} of {count} layers, int8 in the others")
    if exported.proof.esr > AUDIBLE_ESR:
        lines.append("int8 activations cost this much: write --tflite-mode weights for the capture's own sound")
    return lines


def _converted(capture: Capture) -> list[str]:
    lines = [f"tier {i}: {_sounds(tier.proof)}" for i, tier in enumerate(capture.tiers)]
    lines += [
        f"tier {i} against tier 0: ESR {tier.likeness.esr:.1e}, pre-emphasised {tier.likeness.pre_emphasised_esr:.1e}"
        for i, tier in enumerate(capture.tiers)
        if tier.likeness is not None
    ]
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
