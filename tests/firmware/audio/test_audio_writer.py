"""Audio files written: as libsndfile does, and what the system refuses in the system's words."""

from __future__ import annotations

import errno
import resource
import signal
from pathlib import Path

import numpy as np
import pytest
import soundfile
from nampedal.firmware.audio.audio_writer import AudioWriter
from nampedal.firmware.engine.inference import Audio

ROWS: Audio = np.random.default_rng(1).uniform(-0.5, 0.5, (20_000, 2)).astype(np.float32)


@pytest.mark.parametrize(
    ("file_format", "subtype"),
    [("WAV", "FLOAT"), ("WAV", "PCM_24"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("AIFF", "PCM_16"), ("CAF", "FLOAT")],
)
def test_a_file_is_what_soundfile_writes(tmp_path: Path, file_format: str, subtype: str) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    with AudioWriter(ours, 48_000, 2, subtype, file_format) as out:
        for at in range(0, len(ROWS), 1000):
            out.write(ROWS[at : at + 1000])
    with soundfile.SoundFile(theirs, "w", 48_000, 2, subtype, format=file_format) as file:
        for at in range(0, len(ROWS), 1000):
            file.write(ROWS[at : at + 1000])
    wanted, rate = soundfile.read(theirs)
    found, found_rate = soundfile.read(ours)
    assert (found_rate, found.shape) == (rate, wanted.shape)
    assert np.array_equal(found, wanted)


def test_a_disk_without_room_is_told_as_such() -> None:
    with (
        pytest.raises(OSError, match="No space left on device") as caught,
        AudioWriter(Path("/dev/full"), 48_000, 2, "FLOAT", "WAV") as out,
    ):
        out.write(ROWS)
    assert caught.value.errno == errno.ENOSPC


def test_a_file_that_may_not_grow_is_told_of_once_while_it_is_written(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    out = AudioWriter(tmp_path / "out.wav", 48_000, 2, "FLOAT", "WAV")
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            out.write(ROWS)
        out.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


def test_a_place_that_is_not_there_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        AudioWriter(tmp_path / "no" / "out.wav", 48_000, 1, "FLOAT", "WAV")


def test_what_a_format_does_not_hold_is_libsndfiles_error(tmp_path: Path) -> None:
    with pytest.raises((soundfile.LibsndfileError, ValueError)):
        AudioWriter(tmp_path / "out.flac", 48_000, 1, "FLOAT", "FLAC")
