"""The command line: arguments to calls to exit codes."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterable
from importlib.metadata import version

import click
from click.shell_completion import get_completion_class
from nampedal.board.errors import NampedalError
from nampedal.firmware.cli.shared import EXIT_INTERRUPTED, EXIT_MISTAKE, examples


def command_line(commands: Iterable[click.Command]) -> click.Group:
    """`nampedal` with these commands, and one that completes their words in a shell."""

    @click.group(context_settings={"help_option_names": ["-h", "--help"]})
    @click.version_option(version("nampedal"), prog_name="nampedal")
    def cli() -> None:
        """Neural Amp Modeler captures, for a Raspberry Pi pedal."""

    @cli.command(
        "completion", epilog=examples('eval "$(nampedal completion bash)"', "nampedal completion fish | source")
    )
    @click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
    def completion_command(shell: str) -> None:
        """Print the script that completes nampedal's commands in a shell."""
        found = get_completion_class(shell)
        assert found is not None
        click.echo(found(cli, {}, "nampedal", "_NAMPEDAL_COMPLETE").source())

    for command in commands:
        cli.add_command(command)
    return cli


def run(cli: click.Group) -> None:
    """As a program; a mistake is one line and exit code 2."""
    try:
        code = cli.main(prog_name="nampedal", standalone_mode=False)
    except (NampedalError, click.ClickException) as error:
        if "--verbose" in sys.argv:
            traceback.print_exc()
        click.echo(f"nampedal: {' '.join(_one_line(error).split())}", err=True)
        sys.exit(EXIT_MISTAKE)
    except (click.Abort, KeyboardInterrupt):
        click.echo("nampedal: interrupted", err=True)
        sys.exit(EXIT_INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


def _one_line(error: NampedalError | click.ClickException) -> str:
    if not isinstance(error, click.ClickException):
        return str(error)
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f" Try '{context.command_path} --help'." if context else ""
    return error.format_message() + hint
