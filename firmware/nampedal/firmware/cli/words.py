"""Shell completion: names of boards, pedals, presets, banks, tiers and kernels, or files if no name fits.

An error during completion gives no suggestions, because there is nowhere to print it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

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


def _asked(ctx: click.Context, what: str = "presets") -> list[str]:
    """Return the names of the presets or the banks of the running pedal. what: the request, and the answer's key."""
    control = import_module("nampedal.firmware.actions.control_socket")
    at = ctx.params.get("socket") or control.socket_path()
    found = control.ask(at, {"do": what}, PATIENCE_S)[what]
    return [one if isinstance(one, str) else one["name"] for one in found]


def _stored(folders: Iterable[Path | str]) -> list[str]:
    bank = import_module("nampedal.firmware.presets.banks.bank")
    return [name for folder in map(Path, folders) if folder.is_dir() for name in bank.read_bank(folder).preset_names]


def _named(ctx: click.Context) -> list[str]:
    # While an option still lacks its value, click has not assigned the arguments to `paths` yet.
    return _stored(ctx.params.get("paths") or ctx.args)


def _tiers(ctx: click.Context) -> list[str]:
    """Return the names of the tiers of the files that are named on the line, as they can be typed without quotes."""
    given = [value for name in _FILE_PARAMETERS for value in _as_list(ctx.params.get(name))] or ctx.args
    files = [path for path in map(Path, given) if path.suffix.lower() in (".nam", ".stomp") and path.is_file()]
    names = import_module("nampedal.firmware.engine.tier_names").tier_names
    found = [name.lower().replace(" ", "-") for path in files for name in names(_opened(ctx, path).tiers)]
    return list(dict.fromkeys(found))


# The parameters of commands with --tier that are captures.
_FILE_PARAMETERS = ("file", "reference", "test", "sources")


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _opened(ctx: click.Context, path: Path) -> Any:
    """Read an artifact or a .nam. A pedal has no converter, and nothing that reads a .nam."""
    read_nam = ctx.find_root().obj
    if path.suffix.lower() == ".stomp" or read_nam is None:
        return import_module("nampedal.firmware.engine.artifact").read(path)
    return read_nam(path)


def _action(ctx: click.Context) -> list[str]:
    """Return what can be the next word of an action."""
    typed: list[str] = list(ctx.params.get("action") or ctx.args)
    typed = typed[len(typed) - typed[::-1].index("again") :] if "again" in typed else typed
    actions = import_module("nampedal.firmware.actions.action")
    if not typed:
        return [kind for kind in actions.KINDS if kind != "none"]
    if len(typed) > 1:
        return ["again"]
    if typed[0] in actions.SWITCHES:
        return ["on", "off", "again"]
    if typed[0] == "preset":
        return _asked(ctx)
    return ["next", "previous", *_asked(ctx, "banks")] if typed[0] == "bank" else []


# A profile is given by its name, or as the path of a file.
boards = _of(lambda _: import_module("nampedal.board.profiles.boards").board_keys(), or_files=True)
pedals = _of(lambda _: import_module("nampedal.board.profiles.pedals").pedal_keys(), or_files=True)
pedal_presets = _of(_asked)
pedal_presets_or_next = _of(lambda ctx: [*_asked(ctx), "next", "previous"])
bank_presets = _of(lambda ctx: _stored(filter(None, [ctx.params.get("folder")])))
presets_in_folders = _of(_named, or_files=True)
actions = _of(_action)
tiers = _of(_tiers)
pedal_tiers = _of(lambda _: import_module("nampedal.firmware.engine.tier_names").WORDS)
isas = _of(lambda _: import_module("nampedal.firmware.engine.inference").isas())
