"""The command line: arguments to calls to exit codes. The only package that prints."""

from __future__ import annotations

import sys
import traceback
from importlib.metadata import version

import click
from click.shell_completion import get_completion_class
from nampedal.board.errors import NampedalError
from nampedal.converter.cli.bench import bench_command
from nampedal.converter.cli.boards import boards_command
from nampedal.converter.cli.calibrate import calibrate_command
from nampedal.converter.cli.compare import compare_command
from nampedal.converter.cli.convert import convert_command
from nampedal.converter.cli.inspect import inspect_command
from nampedal.converter.cli.render import render_command
from nampedal.converter.cli.shared import EXIT_INTERRUPTED, EXIT_MISTAKE, examples
from nampedal.converter.cli.verify import verify_command
from nampedal.firmware.cli.bank import bank_command
from nampedal.firmware.cli.control import (
    bypass_command,
    do_command,
    preset_command,
    save_command,
    set_command,
    status_command,
    tuner_command,
)
from nampedal.firmware.cli.latency import latency_command
from nampedal.firmware.cli.learn import learn_command
from nampedal.firmware.cli.play import play_command
from nampedal.firmware.cli.setup import setup_command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("nampedal"), prog_name="nampedal")
def cli() -> None:
    """Neural Amp Modeler captures, for a Raspberry Pi pedal."""


@click.command("completion", epilog=examples('eval "$(nampedal completion bash)"', "nampedal completion fish | source"))
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_command(shell: str) -> None:
    """Print the script that completes nampedal's commands in a shell."""
    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(cli, {}, "nampedal", "_NAMPEDAL_COMPLETE").source())


for command in (
    convert_command,
    inspect_command,
    verify_command,
    compare_command,
    render_command,
    bench_command,
    play_command,
    status_command,
    preset_command,
    bank_command,
    set_command,
    save_command,
    do_command,
    bypass_command,
    tuner_command,
    latency_command,
    learn_command,
    setup_command,
    boards_command,
    calibrate_command,
    completion_command,
):
    cli.add_command(command)


def _one_line(error: NampedalError | click.ClickException) -> str:
    if not isinstance(error, click.ClickException):
        return str(error)
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f" Try '{context.command_path} --help'." if context else ""
    return error.format_message() + hint


def main() -> None:
    """Run the command line; a mistake is one line and exit code 2."""
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
