"""Shell completion: names of boards, pedals and presets, or files if no name fits.

An error during completion gives no suggestions, because there is nowhere to print it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path

import click
from click.shell_completion import CompletionItem
from nampedal.firmware.base.errors import NampedalError

# Timeout for the pedal's answer: the user waits at the shell prompt meanwhile.
PATIENCE_S = 1.0

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _of(names: Callable[[click.Context], Iterable[str]], *, or_files: bool = False) -> Complete:
    """Return a completion callback. names: gives all names, from the arguments parsed so far."""

    def complete(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
        try:
            found = [CompletionItem(name) for name in names(ctx) if name.startswith(incomplete)]
        except (NampedalError, OSError):
            found = []
        return found or ([CompletionItem(incomplete, type="file")] if or_files else [])

    return complete


def _asked(ctx: click.Context) -> list[str]:
    """Return the names of the presets of the running pedal."""
    control = import_module("nampedal.firmware.actions.control_socket")
    at = ctx.params.get("socket") or control.socket_path()
    return [one["name"] for one in control.ask(at, {"do": "presets"}, PATIENCE_S)["presets"]]


def _stored(folders: Iterable[Path | str]) -> list[str]:
    bank = import_module("nampedal.firmware.presets.banks.bank")
    return [name for folder in map(Path, folders) if folder.is_dir() for name in bank.read_bank(folder).preset_names]


def _named(ctx: click.Context) -> list[str]:
    # While an option still lacks its value, click has not assigned the arguments to `paths` yet.
    return _stored(ctx.params.get("paths") or ctx.args)


# A profile is given by its name, or as the path of a file.
boards = _of(lambda _: import_module("nampedal.board.profiles.boards").board_keys(), or_files=True)
pedals = _of(lambda _: import_module("nampedal.board.profiles.pedals").pedal_keys(), or_files=True)
pedal_presets = _of(_asked)
pedal_presets_or_next = _of(lambda ctx: [*_asked(ctx), "next", "previous"])
bank_presets = _of(lambda ctx: _stored(filter(None, [ctx.params.get("folder")])))
presets_in_folders = _of(_named, or_files=True)
