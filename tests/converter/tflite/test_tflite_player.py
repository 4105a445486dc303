from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import Audio
from nampedal.converter.errors import ConversionError
from nampedal.converter.nam import nam_file
from nampedal.converter.tflite import tflite_player
from nampedal.converter.tflite.tflite_player import TflitePlayer
from nampedal.converter.tflite.tflite_writer import write
from nampedal.firmware.base.errors import ArtifactError, MissingPackageError
from support.makers import nam_maker


def written(folder: Path, nam: nam_maker.Nam) -> Path:
    network = nam_file.read(nam_maker.write(folder / "x.nam", nam)).tiers[0].network
    path = folder / f"{nam['architecture']}.tflite"
    path.write_bytes(write(network, sample_rate=48_000.0, facts={}).data)
    return path


@pytest.fixture
def amp(tmp_path: Path) -> Path:
    return written(tmp_path, nam_maker.a1())


@pytest.fixture
def lstm(tmp_path: Path) -> Path:
    return written(tmp_path, nam_maker.lstm())


@pytest.mark.parametrize("frames", [1, 63, 64, 65, 1000])
def test_a_render_is_as_long_as_the_audio_and_is_its_blocks(frames: int, amp: Path, guitar: Audio) -> None:
    player = TflitePlayer.open(amp)
    whole = player.render(guitar[24_000:26_048])
    blocks = TflitePlayer.open(amp)
    assert np.array_equal(whole, np.concatenate([blocks.play(b) for b in guitar[24_000:26_048].reshape(-1, 64)]))
    part = player.render(guitar[24_000 : 24_000 + frames])
    assert part.shape == (frames,)
    assert np.array_equal(part, whole[:frames])


def test_no_audio_gives_no_audio(amp: Path) -> None:
    assert TflitePlayer.open(amp).render(np.zeros(0, np.float32)).shape == (0,)


def test_each_render_and_each_reset_begins_anew(amp: Path, guitar: Audio) -> None:
    player = TflitePlayer.open(amp)
    loud = guitar[24_000:24_640]
    first = player.render(loud)
    assert np.array_equal(player.render(loud), first)
    went_on = player.play(loud[:64])
    player.reset()
    assert np.array_equal(player.play(loud[:64]), first[:64])
    assert not np.array_equal(went_on, first[:64])


def test_a_block_of_another_shape_is_refused(amp: Path) -> None:
    with pytest.raises(ConversionError) as caught:
        TflitePlayer.open(amp).play(np.zeros(63, np.float32))
    assert str(caught.value) == f"{amp}: a block has shape (63,); this player takes (64,)"


def test_an_unrolled_graph_takes_its_own_block_alone(lstm: Path, amp: Path) -> None:
    assert TflitePlayer.open(lstm, block=64).block == 64
    for path, block, allowed in ((lstm, 32, "64 alone"), (amp, 0, "1 or more")):
        with pytest.raises(ConversionError) as caught:
            TflitePlayer.open(path, block=block)
        assert str(caught.value) == f"{path}: block is {block} frames; this graph takes {allowed}"


def test_a_damaged_file_is_not_played(amp: Path) -> None:
    data = amp.read_bytes()
    amp.write_bytes(data[:-100])
    with pytest.raises(ArtifactError):
        TflitePlayer.open(amp)
    with pytest.raises(ConversionError) as caught:
        TflitePlayer(data[:2000], name="amp")
    assert str(caught.value) == "amp: the interpreter refuses it: The model is not a valid Flatbuffer buffer"


def test_without_an_interpreter_the_error_says_what_to_install(amp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in tflite_player.PACKAGES:
        monkeypatch.setitem(sys.modules, f"{package}.interpreter", None)
        monkeypatch.setitem(sys.modules, package, None)
    tflite_player._interpreter_class.cache_clear()
    with pytest.raises(MissingPackageError) as caught:
        TflitePlayer.open(amp)
    tflite_player._interpreter_class.cache_clear()
    assert str(caught.value) == (f"{amp}: is played by LiteRT, which is not installed; pip install 'nampedal[tflite]'")
