"""What a smaller network learns from, and what it is judged by: playing, and the original's answer to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from nampedal.converter import material
from nampedal.converter.calibration import SILENT_DBFS
from nampedal.converter.errors import SilentAudioError
from nampedal.converter.metrics import peak_dbfs
from nampedal.converter.play import play
from nampedal.converter.slim.playing import playing
from nampedal.firmware.audio_file import QUALITY, read_recording
from nampedal.firmware.capture import Capture
from nampedal.firmware.engine import Audio

# The end of each recording is kept to judge by: this part of it.
KEPT_BACK = 0.08
# Every recording is heard a second time, that much slower and lower: material has few bass notes.
SLOWER = 0.6
SYNTHETIC_S = 120.0


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is played to the original, and what it answers: (frames,) each."""

    audio: Audio
    answer: Audio


@dataclass(frozen=True, slots=True)
class Material:
    """audio: (frames,), to learn from.  kept_back: (frames,), to be judged by.  described: which that was."""

    audio: Audio
    kept_back: Audio
    described: str


def built_in(sample_rate: float) -> Material:
    """What the converter makes itself."""
    audio = playing(sample_rate, SYNTHETIC_S)
    return Material(audio, material.held_back(sample_rate), material.HELD_BACK)


def from_files(paths: Sequence[Path], sample_rate: float) -> Material:
    """Recordings, each by its loudest channel. Raises AudioFileError, SilentAudioError."""
    learned, slowed, kept = [], [], []
    for path in paths:
        audio = read_recording(path).at_rate(sample_rate).loudest_channel()
        if peak_dbfs(audio) < SILENT_DBFS:
            raise SilentAudioError(f"{path}: peaks at {peak_dbfs(audio):.0f} dBFS; slim with audible playing")
        end = round((1.0 - KEPT_BACK) * len(audio))
        learned.append(audio[:end])
        kept.append(audio[end:])
        slowed.append(np.asarray(soxr.resample(audio[:end], SLOWER, 1.0, QUALITY), np.float32))
    kept_back = np.concatenate(kept)
    names = ", ".join(path.name for path in paths)
    if peak_dbfs(kept_back) < SILENT_DBFS:
        share = f"the last {100 * KEPT_BACK:.0f} %"
        raise SilentAudioError(
            f"{names}: {share}, kept back to judge by, is silent; cut the recordings off before that"
        )
    described = f"{len(kept_back) / sample_rate:.1f} s kept back of {names}"
    return Material(np.concatenate([*learned, *slowed]), kept_back, described)


def lesson(capture: Capture, audio: Audio) -> Lesson:
    """With the answer of the capture's full tier; of several output channels, the first."""
    return Lesson(audio, np.ascontiguousarray(play(capture, audio)[:, 0]))
