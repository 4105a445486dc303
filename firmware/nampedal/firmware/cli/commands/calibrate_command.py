"""The command `nampedal calibrate`."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from importlib.metadata import version
from pathlib import Path

import click
from nampedal.board.profiles.board_detect import KEY, this_machine
from nampedal.board.profiles.boards import Board, Cost, own_folder, read_board, write_board
from nampedal.firmware.cli import words
from nampedal.firmware.cli.progress import progress_bar
from nampedal.firmware.cli.shared import FILE, as_json, console, examples, print_json, verbose
from nampedal.firmware.cost import cost_calibration as calibration
from nampedal.firmware.cost.calibration_networks import a1_standard
from nampedal.firmware.cost.cost_calibration import Prices
from nampedal.firmware.cost.cost_model import predict_us
from nampedal.firmware.pedal.telemetry import check_machine


@click.command("calibrate", epilog=examples("nampedal calibrate", "nampedal calibrate --board 4b-1.8ghz"))
@click.option(
    "--board",
    default=None,
    metavar="NAME",
    shell_complete=words.boards,
    help="The board that this is. Default: this-machine.",
)
@click.option("--anyway", is_flag=True, help="Even if this machine is busy, hot or slow now.")
@click.option("-o", "--output", metavar="FILE", type=FILE, help="Where to write. Default: your own board profiles.")
@as_json
@verbose
def calibrate_command(board: str | None, anyway: bool, output: Path | None, as_json: bool) -> None:
    """Measure what captures cost on this machine.

    It takes a minute or two. What a capture will cost here is predicted from it.
    """
    known = None if board is None else read_board(board)
    if not anyway:
        check_machine()
    with progress_bar("measuring") as report:
        prices = calibration.calibrate(progress=report)
    measured = _measured(known, prices)
    path = output or own_folder() / f"{known.key if known else KEY}.toml"
    write_board(measured, path)
    frames = measured.period_frames.value
    block_us = predict_us(a1_standard(), frames, prices.kernels, prices.nanoseconds)
    share = 100.0 * block_us * calibration.SAMPLE_RATE / (1e6 * frames)
    if as_json:
        print_json(
            {
                "board": measured.key,
                "name": measured.name,
                "kernels": prices.kernels,
                "error_percent": prices.error_percent,
                "a1_standard_percent": share,
                "sample_rate_hz": calibration.SAMPLE_RATE,
                "period_frames": frames,
                "written": path,
            }
        )
        return
    console.print(f"measured on this machine, {prices.kernels} kernels: {measured.name}")
    console.print(f"predictions: 95 of 100 within {prices.error_percent:.0f} %, of networks left out of the fit")
    console.print(f"an A1 standard capture: predicted {share:.1f} % of one core at 48 kHz, in blocks of {frames}")
    console.print(f"written: {path}")


def _measured(known: Board | None, prices: Prices) -> Board:
    cost = Cost(
        status="measured",
        source=f"nampedal calibrate, version {version('nampedal')}, on {date.today().isoformat()}",
        kernels=prices.kernels,
        error_percent=round(prices.error_percent, 1),
        nanoseconds={term: round(price, 4) for term, price in prices.nanoseconds.items()},
    )
    return this_machine(cost) if known is None else replace(known, cost=cost)
