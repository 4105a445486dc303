"""nampedal learn: what a MIDI controller's knob or switch is for, by moving it."""

from __future__ import annotations

import re
import time
from pathlib import Path

import click
from nampedal.board.pedal_file import own_path, read_values, write_pedal
from nampedal.firmware.control import ask, socket_path
from nampedal.firmware.errors import NothingMovedError

PATIENCE_S = 30.0
LOOK_S = 0.05
_CONTROL_CHANGE = re.compile(r"control change (\d+) = \d+ on channel \d+")


@click.command(
    "learn",
    epilog="\b\nExamples:\n  nampedal learn level\n  nampedal learn gain -6 18 --pedal stage\n  nampedal learn bypass",
)
@click.argument("does", nargs=-1, required=True)
@click.option("--pedal", metavar="NAME", help="Keep it in this pedal's own profile, too.")
@click.option("--socket", metavar="PATH", type=click.Path(path_type=Path), help="Where the pedal listens.")
@click.option("--verbose", is_flag=True, expose_value=False, help="Show the whole traceback of an error.")
def learn_command(does: tuple[str, ...], pedal: str | None, socket: Path | None) -> None:
    """Have the next MIDI control change that moves move a setting, or do what a footswitch could."""
    at, text = socket or socket_path(), " ".join(does)
    # What can't be is refused before anybody has to move anything.
    ask(at, {"do": "map", "control_change": None, "does": text})
    click.echo("Move the knob, or press the switch, of your MIDI controller.")
    number = wait_for_control_change(at)
    ask(at, {"do": "map", "control_change": number, "does": text})
    click.echo(f"control change {number}: {text}")
    if pedal is not None:
        path = own_path(pedal)
        values = read_values(path if path.exists() else pedal)
        write_pedal({**values, "control_changes": {**values.get("control_changes", {}), str(number): text}}, path)
        click.echo(f"written: {path}")


def wait_for_control_change(at: Path, patience_s: float = PATIENCE_S) -> int:
    """The number of the next one that is not the last one once more. Raises NothingMovedError."""
    before = ask(at, {"do": "status"})["midi"]
    end_s = time.monotonic() + patience_s
    while time.monotonic() < end_s:
        found = ask(at, {"do": "status"})["midi"]
        moved = _CONTROL_CHANGE.fullmatch(found)
        if moved and found != before:
            return int(moved[1])
        time.sleep(LOOK_S)
    raise NothingMovedError(
        f"learn: no control change came in {patience_s:.0f} s; connect the controller, and see 'nampedal status --json'"
    )
