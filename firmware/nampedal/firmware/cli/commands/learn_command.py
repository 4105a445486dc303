"""The command `nampedal learn`: maps a MIDI controller's knob or switch by moving it."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path

import click
from nampedal.board.errors import ControlsError
from nampedal.board.profiles.pedal_file import read_raw_values, user_pedal_path, write_pedal
from nampedal.firmware.actions.control_socket import ask, socket_path
from nampedal.firmware.base.errors import ControlRequestError
from nampedal.firmware.cli import words
from nampedal.firmware.cli.groups import NumbersCommand
from nampedal.firmware.cli.shared import examples, print_text, socket, verbose
from nampedal.firmware.controls.midi_learn import KINDS, LearnedControl, MidiLearner

PATIENCE_S = 30.0
POLL_S = 0.05
# Maximum number of controls that an error message lists.
MAX_NAMED = 8
# For each kind of MIDI message: the socket request that maps it, the key of its number, and the table in the profile.
_MAPS = {
    "control change": ("map", "control_change", "control_changes"),
    "note": ("map_note", "note", "notes"),
    "program": ("map_program", "program", "programs"),
}


@click.command(
    "learn",
    cls=NumbersCommand,
    epilog=examples(
        "nampedal learn level",
        "nampedal learn gain -6 18 --pedal stage",
        "nampedal learn bypass",
        "nampedal learn bypass follows",
    ),
)
@click.argument("does", nargs=-1, required=True)
@click.option("--pedal", metavar="NAME", shell_complete=words.pedals, help="Keep it in this pedal's own profile, too.")
@socket
@verbose
def learn_command(does: tuple[str, ...], pedal: str | None, socket: Path | None) -> None:
    """Give the MIDI control that you move next something to do.

    It moves a setting, or does what a footswitch could.

    Of all that comes in, the control change counts that moves furthest within a second. For an action it may also be a
    note or a program.
    """
    at, text = socket or socket_path(), " ".join(does)
    # Refuse an impossible action before the user has to move anything.
    kinds = [kind for kind in KINDS if kind == "control change" or _can_be(at, kind, text)]
    _map(at, "control change", None, text)
    found, others = wait_for_control(at, kinds)
    _map(at, found.kind, found.number, text)
    print_text(f"heard: {found}")
    for other in others:
        print_text(f"passed over: {other}")
    print_text(f"{found.kind} {found.number}: {text}")
    if pedal is not None:
        path = user_pedal_path(pedal)
        values = read_raw_values(path if path.exists() else pedal)
        table = _MAPS[found.kind][2]
        write_pedal({**values, table: {**values.get(table, {}), str(found.number): text}}, path)
        print_text(f"written: {path}")


def wait_for_control(
    at: Path, kinds: Collection[str] = KINDS, patience_s: float = PATIENCE_S
) -> tuple[LearnedControl, list[str]]:
    """Ask the player to move a control. Return it, and the other controls that moved meanwhile. Raises
    ControlsError.
    """
    learner = MidiLearner(kinds)
    answer = ask(at, {"do": "midi", "since": None})
    learner.set_initial_values(answer["messages"])
    print_text("Move the knob from end to end, or press the switch, of your MIDI controller.")
    end_s = time.monotonic() + patience_s
    while (now_s := time.monotonic()) < end_s:
        answer = ask(at, {"do": "midi", "since": answer["count"]})
        learner.feed(now_s, answer["messages"])
        found = learner.found(now_s)
        if found is not None:
            return found, learner.rejected(found)
        time.sleep(POLL_S)
    others = learner.rejected(None)
    if not others:
        raise ControlsError(
            f"learn: no MIDI came in {patience_s:.0f} s; connect the controller, and see 'nampedal status --json'"
        )
    came = "; ".join(others[:MAX_NAMED]) + (f"; and {len(others) - MAX_NAMED} more" if len(others) > MAX_NAMED else "")
    raise ControlsError(
        f"learn: in {patience_s:.0f} s nothing was moved that can be learnt; what came is {came}; have the controller "
        "send plain control changes, and move one from end to end"
    )


def _map(at: Path, kind: str, number: int | None, text: str) -> None:
    request, key, _ = _MAPS[kind]
    ask(at, {"do": request, key: number, "does": text})


def _can_be(at: Path, kind: str, text: str) -> bool:
    try:
        _map(at, kind, None, text)
    except ControlRequestError:
        return False
    return True
