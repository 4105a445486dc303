from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import Audio
from nampedal.converter import output
from nampedal.converter.listening import metrics
from nampedal.converter.nam import nam_file
from nampedal.converter.rendering.render import RenderOptions, render_file
from nampedal.converter.tflite.tflite_writer import write
from nampedal.firmware.base.errors import AudioError, FileAccessError
from nampedal.firmware.engine.inference import Engine
from support.makers import nam_maker


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
    with pytest.raises(AudioError) as caught:
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


def test_odd_input_is_told_of_in_one_line_each(amp: Path, guitar: Audio, tmp_path: Path) -> None:
    clean = written(tmp_path / "clean.wav", guitar[:5000])
    loud, holes = guitar[:5000].copy(), guitar[:5000].copy()
    loud[1000] = -14.125
    holes[[100, 2000]] = np.nan, -np.inf
    odd = {name: written(tmp_path / f"{name}.wav", audio) for name, audio in (("loud", loud), ("holes", holes))}
    render = partial(render_file, amp, target=tmp_path / "out.wav", options=RenderOptions(force=True))
    assert render(source=clean).warnings == ()
    assert render(source=odd["loud"]).warnings == (
        f"{odd['loud']}: goes 23.0 dB above full scale, where no interface goes: is it too loud?",
    )
    assert render(source=odd["holes"]).warnings == (
        f"{odd['holes']}: 2 samples of it are no finite numbers, and were played as silence",
    )
    holes[[100, 2000]] = 0.0
    assert np.array_equal(read(tmp_path / "out.wav"), Engine.prepare(nam_file.read(amp)).render(holes))


def test_what_the_system_refuses_is_said_in_its_words(
    amp: Path, guitar: Audio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = written(tmp_path / "in.wav", guitar)
    # The path that a finished file is written to: a disk without room, and a place where nobody may write.
    for place, reason in (
        ("/dev/full", "no space left on device"),
        ("/proc/self/out.wav", "no such file or directory"),
    ):

        @contextmanager
        def replacing(path: Path, force: bool, place: str = place) -> Iterator[Path]:
            with output.atomic_output(path, force):
                yield Path(place)

        monkeypatch.setattr("nampedal.converter.rendering.render.atomic_output", replacing)
        with pytest.raises(FileAccessError) as caught:
            render_file(amp, source, tmp_path / "out.wav", RenderOptions())
        assert str(caught.value) == f"{tmp_path / 'out.wav'}: can't be written: {reason}"
        assert not (tmp_path / "out.wav").exists()
