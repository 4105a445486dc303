"""A report as one page that needs nothing else: no network, no files beside it."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from nampedal.converter.report import tables, words
from nampedal.converter.report.audio import Clip, Clips, clips
from nampedal.converter.report.facts import BoardFit, Report
from nampedal.converter.report.plots import plots


def to_html(report: Report) -> str:
    """The page: the same report gives the same bytes."""
    heard = clips(report)
    environment = Environment(autoescape=True, trim_blocks=True, undefined=StrictUndefined)
    environment.filters.update(capital=words.capital, unbroken=_unbroken)
    return environment.from_string(_part("page.html")).render(
        report=report,
        css=Markup(_part("page.css")),
        script=Markup(_part("page.js")),
        verdict=words.verdict(report),
        advice=words.advice(report),
        rows=_rows(report),
        rate=f"{report.sample_rate:g} Hz",
        ask=words.ASK_FOR_A_BOARD,
        ask_command=words.board_command(report, ".html"),
        tier_in_words=words.TIER_IN_WORDS,
        esr_in_words=words.ESR_IN_WORDS,
        bands_in_words=words.BANDS_IN_WORDS,
        bands=_bands(report),
        figures=tables.figures(report),
        clips=_heard(heard),
        silent=[tier.label for tier, found in zip(report.tiers, heard.differences, strict=True) if not found],
        sound_note=_sound_note(heard),
        plots=plots(report),
        origin=tables.origin(report),
    )


def _part(name: str) -> str:
    return files("nampedal.converter.report").joinpath(name).read_text(encoding="utf-8")


def _unbroken(text: str) -> str:
    """No line ends between a number and its unit, nor before a tier's number."""
    return re.sub(r"(?<=\d) (?=%|dB|Hz|frames)|(?<=\b[Tt]ier) (?=\d)", "\N{NO-BREAK SPACE}", text)


def _rows(report: Report) -> list[dict[str, Any]]:
    return [
        {
            "board": row[0].board_name,
            "budget": f"{row[0].budget_percent:.0f} %",
            "latency": f"{row[0].latency_ms:.1f} ms",
            "frames": row[0].period_frames,
            "cells": [_cell({fit.tier: fit for fit in row}.get(tier.index)) for tier in report.tiers],
        }
        for row in words.board_rows(report)
    ]


def _cell(fit: BoardFit | None) -> dict[str, Any] | None:
    if fit is None:
        return None
    # The bar is as long as what is taken, or as one core, whichever is more.
    whole = max(100.0, fit.percent)
    return {
        "fits": fit.fits,
        "percent": f"{fit.percent:.0f} %",
        "status": fit.status,
        "width": f"{100 * fit.percent / whole:.1f}",
        "limit": f"{100 * fit.budget_percent / whole:.1f}",
    }


def _bands(report: Report) -> list[dict[str, Any]]:
    found = [(words.band(tier.comparison.esr), tier.label) for tier in report.tiers]
    limits = [f"up to {band.most:g}" for band in words.BANDS[:-1]] + [f"above {words.BANDS[-2].most:g}"]
    return [
        {"name": band.name, "range": limit, "labels": [label for one, label in found if one is band]}
        for band, limit in zip(words.BANDS, limits, strict=True)
    ]


def _heard(heard: Clips) -> list[Clip]:
    return [heard.original, *heard.tiers, *(clip for found in heard.differences for clip in found)]


def _sound_note(heard: Clips) -> str:
    packed = {"MP3": "packed as MP3, which takes a little from all of it alike", "FLAC": "packed without loss"}
    turned = f"turned {'up' if heard.gain_db > 0 else 'down'} by {abs(heard.gain_db):.1f} dB, to just below full scale"
    return f"All of it is {turned}, and {packed[heard.format]}."
