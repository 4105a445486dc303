from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from nampedal.converter.listening import calibration_audio
from nampedal.converter.listening.metrics import peak_dbfs
from nampedal.firmware.base.errors import AudioError


def write(path: Path, audio: np.ndarray[tuple[int, ...], np.dtype[np.float64]], rate: int = 48_000) -> Path:
    soundfile.write(path, audio, rate, "FLOAT")
    return path


def tone(frames: int, level: float = 0.5) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.asarray(level * np.sin(np.arange(frames) * 0.05))


@pytest.mark.parametrize("rate", [8_000.0, 44_100.0, 48_000.0, 192_000.0])
def test_built_in_audio_has_every_level_and_never_too_many_frames(rate: float) -> None:
    audio, said = calibration_audio.built_in(rate)
    assert len(audio) == min(round(calibration_audio.BUILT_IN_S * rate), calibration_audio.FRAMES)
    assert said.material == calibration_audio.BUILT_IN
    assert said.peak_dbfs == peak_dbfs(audio)
    assert -3.0 < said.peak_dbfs <= 0.0
    pieces = [peak_dbfs(piece) for piece in np.array_split(audio, round(len(audio) / rate * 10))]
    assert min(pieces) < -15.0
    assert np.array_equal(audio, calibration_audio.built_in(rate)[0])


def test_recordings_are_taken_one_behind_the_other(tmp_path: Path) -> None:
    paths = [write(tmp_path / "a.wav", tone(1000)), write(tmp_path / "b.wav", tone(500, 0.25))]
    audio, said = calibration_audio.from_files(paths, 48_000)
    assert np.array_equal(audio, np.concatenate([tone(1000), tone(500, 0.25)]).astype(np.float32))
    assert said.material == "a.wav, b.wav"
    assert said.peak_dbfs == pytest.approx(-6.02, abs=0.01)


def test_long_recordings_are_taken_in_excerpts_from_all_over(tmp_path: Path) -> None:
    rising = np.linspace(0.0, 1.0, 30 * 48_000)
    audio, _ = calibration_audio.from_files([write(tmp_path / "long.wav", rising)], 48_000)
    assert len(audio) == calibration_audio.FRAMES
    assert audio[0] == 0.0
    assert audio[-1] == pytest.approx(1.0)
    assert np.max(np.diff(audio)) < 0.06


def test_a_recording_at_another_rate_is_resampled(tmp_path: Path) -> None:
    audio, _ = calibration_audio.from_files([write(tmp_path / "a.wav", tone(4410), 44_100)], 48_000)
    assert len(audio) == 4800


def test_of_two_channels_the_louder_is_taken(tmp_path: Path) -> None:
    both = np.stack([np.zeros(1000), tone(1000)], axis=1)
    audio, _ = calibration_audio.from_files([write(tmp_path / "a.wav", both)], 48_000)
    assert np.array_equal(audio, tone(1000).astype(np.float32))


def test_a_silent_recording_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tone(1000, 1e-5))
    with pytest.raises(AudioError) as caught:
        calibration_audio.from_files([path], 48_000)
    assert str(caught.value) == f"{path}: peaks at -100 dBFS; calibrate with audible playing"
