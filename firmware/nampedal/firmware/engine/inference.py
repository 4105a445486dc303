"""Plays one tier of a capture. Typed wrapper of the native module; litert_engine.py uses it for LiteRT as well."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from nampedal.firmware.engine import _engine, artifact
from nampedal.firmware.engine.capture import Capture
from numpy.typing import NDArray

MAX_FRAMES = _engine.MAX_FRAMES

Audio = NDArray[np.float32]


def isas() -> list[str]:
    """Return the names of the kernels that this CPU can run, best first. The last is 'scalar'."""
    return _engine.isas()


class Engine:
    """One tier of a capture, prepared to play and in its steady state.

    Audio is float32: (frames,) for a network with one input and one output channel, otherwise (frames, channels). The
    output depends only on past and present input, has no delay, and is bit-identical for every division of the audio
    into blocks. With LiteRT, all blocks have the same length, which is both min_frames and max_frames.
    """

    def __init__(self, player: _engine.Player, sample_rate: float) -> None:
        self._player = player
        self.sample_rate = sample_rate

    @classmethod
    def prepare(
        cls,
        source: Path | str | bytes | Capture | _engine.Artifact,
        *,
        sample_rate: float | None = None,
        max_frames: int = 64,
        tier: int = 0,
        exact: bool = False,
        isa: str = "",
        general: bool = False,
    ) -> Engine:
        """Prepare one tier of an artifact or of a capture.

        source: path of an artifact, its bytes, an artifact that is already loaded, or a capture.
        sample_rate: Hz, of the audio; None: the sample rate of the capture.
        max_frames: maximum block length, up to MAX_FRAMES.
        tier: index of the tier; 0 is the full tier.
        exact: use the C library's tanh and exp instead of the fast ones, whose error is below 1.6e-6.
        isa: one of `isas()`; '' is the value of NAMPEDAL_ISA, or the best.
        general: use the general path, even if a faster path gives the same bits.

        Raises ArtifactError or ArgumentError.
        """
        if isinstance(source, Capture):
            loaded = _engine.Artifact.from_bytes(artifact.pack(source), source.source.file_name)
        elif isinstance(source, _engine.Artifact):
            loaded = source
        elif isinstance(source, bytes):
            loaded = _engine.Artifact.from_bytes(source, "artifact")
        else:
            loaded = artifact.load(Path(source))
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
        """Name of the kernels that this engine runs, or of the library (LiteRT) and its version."""
        return self._player.isa

    @property
    def memory_bytes(self) -> int:
        """Memory that the prepared tier uses, in bytes."""
        return self._player.memory_bytes

    def process(self, block: Audio) -> Audio:
        """Play the next block, of min_frames to max_frames frames, and return its output. Raises ArgumentError."""
        audio = np.ascontiguousarray(block, np.float32)
        rows = audio.reshape(len(audio), 1) if audio.ndim == 1 else audio
        out = np.empty((len(rows), self.out_channels), np.float32)
        self._player.process(rows, out)
        return out[:, 0] if audio.ndim == 1 and self.out_channels == 1 else out

    def render(self, audio: Audio) -> Audio:
        """Play audio of any length in blocks of max_frames. A last block that is too short is padded with silence."""
        short = -len(audio) % self.min_frames
        filled = np.concatenate([audio, np.zeros((short, *audio.shape[1:]), np.float32)]) if short else audio
        blocks = [self.process(filled[at : at + self.max_frames]) for at in range(0, len(filled), self.max_frames)]
        if not blocks:
            return np.zeros((0,) if audio.ndim == 1 else (0, self.out_channels), np.float32)
        return np.concatenate(blocks)[: len(audio)]

    def reset(self) -> None:
        """Return to the steady state of endless silence."""
        self._player.reset()

    def time_blocks(self, audio: Audio, frames: int) -> tuple[float, NDArray[np.float64]]:
        """Play audio in blocks of `frames` frames, and measure the time.

        Return (CPU seconds of all blocks together, wall-clock seconds of each block).
        audio: (frames,) or (frames, channels).
        """
        rows = np.ascontiguousarray(audio, np.float32).reshape(len(audio), -1)
        cpu_s, wall_s = self._player.time_blocks(rows, frames)
        return cpu_s, np.array(wall_s)
