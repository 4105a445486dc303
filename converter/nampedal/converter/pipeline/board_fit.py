"""Tells which boards have time for which tiers."""

from __future__ import annotations

from nampedal.board.profiles.boards import board_keys, read_board
from nampedal.converter.budget.sizing import BudgetTarget
from nampedal.converter.report.report_model import BoardFit
from nampedal.firmware.engine.capture import Capture


def fits(capture: Capture, asked: BudgetTarget | None) -> list[BoardFit]:
    """Return the fit of every tier on the requested board, or on every board with known costs if none was requested."""
    targets = [asked] if asked is not None else _targets(capture.sample_rate)
    return [
        BoardFit(
            board_key=target.board.key,
            board_name=target.board.name,
            tier=number,
            period_frames=target.period_frames,
            percent=target.percent(tier.network),
            status=target.status,
            budget_percent=target.budget_percent,
            fits=target.fits(tier.network),
            latency_ms=2000.0 * target.period_frames / target.sample_rate,
            at_most_percent=target.upper_bound_percent(tier.network),
        )
        for target in targets
        for number, tier in enumerate(capture.tiers)
    ]


def _targets(sample_rate: float) -> list[BudgetTarget]:
    boards = [read_board(key) for key in board_keys()]
    return [
        BudgetTarget(board, board.period_frames.value, board.budget_percent.value, sample_rate)
        for board in boards
        if board.cost is not None
    ]
