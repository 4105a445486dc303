"""Reads audio files of any format and rate of libsndfile, and WAV files with a header that it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from nampedal.firmware.audio.wav_repair import repair_wav
from nampedal.firmware.base.errors import FileAccessError
from nampedal.firmware.base.files.bounded_file import check_regular_file
from nampedal.firmware.base.files.file_kind import what_it_is
from nampedal.firmware.engine.inference import Audio

QUALITY = "VHQ"
# Maximum length of a recording that is read as a whole; rendering reads in blocks.
MAX_S = 600.0
# Samples of all channels: MAX_S of stereo at 48 kHz. A small file may unpack to any size.
MAX_SAMPLES = 60_000_000
# libsndfile's frame count of a file that does not state its length, such as a streamed one.
_UNKNOWN_FRAMES = (1 << 63) - 1
_FRAMES = 1 << 16
_HEAD_BYTES = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A recording in memory. audio: (frames, channels) float32.  sample_rate: Hz."""

    path: Path
    audio: Audio
    sample_rate: int

    def at_rate(self, sample_rate: float) -> Recording:
        if sample_rate == self.sample_rate:
            return self
        resampled = soxr.resample(self.audio, self.sample_rate, sample_rate, QUALITY)
        return Recording(self.path, np.asarray(resampled, np.float32), round(sample_rate))

    def loudest(self) -> int:
        """Return the index of the channel with the most energy."""
        # One channel at a time: all in double precision may be too much for a pedal's memory.
        return int(np.argmax([np.sum(channel.astype(np.float64) ** 2) for channel in self.audio.T]))

    def loudest_channel(self) -> Audio:
        """Return the channel with the most energy, (frames,)."""
        return np.ascontiguousarray(self.audio[:, self.loudest()])


def open_audio(path: Path) -> soundfile.SoundFile:
    """Open an audio file for reading. Raises FileAccessError."""
    try:
        check_regular_file(path)
        return _opened(path)
    except (soundfile.LibsndfileError, TypeError) as error:
        kind = _kind(path)
        if kind:
            raise FileAccessError(f"{path}: is {kind}; an audio file is needed") from error
        raise FileAccessError(f"{path}: can't be read as audio: {reason(error)}") from error
    except OSError as error:
        raise FileAccessError(f"{path}: can't be read: {(error.strerror or str(error)).lower()}") from error


def seconds_of(audio: soundfile.SoundFile) -> float | None:
    """Return the length that a file states; None: it states none."""
    return None if audio.frames == _UNKNOWN_FRAMES else float(audio.frames / audio.samplerate)


def blocks(audio: soundfile.SoundFile, path: Path, frames: int) -> Iterator[Audio]:
    """Yield the rest of a file in blocks of (frames, channels), then an empty block. Raises FileAccessError."""
    while True:
        try:
            block = np.asarray(audio.read(frames, "float32", always_2d=True), np.float32)
        except soundfile.LibsndfileError as error:
            raise FileAccessError(f"{path}: can't be read as audio: {reason(error)}") from error
        yield block
        if len(block) == 0:
            return


def read_recording(path: Path, max_samples: int = MAX_SAMPLES) -> Recording:
    """Read a whole file. max_samples: maximum for all channels together.

    Raises FileAccessError if the file can't be read, holds nothing, or is longer than MAX_S or max_samples.
    """
    with open_audio(path) as audio:
        seconds = seconds_of(audio)
        if seconds is not None:
            _check_length(path, audio, audio.frames, max_samples)
        parts, frames = [], 0
        for block in blocks(audio, path, _FRAMES):
            parts.append(block)
            frames += len(block)
            # The stated length may be missing or too small.
            _check_length(path, audio, max(frames, 1), max_samples)
        if frames == 0:
            raise FileAccessError(f"{path}: holds no sound that can be read; copy it again")
        whole = np.concatenate(parts)
        del parts
        if not np.isfinite(whole).all():
            raise FileAccessError(f"{path}: a sample is not finite; write the recording again")
        return Recording(path, whole, audio.samplerate)


def reason(error: Exception) -> str:
    """Return libsndfile's error text, as the end of a line."""
    text = getattr(error, "error_string", str(error))
    return str(text).strip().rstrip(".").lower()


def _opened(path: Path) -> soundfile.SoundFile:
    try:
        audio = soundfile.SoundFile(path)
    except soundfile.LibsndfileError:
        file = repair_wav(path)
        if file is None:
            raise
        return soundfile.SoundFile(file)
    if audio.frames == 0 and audio.format in ("WAV", "WAVEX", "RF64"):
        # The header was written before the samples and never updated.
        file = repair_wav(path)
        if file is not None:
            audio.close()
            return soundfile.SoundFile(file)
    return audio


def _check_length(path: Path, audio: soundfile.SoundFile, frames: int, max_samples: int) -> None:
    """Check a length before that much memory is used. Raises FileAccessError."""
    if not 0 < frames <= MAX_S * audio.samplerate:
        found = f"{frames / audio.samplerate:.1f} s"
        raise FileAccessError(f"{path}: lasts {found}; above 0 and up to {MAX_S:g} s are taken")
    if frames * audio.channels > max_samples:
        raise FileAccessError(
            f"{path}: holds {audio.channels} channels of {frames / audio.samplerate:.1f} s at {audio.samplerate} Hz; "
            f"up to {max_samples:,} samples are taken: cut it, or save it with fewer channels or a lower rate"
        )


def _kind(path: Path) -> str:
    """Return what a file is that is not audio; empty: unknown."""
    try:
        with path.open("rb") as file:
            kind = what_it_is(file.read(_HEAD_BYTES))
    except OSError:
        return ""
    return "" if kind.startswith("a sound") else kind
