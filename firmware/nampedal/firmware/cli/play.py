"""nampedal play."""

from __future__ import annotations

import logging
import os
import signal
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from nampedal.board.measured import read_measured
from nampedal.board.pedals import Pedal, read_pedal
from nampedal.firmware import artifact, log, preset
from nampedal.firmware.bank import read_bank
from nampedal.firmware.control import socket_path
from nampedal.firmware.errors import JackMissingError, NothingToPlayError

# Of the machine's memory, what prepared presets may take: one part of so many.
PRESETS_SHARE = 4

_log = logging.getLogger(__name__)


def bank_of(paths: tuple[Path, ...]) -> list[Path]:
    """Presets and artifacts as they are named; of a folder, its presets. Raises NothingToPlayError, SettingsError."""
    if not paths:
        raise NothingToPlayError("play: nothing to play is named; name artifacts, presets, or a folder of presets")
    bank: list[Path] = []
    for path in paths:
        if path.is_dir():
            found = read_bank(path)
            if found.problem:
                _log.warning("%s", found.problem)
            bank += found.presets
        elif path.suffix not in (preset.SUFFIX, artifact.SUFFIX):
            kinds = f"a preset ({preset.SUFFIX}), an artifact ({artifact.SUFFIX}) or a folder of presets"
            raise NothingToPlayError(f"{path}: is none of what can be played: {kinds}; a .nam is converted first")
        elif not path.exists():
            raise NothingToPlayError(
                f"{path}: is not there; name {preset.SUFFIX} or {artifact.SUFFIX} files, or a folder"
            )
        else:
            bank.append(path)
    return bank


@click.command(
    "play",
    epilog="\b\nExamples:\n  nampedal play amp.stomp\n  nampedal play presets/ --preset crunch\n"
    "  nampedal play presets/ --pedal zero-2-w-codec-zero",
)
@click.argument("paths", metavar="FILE...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--preset", "first", metavar="NAME", help="Which to begin with, or a FILE. Default: the first.")
@click.option("--pedal", "pedal_name", metavar="NAME", help="What it runs on: says ports and levels.")
@click.option("--server", metavar="NAME", help="JACK's server. Default: JACK_DEFAULT_SERVER, or 'default'.")
@click.option("--input", "sources", metavar="PORT", multiple=True, help="What to hear. Default: the card's first.")
@click.option("--output", "targets", metavar="PORT", multiple=True, help="Where to play. Default: the first two.")
@click.option("--stereo", is_flag=True, help="Two inputs, each through a chain of its own to its own output.")
@click.option("--full-scale-dbu", type=float, metavar="DBU", help="Of the input: dBu at 0 dBFS, for calibrated levels.")
@click.option("--tier", type=click.IntRange(min=0), help="Hold captures at this size, 0 is full. Default: by the load.")
@click.option("--record", metavar="FILE.wav", type=click.Path(path_type=Path), help="Record input and output.")
@click.option("--socket", metavar="PATH", type=click.Path(path_type=Path), help="Where 'nampedal status' asks.")
@click.option("--verbose", is_flag=True, expose_value=False, help="Show the whole traceback of an error.")
def play_command(
    paths: tuple[Path, ...],
    first: str | None,
    pedal_name: str | None,
    sources: tuple[str, ...],
    targets: tuple[str, ...],
    stereo: bool,
    full_scale_dbu: float | None,
    socket: Path | None,
    **others: Any,
) -> None:
    """Play live through JACK: artifacts, presets, or a folder of presets. Ctrl-C ends it."""
    if first is not None and Path(first).suffix in (preset.SUFFIX, artifact.SUFFIX):
        paths, first = (*paths, Path(first)), Path(first).stem
    log.set_up()
    bank = bank_of(paths)
    profile = read_pedal(pedal_name) if pedal_name is not None else None
    # JACK's library is loaded where it is needed.
    try:
        jack_client = import_module("nampedal.firmware.jack_client")
        pedals = import_module("nampedal.firmware.pedal")
    except OSError as error:
        raise JackMissingError("play: JACK's library is not installed; install jackd2, or libjack-jackd2-0") from error
    if profile is not None:
        sources = sources or profile.jack_inputs(2 if stereo else 1)
        if full_scale_dbu is None and profile.input_full_scale_dbu is not None:
            full_scale_dbu = profile.input_full_scale_dbu.value
    setup = pedals.Setup(
        *(bank, jack_client.Wiring(inputs=sources, outputs=targets), full_scale_dbu),
        first=first,
        channels=2 if stereo else 1,
        round_trip_ms=round_trip_ms(profile),
        most_bytes=memory_bytes() // PRESETS_SHARE,
        **others,
    )
    commands = import_module("nampedal.firmware.commands")
    pedal = pedals.Pedal(setup)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: pedal.stop())
    with commands.listening(pedal, socket or socket_path()):
        pedal.run()


def round_trip_ms(profile: Pedal | None) -> float | None:
    """As 'nampedal latency' measured it; None: it never did."""
    measured = read_measured(profile.key) if profile is not None else None
    return measured.round_trip_ms if measured is not None else None


def memory_bytes() -> int:
    """Of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
