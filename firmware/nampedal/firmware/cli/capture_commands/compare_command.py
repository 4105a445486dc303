"""The command `nampedal compare`."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from nampedal.converter.listening.harmonics import FLOOR_DB
from nampedal.converter.listening.metrics import Comparison
from nampedal.converter.nam.metadata import null_non_finite
from nampedal.converter.rendering.comparison import CompareOptions, ComparisonResult, compare
from nampedal.firmware.base.listing import suffix_of
from nampedal.firmware.cli.shared import FILE, as_json, console, decibels, exact, examples, print_json, tier, verbose
from nampedal.firmware.cli.text_tables import columns
from nampedal.firmware.cli.unused import refuse_options
from nampedal.firmware.engine import artifact, tflite_artifact
from rich.table import Table

# Level of the tail relative to the sound before it. Only below this is it a decay, whose error is printed.
DECAYED_DBA = -40.0


@click.command(
    "compare",
    epilog=examples(
        "nampedal compare amp.nam amp.stomp",
        "nampedal compare amp.nam amp.stomp --on my-guitar.wav",
        "nampedal compare studio.wav pedal.wav --align",
    ),
)
@click.argument("reference", metavar="A", type=FILE)
@click.argument("test", metavar="B", type=FILE)
@click.option("--on", type=FILE, metavar="DI.wav", help="What models play. Default: built-in playing.")
@click.option("--align", is_flag=True, help="Undo delay, gain and polarity of B first.")
@tier
@exact
@as_json
@verbose
def compare_command(
    reference: Path, test: Path, on: Path | None, align: bool, tier: int | str, exact: bool, as_json: bool
) -> None:
    """Measure how one recording or model differs from another.

    A and B: two recordings, two models (.nam, .stomp), or one of each.

    Models are also played tones, level by level: harmonics, intermodulation, aliasing.
    """
    if not {suffix_of(reference), suffix_of(test)} & {".nam", artifact.SUFFIX}:
        refuse_options("exact", todo="it is for a .nam or a .stomp; leave it out")
        if tflite_artifact.SUFFIX not in (suffix_of(reference), suffix_of(test)):
            refuse_options("tier", todo="recordings have no tiers; leave it out")
    judged = compare(reference, test, CompareOptions(on, align, tier, exact))
    if as_json:
        print_json(_json(judged, reference, test))
        return
    console.print(
        f"A: {reference}\nB: {test}\non {judged.material}, {judged.seconds:.1f} s at {judged.sample_rate:g} Hz"
    )
    for i, comparison in enumerate(judged.channels):
        if len(judged.channels) > 1:
            console.print(f"channel {i + 1}")
        if judged.alignments:
            found = judged.alignments[i]
            later_ms = 1e3 * found.delay_frames / judged.sample_rate
            turned = ", upside down" if found.inverted else ""
            console.print(f"undone: B is {later_ms:.3f} ms later, {found.gain_db:+.2f} dB louder{turned}")
        console.print(_figures(comparison))
    if judged.probed:
        console.print(_tones(judged))


def _figures(found: Comparison) -> Table:
    table = columns("", "A", "B", "B - A", left=("",))
    table.add_row("ESR", "", "", f"{found.esr:.1e}")
    table.add_row("ESR, pre-emphasised", "", "", f"{found.pre_emphasised_esr:.1e}")
    table.add_row("ESR, A-weighted", "", "", f"{found.a_weighted_esr:.1e}")
    table.add_row("largest error", "", "", f"{found.max_error:.1e}")
    table.add_row("MR-STFT distance", "", "", f"{found.mr_stft_distance:.1e}")
    levels = [
        ("loudness", "LUFS", found.reference_lufs, found.test_lufs),
        ("peak", "dBFS", found.reference_peak_dbfs, found.test_peak_dbfs),
    ]
    if not math.isnan(found.reference_noise_floor_dbfs):
        levels.append(("noise floor", "dBFS", found.reference_noise_floor_dbfs, found.test_noise_floor_dbfs))
    for name, unit, wanted, got in levels:
        change = "" if not math.isfinite(got - wanted) else f"{got - wanted:+.2f} dB"
        table.add_row(name, decibels(wanted, unit), decibels(got, unit), change)
    if found.reference_tail_dba < DECAYED_DBA:
        table.add_row("error in the decay", "", "", decibels(found.decay_error_dba, "dBA"))
    return table


def _tones(judged: ComparisonResult) -> Table:
    """Return a table with a row for each level: the THD of A and B, and the figure that changed most."""
    table = columns("tone at", "THD of A", "of B", "largest change", "", left=("",))
    for level in sorted({row.level_dbfs for row in judged.probed}):
        rows = [row for row in judged.probed if row.level_dbfs == level]
        worst = max(rows, key=lambda row: abs(row.difference_db))
        thd = next((row for row in rows if row.figure == "THD"), None)
        table.add_row(
            f"{level:g} dBFS",
            "" if thd is None else decibels(thd.reference_db),
            "" if thd is None else decibels(thd.test_db),
            f"{worst.difference_db:+.2f} dB",
            f"{worst.figure}, at {decibels(max(worst.reference_db, FLOOR_DB))}",
        )
    return table


def _json(judged: ComparisonResult, reference: Path, test: Path) -> dict[str, Any]:
    return {
        "reference": str(reference),
        "test": str(test),
        "material": judged.material,
        "sample_rate_hz": judged.sample_rate,
        "seconds": judged.seconds,
        "channels": [comparison.json_values() for comparison in judged.channels],
        "alignments": [
            null_non_finite({"delay_frames": a.delay_frames, "gain_db": a.gain_db, "inverted": a.inverted})
            for a in judged.alignments
        ],
        "tones": [null_non_finite(asdict(row)) for row in judged.probed],
    }
