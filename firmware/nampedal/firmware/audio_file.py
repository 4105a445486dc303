"""Audio files in: any format and rate that libsndfile reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from nampedal.firmware.engine import Audio
from nampedal.firmware.errors import AudioFileError

QUALITY = "VHQ"
# Nobody means more by one recording to look at; a render streams.
MOST_S = 600.0


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """audio: (frames, channels) float32.  sample_rate: Hz."""

    path: Path
    audio: Audio
    sample_rate: int

    def at_rate(self, sample_rate: float) -> Recording:
        if sample_rate == self.sample_rate:
            return self
        resampled = soxr.resample(self.audio, self.sample_rate, sample_rate, QUALITY)
        return Recording(self.path, np.asarray(resampled, np.float32), round(sample_rate))

    def loudest(self) -> int:
        """The index of the channel with the most energy."""
        return int(np.argmax(np.sum(self.audio.astype(np.float64) ** 2, axis=0)))

    def loudest_channel(self) -> Audio:
        """(frames,)."""
        return np.ascontiguousarray(self.audio[:, self.loudest()])


def open_audio(path: Path) -> soundfile.SoundFile:
    """Raises AudioFileError."""
    if not path.is_file():
        raise AudioFileError(f"{path}: can't be read: no such file")
    try:
        return soundfile.SoundFile(path)
    except (soundfile.LibsndfileError, TypeError) as error:
        raise AudioFileError(f"{path}: can't be read as audio: {reason(error)}") from error


def blocks(audio: soundfile.SoundFile, path: Path, frames: int) -> Iterator[Audio]:
    """The rest of a file, (frames, channels) at a time, then an empty block. Raises AudioFileError."""
    while True:
        try:
            block = np.asarray(audio.read(frames, "float32", always_2d=True), np.float32)
        except soundfile.LibsndfileError as error:
            raise AudioFileError(f"{path}: can't be read as audio: {reason(error)}") from error
        yield block
        if len(block) == 0:
            return


def read_recording(path: Path) -> Recording:
    """A whole file. Raises AudioFileError when it can't be read, holds nothing, or is longer than MOST_S."""
    with open_audio(path) as audio:
        if not 0 < audio.frames <= MOST_S * audio.samplerate:
            found = f"{audio.frames / audio.samplerate:.1f} s"
            raise AudioFileError(f"{path}: lasts {found}; above 0 and up to {MOST_S:g} s are taken")
        whole = np.concatenate(list(blocks(audio, path, 1 << 16)))
        if not np.isfinite(whole).all():
            raise AudioFileError(f"{path}: a sample is not finite; write the recording again")
        return Recording(path, whole, audio.samplerate)


def reason(error: Exception) -> str:
    """Libsndfile's words, as the end of a line."""
    text = getattr(error, "error_string", str(error))
    return str(text).strip().rstrip(".").lower()
