"""The command `nampedal boards`."""

from __future__ import annotations

from pathlib import Path

import click
from nampedal.board.profiles.boards import Board, board_keys, read_board
from nampedal.converter.budget.sizing import BudgetTarget
from nampedal.converter.nam.open_capture import open_capture
from nampedal.firmware.cli.capture_commands.format_result import percent_text
from nampedal.firmware.cli.shared import FILE, console, examples, verbose
from nampedal.firmware.cli.text_tables import columns
from nampedal.firmware.engine.capture import Capture
from rich.table import Table


@click.command("boards", epilog=examples("nampedal boards", "nampedal boards amp.nam", "nampedal boards amp.stomp"))
@click.argument("file", type=FILE, required=False)
@verbose
def boards_command(file: Path | None) -> None:
    """List the boards, or what of a capture each has time for.

    With FILE: what each of its tiers takes of a core of each board.

    A share is of one core, at the period that the board's profile has and 'nampedal convert' takes by default. What
    is over the budget with what an estimate may be wrong by, the second figure, does not fit.
    """
    boards = [read_board(key) for key in board_keys()]
    console.print(_facts(boards) if file is None else _tiers(boards, open_capture(file).capture))


def _facts(boards: list[Board]) -> Table:
    headers = ("board", "name", "CPU", "cores", "MHz", "RAM MiB", "period", "budget", "costs")
    table = columns(*headers, left=("board", "name", "CPU", "costs"))
    for board in boards:
        numbers = (board.cores, board.clock_mhz, board.ram_mib, board.period_frames)
        costs = "unknown" if board.cost is None else f"{board.cost.status}, within {board.cost.error_percent:.0f} %"
        told = [f"{number.value}" for number in numbers]
        table.add_row(board.key, board.name, board.cpu, *told, f"{board.budget_percent.value} %", costs)
    return table


def _tiers(boards: list[Board], capture: Capture) -> Table:
    names = [f"tier {number}" for number in range(len(capture.tiers))]
    table = columns("board", "period", "budget", *names, "costs", left=("board", "costs"))
    for board in boards:
        row = [board.key, f"{board.period_frames.value}", f"{board.budget_percent.value} %"]
        if board.cost is None:
            table.add_row(*row, *["unknown"] * len(names), "unknown: run 'nampedal calibrate' there")
            continue
        target = BudgetTarget(board, board.period_frames.value, board.budget_percent.value, capture.sample_rate)
        for tier in capture.tiers:
            verdict = "fits" if target.fits(tier.network) else "too dear"
            row.append(f"{percent_text(target, tier.network)} {verdict}")
        table.add_row(*row, f"{board.cost.status}, within {board.cost.error_percent:.0f} %")
    return table
