"""The command `nampedal boards`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from nampedal.board.profiles.boards import Board, board_keys, read_board
from nampedal.converter.budget.sizing import BudgetTarget
from nampedal.converter.nam.open_capture import open_capture
from nampedal.firmware.cli.capture_commands.format_result import cost_json, percent_text
from nampedal.firmware.cli.shared import FILE, as_json, console, examples, print_json, verbose
from nampedal.firmware.cli.text_tables import columns
from nampedal.firmware.engine.capture import Capture
from nampedal.firmware.engine.tier_names import tier_label, tier_names
from rich.table import Table


@click.command("boards", epilog=examples("nampedal boards", "nampedal boards amp.nam", "nampedal boards amp.stomp"))
@click.argument("file", type=FILE, required=False)
@as_json
@verbose
def boards_command(file: Path | None, as_json: bool) -> None:
    """List the boards, or what of a capture each has time for.

    With FILE: what each of its tiers takes of a core of each board.

    A share is of one core, at the period that the board's profile has and 'nampedal convert' takes by default. What
    is over the budget with what an estimate may be wrong by, the second figure, does not fit.
    """
    boards = [read_board(key) for key in board_keys()]
    capture = None if file is None else open_capture(file).capture
    if as_json:
        rows = [_as_json(board, capture) for board in boards]
        print_json({"boards": rows} if file is None else {"file": file, "boards": rows})
        return
    console.print(_facts(boards) if capture is None else _tiers(boards, capture))


def _as_json(board: Board, capture: Capture | None) -> dict[str, Any]:
    """Return the facts of a board, and what the tiers of a capture take of one of its cores."""
    cost = board.cost
    facts: dict[str, Any] = {
        "board": board.key,
        "name": board.name,
        "cpu": board.cpu,
        "cores": board.cores.value,
        "clock_mhz": board.clock_mhz.value,
        "ram_mib": board.ram_mib.value,
        "period_frames": board.period_frames.value,
        "budget_percent": board.budget_percent.value,
        "cost_status": None if cost is None else cost.status,
        "cost_error_percent": None if cost is None else cost.error_percent,
    }
    if capture is None:
        return facts
    if cost is None:
        return {**facts, "tiers": None}
    target = _target(board, capture)
    names = tier_names(capture.tiers)
    tiers = [
        {"tier": number, "tier_name": names[number], **cost_json(target, tier.network)}
        for number, tier in enumerate(capture.tiers)
    ]
    return {**facts, "tiers": tiers}


def _target(board: Board, capture: Capture) -> BudgetTarget:
    return BudgetTarget(board, board.period_frames.value, board.budget_percent.value, capture.sample_rate)


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
    known = tier_names(capture.tiers)
    names = [tier_label(number, known) for number in range(len(known))]
    table = columns("board", "period", "budget", *names, "costs", left=("board", "costs"))
    for board in boards:
        row = [board.key, f"{board.period_frames.value}", f"{board.budget_percent.value} %"]
        if board.cost is None:
            table.add_row(*row, *["unknown"] * len(names), "unknown: run 'nampedal calibrate' there")
            continue
        target = _target(board, capture)
        for tier in capture.tiers:
            verdict = "fits" if target.fits(tier.network) else "too dear"
            row.append(f"{percent_text(target, tier.network)} {verdict}")
        table.add_row(*row, f"{board.cost.status}, within {board.cost.error_percent:.0f} %")
    return table
