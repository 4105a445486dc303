"""What a pedal is to play, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nampedal.firmware.jack_client import Wiring
from nampedal.firmware.keeper import Keeper


@dataclass(frozen=True, slots=True)
class PedalSetup:
    """What `nampedal play` was asked for.

    bank: presets to begin with, or artifacts that are played as they are; none needs a last resort.
    banks: folders that the player goes between.
    full_scale: of the input, dBu at 0 dBFS; None: unknown.
    most_bytes: of memory for prepared presets.  server: JACK's name; None: the default one.
    first: the preset to begin with; None: the first.  tier: held for every capture whatever the load; None: as the load
    allows.  record: where input and output go.
    channels: 1: heard from both outputs; 2: each through a chain of its own.
    round_trip_ms: measured, from string to ear; None: unknown.
    keeper: of where the player is; None: nobody keeps it.
    banks_folder: where there may be more banks later; None: nowhere.
    last_resort: where nothing of the bank can be played, the input is, as it is.  safe: that alone was asked for.
    audio_cpu: the core that JACK's thread is kept on; None: any.
    loudness: a file that measured loudness is kept in; None: it is measured each time.
    """

    bank: Sequence[Path]
    wiring: Wiring = field(default_factory=Wiring)
    full_scale_dbu: float | None = None
    most_bytes: int = 128 << 20
    server: str | None = None
    first: str | None = None
    tier: int | None = None
    record: Path | None = None
    channels: int = 1
    round_trip_ms: float | None = None
    banks: Sequence[Path] = ()
    keeper: Keeper | None = None
    banks_folder: Path | None = None
    last_resort: bool = False
    safe: bool = False
    audio_cpu: int | None = None
    loudness: Path | None = None
