"""The audio that weights are rounded with: the player's own recordings, or what the converter makes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from nampedal.converter import material
from nampedal.converter.errors import SilentAudioError
from nampedal.converter.metrics import peak_dbfs
from nampedal.firmware.audio_file import read_recording
from nampedal.firmware.capture import Calibration
from nampedal.firmware.engine import Audio

# More brings nothing that could be measured, and takes time and memory.
FRAMES = 384_000
EXCERPT_S = 0.5
SILENT_DBFS = -80.0
BEYOND = "nothing clips: weights alone are rounded, and louder input meets the same weights"


def built_in(sample_rate: float) -> tuple[Audio, Calibration]:
    """Audio (frames,) and what to say of it."""
    audio = material.excitation(sample_rate, min(material.EXCITATION_S, FRAMES / sample_rate))
    return audio, Calibration(material.EXCITATION, peak_dbfs(audio), BEYOND)


def from_files(paths: Sequence[Path], sample_rate: float) -> tuple[Audio, Calibration]:
    """The same from recordings, each by its loudest channel: all of them, or evenly spaced excerpts if they are long.

    Raises AudioFileError, SilentAudioError.
    """
    audio = np.concatenate([_loud(path, sample_rate) for path in paths])
    if len(audio) > FRAMES:
        length = round(EXCERPT_S * sample_rate)
        starts = np.linspace(0, len(audio) - length, max(1, FRAMES // length)).astype(int)
        audio = np.concatenate([audio[start : start + length] for start in starts])
    return audio, Calibration(", ".join(path.name for path in paths), peak_dbfs(audio), BEYOND)


def _loud(path: Path, sample_rate: float) -> Audio:
    audio = read_recording(path).at_rate(sample_rate).loudest_channel()
    if peak_dbfs(audio) < SILENT_DBFS:
        raise SilentAudioError(f"{path}: peaks at {peak_dbfs(audio):.0f} dBFS; calibrate with audible playing")
    return audio
