"""All commands of nampedal, by the words that call them."""

from __future__ import annotations

from collections.abc import Iterator

import click
from nampedal.firmware.cli.groups import LazyCommand
from nampedal.firmware.cli.main import cli


def all_commands(
    group: click.Group = cli, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Those of nampedal and of its groups, with the words that call them."""
    for name, command in group.commands.items():
        loaded = command.load() if isinstance(command, LazyCommand) else command
        yield (*path, name), loaded
        if isinstance(loaded, click.Group):
            yield from all_commands(loaded, (*path, name))


def typed(path: tuple[str, ...]) -> str:
    """The name of a test's parameter."""
    return " ".join(path) or "nampedal"
