"""The command `nampedal setup`: asks the user to operate each control, and writes the pedal's profile."""

from __future__ import annotations

import contextlib
import difflib
import logging
import os
import select
import time
from collections.abc import Iterator
from pathlib import Path

import click
from nampedal.board.drivers.driver_factory import create_drivers, create_mock
from nampedal.board.drivers.driver_supervisor import DriverSupervisor
from nampedal.board.drivers.mock import HOLD, TURN
from nampedal.board.errors import ControlsError
from nampedal.board.inputs.control_events import Driver
from nampedal.board.profiles.pedal_file import read_raw_values, user_pedal_path, write_pedal
from nampedal.board.profiles.pedals import PedalProfile, read_pedal
from nampedal.board.profiles.wiring import GROUPS
from nampedal.board.setup.setup_wizard import SetupWizard
from nampedal.firmware.actions.control_socket import ask, socket_path
from nampedal.firmware.actions.led_state import NAMES
from nampedal.firmware.base.errors import NampedalError
from nampedal.firmware.base.files.toml_schema import Values, to_toml
from nampedal.firmware.cli import words
from nampedal.firmware.cli.commands.terminal import Page, TypedLines
from nampedal.firmware.cli.shared import examples, print_text, verbose

CONTROLS = ("pedal", "mock")
# Timeout: drivers answer within half a second, or report an error.
OPEN_S = 3.0
TICK_S = 0.1
_KEYS = frozenset((*HOLD, *HOLD.values(), *TURN))


@click.command("setup", epilog=examples("nampedal setup zero-2-w-codec-zero", "nampedal setup mine.toml --as stage"))
@click.argument("key", metavar="PEDAL", shell_complete=words.pedals)
@click.option("--as", "name", metavar="NAME", help="What yours is called. Default: as the one it begins with.")
@click.option(
    "--controls", "which", type=click.Choice(CONTROLS), default="pedal", help="mock: keys in place of a pedal."
)
@verbose
def setup_command(key: str, name: str | None, which: str) -> None:
    """Write your own pedal's profile, by pressing and turning.

    It asks for each footswitch, knob and light in turn.

    What is asked can be skipped with Enter. With --controls mock, lines such as 1, !, + or --- press and turn.
    """
    profile, values = read_pedal(key), read_raw_values(key)
    path = user_pedal_path(name or profile.key)
    there = read_raw_values(path) if path.exists() else values
    if not any(profile.wiring.names(group) for group in GROUPS):
        raise ControlsError(f"{key}: no control is wired; say in [gpio], [mcp3008], [strip] or [serial] what is")
    setup, typed = SetupWizard(values, profile, NAMES), TypedLines()
    with _drivers(profile, which) as (drivers, keys), _logged(setup.notes):
        _ask(setup, drivers, typed, keys)
    if setup.quit:
        print_text("nothing is written")
    else:
        _write(setup.values, there, path, typed)


@contextlib.contextmanager
def _drivers(profile: PedalProfile, which: str) -> Iterator[tuple[list[Driver], int | None]]:
    """Yield the drivers, and the file descriptor to write keys that stand for controls to (None without the mock)."""
    if which == "pedal":
        yield create_drivers(profile.wiring), None
        return
    # The mock driver gets a pseudo-terminal of its own. The user answers the questions on the real one.
    master, slave = os.openpty()
    dark = os.open(os.devnull, os.O_WRONLY)
    try:
        yield [create_mock(profile.wiring, slave, dark)], master
    finally:
        for file in (master, slave, dark):
            os.close(file)


@contextlib.contextmanager
def _logged(notes: list[str]) -> Iterator[None]:
    """Append log messages of drivers to the notes. On stderr they would break the page."""
    handler = logging.Handler()
    handler.emit = lambda record: notes.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("nampedal")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def _ask(setup: SetupWizard, drivers: list[Driver], typed: TypedLines, keys: int | None) -> None:
    panel, page = DriverSupervisor(drivers), Page()
    line: str | None = None
    try:
        _open(setup, panel, len(drivers))
        while not setup.done:
            panel.show(setup.lights)
            page.show(setup.lines(), setup.question, _taken(setup.notes), line is not None)
            select.select([panel.fileno(), typed.fileno()], [], [], TICK_S)
            _handle_events(setup, panel)
            line = typed.line()
            if line is not None:
                _handle_line(setup, line, keys)
            setup.quit = setup.quit or typed.eof
    finally:
        panel.close()
    page.end(_taken(setup.notes), line is not None)


def _open(setup: SetupWizard, panel: DriverSupervisor, drivers: int) -> None:
    """Open the drivers. Raises ControlsError if no driver works."""
    end_s = time.monotonic() + OPEN_S
    while not setup.view.is_complete and time.monotonic() < end_s and len(panel.failures) < drivers:
        _handle_events(setup, panel)
        select.select([panel], [], [], TICK_S)
    if panel.failures:
        hint = "; a pedal plays here and may have it: end it, as with 'systemctl stop nampedal'" if _plays() else ""
        if len(panel.failures) == drivers:
            raise ControlsError(f"{next(iter(panel.failures.values()))}{hint}")
        setup.notes.append(f"not everything works{hint}; what is missing can be skipped")


def _plays() -> bool:
    try:
        ask(socket_path(), {"do": "status"}, 1.0)
    except NampedalError:
        return False
    return True


def _handle_events(setup: SetupWizard, panel: DriverSupervisor) -> None:
    for event in panel.tick():
        setup.handle(event)
    setup.tick(time.monotonic())


def _handle_line(setup: SetupWizard, line: str, keys: int | None) -> None:
    if keys is not None and line and _KEYS.issuperset(line):
        os.write(keys, line.encode())
    else:
        setup.answer(line)


def _taken(notes: list[str]) -> list[str]:
    taken = notes[:]
    notes.clear()
    return taken


def _write(values: Values, there: Values, path: Path, typed: TypedLines) -> None:
    before, after = (to_toml(one).decode().splitlines() for one in (there, values))
    if before == after:
        print_text("nothing has changed, and nothing is written")
        return
    for line in difflib.unified_diff(before, after, "before", str(path), n=1, lineterm=""):
        print_text(line)
    verb = "replace" if path.exists() else "write"
    print_text(f"{verb} {path}? y and Enter, or just Enter to leave it: ", nl=False)
    answer = None
    while answer is None and not typed.eof:
        answer = typed.line(None)
    if answer == "y":
        write_pedal(values, path)
        print_text(f"written: {path}")
    else:
        print_text("nothing is written")
