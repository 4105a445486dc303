"""Writes a report as Markdown, for an issue, a forum post or a repository."""

from __future__ import annotations

import re
from collections.abc import Sequence

from nampedal.converter.report import report_tables, wording
from nampedal.converter.report.report_model import LEVELS_DBFS, Report
from nampedal.converter.report.wording import Answer
from nampedal.firmware.base.one_line import one_line


def to_markdown(report: Report) -> str:
    """Return the verdict and the tables of the page, as CommonMark with GitHub's tables."""
    labels = [tier.label for tier in report.tiers]
    sized = [f"{tier.label}, {tier.size}" for tier in report.tiers]
    parts = [
        f"# {_escaped(report.name)}",
        *(_answer(answer) for answer in wording.verdict(report)),
        "## What each size takes",
        wording.TIER_IN_WORDS,
        *_boards(report, sized),
        "## How close each size is",
        f"{wording.ESR_IN_WORDS} {wording.BANDS_IN_WORDS}",
        _table(["", *sized], [[row.name, *row.values] for row in report_tables.figures(report)]),
        _bands(),
        "## Look closer",
        "ESR of the same plucks at different input levels:",
        _table(
            ["peak", *labels],
            [
                [f"{level:g} dBFS", *(wording.figure(tier.esr_by_level[i], ".1e") for tier in report.tiers)]
                for i, level in enumerate(LEVELS_DBFS)
            ],
        ),
        "Distortion (THD) of a 220 Hz tone:",
        _table(
            ["level", "original", *labels],
            [
                [
                    f"{level:g} dBFS",
                    *(
                        wording.figure(sound.harmonics[i].thd_db, ".1f", " dB")
                        for sound in (report.original, *(tier.sound for tier in report.tiers))
                    ),
                ]
                for i, level in enumerate(LEVELS_DBFS)
            ],
        ),
        "A report that ends in .html also has the plots, and sound to listen to.",
        "## Where it came from",
        "\n".join(f"- {name}: {_escaped(value)}" for name, value in report_tables.origin(report)),
    ]
    return "\n\n".join(parts) + "\n"


def _answer(answer: Answer) -> str:
    short = f"## {answer.question}\n\n**{_escaped(answer.short)}**"
    if len(answer.sentences) == 1:
        return f"{short} {_escaped(answer.sentences[0])}"
    return "\n".join([f"{short}\n", *(f"- {_escaped(line)}" for line in answer.sentences)])


def _boards(report: Report, sized: Sequence[str]) -> list[str]:
    rows = wording.board_rows(report)
    if not rows:
        return [wording.ASK_FOR_A_BOARD, f"    {' '.join(wording.board_command(report, '.md').splitlines())}"]
    lines = []
    for row in rows:
        by_tier = {fit.tier: fit for fit in row}
        cells = []
        for tier in report.tiers:
            fit = by_tier.get(tier.index)
            if fit is None:
                cells.append("not asked")
            else:
                cells.append(f"{fit.percent:.0f} % {wording.load_status(fit)}, {'fits' if fit.fits else 'too much'}")
        first = row[0]
        latency = f"{first.latency_ms:.1f} ms ({first.period_frames} frames)"
        lines.append([first.board_name, f"{first.budget_percent:.0f} %", latency, *cells])
    return ["Of one processor core:", _table(["board", "may take up to", "latency", *sized], lines)]


def _bands() -> str:
    limits = [f"ESR up to {band.most:g}: {band.name}" for band in wording.BANDS[:-1]]
    return f"{'; '.join(limits)}; above: {wording.BANDS[-1].name}."


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        f"| {' | '.join(_escaped(cell) if line is not lines[1] else cell for cell in line)} |" for line in lines
    )


def _escaped(text: str) -> str:
    """Escape a file's text, so that it contains no markup, no table cells and no line breaks."""
    return re.sub(r"([\\`*_\[\]<>|#~&])", r"\\\1", " ".join(one_line(text).split()))
