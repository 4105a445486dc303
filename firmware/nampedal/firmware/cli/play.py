"""nampedal play."""

from __future__ import annotations

import logging
import os
import signal
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from nampedal.board.controls import Driver
from nampedal.board.drivers.wired import MOCK_SWITCHES, drivers_of, mock_of
from nampedal.board.errors import NampedalError, SettingsError, TriggerError
from nampedal.board.measured import read_measured
from nampedal.board.panel import Panel
from nampedal.board.pedals import Pedal, read_pedal
from nampedal.board.wiring import Wiring
from nampedal.firmware import artifact, control_map, log, preset
from nampedal.firmware.audio_cpu import audio_cpu
from nampedal.firmware.bank import banks_in, is_bank, read_bank
from nampedal.firmware.control import socket_path
from nampedal.firmware.errors import ActionError, ControlMapError, JackMissingError, NothingToPlayError
from nampedal.firmware.notify import Notifier
from nampedal.firmware.state import State, read_state, state_path

# Of the machine's memory, what prepared presets may take: one part of so many.
PRESETS_SHARE = 4

CONTROLS = ("pedal", "mock", "none")

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
        elif path.suffix not in (preset.SUFFIX, artifact.SUFFIX) and not _may_be_folder(path):
            kinds = f"a preset ({preset.SUFFIX}), an artifact ({artifact.SUFFIX}) or a folder of presets"
            raise NothingToPlayError(f"{path}: is none of what can be played: {kinds}; a .nam is converted first")
        elif not path.exists():
            raise NothingToPlayError(
                f"{path}: is not there; name {preset.SUFFIX} or {artifact.SUFFIX} files, or a folder"
            )
        else:
            bank.append(path)
    return bank


def banks_of(paths: tuple[Path, ...]) -> list[Path]:
    """Of one folder that holds banks and is none itself: all of them. Raises SettingsError."""
    folder = banks_folder_of(paths)
    return [path.resolve() for path in banks_in(folder)] if folder is not None else []


def banks_folder_of(paths: tuple[Path, ...]) -> Path | None:
    """One folder that is no bank itself: banks may come into it later; one that can't be read is told of elsewhere."""
    try:
        several = len(paths) == 1 and paths[0].is_dir() and not is_bank(paths[0])
    except OSError:
        return None
    return paths[0].resolve() if several else None


def to_play(paths: tuple[Path, ...], state: State | None) -> tuple[list[Path], list[Path]]:
    """Presets to begin with, and all banks; of several, the one that the player was in.

    Raises NothingToPlayError, EmptyBankError, SettingsError.
    """
    banks = banks_of(paths)
    return bank_of(_in_order(banks, state)[:1] or paths), banks


def whatever_plays(paths: tuple[Path, ...], state: State | None) -> tuple[list[Path], list[Path]]:
    """The same for a pedal, which sounds in any case: of a folder where nothing can be played, no presets.

    The log says why. Raises NothingToPlayError of files.
    """
    if len(paths) != 1 or not _may_be_folder(paths[0]):
        return to_play(paths, state)
    banks = []
    try:
        banks = banks_of(paths)
    except (SettingsError, OSError) as error:
        _log.warning("%s", error)
    for folder in _in_order(banks, state) or paths:
        try:
            return bank_of((folder,)), banks
        except (NampedalError, OSError) as error:
            _log.warning("%s", error)
    return [], banks


def _in_order(banks: list[Path], state: State | None) -> tuple[Path, ...]:
    """The one that the player was in before all others."""
    last = [state.bank] if state is not None and state.bank in banks else []
    return (*last, *banks)


def _may_be_folder(path: Path) -> bool:
    """Whether it is one, or has the name of one and is not there."""
    return path.is_dir() or not (path.suffix or path.exists())


@click.command(
    "play",
    epilog="\b\nExamples:\n  nampedal play amp.stomp\n  nampedal play presets/ --preset crunch\n"
    "  nampedal play presets/ --pedal zero-2-w-codec-zero\n  nampedal play --safe",
)
@click.argument("paths", metavar="FILE...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--preset", "first", metavar="NAME", help="Which to begin with, or a FILE. Default: the first.")
@click.option("--pedal", "pedal_name", metavar="NAME", help="What it runs on: says ports and levels.")
@click.option("--safe", is_flag=True, help="Play the input as it is, with no presets.")
@click.option("--server", metavar="NAME", help="JACK's server. Default: JACK_DEFAULT_SERVER, or 'default'.")
@click.option("--input", "sources", metavar="PORT", multiple=True, help="What to hear. Default: the card's first.")
@click.option("--output", "targets", metavar="PORT", multiple=True, help="Where to play. Default: the first two.")
@click.option("--stereo", is_flag=True, help="Two inputs, each through a chain of its own to its own output.")
@click.option("--full-scale-dbu", type=float, metavar="DBU", help="Of the input: dBu at 0 dBFS, for calibrated levels.")
@click.option("--tier", type=click.IntRange(min=0), help="Hold captures at this size, 0 is full. Default: by the load.")
@click.option("--record", metavar="FILE.wav", type=click.Path(path_type=Path), help="Record input and output.")
@click.option("--controls", "which", type=click.Choice(CONTROLS), help="Whose. Default: the pedal's, if one is named.")
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
    which: str | None,
    safe: bool,
    **others: Any,
) -> None:
    """Play live through JACK: artifacts, presets, or a folder of presets. Ctrl-C ends it.

    With --pedal it plays the input as it is where a folder holds nothing that can be played.
    """
    log.set_up()
    if safe and (paths or first is not None):
        raise click.UsageError("--safe plays nothing else: name no FILE and no --preset")
    if first is not None and Path(first).suffix in (preset.SUFFIX, artifact.SUFFIX):
        paths, first = (*paths, Path(first)), Path(first).stem
    folder = banks_folder_of(paths)
    profile = profile_of(pedal_name, safe=safe)
    # A pedal goes on where it was switched off; on a desk everything begins anew.
    keeps = profile is not None and not safe
    state = read_state(state_path()) if keeps and first is None else None
    bank, banks = ([], []) if safe else (whatever_plays if keeps else to_play)(paths, state)
    if state is not None and (state.bank, state.preset) in [(path.parent.resolve(), path.stem) for path in bank]:
        first = state.preset
    # JACK's library is loaded where it is needed.
    try:
        jack_client = import_module("nampedal.firmware.jack_client")
        pedals = import_module("nampedal.firmware.pedal")
        keepers = import_module("nampedal.firmware.keeper")
    except OSError as error:
        raise JackMissingError("play: JACK's library is not installed; install jackd2, or libjack-jackd2-0") from error
    # What somebody asks for has to be there; a sound card may have been exchanged for another.
    else_first = profile is not None and not sources
    if profile is not None:
        sources = sources or profile.jack_inputs(2 if stereo else 1)
        if full_scale_dbu is None and profile.input_full_scale_dbu is not None:
            full_scale_dbu = profile.input_full_scale_dbu.value
    setup = pedals.PedalSetup(
        *(bank, jack_client.Wiring(inputs=sources, outputs=targets, else_first=else_first), full_scale_dbu),
        first=first,
        banks=banks,
        banks_folder=folder,
        keeper=keepers.Keeper(state_path(), state) if keeps else None,
        channels=2 if stereo else 1,
        round_trip_ms=round_trip_ms(profile) if not safe else None,
        most_bytes=memory_bytes() // PRESETS_SHARE,
        last_resort=profile is not None or safe,
        safe=safe,
        audio_cpu=audio_cpu(),
        loudness=state_path().with_name("loudness.toml") if keeps else None,
        **others,
    )
    run(pedals.Pedal(setup), profile, which or ("pedal" if profile is not None else "none"), socket or socket_path())


def run(pedal: Any, profile: Pedal | None, which: str, socket: Path) -> None:
    """Until it is told to end. which: of `CONTROLS`."""
    commands, hands, performers, announcements = (
        import_module(f"nampedal.firmware.{name}") for name in ("commands", "controls", "performer", "announcements")
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: pedal.stop())
    performer = performers.Performer(pedal)
    use = uses(profile, which, safe=pedal.setup.safe)
    controls = hands.Controls(pedal, performer, Panel(drivers(profile, which)), **use)
    for code in announcements.left():
        controls.announcements.say(code)
    notifier = Notifier()
    pedal.ticks.append(lambda: notifier.tick(time.monotonic(), pedal.says(), ready=pedal.plays()))
    with commands.listening(pedal, performer, socket, controls), hands.attached(pedal, controls):
        pedal.run()
    notifier.stop()


def drivers(profile: Pedal | None, which: str) -> list[Driver]:
    """Of a pedal's own controls, or of a terminal in their place."""
    wiring = profile.wiring if profile is not None else Wiring()
    if which == "mock":
        return [mock_of(wiring)]
    return drivers_of(wiring) if which == "pedal" else []


def profile_of(name: str | None, *, safe: bool) -> Pedal | None:
    """Of a pedal, if one is named. safe: none, too, where it can't be read. Raises SettingsError."""
    try:
        return read_pedal(name) if name is not None else None
    except SettingsError as error:
        if not safe:
            raise
        _log.warning("%s; without it the card's first ports are played, and no controls are read", error)
        return None


def own_map(profile: Pedal | None, *, safe: bool) -> control_map.ControlMap:
    """Of a pedal. safe: none, too, where it can't be read. Raises TriggerError, ActionError, ControlMapError."""
    try:
        return control_map.read(profile.map, profile.key) if profile is not None else control_map.ControlMap()
    except (TriggerError, ActionError, ControlMapError) as error:
        if not safe:
            raise
        _log.warning("%s; without a map controls do what they do by default", error)
        return control_map.ControlMap()


def uses(profile: Pedal | None, which: str, *, safe: bool = False) -> dict[str, Any]:
    """What the pedal's controls are for. safe: as of `own_map`. Raises TriggerError, ActionError, ControlMapError."""
    wiring = profile.wiring if profile is not None else Wiring()
    plain = MOCK_SWITCHES if which == "mock" else []
    switches = wiring.names("switches") or plain
    own = own_map(profile, safe=safe)
    # Who says what footswitches do says it of all of them.
    base = control_map.ControlMap() if own.footswitches else control_map.default(switches)
    return {
        "base": base.under(own),
        "lights": wiring.names("lights") or plain,
        "times": profile.times if profile is not None else None,
        "uses": profile.knobs if profile is not None else {},
        "midi_channel": wiring.midi_channel,
    }


def round_trip_ms(profile: Pedal | None) -> float | None:
    """As 'nampedal latency' measured it; None: it never did."""
    measured = read_measured(profile.key) if profile is not None else None
    return measured.round_trip_ms if measured is not None else None


def memory_bytes() -> int:
    """Of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
