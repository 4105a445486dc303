from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from nampedal.converter.nam.capture_player import play
from nampedal.converter.slim.dataset import (
    MAX_VALIDATION_SHARE,
    SLOWED_SPEED,
    built_in,
    from_files,
    make_pair,
    recordings_in,
)
from nampedal.firmware.base.errors import ArgumentError, AudioError
from nampedal.firmware.engine.capture import Capture


def test_the_end_of_each_recording_is_kept_back(tmp_path: Path) -> None:
    audio = np.random.default_rng(1).normal(0.0, 0.1, (2, 48_000)).astype(np.float32)
    for number in range(2):
        soundfile.write(tmp_path / f"{number}.wav", audio[number], 48_000, "FLOAT")
    found = from_files([tmp_path / "0.wav", tmp_path / "1.wav"], 48_000.0)
    kept = round(48_000 * MAX_VALIDATION_SHARE)
    np.testing.assert_array_equal(found.validation, np.concatenate([audio[0, -kept:], audio[1, -kept:]]))
    np.testing.assert_array_equal(found.audio[: 48_000 - kept], audio[0, :-kept])
    assert len(found.audio) == pytest.approx(2 * (48_000 - kept) * (1.0 + 1.0 / SLOWED_SPEED), abs=4)
    assert found.described == "0.5 s kept back of 0.wav, 1.wav"


@pytest.mark.parametrize(("seconds", "kept_s"), [(4.0, 1.0), (12.0, 2.0), (60.0, 4.8), (600.0, 30.0)])
def test_of_short_recordings_more_is_kept_back_and_of_long_ones_less(
    tmp_path: Path, seconds: float, kept_s: float
) -> None:
    audio = np.random.default_rng(1).normal(0.0, 0.1, round(seconds * 8000)).astype(np.float32)
    soundfile.write(tmp_path / "di.wav", audio, 8000, "FLOAT")
    assert len(from_files([tmp_path / "di.wav"], 8000.0).validation) == pytest.approx(kept_s * 8000, abs=2)


def test_the_second_time_it_is_lower(tmp_path: Path) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 1000.0 * np.arange(48_000) / 48_000)
    soundfile.write(tmp_path / "tone.wav", tone, 48_000, "FLOAT")
    found = from_files([tmp_path / "tone.wav"], 48_000.0)
    slowed = found.audio[-48_000:] * np.hanning(48_000)
    assert np.argmax(np.abs(np.fft.rfft(slowed))) == pytest.approx(1000.0 * SLOWED_SPEED, abs=2)


def test_silence_is_no_material(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "off.wav", np.zeros(4800), 48_000)
    with pytest.raises(AudioError) as caught:
        from_files([tmp_path / "off.wav"], 48_000.0)
    assert str(caught.value) == f"{tmp_path / 'off.wav'}: peaks at -inf dBFS; slim with audible playing"


def test_a_silent_end_can_not_judge(tmp_path: Path) -> None:
    audio = np.concatenate([np.random.default_rng(1).normal(0.0, 0.1, 8000), np.zeros(4000)])
    soundfile.write(tmp_path / "fade.wav", audio, 48_000)
    with pytest.raises(AudioError) as caught:
        from_files([tmp_path / "fade.wav"], 48_000.0)
    assert str(caught.value) == (
        "fade.wav: the last 25 %, kept back to judge by, is silent; cut the recordings off before that"
    )


def test_what_is_built_in_is_judged_by_something_else() -> None:
    found = built_in(48_000.0)
    assert len(found.audio) == 120 * 48_000
    assert not np.array_equal(found.audio[:48_000], found.validation[:48_000])


def test_the_answer_is_the_captures(small: Capture) -> None:
    audio = np.random.default_rng(2).normal(0.0, 0.1, 3000).astype(np.float32)
    np.testing.assert_array_equal(make_pair(small, audio).answer, play(small, audio)[:, 0])


def test_recordings_of_a_folder_are_found_in_any_case(tmp_path: Path) -> None:
    for name in ("DI.WAV", "sub/b.Flac", "._a.wav", "__MACOSX/c.wav", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    alone = tmp_path / "notes.txt"
    assert recordings_in([alone, tmp_path]) == (alone, tmp_path / "DI.WAV", tmp_path / "sub" / "b.Flac")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ArgumentError) as error:
        recordings_in([tmp_path / "empty"])
    assert str(error.value) == f"{tmp_path}/empty: there is no *.wav or *.flac in it"
