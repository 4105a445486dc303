"""Taps input and output for a recording, the tuner and the levelling of presets.

Its own thread reads the audio that the stage puts into a buffer. The audio thread never waits: it drops what is not
read in time.
"""

from __future__ import annotations

import logging
import threading
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
from nampedal.firmware.audio import audio_file
from nampedal.firmware.audio.audio_writer import AudioWriter
from nampedal.firmware.audio.guitar_take import GuitarTake
from nampedal.firmware.audio.tuner import Pitch, Tuner
from nampedal.firmware.base.errors import FileAccessError
from nampedal.firmware.base.faults import FaultIsolator
from nampedal.firmware.base.files import toml_schema
from nampedal.firmware.engine import _engine

# Input and output of each channel, (frames, 2 * channels).
Pairs = np.ndarray[tuple[int, ...], np.dtype[np.float32]]
POLL_S = 0.02
# SFC_SET_UPDATE_HEADER_AUTO of libsndfile (sndfile.h).
SET_UPDATE_HEADER_AUTO = 0x1061

_log = logging.getLogger(__name__)


class AudioTap:
    """The audio tap of one stage.

    pitch: the newest one while the tuner is on; None: no clear pitch.
    """

    def __init__(self, stage: _engine.Stage, sample_rate: float, channels: int = 1) -> None:
        self.pitch: Pitch | None = None
        self._stage = stage
        self._rate = sample_rate
        self._room = np.empty((round(sample_rate), 2 * channels), np.float32)
        self._file: AudioWriter | None = None
        self._path = Path()
        self._tuner: Tuner | None = None
        # The reference of the tuner that is on; None: it is off.
        self._reference_hz: float | None = None
        self._guitar: GuitarTake | None = None
        self._faults = FaultIsolator()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listen", daemon=True)
        self._thread.start()

    @property
    def sample_rate(self) -> float:
        """Return the sample rate in Hz."""
        return self._rate

    def close(self) -> None:
        """End the recording and the thread."""
        self._stop.set()
        self._thread.join()
        self.stop_recording()

    def record(self, path: Path) -> None:
        """Start to record to a WAV file of 32-bit float: input and output of each channel. Raises FileAccessError."""
        if path.exists():
            raise FileAccessError(f"{path}: is there already; name another file to record to")
        try:
            file = AudioWriter(path, round(self._rate), self._room.shape[1], "FLOAT", "WAV")
            # The header is updated after each write: the file can be played even if it is never closed.
            soundfile._snd.sf_command(file.sound._file, SET_UPDATE_HEADER_AUTO, soundfile._ffi.NULL, 1)
        except (OSError, soundfile.LibsndfileError) as error:
            raise FileAccessError(f"{path}: can't be recorded to: {_reason(error)}") from error
        with self._lock:
            self._end_file()
            self._path, self._file = path, file
            self._listen()

    def stop_recording(self) -> None:
        """End the recording. It contains everything that was played until now."""
        with self._lock:
            self._read_audio()
            self._end_file()
            self._listen()

    @property
    def recording(self) -> bool:
        return self._file is not None

    def tune(self, on: bool, reference_hz: float = 440.0) -> None:
        """Switch the tuner on or off. A tuner that is on with this reference stays as it is.

        reference_hz: the frequency of A4.
        Raises ArgumentError.
        """
        wanted_hz = reference_hz if on else None
        if wanted_hz == self._reference_hz:
            return
        with self._lock:
            self._tuner = Tuner(self._rate, reference_hz) if on else None
            self._reference_hz = wanted_hz
            self.pitch = None
            self._listen()

    def set_guitar_take(self, guitar: GuitarTake | None) -> None:
        """Pass the first input channel to a guitar recording until that is over. guitar: None: stop."""
        with self._lock:
            self._guitar = guitar
            self._listen()

    def _listen(self) -> None:
        wanted = self._file is not None or self._tuner is not None or self._guitar is not None
        if wanted and not self._stage.tapped:
            # Discard what is left in the buffer from before.
            while self._stage.take_tap(self._room):
                pass
        self._stage.tapped = wanted

    def _run(self) -> None:
        while not self._stop.wait(POLL_S):
            with self._lock:
                self._faults.run("listening", self._read_audio)

    def _read_audio(self) -> None:
        while self._stage.tapped and (frames := self._stage.take_tap(self._room)):
            pairs = self._room[:frames]
            # An error in one part must not stop the others, or the next audio.
            if not self._faults.run("the tuner", partial(self._update_tuner, pairs)):
                self.pitch = None
            if not self._faults.run("hearing a guitar", partial(self._record_guitar, pairs)):
                self._guitar = None
                self._listen()
            if not self._faults.run(f"recording to {self._path}", partial(self._write, pairs)):
                self._end_file()
                self._listen()

    def _update_tuner(self, pairs: Pairs) -> None:
        if self._tuner is not None:
            self.pitch = self._tuner.update(np.ascontiguousarray(pairs[:, 0]))

    def _record_guitar(self, pairs: Pairs) -> None:
        if self._guitar is not None:
            self._guitar.add(pairs[:, 0])
            if self._guitar.over:
                self._guitar = None
                self._listen()

    def _write(self, pairs: Pairs) -> None:
        if self._file is None:
            return
        try:
            self._file.write(pairs)
        except (OSError, soundfile.LibsndfileError) as error:
            _log.warning("%s: the recording ends: %s", self._path, _reason(error))
            self._end_file()
            self._listen()

    def _end_file(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            self._faults.run(f"ending {self._path}", file.close)


def _reason(error: OSError | soundfile.LibsndfileError) -> str:
    return toml_schema.os_error_text(error) if isinstance(error, OSError) else audio_file.reason(error)
