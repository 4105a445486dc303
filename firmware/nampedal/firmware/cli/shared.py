"""Options, exit codes and output functions that commands share."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import click
from nampedal.firmware.base.one_line import plain_lines

EXIT_FAILED = 1
EXIT_MISTAKE = 2
EXIT_INTERRUPTED = 130


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


class _Console:
    """Prints lines, and tables of `text_tables`."""

    def print(self, what: object) -> None:
        print_text(what)


console = _Console()


def examples(*lines: str) -> str:
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


verbose = click.option("--verbose", is_flag=True, expose_value=False, help="Show the whole traceback of an error.")
tier = click.option("--tier", type=int, default=0, show_default=True, help="Which size of the capture; 0 is full.")
exact = click.option("--exact", is_flag=True, help="The C library's tanh and exp instead of the fast ones.")
force = click.option("--force", is_flag=True, help="Overwrite the output.")
as_json = click.option("--json", "as_json", is_flag=True, help="For programs.")


def decibels(value: float | None, unit: str = "dB") -> str:
    return "none" if value is None or not math.isfinite(value) else f"{value:.1f} {unit}"
