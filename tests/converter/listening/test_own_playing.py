from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from nampedal.converter.listening.own_playing import MAX_S, from_files
from nampedal.firmware.base.errors import ArgumentError, AudioError, FileAccessError

RATE = 48_000
# The ends are faded for 5 ms on both sides.
FADES = 2 * 240


def tone(seconds: float, hz: float = 220.0, rate: int = RATE) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)


def test_the_first_twenty_seconds_are_heard(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    soundfile.write(path, tone(25.0), RATE, "FLOAT")
    found = from_files([path], RATE)
    assert len(found.audio) == MAX_S * RATE + FADES
    assert np.array_equal(found.audio[240:-240], tone(20.0).astype(np.float32))
    assert found.described == "long.wav, 0:00 to 0:20"


def test_a_part_in_the_middle_can_be_chosen(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    soundfile.write(path, np.concatenate([tone(65.0), tone(3.0, 440.0)]), RATE, "FLOAT")
    found = from_files([path], RATE, 65.0)
    assert np.array_equal(found.audio[240:-240], tone(3.0, 440.0).astype(np.float32))
    assert found.described == "long.wav, 1:05 to 1:08"


def test_several_recordings_share_the_time(tmp_path: Path) -> None:
    paths = [tmp_path / "a.wav", tmp_path / "b.wav"]
    for path in paths:
        soundfile.write(path, tone(15.0), RATE, "FLOAT")
    found = from_files(paths, RATE)
    assert len(found.audio) == MAX_S * RATE + 2 * FADES
    assert found.described == "a.wav, 0:00 to 0:10; b.wav, 0:00 to 0:10"


def test_of_two_channels_the_louder_is_heard_at_the_captures_rate(tmp_path: Path) -> None:
    path = tmp_path / "two.wav"
    soundfile.write(path, np.stack([0.1 * tone(1.0, 440.0, 44_100), tone(1.0, rate=44_100)], axis=1), 44_100, "FLOAT")
    found = from_files([path], RATE)
    assert len(found.audio) == RATE + FADES
    inner = slice(RATE // 4, RATE // 2)
    assert np.allclose(found.audio[240:-240][inner], tone(1.0)[inner], atol=1e-4)


def test_what_can_not_be_heard_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "short.wav"
    soundfile.write(path, np.concatenate([tone(1.0), np.zeros(RATE)]), RATE, "FLOAT")
    with pytest.raises(ArgumentError) as late:
        from_files([path], RATE, 2.0)
    assert str(late.value) == f"{path}: lasts 2.0 s; begin before its end, not at 2 s"
    with pytest.raises(AudioError) as silent:
        from_files([path], RATE, 1.0)
    assert str(silent.value) == (
        f"{path}: peaks at -inf dBFS from 0:01 to 0:02; choose a part with audible playing, with --listen-from"
    )
    with pytest.raises(FileAccessError):
        from_files([tmp_path / "none.wav"], RATE)
