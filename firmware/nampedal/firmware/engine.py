"""The engine: plays one tier of a capture. A typed face of the native module, and of LiteRT's in litert.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from nampedal.firmware import _engine, artifact
from nampedal.firmware.capture import Capture
from numpy.typing import NDArray

MAX_FRAMES = _engine.MAX_FRAMES

Audio = NDArray[np.float32]


def isas() -> list[str]:
    """Kernels that this CPU can run, best first; the last is 'scalar'."""
    return _engine.isas()


class Engine:
    """One tier, prepared and in its steady state.

    Audio is float32, (frames,) for a network of one channel in and out, else (frames, channels). The output depends on
    the past input only, is not delayed, and is bit-identical however the audio is cut into blocks. Where LiteRT plays,
    blocks have one length, which is both min_frames and max_frames.
    """

    def __init__(self, player: _engine.Player, sample_rate: float) -> None:
        self._player = player
        self.sample_rate = sample_rate

    @classmethod
    def prepare(
        cls,
        source: Path | str | bytes | Capture,
        *,
        sample_rate: float | None = None,
        max_frames: int = 64,
        tier: int = 0,
        exact: bool = False,
        isa: str = "",
        general: bool = False,
    ) -> Engine:
        """Prepare one tier of an artifact (a path, or its bytes) or of a capture.

        sample_rate: Hz, of the audio; None: whatever the capture's is.  max_frames: the largest block, up to
        MAX_FRAMES.  tier: 0 is full.  exact: the C library's tanh and exp instead of the fast ones, whose error is
        below 1.6e-6.  isa: one of `isas()`; '' is what NAMPEDAL_ISA says, or the best.
        general: the general path, even where a faster one gives the same bits.

        Raises a subclass of ArtifactError, SampleRateError, NoSuchTierError or IsaError.
        """
        if isinstance(source, Capture):
            loaded = _engine.Artifact.from_bytes(artifact.pack(source), source.source.file_name)
        elif isinstance(source, bytes):
            loaded = _engine.Artifact.from_bytes(source, "artifact")
        else:
            loaded = _engine.Artifact.open(str(source))
        rate = loaded.sample_rate if sample_rate is None else sample_rate
        return cls(_engine.Model(loaded, tier, rate, max_frames, exact, isa, general), rate)

    @property
    def in_channels(self) -> int:
        return self._player.in_channels

    @property
    def out_channels(self) -> int:
        return self._player.out_channels

    @property
    def min_frames(self) -> int:
        return self._player.min_frames

    @property
    def max_frames(self) -> int:
        return self._player.max_frames

    @property
    def isa(self) -> str:
        """The kernels that this engine runs, or the library and its version."""
        return self._player.isa

    @property
    def memory_bytes(self) -> int:
        return self._player.memory_bytes

    def process(self, block: Audio) -> Audio:
        """The next block, min_frames to max_frames frames. Raises BlockShapeError."""
        audio = np.ascontiguousarray(block, np.float32)
        rows = audio.reshape(len(audio), 1) if audio.ndim == 1 else audio
        out = np.empty((len(rows), self.out_channels), np.float32)
        self._player.process(rows, out)
        return out[:, 0] if audio.ndim == 1 and self.out_channels == 1 else out

    def render(self, audio: Audio) -> Audio:
        """Any length of audio, in blocks of max_frames. Silence fills up a block that may not be shorter."""
        short = -len(audio) % self.min_frames
        filled = np.concatenate([audio, np.zeros((short, *audio.shape[1:]), np.float32)]) if short else audio
        blocks = [self.process(filled[at : at + self.max_frames]) for at in range(0, len(filled), self.max_frames)]
        if not blocks:
            return np.zeros((0,) if audio.ndim == 1 else (0, self.out_channels), np.float32)
        return np.concatenate(blocks)[: len(audio)]

    def reset(self) -> None:
        """Back to the steady state of endless silence."""
        self._player.reset()

    def time_blocks(self, audio: Audio, frames: int) -> tuple[float, NDArray[np.float64]]:
        """Play audio (frames,) in blocks of `frames`: CPU seconds of them all, and wall seconds of each block."""
        rows = np.ascontiguousarray(audio, np.float32).reshape(len(audio), -1)
        cpu_s, wall_s = self._player.time_blocks(rows, frames)
        return cpu_s, np.array(wall_s)
