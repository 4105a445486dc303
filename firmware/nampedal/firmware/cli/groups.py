"""Click commands that are imported on first use, help texts with sections, and suggestions for mistyped commands."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, NoReturn

import click
from nampedal.firmware.base.errors import ArgumentError
from nampedal.firmware.cli.shared import print_text

# Section titles of `nampedal --help`, in the order in which they are printed.
CAPTURES = "Captures"
PLAYING = "Playing"
BANKS = "Banks"
SETTING_UP = "Setting a pedal up"
MAKING = "Making a pedal, and keeping it up to date"
SHELL = "Shell"
PURPOSES = (CAPTURES, PLAYING, BANKS, SETTING_UP, MAKING, SHELL)
# Commands that run on macOS and Windows, too. The others need what Linux has: its sound servers, the pins of a
# Raspberry Pi, Debian's packages.
EVERYWHERE = frozenset(
    (
        *("convert", "inspect", "compare", "render", "bench", "boards", "verify"),
        *("bank", "level", "sign", "completion", "help"),
    )
)
# In characters: the default col_max of click's `HelpFormatter.write_dl`.
_MAX_WIDTH = 30
# How many names are suggested for a mistyped one, and how much like it they have to be, as a difflib ratio.
_MAX_NEAR, _LIKENESS = 2, 0.6


class LazyCommand(click.Command):
    """A placeholder that imports the real command when it is called. Importing one command takes longer than listing
    all.

    purpose: its section in the help, one of `PURPOSES`.  where: "module:variable" of the real command.  summary: the
    first sentence of the real command's docstring.
    """

    def __init__(self, purpose: str, name: str, where: str, summary: str) -> None:
        super().__init__(name, short_help=summary)
        self.purpose = purpose
        self.where = where

    def load(self) -> click.Command:
        """Import and return the real command; where it can't run, a command that says so."""
        if sys.platform != "linux" and self.name not in EVERYWHERE:
            return _ForLinux(str(self.name), self.get_short_help_str())
        module, variable = self.where.split(":")
        command: click.Command = getattr(import_module(module), variable)
        return command

    def make_context(self, *arguments: Any, **others: Any) -> click.Context:
        """Return the context of the real command. Click runs, completes and prints help through it."""
        return self.load().make_context(*arguments, **others)


class _ForLinux(click.Command):
    """Stands for a command that needs Linux. It takes any arguments, and raises ArgumentError."""

    def __init__(self, name: str, summary: str) -> None:
        super().__init__(
            name,
            context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
            help=f"{summary} This command needs Linux.",
        )

    def invoke(self, ctx: click.Context) -> Any:
        raise ArgumentError(
            f"{self.name}: needs Linux, and runs on a pedal or on a computer with JACK; here captures are converted, "
            "played into files, and put into banks"
        )


class Group(click.Group):
    """A group that prints its help and ends with exit code 0 when no command is given.

    Commands that have a purpose are listed under it. A command that is not there is answered with the nearest ones.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and self.no_args_is_help and not ctx.resilient_parsing:
            print_text(ctx.get_help())
            ctx.exit()
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        # An option in the place of a command is left to click, which says that there is no such option.
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-") and not ctx.resilient_parsing:
            self.fail_unknown(ctx, args[0])
        return super().resolve_command(ctx, args)

    def fail_unknown(self, ctx: click.Context, name: str) -> NoReturn:
        """Raise UsageError for a command that is not in this group, with the names that are most like it."""
        near = import_module("difflib").get_close_matches(name, self.list_commands(ctx), _MAX_NEAR, _LIKENESS)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise click.UsageError(f"No such command '{name}'.{hint}", ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        lazy = {name: one for name, one in self.commands.items() if isinstance(one, LazyCommand)}
        if not lazy:
            super().format_commands(ctx, formatter)
            return
        # All sections get columns of the same width.
        width = max(map(len, lazy))
        for purpose in PURPOSES:
            rows = [
                (name.ljust(width), one.get_short_help_str()) for name, one in lazy.items() if one.purpose == purpose
            ]
            if rows:
                with formatter.section(purpose):
                    formatter.write_dl(rows)


class SectionedCommand(click.Command):
    """A command whose help lists its options in sections.

    sections: parameter names by section title. Options that are in no section are listed last, under "Other options".
    """

    def __init__(self, *arguments: Any, sections: Mapping[str, Sequence[str]], **others: Any) -> None:
        super().__init__(*arguments, **others)
        self.sections = sections

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        records = {
            parameter.name: record
            for parameter in self.get_params(ctx)
            if isinstance(parameter, click.Option) and (record := parameter.get_help_record(ctx)) is not None
        }
        width = min(max(len(option) for option, _ in records.values()), _MAX_WIDTH)
        for title, names in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([_padded(records.pop(name), width) for name in names])
        with formatter.section("Other options"):
            formatter.write_dl([_padded(record, width) for record in records.values()])


class NumbersCommand(click.Command):
    """A command whose arguments may be negative numbers. Click alone takes -6 for an option."""

    def __init__(self, name: str | None, **others: Any) -> None:
        super().__init__(name, context_settings={"ignore_unknown_options": True}, **others)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # A copy, because click takes the words out of `args`.
        typed = args[: args.index("--") if "--" in args else len(args)]
        rest = super().parse_args(ctx, args)
        for parameter in self.params:
            words = ctx.params.get(parameter.name or "") if isinstance(parameter, click.Argument) else ()
            for word in words if isinstance(words, tuple) else (words,):
                if isinstance(word, str) and word.startswith("-") and word in typed and not _is_number(word):
                    known = [name for option in self.get_params(ctx) for name in option.opts]
                    raise click.NoSuchOption(
                        word, possibilities=import_module("difflib").get_close_matches(word, known), ctx=ctx
                    )
        return rest


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _padded(record: tuple[str, str], width: int) -> tuple[str, str]:
    return record[0].ljust(width), record[1]
