"""Which boards have time for which tiers."""

from __future__ import annotations

from nampedal.board.boards import board_keys, read_board
from nampedal.converter.report.facts import BoardFit
from nampedal.converter.sizing import Target
from nampedal.firmware.capture import Capture


def fits(capture: Capture, asked: Target | None) -> list[BoardFit]:
    """Every tier on the board that was asked for; where none was, on every board whose costs are known."""
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
        )
        for target in targets
        for number, tier in enumerate(capture.tiers)
    ]


def _targets(sample_rate: float) -> list[Target]:
    boards = [read_board(key) for key in board_keys()]
    return [
        Target(board, board.period_frames.value, board.budget_percent.value, sample_rate)
        for board in boards
        if board.cost is not None
    ]
