"""Writes audio files. System errors keep their own text; libsndfile would call all of them 'system error'."""

from __future__ import annotations

from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import soundfile
from nampedal.firmware.engine.inference import Audio


class AudioWriter:
    """A new audio file that is written block by block.

    Every method raises OSError for errors of the system, and soundfile.LibsndfileError for errors of the format.
    """

    def __init__(self, path: Path, sample_rate: int, channels: int, subtype: str, file_format: str) -> None:
        """Begin the file and overwrite an existing one.

        sample_rate: Hz.
        subtype, file_format: as libsndfile names them.
        """
        self._file = _ErrorKeepingFile(path)
        try:
            self.sound = soundfile.SoundFile(self._file, "w", sample_rate, channels, subtype, None, file_format)
        except BaseException as error:
            self._file.close()
            self._file.raise_kept_error(error)
            raise

    def write(self, rows: Audio) -> None:
        """Write audio. rows: (frames, channels), or (frames,) for one channel."""
        try:
            self.sound.write(rows)
        # soundfile raises AssertionError if not everything was written.
        except (soundfile.LibsndfileError, AssertionError) as error:
            self._file.raise_kept_error(error)
            raise
        self._file.raise_kept_error()

    def close(self) -> None:
        """Finish the file. An error that was raised before is not raised again."""
        before = self._file.fault
        try:
            self.sound.close()
        finally:
            self._file.close()
        if self._file.fault is not before:
            self._file.raise_kept_error()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class _ErrorKeepingFile(FileIO):
    """A file for libsndfile, which can't pass exceptions on: it keeps the first OSError."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "w+")
        self.fault: OSError | None = None

    def write(self, data: Any) -> int:
        left = memoryview(data)
        try:
            while left:
                left = left[super().write(left) or 0 :]
        except OSError as error:
            self.fault = self.fault or error
        return len(data) - len(left)

    def raise_kept_error(self, cause: BaseException | None = None) -> None:
        """Raise the kept OSError, if there is one."""
        if self.fault is not None:
            raise self.fault from cause
