"""The command `nampedal play`."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import click
from nampedal.board.drivers.driver_factory import CONTROLS
from nampedal.board.profiles.pedals import PedalProfile, read_pedal
from nampedal.board.profiles.user_calibration import read_calibration
from nampedal.firmware.actions.control_socket import socket_path
from nampedal.firmware.base import log
from nampedal.firmware.base.errors import (
    ArgumentError,
    EmptyBankError,
    MissingPackageError,
    NampedalError,
    SettingsError,
)
from nampedal.firmware.base.listing import suffix_of
from nampedal.firmware.cli import words
from nampedal.firmware.cli.dbu import Dbu
from nampedal.firmware.cli.groups import SectionedCommand
from nampedal.firmware.cli.shared import FILE, TIER, examples, socket, verbose
from nampedal.firmware.cli.unused import refuse_options
from nampedal.firmware.engine.tier_names import pedal_tier
from nampedal.firmware.jack.audio_cpu import audio_cpu
from nampedal.firmware.pedal.saved_state import SavedState, read_state, state_path
from nampedal.firmware.presets import captures, preset
from nampedal.firmware.presets.banks.bank import banks_in, by_name, is_bank, read_bank

# Prepared presets may use this fraction of the machine's memory: 1 / PRESETS_SHARE.
PRESETS_SHARE = 4

# Suffixes of files that can be played directly.
SUFFIXES = (preset.SUFFIX, *captures.SUFFIXES)
_KINDS = f"a preset ({preset.SUFFIX}), a capture ({', '.join(captures.SUFFIXES)}) or a folder of them"

_log = logging.getLogger(__name__)


def paths_to_play(paths: tuple[Path, ...]) -> list[Path]:
    """Return the presets and captures to play: files as given, the presets of a bank, the captures of another folder.

    Raises ArgumentError, EmptyBankError, SettingsError.
    """
    if not paths:
        raise ArgumentError(f"play: nothing to play is named; name {_KINDS}")
    bank: list[Path] = []
    for path in paths:
        if path.is_dir():
            bank += _in_folder(path)
        elif suffix_of(path) not in SUFFIXES and not _may_be_folder(path):
            raise ArgumentError(f"{path}: is nothing that can be played; name {_KINDS}")
        elif not path.exists():
            raise ArgumentError(f"{path}: is not there; name {_KINDS}")
        else:
            bank.append(path)
    return bank


def _in_folder(folder: Path) -> list[Path]:
    """Return a bank's presets, or the captures of a folder that is no bank. Raises EmptyBankError, SettingsError."""
    if _is_bank(folder):
        found = read_bank(folder)
        if found.problem:
            _log.warning("%s", found.problem)
        return list(found.presets)
    there = captures.in_folder(folder)
    if not there:
        suffixes = ", ".join(captures.SUFFIXES)
        raise EmptyBankError(
            f"{folder}: holds no presets ({preset.SUFFIX}) and no captures ({suffixes}); put at least one there"
        )
    return there


def _is_bank(folder: Path) -> bool:
    """Return True if a folder is a bank, also if it can't be read: reading it later gives the error message."""
    try:
        return is_bank(folder)
    except OSError:
        return True


def banks_of(paths: tuple[Path, ...]) -> list[Path]:
    """Return all banks if `paths` is one folder of banks, else none. Raises SettingsError."""
    folder = banks_folder_of(paths)
    return [path.resolve() for path in banks_in(folder)] if folder is not None else []


def banks_folder_of(paths: tuple[Path, ...]) -> Path | None:
    """Return the folder of banks if `paths` is one: a folder that is no bank and holds banks, or no captures.

    Banks may be added to it later. Returns None if it can't be read; another function reports the error.
    """
    if len(paths) != 1 or not paths[0].is_dir() or _is_bank(paths[0]):
        return None
    try:
        several = bool(banks_in(paths[0])) or not captures.in_folder(paths[0])
    except SettingsError:
        return None
    return paths[0].resolve() if several else None


def initial_presets(paths: tuple[Path, ...], state: SavedState | None) -> tuple[list[Path], list[Path]]:
    """Return the presets to begin with, and all banks. If there are several banks, the one of the saved state comes
    first.

    Raises ArgumentError, EmptyBankError, SettingsError.
    """
    banks = banks_of(paths)
    return paths_to_play(_in_order(banks, state)[:1] or paths), banks


def initial_presets_or_none(paths: tuple[Path, ...], state: SavedState | None) -> tuple[list[Path], list[Path]]:
    """Return what `initial_presets` returns, for a pedal that has to sound in any case: none if a folder has no preset.

    Errors of folders are logged. Raises ArgumentError for files.
    """
    if len(paths) != 1 or not _may_be_folder(paths[0]):
        return initial_presets(paths, state)
    banks = []
    try:
        banks = banks_of(paths)
    except (SettingsError, OSError) as error:
        _log.warning("%s", error)
    for folder in _in_order(banks, state) or paths:
        try:
            return paths_to_play((folder,)), banks
        except (NampedalError, OSError) as error:
            _log.warning("%s", error)
    return [], banks


def _in_order(banks: list[Path], state: SavedState | None) -> tuple[Path, ...]:
    """Return the banks, with the one of the saved state first."""
    last = [state.bank] if state is not None and state.bank in banks else []
    return (*last, *banks)


def _may_be_folder(path: Path) -> bool:
    """Return True if the path is a folder, or does not exist and has no suffix."""
    return path.is_dir() or not (path.suffix or path.exists())


@click.command(
    "play",
    cls=SectionedCommand,
    sections={
        "What is played": ("first", "tier", "stereo", "safe"),
        "What it runs on": ("pedal_name", "server", "sources", "targets", "midi", "which", "full_scale_dbu"),
    },
    epilog=examples(
        "nampedal play amp.nam",
        "nampedal play captures/",
        "nampedal play presets/ --preset crunch",
        "nampedal play presets/ --pedal zero-2-w-codec-zero",
        "nampedal play --safe",
    ),
)
@click.argument("paths", metavar="FILE...", nargs=-1, type=FILE)
@click.option(
    "--preset",
    "first",
    metavar="NAME",
    shell_complete=words.presets_in_folders,
    help="Which to begin with, or a FILE. Default: the first.",
)
@click.option(
    "--pedal", "pedal_name", metavar="NAME", shell_complete=words.pedals, help="What it runs on: says ports and levels."
)
@click.option("--safe", is_flag=True, help="Play the input as it is, with no presets.")
@click.option("--server", metavar="NAME", help="JACK's server. Default: JACK_DEFAULT_SERVER, or 'default'.")
@click.option("--input-port", "sources", metavar="PORT", multiple=True, help="What to hear. Default: the card's first.")
@click.option("--output-port", "targets", metavar="PORT", multiple=True, help="Where to play. Default: the first two.")
@click.option("--midi", metavar="PORT", multiple=True, help="MIDI to hear, once it is there. Default: all hardware.")
@click.option("--stereo", is_flag=True, help="Two inputs, each through a chain of its own to its own output.")
@click.option("--full-scale-dbu", type=Dbu(), metavar="DBU", help="Of the input: dBu at 0 dBFS, for calibrated levels.")
@click.option(
    *("--tier", "tier"),
    type=TIER,
    metavar="TIER",
    shell_complete=words.pedal_tiers,
    help="Hold captures at this size: a number, full, slimmed or lightest. Default: by the load.",
)
@click.option("--record", metavar="FILE.wav", type=FILE, help="Record input and output.")
@click.option("--controls", "which", type=click.Choice(CONTROLS), help="Whose. Default: the pedal's, if one is named.")
@socket
@verbose
@click.pass_obj
def play_command(
    read_nam: captures.ReadNam | None,
    /,
    paths: tuple[Path, ...],
    first: str | None,
    pedal_name: str | None,
    sources: tuple[str, ...],
    targets: tuple[str, ...],
    midi: tuple[str, ...],
    stereo: bool,
    full_scale_dbu: float | None,
    socket: Path | None,
    which: str | None,
    safe: bool,
    server: str | None,
    tier: int | str | None,
    record: Path | None,
) -> None:
    """Play live: captures, presets, or a folder of them.

    It plays through JACK, or through PipeWire in its place. Ctrl-C ends it.

    With --pedal it plays the input as it is where a folder holds nothing that can be played.
    """
    log.configure_logging()
    if safe and (paths or first is not None):
        raise click.UsageError("--safe plays nothing else: name no FILE and no --preset")
    if safe:
        refuse_options("tier", "full_scale_dbu", todo="--safe plays no captures; leave it out")
    if which == "pedal" and pedal_name is None:
        raise click.UsageError("--controls pedal needs a --pedal, whose controls they are: name one, or take mock")
    if first is not None and suffix_of(first) in SUFFIXES:
        paths, first = (*paths, Path(first)), by_name(Path(first).stem)
    folder = banks_folder_of(paths)
    profile = profile_of(pedal_name, safe=safe)
    # A pedal restores its state from before it was switched off. Without --pedal, nothing is restored.
    keeps = profile is not None and not safe
    state = read_state(state_path()) if keeps and first is None else None
    bank, banks = ([], []) if safe else (initial_presets_or_none if keeps else initial_presets)(paths, state)
    if state is not None and (state.bank, state.preset) in [(path.parent.resolve(), path.stem) for path in bank]:
        first = by_name(state.preset)
    # JACK's library may be missing, and 'play --help' need not wait for it.
    try:
        from nampedal.firmware.controls.run_pedal import run_pedal  # noqa: PLC0415
        from nampedal.firmware.jack.jack_client import PortConnections  # noqa: PLC0415
        from nampedal.firmware.pedal.daemon_options import PedalSetup  # noqa: PLC0415
        from nampedal.firmware.pedal.state_autosave import StateAutosave  # noqa: PLC0415
    except OSError as error:
        raise MissingPackageError(
            "play: JACK's library is not installed; install jackd2, or libjack-jackd2-0"
        ) from error
    # Inputs that the user named have to exist. Those of the profile may not: the sound card may be another one.
    else_first = profile is not None and not sources
    if profile is not None:
        sources = sources or profile.jack_inputs(2 if stereo else 1)
        if full_scale_dbu is None and profile.input_full_scale_dbu is not None:
            full_scale_dbu = profile.input_full_scale_dbu.value
    setup = PedalSetup(
        *(bank, PortConnections(sources, midi, targets, else_first), full_scale_dbu),
        first=first,
        banks=banks,
        banks_folder=folder,
        autosave=StateAutosave(state_path(), state) if keeps else None,
        channels=2 if stereo else 1,
        round_trip_ms=round_trip_ms(profile) if not safe else None,
        max_bytes=memory_bytes() // PRESETS_SHARE,
        fallback=profile is not None or safe,
        safe=safe,
        audio_cpu=audio_cpu(),
        read_nam=read_nam,
        loudness=state_path().with_name("loudness.toml") if keeps else None,
        server=server,
        tier=None if tier is None else pedal_tier(tier),
        record=record,
    )
    run_pedal(setup, profile, which or ("pedal" if profile is not None else "none"), socket or socket_path())


def profile_of(name: str | None, *, safe: bool) -> PedalProfile | None:
    """Return the profile of a pedal, or None if no name is given. Raises SettingsError.

    safe: log an unreadable profile and return None.
    """
    try:
        return read_pedal(name) if name is not None else None
    except SettingsError as error:
        if not safe:
            raise
        _log.warning("%s; without it the card's first ports are played, and no controls are read", error)
        return None


def round_trip_ms(profile: PedalProfile | None) -> float | None:
    """Return the round-trip latency that `nampedal latency` measured, or None if it was not measured."""
    measured = read_calibration(profile.key) if profile is not None else None
    return measured.round_trip_ms if measured is not None else None


def memory_bytes() -> int:
    """Return the size of this machine's memory in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
