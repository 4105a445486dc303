"""Whatever plays audio off line: an engine with a capture in it, or a .tflite in its interpreter."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from nampedal.converter.facts import open_capture
from nampedal.converter.tflite_export import offline_player
from nampedal.firmware import artifact, tflite
from nampedal.firmware.engine import MAX_FRAMES, Audio, Engine
from nampedal.firmware.errors import NoSuchTierError

SUFFIXES = (".nam", artifact.SUFFIX, tflite.SUFFIX)


class Player(Protocol):
    """What an Engine offers to who plays whole files."""

    sample_rate: float

    @property
    def in_channels(self) -> int: ...

    @property
    def out_channels(self) -> int: ...

    @property
    def min_frames(self) -> int:
        """Audio comes in multiples of so many frames, but for the last."""

    def reset(self) -> None:
        """To the steady state of silence."""

    def render(self, audio: Audio) -> Audio:
        """The next frames, (frames,) or (frames, channels)."""


class TflitePlayer:
    """A .tflite of ours as a Player."""

    in_channels = 1
    out_channels = 1

    def __init__(self, file: tflite.TfliteFile) -> None:
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
        blocks = [self._player.play(padded[at : at + self.min_frames]) for at in range(0, len(padded), self.min_frames)]
        return np.concatenate([*blocks, np.zeros(0, np.float32)])[: len(mono)].reshape(audio.shape)


def open_player(path: Path, tier: int, exact: bool) -> Player:
    """What plays a file. Raises what `open_capture`, `Engine.prepare` and `tflite.read` raise."""
    if path.suffix.lower() != tflite.SUFFIX:
        return Engine.prepare(open_capture(path).capture, tier=tier, exact=exact, max_frames=MAX_FRAMES)
    if tier:
        raise NoSuchTierError(f"{path}: no tier {tier}; a .tflite has one, tier 0")
    return TflitePlayer(tflite.read(path))
