"""Options and output functions that commands share."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from nampedal.firmware.base.one_line import plain_lines
from nampedal.firmware.cli import words


class FilePath(click.Path):
    """A click type for a file path. Refuses "-", because standard input and output are not supported."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        if str(value) == "-":
            self.fail(
                "standard input and output are not supported; name a file, and one that is called - as ./-", param, ctx
            )
        return Path(os.fsdecode(super().convert(value, param, ctx)))


FILE = FilePath()


def print_text(text: object, *, err: bool = False, nl: bool = True) -> None:
    """Print text, with control characters escaped: text from files must not control the terminal."""
    click.echo(plain_lines(text), err=err, nl=nl)


def print_json(values: Mapping[str, Any], *, one_line: bool = False) -> None:
    """Print the JSON object that a command with --json prints. Numbers that JSON can't express become null.

    one_line: for a command that prints one object after another.
    """
    # Imported here, because most commands print no JSON.
    dumps = import_module("json").dumps
    click.echo(dumps(_finite(values), indent=None if one_line else 2, allow_nan=False))


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    if isinstance(value, Path):
        return os.fsencode(value).decode("utf-8", "replace")
    return None if isinstance(value, float) and not math.isfinite(value) else value


class _Console:
    """Prints lines, and tables of `text_tables`."""

    def print(self, what: object) -> None:
        print_text(what)


console = _Console()


def examples(*lines: str) -> str:
    """Return the last section of a command's help: lines that can be typed as they are."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


class TierType(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """A click type for a size of a capture: a number from 0, or a name. The value is an int or a str.

    Which names there are depends on the capture: `tier_names.find_tier` tells.
    """

    name = "tier"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        text = str(value).strip()
        if text.isascii() and text.isdigit():
            return int(text)
        if not text or text.startswith("-"):
            self.fail(f"{value} is no tier; a number from 0 or a name is needed, such as full or lite.", param, ctx)
        return text


TIER = TierType()

verbose = click.option("--verbose", is_flag=True, expose_value=False, help="Show the whole traceback of an error.")
tier = click.option(
    *("--tier", "tier"),
    type=TIER,
    metavar="TIER",
    default=0,
    show_default=True,
    shell_complete=words.tiers,
    help="Which size of the capture: its number or name. 0 is full.",
)
exact = click.option("--exact", is_flag=True, help="The C library's tanh and exp instead of the fast ones.")
isa = click.option(
    "--isa",
    default="",
    metavar="NAME",
    shell_complete=words.isas,
    help="Kernels to play with, such as scalar. Default: the best.",
)
force = click.option("--force", is_flag=True, help="Overwrite the output.")
as_json = click.option("--json", "as_json", is_flag=True, help="For programs: see 'nampedal help json'.")
socket = click.option("--socket", metavar="PATH", type=click.Path(path_type=Path), help="Where the pedal listens.")


def decibels(value: float | None, unit: str = "dB") -> str:
    return "none" if value is None or not math.isfinite(value) else f"{value:.1f} {unit}"
