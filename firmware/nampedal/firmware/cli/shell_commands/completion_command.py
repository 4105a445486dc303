"""The command `nampedal completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class
from nampedal.firmware.cli.shared import examples


@click.command("completion", epilog=examples('eval "$(nampedal completion bash)"', "nampedal completion fish | source"))
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion_command(ctx: click.Context, shell: str) -> None:
    """Print the script that completes nampedal's words in a shell."""
    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(ctx.find_root().command, {}, "nampedal", "_NAMPEDAL_COMPLETE").source())
