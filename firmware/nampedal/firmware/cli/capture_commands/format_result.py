"""Formats the result of a conversion as lines, tables and JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from nampedal.converter.budget.sizing import BudgetTarget
from nampedal.converter.nam.tensors import tensors_by_kind
from nampedal.converter.pipeline.job import Job, JobResult, can_train
from nampedal.converter.report.wording import disagreement
from nampedal.converter.tflite import tflite_export
from nampedal.firmware.audio.loudness import GATE_LUFS
from nampedal.firmware.cli.shared import decibels
from nampedal.firmware.cli.text_tables import columns
from nampedal.firmware.engine.capture import Capture, Proof, Tier
from nampedal.firmware.engine.network import Network
from nampedal.firmware.engine.tier_names import tier_label, tier_names
from rich.table import Table

# From this ESR on, the difference is clearly audible.
AUDIBLE_ESR = 2e-3


def describe_conversion(job: Job, done: JobResult) -> list[str]:
    """Return the description of one conversion, as lines of text."""
    kind = job.precision if job.tflite is None else f"TFLite {job.tflite.mode}, {job.precision}"
    size = f"{done.bytes:,} bytes ({job.source.stat().st_size:,} as .nam)"
    inside = (
        _exported(done.made) if isinstance(done.made, tflite_export.ExportedTflite) else _converted(done, done.made)
    )
    lines = [*_fitted(job, done), *_doubted(done), *inside]
    return [f"{done.output}: {kind}, {size}", *(f"  {line}" for line in lines)]


def summary_table(names: list[str], results: list[JobResult | str]) -> Table:
    """Return a table with a row for each capture. names: of the captures.  results: a text if nothing was written."""
    table = columns("capture", "result", left=("capture", "result"))
    for name, result in zip(names, results, strict=True):
        if isinstance(result, str):
            table.add_row(name, result)
            continue
        proof = board_tier_proof(result)
        told = [] if proof is None else [f"ESR {proof.esr:.1e}"]
        if result.target is not None:
            one = result.sized[_within(result)]
            told.insert(0, f"{one.how}, {percent_text(result.target, one.tier.network)} of a core")
        table.add_row(name, ", ".join([f"{result.bytes:,} bytes", *told, *_doubted(result)]))
    return table


def conversion_json(job: Job, done: JobResult | str) -> dict[str, Any]:
    """Return what a conversion made, as JSON values. done: a text if nothing was written."""
    about: dict[str, Any] = {"source": job.source, "output": job.output, "precision": job.precision}
    if isinstance(done, str):
        return {**about, "error": done}
    made = done.made
    target = done.target
    about |= {
        "error": None,
        "format": "stomp" if job.tflite is None else "tflite",
        "bytes": done.bytes,
        "source_bytes": job.source.stat().st_size,
        "report": job.report,
        "board": None if target is None else target.board.key,
        "budget_percent": None if target is None else target.budget_percent,
        "period_frames": None if target is None else target.period_frames,
        "cost_status": None if target is None else target.status,
        "doubts": done.doubts,
        "left_out": done.left_out,
    }
    if isinstance(made, tflite_export.ExportedTflite):
        counts = {"float_layers": len(made.float_layers), "int8_layers": made.int8_layers}
        return {**about, "mode": None if job.tflite is None else job.tflite.mode, **counts, "proof": asdict(made.proof)}
    names = tier_names(made.tiers)
    tiers = []
    for number, tier in enumerate(made.tiers):
        proof = _against_original(tier)
        costs = {} if target is None else cost_json(target, tier.network)
        how = done.sized[number].how if done.sized else "as it is"
        shown = None if proof is None else asdict(proof)
        tiers.append({"tier": number, "tier_name": names[number], "made": how, **costs, "proof": shown})
    return {**about, "tiers": tiers}


def cost_json(target: BudgetTarget, network: Network) -> dict[str, Any]:
    """Return what a network takes of a core of a board, at most what with the cost model's error, and if it fits."""
    return {
        "core_percent": target.percent(network),
        "core_percent_at_most": target.upper_bound_percent(network),
        "fits": target.fits(network),
    }


def board_tier_proof(done: JobResult) -> Proof | None:
    """Return the comparison with the original for the tier that the board plays; without a board, for the full tier."""
    if isinstance(done.made, tflite_export.ExportedTflite):
        return done.made.proof
    return _against_original(done.made.tiers[_within(done)])


def percent_text(target: BudgetTarget, network: Network) -> str:
    """Return the share of a core as text, with its upper bound if the cost model may be off."""
    percent, most = target.percent(network), target.upper_bound_percent(network)
    return f"{percent:.1f} %" if f"{most:.1f}" == f"{percent:.1f}" else f"{percent:.1f} % (at most {most:.1f} %)"


def _within(done: JobResult) -> int:
    """Return the index of the tier that the board plays."""
    target = done.target
    return 0 if target is None else next(i for i, one in enumerate(done.sized) if target.fits(one.tier.network))


def _against_original(tier: Tier) -> Proof | None:
    """Return the comparison of a tier with the original's full size: `likeness` of a smaller tier, `proof` of the full
    one.
    """
    return tier.proof if tier.likeness is None else tier.likeness


def _fitted(job: Job, done: JobResult) -> list[str]:
    target = done.target
    if target is None or job.sized is None:
        return []
    lines = [
        f"for {target.board.name}: {target.budget_percent:g} % of a core, periods of {target.period_frames} frames; "
        f"costs are {target.status}"
    ]
    names = tier_names([one.tier for one in done.sized])
    for number, one in enumerate(done.sized):
        fits = "fits" if target.fits(one.tier.network) else "does not fit"
        lines.append(f"{tier_label(number, names)}: {one.how}, {percent_text(target, one.tier.network)}, {fits}")
    if any("pruned" in one.how for one in done.sized) and not can_train():
        lines.append("PyTorch is not installed, so nothing was trained, which costs most of the likeness:")
        lines.append("pip install 'nampedal[slim]' and convert again")
    return lines


def _doubted(done: JobResult) -> list[str]:
    return [*(f"taken as not known: {doubt}" for doubt in done.doubts), *done.left_out]


def _exported(exported: tflite_export.ExportedTflite) -> list[str]:
    lines = [_sounds(exported.proof), _measured(exported.proof)]
    if exported.int8_layers:
        count = len(exported.float_layers) + exported.int8_layers
        lines.append(f"float activations in {len(exported.float_layers)} of {count} layers, int8 in the others")
    if exported.proof.esr > AUDIBLE_ESR:
        lines.append("int8 activations cost this much: write --tflite-mode weights for the capture's own sound")
    return lines


def _converted(done: JobResult, capture: Capture) -> list[str]:
    proofs = [_against_original(tier) for tier in capture.tiers]
    names = tier_names(capture.tiers)
    lines = [f"{tier_label(i, names)}: {_sounds(proof)}" for i, proof in enumerate(proofs)]
    full = proofs[0]
    if full is not None and full.loudness_lufs < GATE_LUFS:
        lines.append(f"too quiet for its loudness to be measured, below {GATE_LUFS:g} LUFS: a pedal does not raise it")
    if full is not None:
        lines.append(("" if len(proofs) == 1 else "each as stored, ") + _measured(full))
    for i, (proof, built_in_esr) in enumerate(zip(proofs, done.built_in_esrs, strict=False)):
        differs = (
            None if proof is None else disagreement(tier_label(i, names), proof.esr, built_in_esr, done.material_gaps)
        )
        if differs is not None:
            lines.append(differs)
    if capture.calibration is not None:
        lines.append(f"calibrated with {capture.calibration.material}")
    kinds = tensors_by_kind(capture.tiers[0].network)
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


def _measured(proof: Proof) -> str:
    kinds = "; each figure is that of its worst kind" if proof.worst_kind else ""
    return f"measured against the original on {proof.material}{kinds}"


def _sounds(proof: Proof | None) -> str:
    if proof is None:
        return "not measured"
    kind = f" ({proof.worst_kind})" if proof.worst_kind else ""
    figures = f"ESR {proof.esr:.1e}{kind}, pre-emphasised {proof.pre_emphasised_esr:.1e}"
    floor, before = (decibels(level, "dBFS") for level in (proof.noise_floor_dbfs, proof.source_noise_floor_dbfs))
    loud = f"{decibels(proof.loudness_lufs, 'LUFS')}, peak {decibels(proof.peak_dbfs, 'dBFS')}"
    return f"{figures}, noise floor {floor} (original {before}), {loud}"
