"""The command `nampedal help`."""

from __future__ import annotations

import textwrap

import click
from click.shell_completion import CompletionItem
from nampedal.firmware.cli.exit_codes import MEANINGS
from nampedal.firmware.cli.groups import Group, LazyCommand
from nampedal.firmware.cli.shared import examples, print_text

EXIT_CODES, JSON = "exit-codes", "json"
TOPICS = (EXIT_CODES, JSON)
_JSON = (
    "A command with --json prints one JSON object on stdout, and nothing else there. Keys are in snake_case and end in "
    "their unit. Numbers are numbers, also where the text rounds them; what is not known or not finite is null.",
    "Exit codes are the same with --json. A mistake is told as without it: by one line on stderr, and nothing on "
    "stdout.",
    "'status' answers as the pedal's socket does. With --watch it prints one object on each line.",
)
_WIDTH = 80


def _complete(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    group: click.Command = ctx.find_root().command
    words: list[str] = list(ctx.params.get("words") or ctx.args)
    for word in words:
        group = _loaded(group.commands[word]) if isinstance(group, click.Group) and word in group.commands else group
    if not isinstance(group, click.Group):
        return []
    names = [*group.list_commands(ctx), *(() if words else TOPICS)]
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


@click.command(
    "help", epilog=examples("nampedal help convert", "nampedal help bank import", f"nampedal help {EXIT_CODES}")
)
@click.argument("words", metavar="[COMMAND]...", nargs=-1, shell_complete=_complete)
@click.pass_context
def help_command(ctx: click.Context, words: tuple[str, ...]) -> None:
    """Show what a command does, and what it takes.

    It is what --help shows. Without COMMAND all commands are listed. 'exit-codes' tells what exit codes mean, and
    'json' what --json prints.
    """
    if words == (EXIT_CODES,):
        print_text("\n".join(exit_code_lines()))
        return
    if words == (JSON,):
        print_text("\n\n".join(textwrap.fill(text, _WIDTH) for text in _JSON))
        return
    shown = ctx.find_root()
    for word in words:
        group = shown.command
        if not isinstance(group, Group):
            raise click.UsageError(f"{shown.command_path} has no commands.", shown)
        command = group.get_command(shown, word)
        if command is None:
            group.fail_unknown(shown, word)
        shown = click.Context(_loaded(command), info_name=word, parent=shown)
    print_text(shown.get_help())


def exit_code_lines() -> list[str]:
    """Return the exit codes with their meanings, as lines of text."""
    lines = []
    for code, (_, meaning) in MEANINGS.items():
        lines += textwrap.wrap(meaning, _WIDTH, initial_indent=f"{code:>3}  ", subsequent_indent=" " * 5)
    return lines


def _loaded(command: click.Command) -> click.Command:
    return command.load() if isinstance(command, LazyCommand) else command
