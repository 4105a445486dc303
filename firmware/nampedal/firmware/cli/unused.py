"""Refuses options that would have no effect together with other options."""

from __future__ import annotations

import click
from click.core import ParameterSource


def given_options(*names: str) -> list[str]:
    """Return the options among `names` that the user gave, spelled as on the command line.

    names: Python names of the current command's parameters. A value from an environment variable counts as given.
    """
    context = click.get_current_context()
    typed = [
        parameter
        for parameter in context.command.params
        if parameter.name in names
        and context.get_parameter_source(parameter.name) in (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)
    ]
    return [max(parameter.opts, key=len) for parameter in typed]


def refuse_options(*names: str, todo: str) -> None:
    """Raise UsageError if the user gave any of these parameters. todo: for the message, what they
    need and what to do.
    """
    found = given_options(*names)
    if found:
        verb = "does" if len(found) == 1 else "do"
        raise click.UsageError(f"{' and '.join(found)} {verb} nothing here: {todo}.")
