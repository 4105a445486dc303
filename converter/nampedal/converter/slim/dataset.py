"""Training and validation audio for a smaller network, with the output of the original network for that audio."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from nampedal.converter.listening import test_signals
from nampedal.converter.listening.calibration_audio import SILENT_DBFS
from nampedal.converter.listening.metrics import peak_dbfs
from nampedal.converter.listening.synthetic_guitar import synthetic_playing
from nampedal.converter.nam.capture_player import play
from nampedal.converter.slim.coverage import describe_gaps
from nampedal.firmware.audio.audio_file import QUALITY, read_recording
from nampedal.firmware.base.errors import ArgumentError, AudioError
from nampedal.firmware.base.listing import files_below
from nampedal.firmware.engine.capture import Capture
from nampedal.firmware.engine.inference import Audio

# The end of each recording is kept back for validation. It is VALIDATION_SHARE of the recording, but in total at
# least MIN_VALIDATION_S (of short recordings at most MAX_VALIDATION_SHARE) and at most MAX_VALIDATION_S.
VALIDATION_SHARE = 0.08
MIN_VALIDATION_S = 2.0
MAX_VALIDATION_SHARE = 0.25
MAX_VALIDATION_S = 30.0
# Each recording is used a second time at this speed, so also lower in pitch: recordings have few bass notes.
SLOWED_SPEED = 0.6
SYNTHETIC_S = 120.0
# Files in a folder of recordings with these suffixes are read.
RECORDING_SUFFIXES = (".wav", ".flac")


@dataclass(frozen=True, slots=True)
class TrainingPair:
    """Input audio, and the output of the original network for it (the answer). Both are (frames,)."""

    audio: Audio
    answer: Audio


@dataclass(frozen=True, slots=True)
class TrainingAudio:
    """Audio for training and audio for validation.

    audio: (frames,), for training.
    kept_back: (frames,), for validation.
    described: text that says what the validation audio is.
    doubts: texts that say what the recordings lack (see `describe_gaps`); empty for the built-in material.
    """

    audio: Audio
    validation: Audio
    described: str
    doubts: tuple[str, ...] = ()


def built_in(sample_rate: float) -> TrainingAudio:
    """Return the built-in material: synthetic guitar playing that the converter generates."""
    audio = synthetic_playing(sample_rate, SYNTHETIC_S)
    return TrainingAudio(audio, test_signals.validation_signal(sample_rate), test_signals.VALIDATION_LABEL)


def recordings_in(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Return the files, and the .wav and .flac files in the folders. Raises ArgumentError if a folder has none."""
    found: list[Path] = []
    for path in paths:
        inside = [path / one for one in files_below(path, RECORDING_SUFFIXES)] if path.is_dir() else [path]
        if not inside:
            raise ArgumentError(f"{path}: there is no {' or '.join(f'*{one}' for one in RECORDING_SUFFIXES)} in it")
        found += inside
    return tuple(found)


def from_files(paths: Sequence[Path], sample_rate: float) -> TrainingAudio:
    """Return material from recordings; the loudest channel of each is used. Raises FileAccessError, AudioError."""
    recordings = [read_recording(path).at_rate(sample_rate).loudest_channel() for path in paths]
    for path, audio in zip(paths, recordings, strict=True):
        if peak_dbfs(audio) < SILENT_DBFS:
            raise AudioError(f"{path}: peaks at {peak_dbfs(audio):.0f} dBFS; slim with audible playing")
    share = _kept_back(sum(map(len, recordings)) / sample_rate)
    ends = [round((1.0 - share) * len(audio)) for audio in recordings]
    learned = [audio[:end] for audio, end in zip(recordings, ends, strict=True)]
    kept_back = np.concatenate([audio[end:] for audio, end in zip(recordings, ends, strict=True)])
    names = ", ".join(path.name for path in paths)
    if peak_dbfs(kept_back) < SILENT_DBFS:
        last = f"the last {100 * share:.0f} %"
        raise AudioError(f"{names}: {last}, kept back to judge by, is silent; cut the recordings off before that")
    slowed = [np.asarray(soxr.resample(audio, SLOWED_SPEED, 1.0, QUALITY), np.float32) for audio in learned]
    described = f"{len(kept_back) / sample_rate:.1f} s kept back of {names}"
    doubts = tuple(describe_gaps(np.concatenate(recordings), sample_rate))
    return TrainingAudio(np.concatenate([*learned, *slowed]), kept_back, described, doubts)


def _kept_back(seconds: float) -> float:
    """Return the share of the recordings that is kept back for validation. seconds: total length of all recordings."""
    least = min(MIN_VALIDATION_S / seconds, MAX_VALIDATION_SHARE)
    return min(max(VALIDATION_SHARE, least), MAX_VALIDATION_S / seconds)


def make_pair(capture: Capture, audio: Audio) -> TrainingPair:
    """Pair the audio with the output of the capture's full tier for it; only the first output channel is used."""
    return TrainingPair(audio, np.ascontiguousarray(play(capture, audio)[:, 0]))
