"""What figures mean, in words: the verdict, the bands of ESR, what to try."""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass
from pathlib import PurePath

from nampedal.converter.report.facts import BoardFit, Report, TierReport

ESR_IN_WORDS = (
    "ESR, the error-to-signal ratio, is the share of the sound's energy that is error: "
    "0.01 is one part in a hundred, an error 20 dB below the sound."
)
BANDS_IN_WORDS = "The names are players' rules of thumb, not a listening test: your ears decide."
TIER_IN_WORDS = "A tier is one size of the capture; tier 0 is the largest."
ASK_FOR_A_BOARD = "No board was asked for. Add one to the command to see if the capture fits it:"

# 30 dB below the sound. No listening test is behind it: within the first band, a word of caution.
_SIDE_BY_SIDE_ESR = 1e-3
_SMALLER_CAPTURE = "a smaller capture of the same gear (many come as standard, lite, feather and nano)"
_NEARLY_PERCENT = 10.0
_LOUDER_LU = 0.5


@dataclass(frozen=True, slots=True)
class Band:
    """ESR up to and with most. name: as players know it.  clause: the same as half a sentence."""

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
    """The band that an ESR is in. nan, of sound that is not finite, is in none."""
    return next((found for found in BANDS if esr <= found.most), UNMEASURABLE)


def clause(esr: float) -> str:
    """What an ESR means, as half a sentence."""
    if _SIDE_BY_SIDE_ESR < esr <= BANDS[0].most:
        return "the match is excellent, and only side by side might you hear a difference"
    return band(esr).clause


def below(esr: float) -> str:
    """How far the error is below the sound."""
    if math.isnan(esr) or esr == math.inf:
        return "no sound to compare with"
    if esr == 0.0:
        return "no difference at all"
    db = round(-10 * math.log10(esr))
    return f"{abs(db)} dB {'below' if db > 0 else 'above'} the sound" if db else "as loud as the sound"


def figure(value: float, form: str, unit: str = "") -> str:
    """A number with its unit, or 'none' where there is none; nothing is not negative."""
    if not math.isfinite(value):
        return "none"
    if value == 0.0 and form.endswith("e"):
        return f"0{unit}"
    text = f"{value:{form}}"
    return f"{text if float(text) else f'{0.0:{form}}'}{unit}"


def verdict(report: Report) -> str:
    """The whole report in one sentence."""
    full = report.tiers[0]
    boards = _boards(report.fits)
    if not boards:
        return capital(f"{clause(full.comparison.esr)} ({below(full.comparison.esr)}).")
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
        takes = (
            f"takes {least.percent:.0f} % of one core ({least.status}), and {least.budget_percent:.0f} % is what it has"
        )
        return f"No size fits the {least.board_name}: {report.tiers[least.tier].label} {takes}."
    tier = report.tiers[best.tier]
    plays = f"The {best.board_name} can play {_named(tier)}, at {best.percent:.0f} % of one core ({best.status})"
    return f"{plays}; {clause(tier.comparison.esr)}."


def advice(report: Report) -> list[str]:
    """What to try, a sentence each; at least one."""
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
    full = report.tiers[0]
    if full.work == 1.0 and not full.comparison.esr <= BANDS[0].most:
        found.append("Round with your own playing: --calibrate my-guitar.wav; or do not round: --precision f32.")
    for tier in report.tiers:
        louder = tier.comparison.loudness_difference_lu
        if abs(louder) > _LOUDER_LU and math.isfinite(louder):
            by = f"{abs(louder):.1f} dB {'louder' if louder > 0 else 'quieter'}"
            found.append(f"{capital(tier.label)} is {by} than the original: set the level before you compare by ear.")
    if not report.fits:
        found.append("Name your board to see if it fits (--board).")
    return found or ["Nothing more: put it on the pedal and play."]


def board_command(report: Report, suffix: str) -> str:
    """What to type to have the report tell about a board. suffix: of the report."""
    source = report.source.file_name
    written = PurePath(source).with_suffix(suffix)
    return shlex.join(["nampedal", "convert", source, "--board", "zero-2-w", "--report", str(written), "--force"])


def board_rows(report: Report) -> list[list[BoardFit]]:
    """A row for each board and period, with a fit for each tier that was asked about, full first."""
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
    """The largest tier that fits, at the shortest period at which it does."""
    return min((fit for fit in fits if fit.fits), key=lambda fit: (fit.tier, fit.period_frames), default=None)


def _named(tier: TierReport) -> str:
    return f"{tier.label}, the full size" if tier.work == 1.0 else f"{tier.label}, {tier.size}"


def capital(text: str) -> str:
    """The same as the beginning of a sentence."""
    return text[0].upper() + text[1:]
