"""Makes the table rows that the HTML and the Markdown report share."""

from __future__ import annotations

from dataclasses import dataclass

from nampedal.converter.listening import test_signals
from nampedal.converter.report.report_model import LEVELS_DBFS, Report, TierReport
from nampedal.converter.report.wording import band, error_db_text, figure


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row of a table. values: one per tier."""

    name: str
    meaning: str
    values: tuple[str, ...]


def figures(report: Report) -> list[TableRow]:
    """Return the rows about the difference of each tier from the original."""
    found = [tier.comparison for tier in report.tiers]
    return [
        TableRow("In a word", "by its ESR", tuple(band(c.esr).name for c in found)),
        TableRow(
            "ESR",
            f"error-to-signal ratio{_kind_of(report)}; smaller is better",
            tuple(figure(c.esr, ".1e") for c in found),
        ),
        *_built_in(report),
        *_own(report),
        TableRow("The error is", "the same, in decibels", tuple(error_db_text(c.esr) for c in found)),
        TableRow(
            "ESR, pre-emphasised", "counts treble more", tuple(figure(c.pre_emphasised_esr, ".1e") for c in found)
        ),
        TableRow(
            "ESR, A-weighted", "counts what ears hear best", tuple(figure(c.a_weighted_esr, ".1e") for c in found)
        ),
        TableRow("Worst ESR", "of plucks from -48 to 0 dBFS", tuple(map(_worst, report.tiers))),
        TableRow(
            "MR-STFT distance",
            "of the spectra, moment by moment",
            tuple(figure(c.mr_stft_distance, ".1e") for c in found),
        ),
        TableRow(
            "Loudness", "against the original's", tuple(figure(c.loudness_difference_lu, "+.2f", " dB") for c in found)
        ),
        TableRow("Peak", "against the original's", tuple(figure(c.peak_difference_db, "+.2f", " dB") for c in found)),
        TableRow(
            "Noise floor",
            f"of silence; the original's: {figure(found[0].reference_noise_floor_dbfs, '.1f', ' dBFS')}",
            tuple(figure(c.test_noise_floor_dbfs, ".1f", " dBFS") for c in found),
        ),
        TableRow("Channels", "how wide the network is", tuple(tier.channels for tier in report.tiers)),
        TableRow("Parameters", "numbers in the network", tuple(f"{tier.parameters:,}" for tier in report.tiers)),
    ]


def _kind_of(report: Report) -> str:
    return ", of the worst kind of playing" if report.judged_on == test_signals.VALIDATION_LABEL else ""


def _built_in(report: Report) -> list[TableRow]:
    """Return the row of the ESR on the built-in audio, if other audio was used for judging."""
    if all(tier.built_in_esr == tier.comparison.esr for tier in report.tiers):
        return []
    values = tuple(figure(tier.built_in_esr, ".1e") for tier in report.tiers)
    return [TableRow("ESR on built-in playing", "not what the tiers are judged by", values)]


def _own(report: Report) -> list[TableRow]:
    """Return the row of the ESR on the user's own playing, if there is any to listen to."""
    if report.own_playing is None:
        return []
    values = tuple(figure(tier.heard_esr, ".1e") for tier in report.tiers)
    return [TableRow("ESR on your playing", "on the sound that you listen to", values)]


def _worst(tier: TierReport) -> str:
    esr, level = max(zip(tier.esr_by_level, LEVELS_DBFS, strict=True))
    return f"{figure(esr, '.1e')} at {level:g} dBFS" if esr else "0"


def origin(report: Report) -> list[tuple[str, str]]:
    """Return the rows about the source and the making of the conversion."""
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
        *(() if report.own_playing is None else (("Listened to", report.own_playing),)),
        ("Options", options or "none"),
        ("Seed", "none: nothing is drawn at random" if made.seed is None else str(made.seed)),
        ("Made with", f"nampedal {made.tool_version}"),
    ]
