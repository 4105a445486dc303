"""Whatever plays mono audio: an engine with a capture in it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from nampedal.converter.facts import open_capture
from nampedal.firmware.engine import MAX_FRAMES, Audio, Engine


class Player(Protocol):
    """What an Engine offers to who plays whole files."""

    sample_rate: float

    @property
    def in_channels(self) -> int: ...

    @property
    def out_channels(self) -> int: ...

    def reset(self) -> None:
        """To the steady state of silence."""

    def render(self, audio: Audio) -> Audio:
        """The next frames, (frames,) or (frames, channels), any number of them."""


SUFFIXES = (".nam", ".stomp")


def open_player(path: Path, tier: int, exact: bool) -> Player:
    """What plays a file. Raises what `open_capture` and `Engine.prepare` raise."""
    return Engine.prepare(open_capture(path).capture, tier=tier, exact=exact, max_frames=MAX_FRAMES)
