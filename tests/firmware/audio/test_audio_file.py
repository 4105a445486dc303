from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import Audio
from nampedal.firmware.audio.audio_file import Recording, blocks, open_audio, read_recording
from nampedal.firmware.base.errors import FileAccessError


def write(path: Path, audio: Audio, rate: int = 48_000) -> Path:
    soundfile.write(path, audio, rate, "FLOAT")
    return path


def tone(frames: int, level: float = 0.5) -> Audio:
    return np.asarray(level * np.sin(np.arange(frames) * 0.05), np.float32)


def refusal(path: Path) -> str:
    with pytest.raises(FileAccessError) as caught:
        read_recording(path)
    return str(caught.value)


def test_a_recording_is_read_as_it_was_written(tmp_path: Path) -> None:
    both = np.stack([tone(100_000), tone(100_000, 0.25)], axis=1)
    recording = read_recording(write(tmp_path / "a.wav", both, 44_100))
    assert recording.sample_rate == 44_100
    assert np.array_equal(recording.audio, both)


def test_blocks_are_the_file_and_end_with_an_empty_one(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tone(1000))
    with open_audio(path) as audio:
        parts = list(blocks(audio, path, 300))
    assert [part.shape for part in parts] == [(300, 1), (300, 1), (300, 1), (100, 1), (0, 1)]
    assert np.array_equal(np.concatenate(parts)[:, 0], tone(1000))


def test_another_rate_keeps_the_tone_and_the_seconds(tmp_path: Path) -> None:
    there = read_recording(write(tmp_path / "a.wav", tone(44_100), 44_100)).at_rate(48_000.0)
    assert (there.sample_rate, there.audio.shape) == (48_000, (48_000, 1))
    wanted = 0.5 * np.sin(np.arange(48_000) * 0.05 * 44_100 / 48_000)
    assert np.max(np.abs(there.audio[1000:-1000, 0] - wanted[1000:-1000])) < 1e-5


def test_its_own_rate_changes_nothing() -> None:
    recording = Recording(Path("a.wav"), tone(100)[:, None], 48_000)
    assert recording.at_rate(48_000.0) is recording


def test_the_loudest_channel_has_the_most_energy_not_the_highest_peak() -> None:
    click = np.zeros(1000, np.float32)
    click[500] = 1.0
    recording = Recording(Path("a.wav"), np.stack([click, tone(1000, 0.1), tone(1000, 0.05)], axis=1), 48_000)
    assert np.array_equal(recording.loudest_channel(), tone(1000, 0.1))


@pytest.mark.parametrize(
    ("audio", "text"),
    [
        (np.zeros(0, np.float32), "lasts 0.0 s; above 0 and up to 600 s are taken"),
        (np.array([0.5, np.nan], np.float32), "a sample is not finite; write the recording again"),
    ],
)
def test_what_is_no_recording_is_refused(tmp_path: Path, audio: Audio, text: str) -> None:
    path = write(tmp_path / "a.wav", audio)
    assert refusal(path) == f"{path}: {text}"


def test_a_recording_of_more_than_ten_minutes_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", np.zeros(601, np.float32), 1)
    assert refusal(path) == f"{path}: lasts 601.0 s; above 0 and up to 600 s are taken"


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gone.wav"
    assert refusal(path) == f"{path}: can't be read: no such file or directory"


def test_a_folder_and_a_device_are_refused_as_such(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"{tmp_path}: can't be read: is a directory"
    assert refusal(Path("/dev/null")) == "/dev/null: can't be read: is no plain file"


def test_a_file_that_is_no_audio_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"words, words, words")
    assert refusal(path) == f"{path}: can't be read as audio: format not recognised"
