"""The command `nampedal level`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from nampedal.firmware.actions.control_socket import ask, socket_path
from nampedal.firmware.audio.audio_file import read_recording
from nampedal.firmware.audio.loudness import loudness_lufs
from nampedal.firmware.base.errors import AudioError
from nampedal.firmware.cli import words
from nampedal.firmware.cli.dbu import Dbu
from nampedal.firmware.cli.progress import progress_bar
from nampedal.firmware.cli.shared import as_json, console, examples, print_json, print_text, socket, verbose
from nampedal.firmware.cli.text_tables import columns
from nampedal.firmware.cli.unused import refuse_options
from nampedal.firmware.pedal.level_session import as_rows
from nampedal.firmware.presets import levelling
from nampedal.firmware.presets.banks.bank import index_of_preset, read_bank

RATE_HZ = 48_000.0
# A quieter recording is refused: it has no guitar in it.
QUIETEST_LUFS = -50.0
_POLL_S = 0.1


@click.command(
    "level",
    epilog=examples(
        "nampedal level", "nampedal level clean crunch --yes", "nampedal level --from my-guitar.wav banks/rock"
    ),
)
@click.argument("names", metavar="[PRESET]...", nargs=-1, shell_complete=words.pedal_presets)
@click.option("--seconds", type=click.FloatRange(0.0), default=10.0, show_default=True, help="How long you play.")
@click.option("--yes", is_flag=True, help="Write the levels without asking.")
@click.option(
    "--from",
    "recording",
    metavar="FILE.wav",
    type=click.Path(path_type=Path),
    help="A dry guitar, for a BANK that no pedal plays: name its folder before the presets.",
)
@click.option("--full-scale-dbu", type=Dbu(), metavar="DBU", help="With --from: of the input, dBu at 0 dBFS.")
@socket
@as_json
@verbose
def level_command(
    names: tuple[str, ...],
    seconds: float,
    yes: bool,
    recording: Path | None,
    full_scale_dbu: float | None,
    socket: Path | None,
    as_json: bool,
) -> None:
    """Make the presets of a bank equally loud for your guitar.

    Of the bank that plays, or of one in a folder with --from.

    You play for some seconds; the pedal plays that through each preset, and proposes a level for each. With --json
    nothing is asked: levels are written with --yes only.
    """
    if recording is not None:
        refuse_options("seconds", "socket", todo="--from has the playing, and asks no pedal; leave it out")
        _level_folder(recording, names, full_scale_dbu, yes=yes, as_json=as_json)
        return
    refuse_options("full_scale_dbu", todo="the pedal knows its input; it is for --from, or leave it out")
    at = socket or socket_path()
    ask(at, {"do": "level", "presets": list(names), "seconds": seconds})
    done = False
    try:
        found = _wait(at)
        _offer(
            _Proposal(found["measured"], found["lufs"], found["guitar_lufs"]),
            lambda: ask(at, {"do": "level_write"}, patience_s=60.0)["written"],
            yes=yes,
            as_json=as_json,
        )
        done = True
    finally:
        if not done:
            ask(at, {"do": "level_stop"})


def _wait(at: Path) -> dict[str, Any]:
    """Show progress until all presets are measured, and return the final status. Raises AudioError."""
    print_text("Play now, as you play on stage: chords, single notes, loud and soft.", err=True)
    told = ""
    with progress_bar("play!") as bar, progress_bar("measuring") as measuring:
        while True:
            found = ask(at, {"do": "level_status"})
            if found["state"] in ("failed", "idle"):
                raise AudioError(found.get("problem") or "level: somebody else has ended it; begin again")
            problem = found["problem"] or ""
            if problem and problem != told:
                print_text(problem, err=True)
            told = problem or told
            bar(round(10 * found["played_s"]), round(10 * found["wanted_s"]))
            if found["state"] != "listening":
                measuring(len(found["measured"]), found["presets"])
            if found["state"] == "done":
                return found
            time.sleep(_POLL_S)


def _level_folder(
    recording: Path, names: Sequence[str], full_scale_dbu: float | None, *, yes: bool, as_json: bool
) -> None:
    if not names:
        raise click.UsageError("--from needs the folder of a bank: nampedal level --from my-guitar.wav banks/rock")
    bank = read_bank(Path(names[0]))
    chosen = [bank.presets[index_of_preset(name, bank.preset_names)] for name in names[1:]] or list(bank.presets)
    guitar = read_recording(recording).at_rate(RATE_HZ).loudest_channel()
    lufs = loudness_lufs(guitar, RATE_HZ)
    if not lufs >= QUIETEST_LUFS:
        raise AudioError(
            f"{recording}: is {lufs:.0f} LUFS loud; a dry guitar of {QUIETEST_LUFS:g} LUFS or more is needed"
        )
    measured: list[levelling.MeasuredLevel] = []
    with progress_bar("measuring") as advance:
        for path in chosen:
            advance(len(measured), len(chosen))
            measured.append(levelling.measure(path, guitar, RATE_HZ, full_scale_dbu))
    common = levelling.common_lufs([one.heard for one in measured if one.heard is not None])
    proposal = _Proposal(as_rows(measured), round(common, 1), round(lufs, 1))
    _offer(proposal, lambda: levelling.write(measured), yes=yes, as_json=as_json)


@dataclass(frozen=True, slots=True)
class _Proposal:
    """New levels. rows: one a preset, see `as_rows`.  common_lufs: the loudness of each with its new level."""

    rows: Sequence[Mapping[str, Any]]
    common_lufs: float
    guitar_lufs: float

    @property
    def changed(self) -> list[Mapping[str, Any]]:
        return [row for row in self.rows if row["new_level_db"] not in (None, row["level_db"])]


def _offer(proposal: _Proposal, write: Callable[[], Sequence[str]], *, yes: bool, as_json: bool) -> None:
    """Show the new levels, and write them if there are any and the player agrees."""
    if as_json:
        written = list(write()) if yes and proposal.changed else []
        levels = {"guitar_lufs": proposal.guitar_lufs, "common_lufs": proposal.common_lufs}
        print_json({**levels, "presets": proposal.rows, "written": written})
        return
    _show(proposal.rows, proposal.common_lufs, proposal.guitar_lufs)
    if _wanted(proposal.changed, yes=yes):
        print_text(f"written: {', '.join(write())}")


def _show(rows: Sequence[Mapping[str, Any]], common: float, guitar_lufs: float) -> None:
    table = columns("preset", "loudness", "level_db", "new level_db", "peak then", left=("preset",))
    for row in rows:
        if row["new_level_db"] is None:
            table.add_row(row["name"], row["problem"])
            continue
        numbers = (f"{row['lufs']:.1f} LUFS", f"{row['level_db']:.1f}", f"{row['new_level_db']:.1f}")
        table.add_row(row["name"], *numbers, f"{row['peak_dbfs']:.1f} dBFS")
    console.print(table)
    loud = [row["lufs"] for row in rows if row["new_level_db"] is not None]
    if loud:
        print_text(
            f"Your guitar: {guitar_lufs:.1f} LUFS. The presets were {max(loud) - min(loud):.1f} dB apart; "
            f"with the new levels each is at {common:.1f} LUFS."
        )


def _wanted(changed: Sequence[Mapping[str, Any]], *, yes: bool) -> bool:
    """Return True if there is something to write and the player agrees."""
    if not changed:
        print_text("Nothing to write.")
        return False
    if yes:
        return True
    if not sys.stdin.isatty():
        print_text("Nothing is written: say --yes.")
        return False
    return click.confirm(f"Write the new level_db into {len(changed)} presets?")
