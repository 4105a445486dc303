from __future__ import annotations

from pathlib import Path

import nam_maker
import numpy as np
import pytest
import soundfile
from conftest import Audio
from nampedal.converter import metrics, nam_file
from nampedal.converter.errors import AudioFormatError
from nampedal.converter.render import RenderOptions, render_file
from nampedal.converter.tflite_writer import write
from nampedal.firmware.engine import Engine


@pytest.fixture
def amp(tmp_path: Path) -> Path:
    return nam_maker.write(tmp_path / "amp.nam", nam_maker.a1(seed=4))


@pytest.fixture
def identity(tmp_path: Path) -> Path:
    nam = nam_maker.linear(taps=1)
    nam["weights"] = [1.0]
    return nam_maker.write(tmp_path / "identity.nam", nam)


def written(path: Path, audio: Audio, rate: int = 48_000, subtype: str = "FLOAT") -> Path:
    soundfile.write(path, audio, rate, subtype=subtype)
    return path


def tone(frames: int, rate: int, hz: float = 440.0) -> Audio:
    return np.asarray(0.5 * np.sin(2 * np.pi * hz * np.arange(frames) / rate), np.float32)


def read(path: Path) -> Audio:
    return np.asarray(soundfile.read(path, dtype="float32")[0], np.float32)


def test_a_file_is_what_the_engine_plays(amp: Path, guitar: Audio, tmp_path: Path) -> None:
    done = render_file(amp, written(tmp_path / "in.wav", guitar), tmp_path / "out.wav", RenderOptions())
    assert np.array_equal(read(tmp_path / "out.wav"), Engine.prepare(nam_file.read(amp)).render(guitar))
    assert done.seconds == pytest.approx(2.0)
    assert not done.resampled


def test_channels_are_played_apart(amp: Path, guitar: Audio, tmp_path: Path) -> None:
    two = np.stack([guitar, -0.5 * guitar[::-1]], axis=1)
    render_file(amp, written(tmp_path / "in.wav", two), tmp_path / "out.wav", RenderOptions())
    out = read(tmp_path / "out.wav")
    for channel in range(2):
        assert np.array_equal(out[:, channel], Engine.prepare(nam_file.read(amp)).render(two[:, channel]))


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 88_200, 96_000, 192_000])
@pytest.mark.parametrize("frames", [1, 1000, 30_001])
def test_another_rate_is_resampled_without_delay_and_keeps_its_length(
    identity: Path, tmp_path: Path, rate: int, frames: int
) -> None:
    audio = tone(frames, rate)
    done = render_file(identity, written(tmp_path / "in.wav", audio, rate), tmp_path / "out.wav", RenderOptions())
    out = read(tmp_path / "out.wav")
    assert len(out) == frames
    assert done.resampled
    if frames > 10_000:
        middle = slice(frames // 4, 3 * frames // 4)
        assert metrics.esr(audio[middle], out[middle]) < 1e-6


def test_resampled_render_is_near_the_render_at_the_models_rate(amp: Path, tmp_path: Path) -> None:
    at_48k = Engine.prepare(nam_file.read(amp)).render(tone(48_000, 48_000))
    source = written(tmp_path / "in.wav", tone(96_000, 96_000), 96_000)
    render_file(amp, source, tmp_path / "out.wav", RenderOptions())
    out = read(tmp_path / "out.wav")[::2]
    assert metrics.esr(at_48k[4000:-4000], out[4000:-4000]) < 1e-5


@pytest.mark.parametrize(
    ("name", "subtype", "stored"),
    [
        ("out.wav", "", "FLOAT"),
        ("out.wav", "pcm_16", "PCM_16"),
        ("out.flac", "", "PCM_24"),
        ("out.aif", "", "FLOAT"),
        ("out.ogg", "", "VORBIS"),
    ],
)
def test_format_follows_the_name_and_the_subtype(
    identity: Path, tmp_path: Path, name: str, subtype: str, stored: str
) -> None:
    source = written(tmp_path / "in.flac", tone(4800, 48_000), subtype="PCM_16")
    render_file(identity, source, tmp_path / name, RenderOptions(subtype=subtype))
    assert soundfile.info(tmp_path / name).subtype == stored
    assert soundfile.info(tmp_path / name).frames == 4800


def test_an_empty_file_gives_an_empty_file(amp: Path, tmp_path: Path) -> None:
    source = written(tmp_path / "in.wav", np.zeros(0, np.float32))
    done = render_file(amp, source, tmp_path / "out.wav", RenderOptions())
    assert (done.seconds, done.peak) == (0.0, 0.0)
    assert soundfile.info(tmp_path / "out.wav").frames == 0


def test_clipping_is_told_for_formats_that_clip(tmp_path: Path) -> None:
    nam = nam_maker.linear(taps=1)
    nam["weights"] = [4.0]
    loud = nam_maker.write(tmp_path / "loud.nam", nam)
    source = written(tmp_path / "in.wav", tone(4800, 48_000))
    assert not render_file(loud, source, tmp_path / "float.wav", RenderOptions()).clips
    done = render_file(loud, source, tmp_path / "pcm.wav", RenderOptions(subtype="PCM_24"))
    assert done.clips
    assert done.peak == pytest.approx(2.0, rel=1e-3)


def test_a_model_of_two_channels_takes_them_together(tmp_path: Path) -> None:
    nam = nam_maker.linear(taps=2)
    nam["config"] |= {"in_channels": 2, "out_channels": 2}
    model = nam_maker.write(tmp_path / "two.nam", nam)
    mono = written(tmp_path / "mono.wav", tone(100, 48_000))
    with pytest.raises(AudioFormatError) as caught:
        render_file(model, mono, tmp_path / "out.wav", RenderOptions())
    assert str(caught.value) == f"{mono}: has 1 channels; this model takes 2 together"
    stereo = written(tmp_path / "stereo.wav", np.stack([tone(100, 48_000)] * 2, axis=1))
    assert render_file(model, stereo, tmp_path / "out.wav", RenderOptions()).channels == 2


def test_progress_ends_at_the_whole_file(amp: Path, guitar: Audio, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    source = written(tmp_path / "in.wav", guitar)
    render_file(amp, source, tmp_path / "out.wav", RenderOptions(), lambda done, total: told.append((done, total)))
    assert told[-1] == (len(guitar), len(guitar))
    assert told == sorted(told)


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_a_tflite_plays_whole_blocks_and_keeps_the_length(amp: Path, guitar: Audio, tmp_path: Path, rate: int) -> None:
    """30,001 frames at another rate come in pieces that fit no block; the artifact's sound is the measure."""
    capture = nam_file.read(amp)
    model = tmp_path / "amp.tflite"
    model.write_bytes(write(capture.tiers[0].network, sample_rate=48_000.0, facts={}).data)
    source = written(tmp_path / "in.wav", np.stack([guitar[:30_001], guitar[1000:31_001]], axis=1), rate)
    render_file(amp, source, tmp_path / "a.wav", RenderOptions(exact=True))
    render_file(model, source, tmp_path / "b.wav", RenderOptions())
    wanted, got = read(tmp_path / "a.wav"), read(tmp_path / "b.wav")
    assert got.shape == (30_001, 2)
    assert metrics.esr(wanted, got) < 1e-9
