"""Players for offline rendering: an engine with a capture, or a .tflite in its interpreter."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from nampedal.converter.nam.open_capture import open_capture
from nampedal.converter.tflite.tflite_export import offline_player
from nampedal.firmware.base.errors import ArgumentError
from nampedal.firmware.engine import artifact, tflite_artifact
from nampedal.firmware.engine.capture import Capture
from nampedal.firmware.engine.inference import MAX_FRAMES, Audio, Engine
from nampedal.firmware.engine.tier_names import FULL, find_tier, tier_names

SUFFIXES = (".nam", artifact.SUFFIX, tflite_artifact.SUFFIX)


class Backend(Protocol):
    """The interface for playing whole files; Engine implements it too."""

    sample_rate: float

    @property
    def in_channels(self) -> int: ...

    @property
    def out_channels(self) -> int: ...

    @property
    def min_frames(self) -> int:
        """Audio must be given in multiples of this number of frames, except for the last part."""

    def reset(self) -> None:
        """Return to the steady state of silence."""

    def render(self, audio: Audio) -> Audio:
        """Play the next frames, (frames,) or (frames, channels)."""


class TfliteBackend:
    """Plays a .tflite that this project wrote. Implements Backend."""

    in_channels = 1
    out_channels = 1

    def __init__(self, file: tflite_artifact.TfliteFile) -> None:
        self.sample_rate = file.sample_rate
        self._player = offline_player(file.data, str(file.path))

    @property
    def min_frames(self) -> int:
        return self._player.block

    def reset(self) -> None:
        self._player.reset()

    def render(self, audio: Audio) -> Audio:
        mono = audio.reshape(-1)
        padded = np.pad(mono, (0, -len(mono) % self.min_frames))
        return self._player.play(padded)[: len(mono)].reshape(audio.shape)


def open_player(path: Path, tier: int | str, exact: bool) -> Backend:
    """Return the player for a file.

    tier: number or name of a tier, see `find_tier`.  exact: use exact instead of fast activations; ignored for a
    .tflite.

    Raises ArgumentError for a tier that the file does not have, and the errors of `open_capture`, `Engine.prepare` and
    `tflite_artifact.read`.
    """
    if path.suffix.lower() != tflite_artifact.SUFFIX:
        return player_of(open_capture(path).capture, str(path), tier, exact)
    return player_of(tflite_artifact.read(path), str(path), tier, exact)


def player_of(source: Capture | tflite_artifact.TfliteFile, name: str, tier: int | str, exact: bool) -> Backend:
    """Return the player for a capture or a .tflite in memory. name: for messages. The rest: see `open_player`."""
    if isinstance(source, Capture):
        number = find_tier(tier, tier_names(source.tiers), name)
        return Engine.prepare(source, tier=number, exact=exact, max_frames=MAX_FRAMES)
    if tier not in (0, FULL):
        raise ArgumentError(f"{name}: no tier {tier}; a .tflite has one, tier 0")
    return TfliteBackend(source)
