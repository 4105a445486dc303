"""nampedal setup: a pedal's profile from its footswitches, knobs and lights, by asking."""

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
from nampedal.board.controls import Driver
from nampedal.board.drivers.mock import HOLD, TURN
from nampedal.board.drivers.wired import drivers_of, mock_of
from nampedal.board.errors import NampedalError
from nampedal.board.panel import Panel
from nampedal.board.pedal_file import own_path, read_values, write_pedal
from nampedal.board.pedals import Pedal, read_pedal
from nampedal.board.settings import Values, to_toml
from nampedal.board.setup import Setup
from nampedal.board.wiring import GROUPS
from nampedal.firmware.cli.terminal import Page, Typed
from nampedal.firmware.control import ask, socket_path
from nampedal.firmware.errors import ControlsSilentError, NothingWiredError
from nampedal.firmware.lamps import NAMES

CONTROLS = ("pedal", "mock")
# Drivers answer within half a second, or say why not.
OPEN_S = 3.0
TICK_S = 0.1
_KEYS = frozenset((*HOLD, *HOLD.values(), *TURN))


@click.command(
    "setup", epilog="\b\nExamples:\n  nampedal setup zero-2-w-codec-zero\n  nampedal setup mine.toml -o stage"
)
@click.argument("key", metavar="PEDAL")
@click.option(
    "-o", "--output", "name", metavar="NAME", help="What yours is called. Default: as the one it begins with."
)
@click.option(
    "--controls", "which", type=click.Choice(CONTROLS), default="pedal", help="mock: keys in place of a pedal."
)
@click.option("--verbose", is_flag=True, expose_value=False, help="Show the whole traceback of an error.")
def setup_command(key: str, name: str | None, which: str) -> None:
    """Press, turn and look: names footswitches and lights, learns knobs, and writes your own profile of a pedal.

    What is asked can be skipped with Enter. With --controls mock, lines such as 1, !, + or --- press and turn.
    """
    profile, values = read_pedal(key), read_values(key)
    path = own_path(name or profile.key)
    there = read_values(path) if path.exists() else values
    if not any(profile.wiring.names(group) for group in GROUPS):
        raise NothingWiredError(f"{key}: no control is wired; say in [gpio], [mcp3008], [strip] or [serial] what is")
    setup, typed = Setup(values, profile, NAMES), Typed()
    with _drivers(profile, which) as (drivers, keys), _logged(setup.notes):
        _ask(setup, drivers, typed, keys)
    if setup.quit:
        click.echo("nothing is written")
    else:
        _write(setup.values, there, path, typed)


@contextlib.contextmanager
def _drivers(profile: Pedal, which: str) -> Iterator[tuple[list[Driver], int | None]]:
    """And where keys go that stand for controls."""
    if which == "pedal":
        yield drivers_of(profile.wiring), None
        return
    # The mock has a terminal for itself: answers are typed on the other.
    master, slave = os.openpty()
    dark = os.open(os.devnull, os.O_WRONLY)
    try:
        yield [mock_of(profile.wiring, slave, dark)], master
    finally:
        for file in (master, slave, dark):
            os.close(file)


@contextlib.contextmanager
def _logged(notes: list[str]) -> Iterator[None]:
    """What drivers say goes among the notes: standard error would go through the page."""
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


def _ask(setup: Setup, drivers: list[Driver], typed: Typed, keys: int | None) -> None:
    panel, page = Panel(drivers), Page()
    line: str | None = None
    try:
        _open(setup, panel, len(drivers))
        while not setup.done:
            panel.show(setup.lights)
            page.show(setup.lines(), setup.question, _taken(setup.notes), line is not None)
            select.select([panel.fileno(), typed.fileno()], [], [], TICK_S)
            _hear(setup, panel)
            line = typed.line()
            if line is not None:
                _take(setup, line, keys)
            setup.quit = setup.quit or typed.eof
    finally:
        panel.close()
    page.end(_taken(setup.notes), line is not None)


def _open(setup: Setup, panel: Panel, drivers: int) -> None:
    """Raises ControlsSilentError when no driver works."""
    end_s = time.monotonic() + OPEN_S
    while not setup.watch.heard_all and time.monotonic() < end_s and len(panel.troubles) < drivers:
        _hear(setup, panel)
        select.select([panel], [], [], TICK_S)
    if panel.troubles:
        hint = "; a pedal plays here and may have it: end it, as with 'systemctl stop nampedal'" if _plays() else ""
        if len(panel.troubles) == drivers:
            raise ControlsSilentError(f"{next(iter(panel.troubles.values()))}{hint}")
        setup.notes.append(f"not everything works{hint}; what is missing can be skipped")


def _plays() -> bool:
    try:
        ask(socket_path(), {"do": "status"}, 1.0)
    except NampedalError:
        return False
    return True


def _hear(setup: Setup, panel: Panel) -> None:
    for event in panel.tick():
        setup.hear(event)
    setup.tick(time.monotonic())


def _take(setup: Setup, line: str, keys: int | None) -> None:
    if keys is not None and line and _KEYS.issuperset(line):
        os.write(keys, line.encode())
    else:
        setup.answer(line)


def _taken(notes: list[str]) -> list[str]:
    taken = notes[:]
    notes.clear()
    return taken


def _write(values: Values, there: Values, path: Path, typed: Typed) -> None:
    before, after = (to_toml(one).decode().splitlines() for one in (there, values))
    if before == after:
        click.echo("nothing has changed, and nothing is written")
        return
    for line in difflib.unified_diff(before, after, "before", str(path), n=1, lineterm=""):
        click.echo(line)
    if path.exists() and any(line.startswith("#") for line in path.read_text().splitlines()):
        click.echo("comments in the file are not kept")
    verb = "replace" if path.exists() else "write"
    click.echo(f"{verb} {path}? y and Enter, or just Enter to leave it: ", nl=False)
    answer = None
    while answer is None and not typed.eof:
        answer = typed.line(None)
    if answer == "y":
        write_pedal(values, path)
        click.echo(f"written: {path}")
    else:
        click.echo("nothing is written")
