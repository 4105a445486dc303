from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from nampedal.firmware.base.errors import FileAccessError
from nampedal.firmware.engine import _engine
from nampedal.firmware.engine.inference import Audio
from nampedal.firmware.jack.audio_tap import AudioTap
from support.players.jack_server import wait_for

RATE = 48_000.0
FRAMES = 128


@pytest.fixture
def stage() -> _engine.Stage:
    made = _engine.Stage(RATE, FRAMES)
    chain = _engine.Chain(RATE, FRAMES, "")
    chain.add_gain(0.5)
    chain.reset()
    made.go_to(chain, False, 0.001)
    play(made, np.zeros(1000, np.float32))
    return made


@pytest.fixture
def tap(stage: _engine.Stage) -> Iterator[AudioTap]:
    made = AudioTap(stage, RATE)
    yield made
    made.close()


def play(stage: _engine.Stage, audio: Audio) -> Audio:
    out = np.empty_like(audio)
    stage.process(audio, out)
    return out


def tone(hertz: float, frames: int) -> Audio:
    return np.asarray(0.3 * np.sin(2.0 * np.pi * hertz / RATE * np.arange(frames)), np.float32)


def test_a_recording_has_every_frame_of_input_and_output(
    stage: _engine.Stage, tap: AudioTap, guitar: Audio, tmp_path: Path
) -> None:
    path = tmp_path / "take.wav"
    play(stage, guitar[:5000])
    tap.record(path)
    assert tap.recording
    played = [play(stage, guitar[at : at + 4_800]) for at in range(0, 48_000, 4_800)]
    tap.stop_recording()
    got, rate = soundfile.read(path, dtype="float32")
    assert rate == RATE
    assert np.array_equal(got[:, 0], guitar[:48_000])
    assert np.array_equal(got[:, 1], np.concatenate(played))
    assert stage.dropped == 0
    assert not stage.tapped


def test_a_recording_of_a_stereo_stage_has_input_and_output_of_each_channel(guitar: Audio, tmp_path: Path) -> None:
    stage = _engine.Stage(RATE, FRAMES, 2)
    chain = _engine.Chain(RATE, FRAMES, "", 2)
    chain.add_gain(0.5)
    chain.reset()
    stage.go_to(chain, False, 0.001)
    audio = np.stack([guitar[:20_000], guitar[20_000:40_000]])
    out = np.empty_like(audio)
    stage.process(audio, out)
    tap = AudioTap(stage, RATE, 2)
    tap.record(tmp_path / "take.wav")
    stage.process(audio, out)
    tap.close()
    got = soundfile.read(tmp_path / "take.wav", dtype="float32")[0].T
    assert np.array_equal(got, [audio[0], out[0], audio[1], out[1]])


def test_the_tuner_hears_the_input_while_it_is_on(stage: _engine.Stage, tap: AudioTap) -> None:
    play(stage, tone(110.0, 48_000))
    assert tap.pitch is None
    tap.tune(True)
    play(stage, tone(82.41, 48_000))
    pitch = wait_for(lambda: tap.pitch)
    assert pitch.note == "E2"
    assert abs(pitch.cents) < 1.0
    tap.tune(False)
    assert tap.pitch is None
    assert not stage.tapped


def test_nothing_is_recorded_over_and_what_can_not_be_written_is_named(tap: AudioTap, tmp_path: Path) -> None:
    path = tmp_path / "take.wav"
    path.write_bytes(b"precious")
    with pytest.raises(FileAccessError, match=r"take\.wav: is there already; name another file to record to"):
        tap.record(path)
    assert path.read_bytes() == b"precious"
    with pytest.raises(FileAccessError, match=r"take\.wav: can't be recorded to: no such file or directory$"):
        tap.record(tmp_path / "gone" / "take.wav")
    assert not tap.recording
