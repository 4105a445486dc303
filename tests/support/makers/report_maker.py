"""Makes reports of a small capture with two tiers, with other figures if a test needs them."""

from __future__ import annotations

import functools
import tempfile
from dataclasses import replace
from pathlib import Path

from nampedal.converter.nam import nam_file
from nampedal.converter.report.report_model import BoardFit, Provenance, Report, collect

from support.makers import nam_maker

SHA256 = "ab" * 32
PROVENANCE = Provenance("1.2.3", {"--precision": "w8"}, None, {"my guitar.wav": SHA256, "built-in plucks": None})


@functools.cache
def small() -> Report:
    """Return a report of two unrounded tiers, a network of four channels and one of two, without a board."""
    full, narrow = nam_maker.a1((4, 2), (1,)), nam_maker.a1((2, 1), (1,), seed=2)
    with tempfile.TemporaryDirectory() as folder:
        path = nam_maker.write(Path(folder) / "amp.nam", nam_maker.container((0.5, narrow), (1.0, full)))
        capture = nam_file.read(path)
    return collect(capture, capture, (), PROVENANCE)


def named(text: str) -> Report:
    """Return the same report with this text as the capture's name and author."""
    report = small()
    return replace(report, source=replace(report.source, metadata={"name": text, "modeled_by": text}))


def with_esr(*values: float) -> Report:
    """Return the same report with a tier for each of these ESR values. The first is the full size."""
    report = small()
    tiers = [
        replace(
            report.tiers[min(i, 1)],
            index=i,
            label=f"tier {i}",
            work=0.5**i,
            comparison=replace(report.tiers[0].comparison, esr=value, loudness_difference_lu=0.0),
            built_in_esr=value,
        )
        for i, value in enumerate(values)
    ]
    return replace(report, tiers=tuple(tiers))


def fit(
    board: str, tier: int, percent: float, period_frames: int = 64, status: str = "measured", budget: float = 60.0
) -> BoardFit:
    """Return the fit of one tier on a board, whose name is its key in capitals."""
    latency_ms = 2e3 * period_frames / 48_000
    return BoardFit(board, board.upper(), tier, period_frames, percent, status, budget, percent <= budget, latency_ms)


def on(report: Report, *fits: BoardFit) -> Report:
    return replace(report, fits=fits)
