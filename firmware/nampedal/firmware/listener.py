"""Who listens beside the audio thread: a recording of input and output, the tuner, and who levels presets.

A thread of its own takes what the stage puts aside; the audio thread waits for nobody, and drops what is not taken in
time.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import numpy as np
import soundfile
from nampedal.firmware import _engine
from nampedal.firmware.errors import RecordingError
from nampedal.firmware.guitar_take import Take
from nampedal.firmware.tuner import Pitch, Tuner

LOOK_S = 0.02
# libsndfile's SFC_SET_UPDATE_HEADER_AUTO (sndfile.h).
SET_UPDATE_HEADER_AUTO = 0x1061

_log = logging.getLogger(__name__)


class Listener:
    """For one stage. pitch: the newest, while the tuner is on; None: nothing clear."""

    def __init__(self, stage: _engine.Stage, sample_rate: float, channels: int = 1) -> None:
        self.pitch: Pitch | None = None
        self._stage = stage
        self._rate = sample_rate
        self._room = np.empty((round(sample_rate), 2 * channels), np.float32)
        self._file: soundfile.SoundFile | None = None
        self._path = Path()
        self._tuner: Tuner | None = None
        self._guitar: Take | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listen", daemon=True)
        self._thread.start()

    @property
    def sample_rate(self) -> float:
        """Hz."""
        return self._rate

    def close(self) -> None:
        """Ends the recording, and the thread."""
        self._stop.set()
        self._thread.join()
        self.stop_recording()

    def record(self, path: Path) -> None:
        """Into a WAV of 32-bit float: input and output, of each channel. Raises RecordingError."""
        if path.exists():
            raise RecordingError(f"{path}: is there already; name another file to record to")
        try:
            file = soundfile.SoundFile(path, "w", round(self._rate), self._room.shape[1], "FLOAT", format="WAV")
            # The file says after every write how long it is: it can be played even if nobody closes it.
            soundfile._snd.sf_command(file._file, SET_UPDATE_HEADER_AUTO, soundfile._ffi.NULL, 1)
        except (OSError, soundfile.LibsndfileError) as error:
            raise RecordingError(f"{path}: can't be recorded to: {error}") from error
        with self._lock:
            self._end_file()
            self._path, self._file = path, file
            self._listen()

    def stop_recording(self) -> None:
        """With everything in it that was played until now."""
        with self._lock:
            self._take()
            self._end_file()
            self._listen()

    @property
    def recording(self) -> bool:
        return self._file is not None

    def tune(self, on: bool) -> None:
        """Whether pitches are wanted."""
        with self._lock:
            self._tuner = Tuner(self._rate) if on else None
            self.pitch = None
            self._listen()

    def take(self, guitar: Take | None) -> None:
        """Has it hear the input's first channel until it is over; None: no more."""
        with self._lock:
            self._guitar = guitar
            self._listen()

    def _listen(self) -> None:
        wanted = self._file is not None or self._tuner is not None or self._guitar is not None
        if wanted and not self._stage.tapped:
            # What was put aside before is not asked for.
            while self._stage.take_tap(self._room):
                pass
        self._stage.tapped = wanted

    def _run(self) -> None:
        while not self._stop.wait(LOOK_S):
            with self._lock:
                self._take()

    def _take(self) -> None:
        while self._stage.tapped and (frames := self._stage.take_tap(self._room)):
            pairs = self._room[:frames]
            if self._tuner is not None:
                self.pitch = self._tuner.hear(np.ascontiguousarray(pairs[:, 0]))
            if self._guitar is not None:
                self._guitar.hear(pairs[:, 0])
                if self._guitar.over:
                    self._guitar = None
                    self._listen()
            self._write(pairs)

    def _write(self, pairs: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> None:
        if self._file is None:
            return
        try:
            self._file.write(pairs)
        except (OSError, soundfile.LibsndfileError) as error:
            _log.warning("%s: the recording ends: %s", self._path, error)
            self._end_file()
            self._listen()

    def _end_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
