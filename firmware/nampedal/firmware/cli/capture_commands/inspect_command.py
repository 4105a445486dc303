"""The command `nampedal inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from nampedal.converter.nam.metadata import file_metadata
from nampedal.converter.nam.open_capture import open_capture
from nampedal.converter.tflite.tflite_export import tflite_facts
from nampedal.firmware.base.one_line import shortened
from nampedal.firmware.cli.shared import FILE, as_json, console, examples, print_json, verbose
from nampedal.firmware.cli.text_tables import columns
from nampedal.firmware.engine import tflite_artifact
from nampedal.firmware.engine.litert_engine import LIMITS as LITERT_LIMITS
from nampedal.firmware.engine.tier_names import tier_label
from rich.table import Table

# Maximum characters of a line, and of the list of channel counts.
MAX_SHOWN = 200
MAX_CHANNELS_SHOWN = 60


@click.command("inspect", epilog=examples("nampedal inspect amp.nam", "nampedal inspect amp.stomp --json"))
@click.argument("file", type=FILE)
@as_json
@verbose
def inspect_command(file: Path, as_json: bool) -> None:
    """Tell what a capture, an artifact or a .tflite is.

    Among it: how large it is, who made it, and how close it is to the original.
    """
    found = (
        tflite_facts(tflite_artifact.read(file))
        if file.suffix.lower() == tflite_artifact.SUFFIX
        else file_metadata(open_capture(file))
    )
    if as_json:
        print_json(found)
        return
    for label, text in _described(found):
        console.print(f"{label:16}{shortened(text, MAX_SHOWN)}")
    console.print(_tiers(found["tiers"]))
    if any(row["proof"] for row in found["tiers"]):
        console.print(_proofs(found["tiers"]))


def _tiers(rows: list[dict[str, Any]]) -> Table:
    names = ("tier", "network", "channels", "parameters", "MACs/sample", "receptive field")
    table = columns(*names, left=("tier", "network", "channels", "receptive field"))
    labels = _labels(rows)
    for row in rows:
        ms = row["receptive_field_ms"]
        table.add_row(
            labels[row["tier"]],
            row["network"],
            shortened(row["channels"], MAX_CHANNELS_SHOWN),
            f"{row['parameters']:,}",
            f"{row['macs_per_frame']:,}",
            "no end" if ms is None else f"{ms:.1f} ms",
        )
    return table


def _labels(rows: list[dict[str, Any]]) -> list[str]:
    """Return number and name of each tier."""
    names = [row["tier_name"] for row in rows]
    return [tier_label(number, names).removeprefix("tier ") for number in range(len(rows))]


def _proofs(rows: list[dict[str, Any]]) -> Table:
    """Return a table that compares each tier with the original's full size."""
    table = columns(
        "tier", "ESR", "worst on", "pre-emphasised", "noise floor", "loudness", "peak", left=("tier", "worst on")
    )
    labels = _labels(rows)
    for row in rows:
        proof = (row.get("likeness") if row["tier"] else row["proof"]) or {}
        table.add_row(
            labels[row["tier"]],
            _figure(proof.get("esr"), ".1e", ""),
            proof.get("worst_kind") or "",
            _figure(proof.get("pre_emphasised_esr"), ".1e", ""),
            _figure(proof.get("noise_floor_dbfs"), ".1f", " dBFS"),
            _figure(proof.get("loudness_lufs"), ".1f", " LUFS"),
            _figure(proof.get("peak_dbfs"), ".1f", " dBFS"),
        )
    return table


def _figure(value: float | None, form: str, unit: str) -> str:
    return "none" if value is None else f"{value:{form}}{unit}"


def _described(found: dict[str, Any]) -> list[tuple[str, str]]:
    def level(key: str, unit: str) -> str:
        if found[key] is not None:
            return f"{found[key]:.1f} {unit}"
        doubt = found["doubtful_levels"].get(key.replace("loudness_db", "loudness"))
        return f"not known: {doubt}" if doubt else "not stated"

    kind = {"artifact": "artifact of", "capture": "capture", "tflite": "TFLite of"}[found["kind"]]
    what = f"{found['architecture']}, .nam version {found['nam_version']}"
    lines = [
        (kind, found["source_file"]),
        ("format", f"{what}, {found['precision']}, {found['bytes']:,} bytes"),
        ("name", found["name"] or "not stated"),
        ("made by", found["modeled_by"] or "not stated"),
        ("gear", ", ".join(filter(None, (found["gear"], found["gear_type"], found["tone_type"]))) or "not stated"),
        ("sample rate", _sample_rate(found)),
        ("loudness", level("loudness_db", "dB")),
        ("input level", level("input_level_dbu", "dBu at 0 dBFS")),
        ("output level", level("output_level_dbu", "dBu at 0 dBFS")),
        ("SHA-256", found["source_sha256"]),
    ]
    if found["kind"] == "artifact":
        lines += _evidence(found)
    if found["kind"] == "tflite":
        lines += _graph(found)
    lines += [("left out", why) for why in found.get("left_out", [])]
    return lines


def _sample_rate(found: dict[str, Any]) -> str:
    rate = f"{found['sample_rate_hz']:g} Hz"
    # A .tflite of an older nampedal lacks this field.
    return rate if found.get("sample_rate_stated", True) else f"not stated; played at {rate}"


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
