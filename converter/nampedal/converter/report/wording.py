"""Explains figures in words: the verdict, the bands of ESR, the advice."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from nampedal.converter.report.report_model import BoardFit, Report, TierReport

ESR_IN_WORDS = (
    "ESR, the error-to-signal ratio, is the share of the sound's energy that is error: "
    "0.01 is one part in a hundred, an error 20 dB below the sound."
)
BANDS_IN_WORDS = "The names are players' rules of thumb, not a listening test: your ears decide."
TIER_IN_WORDS = "A tier is one size of the capture; tier 0 is the largest."
ASK_FOR_A_BOARD = "No board was asked for. Add one to the command to see if the capture fits it:"

# If two ESRs of one tier, on two kinds of audio, differ by more than this factor, the report explains it.
_DISAGREE = 2.0
_BUILT_IN = "built-in plucks and chords"

# 30 dB below the sound. Above this ESR the first band gets a more careful wording. It is not based on a listening test.
_SIDE_BY_SIDE_ESR = 1e-3
_SMALLER_CAPTURE = "a smaller capture of the same gear (many come as standard, lite, feather and nano)"
_NEARLY_PERCENT = 10.0
_LOUDER_LU = 0.5


@dataclass(frozen=True, slots=True)
class Band:
    """A range of ESR, up to and including `most`.

    name: the players' word for it.
    clause: the same as half a sentence.
    """

    most: float
    name: str
    clause: str


BANDS = (
    Band(0.01, "excellent", "the match is excellent, and you are unlikely to hear a difference"),
    Band(0.05, "very good", "the match is very good, and side by side you will probably hear a small difference"),
    Band(0.15, "good compromise", "the match is a good compromise, and side by side you will hear a difference"),
    Band(0.35, "noticeable", "the difference is noticeable, and you will hear it while playing"),
    Band(0.5, "rough", "the match is rough: the character is there, the details are not"),
    Band(math.inf, "very approximate", "the match is very approximate, and you will hear another sound"),
)
_STILL_THE_SAME_ESR = BANDS[2].most
UNMEASURABLE = Band(math.nan, "not measurable", "the match can't be measured, as what is played is not finite")


def band(esr: float) -> Band:
    """Return the band of an ESR; UNMEASURABLE for nan, the ESR of non-finite sound."""
    return next((found for found in BANDS if esr <= found.most), UNMEASURABLE)


def clause(esr: float) -> str:
    """Return the meaning of an ESR as half a sentence."""
    if _SIDE_BY_SIDE_ESR < esr <= BANDS[0].most:
        return "the match is excellent, and only side by side might you hear a difference"
    return band(esr).clause


def disagreement(label: str, esr: float, built_in_esr: float, doubts: Sequence[str] = ()) -> str | None:
    """Return why a tier's ESRs on the recordings and on the built-in audio differ; None if they are close.

    doubts: kinds of playing that the recordings lack.
    """
    larger, smaller = max(esr, built_in_esr), min(esr, built_in_esr)
    if not (math.isfinite(larger) and larger > _DISAGREE * smaller):
        return None
    times = "many" if smaller == 0.0 else f"{larger / smaller:.1f}"
    told = f"{label} on {_BUILT_IN} has {built_in_esr:.1e}, {times} times as"
    if built_in_esr < esr:
        return f"{told} little as on your playing: single notes that fade are easier to play"
    if doubts:
        return f"{told} much as on your playing: the recordings lack some playing ({'; '.join(doubts)})"
    return f"{told} much as on your playing: they are notes, levels and pauses that it does not have"


def error_db_text(esr: float) -> str:
    """Return the level of the error relative to the sound, in words."""
    if math.isnan(esr) or esr == math.inf:
        return "no sound to compare with"
    if esr == 0.0:
        return "no difference at all"
    db = round(-10 * math.log10(esr))
    return f"{abs(db)} dB {'below' if db > 0 else 'above'} the sound" if db else "as loud as the sound"


def figure(value: float, form: str, unit: str = "") -> str:
    """Return a number with its unit, or 'none' if it is not finite. A number that is rounded to zero has no sign."""
    if not math.isfinite(value):
        return "none"
    if value == 0.0 and form.endswith("e"):
        return f"0{unit}"
    text = f"{value:{form}}"
    return f"{text if float(text) else f'{0.0:{form}}'}{unit}"


def verdict(report: Report) -> str:
    """Return the whole report in one sentence."""
    full = report.tiers[0]
    boards = _boards(report.fits)
    if not boards:
        return capital(f"{clause(full.comparison.esr)} ({error_db_text(full.comparison.esr)}).")
    if len(boards) == 1:
        return _of_one_board(report, list(report.fits))
    fitting = [fit.tier for fit in map(_best, boards.values()) if fit is not None]
    if not fitting:
        return f"No size fits any of the {len(boards)} boards."
    where = f"all {len(boards)} boards" if len(fitting) == len(boards) else f"{len(fitting)} of {len(boards)} boards"
    tier = report.tiers[min(fitting)]
    match = clause(tier.comparison.esr)
    if len(set(fitting)) == 1:
        return f"{capital(_named(tier))}, fits {where}; {match}."
    return f"It fits {where}, {fitting.count(tier.index)} of them with {_named(tier)}, where {match}."


def _of_one_board(report: Report, fits: list[BoardFit]) -> str:
    best = _best(fits)
    if best is None:
        least = min(fits, key=lambda fit: fit.percent)
        has = f"{least.budget_percent:.0f} % is what it has"
        takes = f"takes {least.percent:.0f} % of one core ({load_status(least)}), and {has}"
        return f"No size fits the {least.board_name}: {report.tiers[least.tier].label} {takes}."
    tier = report.tiers[best.tier]
    plays = f"The {best.board_name} can play {_named(tier)}, at {best.percent:.0f} % of one core ({best.status})"
    return f"{plays}; {clause(tier.comparison.esr)}."


def load_status(fit: BoardFit) -> str:
    """Return the status of a load, with its upper bound if that differs."""
    if fit.at_most_percent is None or f"{fit.at_most_percent:.0f}" == f"{fit.percent:.0f}":
        return fit.status
    return f"{fit.status}, at most {fit.at_most_percent:.0f} %"


def advice(report: Report) -> list[str]:
    """Return suggestions, one sentence each; at least one."""
    found: list[str] = []
    for fits in _boards(report.fits).values():
        best = _best(fits)
        name = fits[0].board_name
        if best is None:
            board = f"--board {fits[0].board_key}"
            found.append(
                f"{name}: have it slimmed to fit (add {board} to the command), or a longer period (more latency)."
            )
        elif best.tier:
            tier = report.tiers[best.tier]
            found.append(
                f"{name}: play {_named(tier)} ({band(tier.comparison.esr).name}); what is larger does not fit."
            )
            if not tier.comparison.esr <= _STILL_THE_SAME_ESR:
                found.append(f"{name}: if that is too far off, a faster board, or {_SMALLER_CAPTURE}.")
        if best is not None and best.status == "estimated" and best.percent > best.budget_percent - _NEARLY_PERCENT:
            found.append(f"{name}: this is close, and an estimate; measure on the board with 'nampedal bench'.")
    for tier in report.tiers:
        differs = disagreement(tier.label, tier.comparison.esr, tier.built_in_esr, report.doubts)
        if differs is not None:
            found.append(f"{capital(differs)}.")
    full = report.tiers[0]
    if full.work == 1.0 and not full.comparison.esr <= BANDS[0].most:
        found.append("Round with your own playing: --calibrate my-guitar.wav; or do not round: --precision f32.")
    for tier in report.tiers:
        louder = tier.comparison.loudness_difference_lu
        if abs(louder) > _LOUDER_LU and math.isfinite(louder):
            by = f"{abs(louder):.1f} dB {'louder' if louder > 0 else 'quieter'}"
            found.append(f"{capital(tier.label)} is {by} than the original: set the level before you compare by ear.")
    for doubt in report.source.doubtful_levels().values():
        found.append(f"{capital(doubt)}: it is taken as not known.")
    if not report.fits:
        found.append("Name your board to see if it fits (--board).")
    return found or ["Nothing more: put it on the pedal and play."]


def board_command(report: Report, suffix: str) -> str:
    """Return the command that makes a report for a board. suffix: of the report's file."""
    source = report.source.file_name
    written = PurePath(source).with_suffix(suffix)
    return shlex.join(["nampedal", "convert", source, "--board", "zero-2-w", "--report", str(written), "--force"])


def board_rows(report: Report) -> list[list[BoardFit]]:
    """Return one row per board and period, with a fit per requested tier, full first."""
    rows: dict[tuple[str, int], list[BoardFit]] = {}
    for fit in report.fits:
        rows.setdefault((fit.board_key, fit.period_frames), []).append(fit)
    return [sorted(row, key=lambda fit: fit.tier) for row in rows.values()]


def _boards(fits: tuple[BoardFit, ...]) -> dict[str, list[BoardFit]]:
    boards: dict[str, list[BoardFit]] = {}
    for fit in fits:
        boards.setdefault(fit.board_key, []).append(fit)
    return boards


def _best(fits: list[BoardFit]) -> BoardFit | None:
    """Return the largest tier that fits, at the shortest period at which it fits."""
    return min((fit for fit in fits if fit.fits), key=lambda fit: (fit.tier, fit.period_frames), default=None)


def _named(tier: TierReport) -> str:
    return f"{tier.label}, the full size" if tier.work == 1.0 else f"{tier.label}, {tier.size}"


def capital(text: str) -> str:
    """Return the text with a capital first letter."""
    return text[0].upper() + text[1:]
