"""The commands' reference as Markdown: what `--help` prints, in tables that fit a phone."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click
from click.testing import CliRunner
from nampedal.firmware.cli.exit_codes import MEANINGS
from nampedal.firmware.cli.groups import PURPOSES, LazyCommand, SectionedCommand
from nampedal.firmware.cli.main import cli

EXAMPLES = "Examples:"
_PROGRAM = click.Context(cli, info_name="nampedal")
# What Markdown and its tables would take for their own.
_ESCAPED = str.maketrans({character: f"&#{ord(character)};" for character in "<>&|*_`[]#~"})


def markdown() -> str:
    """Return all commands below headings of their purposes, in the order in which `nampedal --help` lists them.

    Behind them come the exit codes, and what --json prints.
    """
    lines: list[str] = []
    lazy = {name: one for name, one in cli.commands.items() if isinstance(one, LazyCommand)}
    for purpose in PURPOSES:
        lines += [f"## {purpose}", ""]
        for name, command in lazy.items():
            if command.purpose == purpose:
                lines += _command(name, command.load(), _PROGRAM, 3)
    lines += ["## Exit codes", "", "| code | what it says |", "|---|---|"]
    lines += [f"| {code} | {meaning.translate(_ESCAPED)} |" for code, (_, meaning) in MEANINGS.items()]
    return "\n".join([*lines, "", "## JSON", "", *_text(CliRunner().invoke(cli, ["help", "json"]).output)])


def _command(name: str, command: click.Command, parent: click.Context, depth: int) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent)
    path = context.command_path
    yield f"{'#' * depth} {path} {{#{path.replace(' ', '-')} data-toc-label='{path.removeprefix('nampedal ')}'}}"
    usage = f"{path} {' '.join(command.collect_usage_pieces(context))}"
    yield from ("", *_text(command.help), "```text", usage, "```", "")
    yield from _options(command, context)
    yield from _text(command.epilog)
    if isinstance(command, click.Group):
        for one in command.list_commands(context):
            found = command.get_command(context, one)
            if found is not None and not found.hidden:
                real = found.load() if isinstance(found, LazyCommand) else found
                yield from _command(one, real, context, depth + 1)


def _text(help_text: str | None) -> Iterator[str]:
    """Yield paragraphs. Those that click prints line by line become blocks of text."""
    for paragraph in inspect.cleandoc(help_text or "").split("\n\n"):
        first, _, rest = paragraph.partition("\n")
        if first != "\b":
            yield from (paragraph.translate(_ESCAPED), "")
            continue
        title, _, lines = rest.partition("\n")
        body = lines if title == EXAMPLES else rest
        yield from ("```text", *inspect.cleandoc(f"\n{body}").splitlines(), "```", "")


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    records = {
        option.name: record
        for option in command.get_params(context)
        if option.name != "help" and (record := option.get_help_record(context)) is not None
    }
    if not records:
        return
    yield from ("| option | what it does |", "|---|---|")
    sections = command.sections if isinstance(command, SectionedCommand) else {}
    for title, names in sections.items():
        yield f"| **{title.translate(_ESCAPED)}** | |"
        yield from (_row(*records.pop(name)) for name in names)
    if sections and records:
        yield "| **Other options** | |"
    yield from (_row(*record) for record in records.values())
    yield ""


def _row(names: str, says: str) -> str:
    return f"| <code>{names.translate(_ESCAPED)}</code> | {says.translate(_ESCAPED)} |"
