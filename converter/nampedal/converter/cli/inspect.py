"""nampedal inspect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from nampedal.converter.facts import facts, open_capture
from nampedal.converter.tflite_export import tflite_facts
from nampedal.firmware import tflite
from nampedal.firmware.cli.shared import FILE, as_json, columns, console, examples, verbose
from nampedal.firmware.litert import LIMITS as LITERT_LIMITS
from rich.table import Table


@click.command("inspect", epilog=examples("nampedal inspect amp.nam", "nampedal inspect amp.stomp --json"))
@click.argument("file", type=FILE)
@as_json
@verbose
def inspect_command(file: Path, as_json: bool) -> None:
    """Tell what a .nam, an artifact or a .tflite is, how large, who made it, and how it was proved."""
    found = tflite_facts(tflite.read(file)) if file.suffix.lower() == tflite.SUFFIX else facts(open_capture(file))
    if as_json:
        click.echo(json.dumps(found, indent=2, allow_nan=False))
        return
    for label, text in _described(found):
        console.print(f"{label:16}{text}")
    console.print(_tiers(found["tiers"]))
    if any(row["proof"] for row in found["tiers"]):
        console.print(_proofs(found["tiers"]))


def _tiers(rows: list[dict[str, Any]]) -> Table:
    names = ("tier", "network", "channels", "parameters", "MACs/sample", "receptive field")
    table = columns(*names, left=("tier", "network", "channels", "receptive field"))
    for row in rows:
        ms = row["receptive_field_ms"]
        table.add_row(
            str(row["tier"]),
            row["network"],
            row["channels"],
            f"{row['parameters']:,}",
            f"{row['macs_per_frame']:,}",
            "no end" if ms is None else f"{ms:.1f} ms",
        )
    return table


def _proofs(rows: list[dict[str, Any]]) -> Table:
    table = columns("tier", "ESR", "pre-emphasised", "noise floor", "loudness", "peak", left=("tier",))
    for row in rows:
        proof = row["proof"] or {}
        table.add_row(
            str(row["tier"]),
            _figure(proof.get("esr"), ".1e", ""),
            _figure(proof.get("pre_emphasised_esr"), ".1e", ""),
            _figure(proof.get("noise_floor_dba"), ".1f", " dBA"),
            _figure(proof.get("loudness_lufs"), ".1f", " LUFS"),
            _figure(proof.get("peak_dbfs"), ".1f", " dBFS"),
        )
    return table


def _figure(value: float | None, form: str, unit: str) -> str:
    return "none" if value is None else f"{value:{form}}{unit}"


def _described(found: dict[str, Any]) -> list[tuple[str, str]]:
    def level(key: str, unit: str) -> str:
        return "not stated" if found[key] is None else f"{found[key]:.1f} {unit}"

    kind = {"artifact": "artifact of", "capture": "capture", "tflite": "TFLite of"}[found["kind"]]
    what = f"{found['architecture']}, .nam version {found['nam_version']}"
    lines = [
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
    if found["kind"] == "artifact":
        lines += _evidence(found)
    if found["kind"] == "tflite":
        lines += _graph(found)
    return lines


def _graph(found: dict[str, Any]) -> list[tuple[str, str]]:
    floats, count = len(found["float_layers"]), found["layers"]
    block = f"{found['block']} frames, or any other" if found["any_block"] else f"{found['block']} frames, no other"
    return [
        ("mode", f"{found['mode']}, float activations in {floats} of {count} layers"),
        ("block", block),
        ("measured on", found["tiers"][0]["proof"]["material"]),
        ("equals", f"tier {found['tier']} of the .stomp with SHA-256 {found['stomp_sha256']}"),
        ("real time", LITERT_LIMITS),
    ]


def _evidence(found: dict[str, Any]) -> list[tuple[str, str]]:
    used = found["calibration"]
    proof = found["tiers"][0]["proof"]
    golden = found["golden_frames"]
    numbers = found["tiers"][0]["tensors"]
    forms = ("int8", "float16", "float32")
    counts = {form: sum(kind[form] for kind in numbers) for form in forms}
    stored = ", ".join(f"{count:,} {form}" for form, count in counts.items() if count)
    seconds = golden / found["sample_rate_hz"]
    return [
        ("stored", stored),
        (
            "calibrated",
            "nothing was rounded" if used is None else f"{used['material']}, up to {used['peak_dbfs']:.1f} dBFS",
        ),
        ("beyond that", "" if used is None else used["beyond"]),
        ("measured on", proof["material"] if proof else "nothing"),
        ("golden vectors", f"{seconds * 1e3:.0f} ms: 'nampedal verify' plays them" if golden else "none"),
        ("added latency", f"{found['added_latency_frames']} frames"),
    ]
