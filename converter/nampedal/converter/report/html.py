"""Writes a report as one self-contained HTML page: it needs no network and no other files."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from nampedal.converter.report import report_tables, wording
from nampedal.converter.report.audio_embed import Clips, clips
from nampedal.converter.report.plots import plots
from nampedal.converter.report.report_model import BoardFit, Report
from nampedal.firmware.base.one_line import plain_lines


def to_html(report: Report) -> str:
    """Return the page. The same report gives the same bytes."""
    heard = clips(report)
    environment = Environment(autoescape=True, trim_blocks=True, undefined=StrictUndefined, finalize=_shown)
    environment.filters.update(capital=wording.capital, unbroken=_unbroken)
    return environment.from_string(_part("page.html")).render(
        report=report,
        css=Markup(_part("page.css")),
        script=Markup(_part("page.js")),
        verdict=wording.verdict(report),
        rows=_rows(report),
        rate=f"{report.sample_rate:g} Hz",
        ask=wording.ASK_FOR_A_BOARD,
        ask_command=wording.board_command(report, ".html"),
        tier_in_words=wording.TIER_IN_WORDS,
        esr_in_words=wording.ESR_IN_WORDS,
        bands_in_words=wording.BANDS_IN_WORDS,
        bands=_bands(report),
        figures=report_tables.figures(report),
        clips=heard,
        silent=[tier.label for tier, found in zip(report.tiers, heard.differences, strict=True) if found is None],
        played=wording.played(report)[0],
        listened_to=_listened_to(report),
        sound_note=_sound_note(heard),
        plots=plots(report),
        origin=report_tables.origin(report),
    )


def _shown(value: object) -> object:
    """Make a text from a file safe: it can't change the text direction of the page."""
    return plain_lines(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _part(name: str) -> str:
    """Return the text of a file in this package."""
    return files("nampedal.converter.report").joinpath(name).read_text(encoding="utf-8")


def _unbroken(text: str) -> str:
    """Prevent line breaks between a number and its unit, and before a tier's number."""
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
        for row in wording.board_rows(report)
    ]


def _cell(fit: BoardFit | None) -> dict[str, Any] | None:
    if fit is None:
        return None
    # The full width of the bar is one core, or the load if that is more.
    whole = max(100.0, fit.percent)
    return {
        "fits": fit.fits,
        "percent": f"{fit.percent:.0f} %",
        "status": wording.load_status(fit),
        "width": f"{100 * fit.percent / whole:.1f}",
        "limit": f"{100 * fit.budget_percent / whole:.1f}",
    }


def _bands(report: Report) -> list[dict[str, Any]]:
    found = [(wording.band(tier.comparison.esr), tier.label) for tier in report.tiers]
    limits = [f"up to {band.most:g}" for band in wording.BANDS[:-1]] + [f"above {wording.BANDS[-2].most:g}"]
    return [
        {"name": band.name, "range": limit, "labels": [label for one, label in found if one is band]}
        for band, limit in zip(wording.BANDS, limits, strict=True)
    ]


def _listened_to(report: Report) -> str:
    if report.own_playing is not None:
        return f"Your own playing: {report.own_playing}."
    return f"{wording.capital(report.judged_on)}. Nothing was fitted to it. {wording.OWN_PLAYING}"


def _sound_note(heard: Clips) -> str:
    packed = {"MP3": "It is packed as MP3, which takes a little from all of it alike.", "FLAC": "It is packed as FLAC."}
    turned = f"turned {'up' if heard.gain_db > 0 else 'down'} by {abs(heard.gain_db):.1f} dB, to just below full scale"
    return f"All of it is {turned}. {packed[heard.format]}"
