"""Builds the click group `nampedal`, runs it, and turns errors into exit codes."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import import_module
from io import TextIOWrapper

import click
from nampedal.firmware.base.errors import NampedalError
from nampedal.firmware.cli.exit_codes import EXIT_INTERRUPTED, EXIT_MISTAKE, MEANINGS
from nampedal.firmware.cli.groups import Group
from nampedal.firmware.cli.shared import examples, print_text

# The end of `nampedal --help`. The second set is for a pedal, which has no converter.
_EXAMPLES = (
    "nampedal convert amp.nam --board zero-2-w --report amp.html",
    "nampedal play amp.nam",
    "nampedal help convert",
)
_EXAMPLES_ON_A_PEDAL = ("nampedal status", "nampedal preset next", "nampedal help doctor")


def command_line(commands: Iterable[click.Command]) -> Group:
    """Return the click group `nampedal` with these commands."""
    listed = {command.name or "": command for command in commands}

    @click.group(
        cls=Group,
        context_settings={"help_option_names": ["-h", "--help"]},
        commands=listed,
        epilog=_end_of_help(_EXAMPLES if "convert" in listed else _EXAMPLES_ON_A_PEDAL),
    )
    @click.version_option(package_name="nampedal", prog_name="nampedal", message="%(prog)s %(version)s")
    def cli() -> None:
        """Neural Amp Modeler captures, for a Raspberry Pi pedal."""

    return cli


def _end_of_help(lines: Iterable[str]) -> str:
    codes = ", ".join(f"{code} {short}" for code, (short, _) in MEANINGS.items())
    return f"{examples(*lines)}\n\n\b\nExit codes: {codes}.\n"


def run(cli: click.Group) -> None:
    """Run the group as a program. An error prints one line to stderr and ends with exit code 2, Ctrl-C with 130."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # Print what the terminal cannot encode, or a file name that is not UTF-8, as an escape sequence.
            stream.reconfigure(errors="backslashreplace")
    try:
        code = cli.main(prog_name="nampedal", standalone_mode=False)
    except (NampedalError, click.ClickException) as error:
        if "--verbose" in sys.argv:
            import_module("traceback").print_exc()
        print_text(f"nampedal: {' '.join(_one_line(error).split())}", err=True)
        sys.exit(EXIT_MISTAKE)
    except (click.Abort, KeyboardInterrupt):
        print_text("nampedal: interrupted", err=True)
        sys.exit(EXIT_INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


def _one_line(error: NampedalError | click.ClickException) -> str:
    if not isinstance(error, click.ClickException):
        return str(error)
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f" Try '{context.command_path} --help'." if context else ""
    return error.format_message() + hint
