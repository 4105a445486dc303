"""Explains figures in words: the verdict, the bands of ESR, the advice."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from nampedal.converter.report.report_model import BoardFit, Report, TierReport

ESR_IN_WORDS = (
    "ESR is the error-to-signal ratio: the share of the sound's energy that is error. "
    "0.01 is one part in a hundred, which is 20 dB below the sound."
)
BANDS_IN_WORDS = "The names are players' rules of thumb. Your ears decide."
TIER_IN_WORDS = "A tier is one size of the capture. Tier 0 is the largest."
OWN_PLAYING = "To hear your own, add --listen my-guitar.wav to the command."
ASK_FOR_A_BOARD = "No board was named. Add one to the command to see if the capture fits it:"

# If two ESRs of one tier, on two kinds of audio, differ by more than this factor, the report explains it.
_DISAGREE = 2.0
_BUILT_IN = "built-in plucks and chords"

# 30 dB below the sound. Below this ESR the first band gets a bolder answer. It is not based on a listening test.
_SIDE_BY_SIDE_ESR = 1e-3
_NEARLY_PERCENT = 10.0
_LOUDER_LU = 0.5
# Boards that are named in a sentence; of more, the number is given.
_NAMED_BOARDS = 4


@dataclass(frozen=True, slots=True)
class Band:
    """A range of ESR, up to and including `most`.

    name: the players' word for it.
    heard: the answer to the question if a difference will be heard.
    match: a sentence about a tier, without the tier's name at its beginning.
    """

    most: float
    name: str
    heard: str
    match: str


BANDS = (
    Band(0.01, "excellent", "Perhaps, side by side.", "is an excellent match."),
    Band(0.05, "very good", "A small one, side by side.", "is a very good match."),
    Band(0.15, "good compromise", "Yes, side by side.", "is a good compromise."),
    Band(0.35, "noticeable", "Yes, while you play.", "differs noticeably."),
    Band(0.5, "rough", "Yes, clearly.", "is a rough match. The character is there, the details are not."),
    Band(math.inf, "very approximate", "Yes, it is another sound.", "is a very approximate match."),
)
_STILL_THE_SAME_ESR = BANDS[2].most
UNMEASURABLE = Band(math.nan, "not measurable", "It can't be measured.", "plays sound that is not finite.")


@dataclass(frozen=True, slots=True)
class Answer:
    """A player's question and its answer.

    short: the answer in a few words.
    sentences: the answer at length; each stands on a line of its own.
    good: True for good news, False for bad news, None for neither.
    """

    question: str
    short: str
    sentences: tuple[str, ...]
    good: bool | None = None


def band(esr: float) -> Band:
    """Return the band of an ESR; UNMEASURABLE for nan, the ESR of non-finite sound."""
    return next((found for found in BANDS if esr <= found.most), UNMEASURABLE)


def heard(esr: float) -> str:
    """Return the answer to the question if a difference will be heard."""
    if esr == 0.0:
        return "No."
    return "Very unlikely." if esr <= _SIDE_BY_SIDE_ESR else band(esr).heard


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


def verdict(report: Report) -> tuple[Answer, Answer, Answer]:
    """Return the whole report as three answers: does it fit, will a difference be heard, what to try."""
    return (_fit(report), _difference(report), _to_try(report))


def _fit(report: Report) -> Answer:
    question = "Does it fit your board?"
    boards = _boards(report.fits)
    if not boards:
        return Answer(question, "No board was named.", ("Name your board in the command, and this report tells you.",))
    if len(boards) == 1:
        return _fit_of_one(report, question, list(report.fits))
    players: dict[int, list[str]] = {}
    for fits in boards.values():
        best = _best(fits)
        if best is not None:
            players.setdefault(best.tier, []).append(best.board_name)
    count = sum(map(len, players.values()))
    if not count:
        return Answer(question, f"On none of {len(boards)} boards.", ("No size is small enough.",), False)
    short = f"On all {len(boards)} boards." if count == len(boards) else f"On {count} of {len(boards)} boards."
    told = tuple(f"{_where(names)} {report.tiers[tier].label}." for tier, names in sorted(players.items()))
    return Answer(question, short, told, True if count == len(boards) else None)


def _where(names: Sequence[str]) -> str:
    if len(names) > _NAMED_BOARDS:
        return f"{len(names)} boards play"
    listed = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
    return f"{listed} {'play' if len(names) > 1 else 'plays'}"


def _fit_of_one(report: Report, question: str, fits: list[BoardFit]) -> Answer:
    best = _best(fits)
    fit = best or min(fits, key=lambda one: one.percent)
    tier = report.tiers[fit.tier]
    takes = f"takes {fit.percent:.0f} % of one processor core ({load_status(fit)})."
    limit = f"Up to {fit.budget_percent:.0f} % is free for it."
    if best is None:
        return Answer(question, "No.", (f"Even {tier.label} {takes} {limit}",), False)
    plays = f"{fit.board_name} plays {tier.label}"
    if tier.work == 1.0:
        return Answer(question, "Yes, at full size.", (f"{plays}. It {takes} {limit}",), True)
    return Answer(question, "Yes, in a smaller size.", (f"{plays}, which needs {tier.size}. It {takes} {limit}",), True)


def _difference(report: Report) -> Answer:
    tiers = [report.tiers[number] for number in played(report)]
    told = tuple(f"{capital(tier.label)} {band(tier.comparison.esr).match} {_error(tier)}" for tier in tiers)
    found = {heard(tier.comparison.esr) for tier in tiers}
    short = found.pop() if len(found) == 1 else "That depends on the board."
    return Answer("Will you hear a difference?", short, told)


def played(report: Report) -> list[int]:
    """Return the numbers of the tiers that the boards play. If there is none, the largest tier stands for them."""
    best = (_best(fits) for fits in _boards(report.fits).values())
    return sorted({fit.tier for fit in best if fit is not None}) or [0]


def _error(tier: TierReport) -> str:
    esr = tier.comparison.esr
    if esr == 0.0:
        return "It plays the same, sample for sample."
    text = error_db_text(esr)
    return f"Its error is {text}." if math.isfinite(esr) else f"There is {text}."


def _to_try(report: Report) -> Answer:
    question = "What should you try?"
    told = tuple(advice(report))
    boards = _boards(report.fits)
    if not boards:
        return Answer(question, "Name your board.", told)
    best = [_best(fits) for fits in boards.values()]
    if not any(best):
        return Answer(question, "Make it smaller.", told)
    if len(best) == 1 and best[0] is not None:
        return Answer(question, f"Play {report.tiers[best[0].tier].label}.", told)
    return Answer(question, "Play the largest size that fits.", told)


def load_status(fit: BoardFit) -> str:
    """Return the status of a load, with its upper bound if that differs."""
    if fit.at_most_percent is None or f"{fit.at_most_percent:.0f}" == f"{fit.percent:.0f}":
        return fit.status
    return f"{fit.status}, at most {fit.at_most_percent:.0f} %"


def advice(report: Report) -> list[str]:
    """Return suggestions; at least one."""
    boards = _boards(report.fits)
    found = []
    for fits in boards.values():
        before = f"{fits[0].board_name}: " if len(boards) > 1 else ""
        found += [f"{before}{line}" for line in _board_advice(report, fits)]
    for tier in report.tiers:
        differs = disagreement(tier.label, tier.comparison.esr, tier.built_in_esr, report.doubts)
        if differs is not None:
            found.append(f"{capital(differs)}.")
    full = report.tiers[0]
    if full.work == 1.0 and not full.comparison.esr <= BANDS[0].most:
        found.append("Round it with your own playing: --calibrate my-guitar.wav. Or do not round it: --precision f32.")
    for tier in report.tiers:
        louder = tier.comparison.loudness_difference_lu
        if abs(louder) > _LOUDER_LU and math.isfinite(louder):
            by = f"{abs(louder):.1f} dB {'louder' if louder > 0 else 'quieter'}"
            found.append(f"{capital(tier.label)} is {by} than the original. Set the level before you compare by ear.")
    for doubt in report.source.doubtful_levels().values():
        found.append(f"{capital(doubt)}. It is taken as not known.")
    if not report.fits:
        found.append("Add --board to the command, with the name of your board.")
    return found or ["Nothing else. Put it on the pedal and play."]


def _board_advice(report: Report, fits: list[BoardFit]) -> list[str]:
    best = _best(fits)
    if best is None:
        slim = f"Add --board {fits[0].board_key} to the command to have it slimmed."
        return [f"{slim} Or use a longer period, which adds latency."]
    found = []
    if best.tier and not report.tiers[best.tier].comparison.esr <= _STILL_THE_SAME_ESR:
        smaller = "Or try a smaller capture of the same gear. Many come as standard, lite, feather and nano."
        found.append(f"Try a faster board. {smaller}")
    if best.status == "estimated" and best.percent > best.budget_percent - _NEARLY_PERCENT:
        close = "The load is an estimate, and close to the limit."
        found.append(f"{close} Measure it on the board with 'nampedal bench'.")
    return found


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


def capital(text: str) -> str:
    """Return the text with a capital first letter."""
    return text[0].upper() + text[1:]
