"""Rows of a report that both a page and a text show."""

from __future__ import annotations

from dataclasses import dataclass

from nampedal.converter.report.facts import LEVELS_DBFS, Report, TierReport
from nampedal.converter.report.words import band, below, figure


@dataclass(frozen=True, slots=True)
class Row:
    """values: one for each tier."""

    name: str
    meaning: str
    values: tuple[str, ...]


def figures(report: Report) -> list[Row]:
    """How far each tier is from the original."""
    found = [tier.comparison for tier in report.tiers]
    return [
        Row("In a word", "by its ESR", tuple(band(c.esr).name for c in found)),
        Row("ESR", "error-to-signal ratio; smaller is better", tuple(figure(c.esr, ".1e") for c in found)),
        Row("The error is", "the same, in decibels", tuple(below(c.esr) for c in found)),
        Row("ESR, pre-emphasised", "counts treble more", tuple(figure(c.pre_emphasised_esr, ".1e") for c in found)),
        Row("ESR, A-weighted", "counts what ears hear best", tuple(figure(c.a_weighted_esr, ".1e") for c in found)),
        Row("Worst ESR", "of plucks from -48 to 0 dBFS", tuple(map(_worst, report.tiers))),
        Row(
            "MR-STFT distance",
            "of the spectra, moment by moment",
            tuple(figure(c.mr_stft_distance, ".1e") for c in found),
        ),
        Row(
            "Loudness", "against the original's", tuple(figure(c.loudness_difference_lu, "+.2f", " dB") for c in found)
        ),
        Row("Peak", "against the original's", tuple(figure(c.peak_difference_db, "+.2f", " dB") for c in found)),
        Row(
            "Noise floor",
            f"after a chord has faded; the original's: {figure(found[0].reference_noise_floor_dba, '.1f', ' dBA')}",
            tuple(figure(c.test_noise_floor_dba, ".1f", " dBA") for c in found),
        ),
        Row("Channels", "how wide the network is", tuple(tier.channels for tier in report.tiers)),
        Row("Parameters", "numbers in the network", tuple(f"{tier.parameters:,}" for tier in report.tiers)),
    ]


def _worst(tier: TierReport) -> str:
    esr, level = max(zip(tier.esr_by_level, LEVELS_DBFS, strict=True))
    return f"{figure(esr, '.1e')} at {level:g} dBFS" if esr else "0"


def origin(report: Report) -> list[tuple[str, str]]:
    """Where the conversion came from, and how it was made."""
    source, made = report.source, report.provenance
    gear = [source.text(key) for key in ("gear_make", "gear_model", "gear_type", "tone_type")]
    known = [("Made by", source.text("modeled_by")), ("Gear", ", ".join(dict.fromkeys(filter(None, gear))))]
    options = ", ".join(f"{name} {value}" for name, value in made.options.items())
    return [
        ("Capture", source.file_name),
        *((name, text) for name, text in known if text),
        ("SHA-256", source.sha256),
        ("Format", f"{source.architecture}, .nam version {source.version}, {report.sample_rate:g} Hz"),
        (
            "Stored as",
            {"w8": "w8: int8 weights", "f32": "f32: nothing was rounded"}.get(report.precision, report.precision),
        ),
        ("Rounded with", report.calibrated or "nothing"),
        *(
            ("Recording", name if sha256 is None else f"{name}, SHA-256 {sha256}")
            for name, sha256 in made.material.items()
        ),
        ("Judged on", report.judged_on),
        ("Options", options or "none"),
        ("Seed", "none: nothing is drawn at random" if made.seed is None else str(made.seed)),
        ("Made with", f"nampedal {made.tool_version}"),
    ]
