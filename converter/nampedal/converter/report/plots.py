"""Draws the plots of a report. All show the original in grey, and each tier in its own colour."""

from __future__ import annotations

import html
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from nampedal.converter.listening import test_signals
from nampedal.converter.listening.harmonics import HARMONICS, LOUD_DBFS, TransferCurve
from nampedal.converter.listening.metrics import peak_dbfs
from nampedal.converter.report import svg
from nampedal.converter.report.curves import FLOOR_DBFS, Signal, band_levels, envelope, level_over_time
from nampedal.converter.report.report_model import LEVELS_DBFS, Report
from nampedal.converter.report.wording import BANDS

_COLUMNS = 300
_STEP_S = 0.05
_ESR_FLOOR = 1e-10
_SHOWN_HARMONICS = (2, 3, 4, 5)
_HARMONIC_FLOOR_DB = -100.0
_SMALL = 9.5
_LINE_POINTS = 12.0
_FACTORS = sorted((step * 10**power for step in (1, 2, 5) for power in range(8)), reverse=True)
_ORIGINAL_LINE: dict[str, Any] = {"color": svg.ORIGINAL, "linewidth": 4.0}


@dataclass(frozen=True, slots=True)
class Plot:
    """One plot. title: the subject. caption: how to read it. svg: an SVG element."""

    title: str
    caption: str
    svg: str


def plots(report: Report) -> list[Plot]:
    """Return all plots, the easiest to read first."""
    makers: tuple[Callable[[Report], Plot], ...] = (_waveform, _spectrum, _esr_by_level, _harmonics, _transfer, _decay)
    return [maker(report) for maker in makers]


def _waveform(report: Report) -> Plot:
    count = len(report.tiers)
    original = report.original.audio
    times = (np.arange(_COLUMNS) + 0.5) * len(original) / report.sample_rate / _COLUMNS
    with svg.figure(1.7 + 1.1 * count) as figure:
        axes = figure.subplots(1 + count, 1, sharex=True, squeeze=False)[:, 0]
        axes[0].fill_between(times, *envelope(original, _COLUMNS), color=svg.ORIGINAL, linewidth=0)
        axes[0].set_title("original", loc="left", color=svg.SOFT)
        for panel, tier in zip(axes[1:], report.tiers, strict=True):
            difference = tier.sound.audio - original
            times_larger = _enlarged(original, difference)
            colour = svg.tier_colour(tier.index)
            panel.fill_between(times, *envelope(difference * times_larger, _COLUMNS), color=colour, linewidth=0)
            larger = f", enlarged {times_larger:,} times" if times_larger > 1 else ""
            panel.set_title(f"difference of {tier.label}{larger}", loc="left", color=colour)
            panel.axhline(0.0, color=colour, linewidth=0.8)
            panel.set_ylim(*axes[0].get_ylim())
        for panel in axes:
            panel.tick_params(left=False, labelleft=False)
        axes[-1].set_xlabel("seconds")
        title = "What is left when one is subtracted from the other"
        caption = "The null test. A perfect match is a flat line. What is too small to see is enlarged."
        return _plot(title, caption, figure, "waveform")


def _spectrum(report: Report) -> Plot:
    with svg.figure() as figure:
        axes = figure.subplots()
        hz, db = band_levels(report.original.audio, report.sample_rate)
        axes.plot(hz, db, **_ORIGINAL_LINE)
        ends = [(hz[-1], db[-1], "original", svg.SOFT)]
        for tier in report.tiers:
            hz, db = band_levels(tier.sound.audio - report.original.audio, report.sample_rate)
            if db.max() > FLOOR_DBFS:
                axes.plot(hz, db, **svg.tier_line(tier.index))
                ends.append((hz[-1], db[-1], f"difference\nof {tier.label}", svg.tier_colour(tier.index)))
        axes.set_xscale("log")
        axes.set_xticks(
            [50, 100, 200, 500, 1000, 2000, 5000, 10_000], ["50", "100", "200", "500", "1k", "2k", "5k", "10k"]
        )
        axes.minorticks_off()
        axes.set_xlabel("Hz")
        axes.set_ylabel("dBFS")
        _label(figure, axes, ends)
        title = "Where the difference sits, from bass to treble"
        caption = (
            "Level in sixths of an octave. The further a tier's line is below the grey one, the better it is hidden."
        )
        return _plot(title, caption, figure, "spectrum")


def _esr_by_level(report: Report) -> Plot:
    with svg.figure() as figure:
        axes = figure.subplots()
        ends, same = [], []
        for tier in report.tiers:
            esr = np.maximum(np.array(tier.esr_by_level), _ESR_FLOOR)
            if not any(tier.esr_by_level):
                same.append(tier.label)
                continue
            axes.plot(LEVELS_DBFS, esr, marker="o", markersize=4, **svg.tier_line(tier.index))
            ends.append((LEVELS_DBFS[-1], esr[-1], tier.label, svg.tier_colour(tier.index)))
        axes.set_yscale("log")
        low, high = axes.get_ylim()
        axes.set_ylim(min(low / 3, 1e-4), max(high, 2.0))
        if same:
            text = f"no difference at any level: {', '.join(same)}"
            axes.text(0.02, 0.03, text, transform=axes.transAxes, va="bottom", fontsize=_SMALL)
        for most in BANDS[:-1]:
            axes.axhline(most.most, color=svg.INK, linewidth=0.7, linestyle=(0, (1, 3)))
        axes.text(
            LEVELS_DBFS[-1], 0.7 * BANDS[0].most, "excellent below this line", ha="right", va="top", fontsize=_SMALL
        )
        axes.set_xticks(LEVELS_DBFS)
        axes.set_xlabel("peak of the playing, dBFS")
        axes.set_ylabel("ESR")
        _label(figure, axes, ends)
        title = "How exact it is when you play softly and when you dig in"
        caption = "ESR of the same plucks at different input levels. Lower is better. Dotted: where the words change."
        return _plot(title, caption, figure, "esr-by-level")


def _harmonics(report: Report) -> Plot:
    with svg.figure(4.2) as figure:
        panels = figure.subplots(2, 2, sharex=True, sharey=True).ravel()
        for panel, order in zip(panels, _SHOWN_HARMONICS, strict=True):
            at = HARMONICS.index(order)
            wanted = [max(found.harmonics_db[at], _HARMONIC_FLOOR_DB) for found in report.original.harmonics]
            panel.plot(LEVELS_DBFS, wanted, **_ORIGINAL_LINE)
            for tier in report.tiers:
                got = [max(found.harmonics_db[at], _HARMONIC_FLOOR_DB) for found in tier.sound.harmonics]
                panel.plot(LEVELS_DBFS, got, **svg.tier_line(tier.index))
            panel.set_title(f"harmonic {order}", loc="left")
            panel.set_xticks(LEVELS_DBFS[::2])
        panels[0].set_ylim(_HARMONIC_FLOOR_DB - 4, 6)
        figure.supxlabel("level of the tone, dBFS")
        figure.supylabel("dB of the fundamental")
        title = "How it breaks up: overtones from a whisper to full level"
        caption = (
            "A tone of 220 Hz, ever louder. Where coloured lines lie on the grey one, it distorts as the original does."
        )
        return _plot(title, caption, figure, "harmonics")


def _transfer(report: Report) -> Plot:
    with svg.figure() as figure:
        axes = figure.subplots()
        axes.plot(*_closed(report.original.transfer), **_ORIGINAL_LINE)
        for tier in report.tiers:
            axes.plot(*_closed(tier.sound.transfer), **svg.tier_line(tier.index))
        axes.set_xlabel("goes in")
        axes.set_ylabel("comes out")
        title = "What comes out for what goes in"
        caption = (
            f"One swing of a 220 Hz tone at {LOUD_DBFS:g} dBFS. A straight line is clean, a bend is distortion, "
            "a loop is memory: tone controls, sag, coupling."
        )
        return _plot(title, caption, figure, "transfer")


def _decay(report: Report) -> Plot:
    rate = report.sample_rate
    decay = test_signals.validation_sections(rate)[test_signals.DECAY]
    with svg.figure() as figure:
        axes = figure.subplots()
        times, db = level_over_time(report.original.audio[decay], rate, _STEP_S)
        axes.plot(times, db, **_ORIGINAL_LINE)
        ends = [(times[-1], db[-1], "original", svg.SOFT)]
        for tier in report.tiers:
            colour = svg.tier_colour(tier.index)
            axes.plot(times, level_over_time(tier.sound.audio[decay], rate, _STEP_S)[1], **svg.tier_line(tier.index))
            times, db = level_over_time((tier.sound.audio - report.original.audio)[decay], rate, _STEP_S)
            if db.max() > FLOOR_DBFS:
                axes.plot(times, db, color=colour, linewidth=1.0, linestyle=(0, (1, 1.5)))
                ends.append((times[-1], db[-1], f"difference\nof {tier.label}", colour))
        axes.set_xlabel("seconds")
        axes.set_ylabel("dBFS")
        _label(figure, axes, ends)
        title = "How it fades into silence"
        caption = (
            f"A chord fades by {-test_signals.DECAY_DB:g} dB in {test_signals.DECAY_S:g} s. "
            "Solid: what is heard, down to the noise floor. Dotted: the difference."
        )
        return _plot(title, caption, figure, "decay")


def _label(figure: Figure, axes: Axes, ends: list[tuple[float, float, str, str]]) -> None:
    """Write labels at the ends of lines, (x, y, text, colour). Labels that would overlap are moved up."""
    figure.draw_without_rendering()
    to_points, to_data = axes.transData.transform, axes.transData.inverted().transform
    least = -math.inf
    shown = [end for end in ends if math.isfinite(end[1])]
    for x, y, text, colour in sorted(shown, key=lambda end: end[1]):
        half = _LINE_POINTS * (1 + text.count("\n")) / 2
        across, up = to_points((x, y))
        up = max(up, least + half)
        least = up + half
        at = tuple(to_data((across, up)))
        axes.annotate(
            text,
            at,
            (5, 0),
            textcoords="offset points",
            color=colour,
            va="center",
            fontsize=_SMALL,
            annotation_clip=False,
        )


def _enlarged(original: Signal, difference: Signal) -> int:
    """Return the largest of 1, 2, 5, 10, ... by which the difference's peak stays within the original's."""
    room_db = peak_dbfs(original) - peak_dbfs(difference)
    if not math.isfinite(room_db):
        return 1
    return next((factor for factor in _FACTORS if factor <= 10 ** (room_db / 20)), 1)


def _closed(curve: TransferCurve) -> tuple[Signal, Signal]:
    return np.append(curve.given, curve.given[0]), np.append(curve.got, curve.got[0])


def _plot(title: str, caption: str, figure: Figure, name: str) -> Plot:
    return Plot(title, caption, svg.inline_svg(figure, name, html.escape(title)))
