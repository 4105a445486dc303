"""The options of the daemon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nampedal.firmware.jack.jack_client import PortConnections
from nampedal.firmware.pedal.state_autosave import StateAutosave
from nampedal.firmware.presets.captures import ReadNam


@dataclass(frozen=True, slots=True)
class PedalSetup:
    """The options of `nampedal play`.

    bank: the presets of the first bank, or captures that are played alone. It can be empty if fallback is True.
    wiring: the JACK ports to connect to.
    full_scale_dbu: the input level at 0 dBFS, in dBu; None: unknown.
    max_bytes: the memory limit for prepared presets.
    server: the name of the JACK server; None: the default one.
    first: the preset to start with; None: the first one.
    tier: used for all captures at any load; None: the load decides.
    record: the file that records input and output; None: no recording.
    channels: 1: mono, on both outputs; 2: stereo, each channel through its own chain.
    round_trip_ms: the measured latency from string to ear; None: unknown.
    banks: the bank folders that the player can choose from.
    autosave: saves the current bank, preset and edits; None: they are not saved.
    banks_folder: the folder that is watched for new banks; None: none.
    fallback: play the dry input if no preset of the bank can be played.
    safe: safe start: only the dry input was requested.
    audio_cpu: the CPU core for JACK's thread; None: any.
    loudness: the cache file for measured loudness; None: measure it each time.
    read_nam: the function that reads a .nam file; None: .nam files cannot be played.
    """

    bank: Sequence[Path]
    wiring: PortConnections = field(default_factory=PortConnections)
    full_scale_dbu: float | None = None
    max_bytes: int = 128 << 20
    server: str | None = None
    first: str | None = None
    tier: int | None = None
    record: Path | None = None
    channels: int = 1
    round_trip_ms: float | None = None
    banks: Sequence[Path] = ()
    autosave: StateAutosave | None = None
    banks_folder: Path | None = None
    fallback: bool = False
    safe: bool = False
    audio_cpu: int | None = None
    loudness: Path | None = None
    read_nam: ReadNam | None = None
