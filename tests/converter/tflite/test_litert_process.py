"""A .tflite is played in a process of its own: what becomes of that is an error of one line."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import Audio
from nampedal.converter.errors import ConversionError
from nampedal.converter.nam import nam_file
from nampedal.converter.tflite import litert_process
from nampedal.converter.tflite.litert_process import ChildProcessPlayer
from nampedal.converter.tflite.tflite_player import TflitePlayer
from nampedal.converter.tflite.tflite_writer import write
from nampedal.firmware.base.errors import FileAccessError, NampedalError
from support.makers import nam_maker


@pytest.fixture
def data(tmp_path: Path) -> bytes:
    network = nam_file.read(nam_maker.write(tmp_path / "x.nam", nam_maker.a1())).tiers[0].network
    return write(network, sample_rate=48_000.0, facts={}).data


def test_it_plays_what_the_interpreter_plays_here(data: bytes, guitar: Audio) -> None:
    apart, here = ChildProcessPlayer(data, large_block=1024), TflitePlayer(data, block=1024)
    assert apart.block == 1024
    audio = guitar[20_000 : 20_000 + 50 * 1024 + 17]
    assert np.array_equal(apart.render(audio), here.render(audio))
    assert np.array_equal(apart.render(audio[:5000]), here.render(audio[:5000]))
    first = apart.play(audio[:2048])
    assert not np.array_equal(apart.play(audio[:2048]), first)
    apart.reset()
    apart.play(np.zeros(0, np.float32))
    with pytest.raises(ConversionError) as caught:
        apart.play(audio[:1000])
    assert str(caught.value) == "tflite: audio has shape (1000,); whole blocks of 1024 are played"


def test_the_process_ends_with_its_player(data: bytes) -> None:
    player = ChildProcessPlayer(data)
    child = player._process._child
    assert child.poll() is None
    del player
    assert child.poll() is not None


def test_what_the_interpreter_refuses_is_told_here(data: bytes) -> None:
    with pytest.raises(ConversionError) as caught:
        ChildProcessPlayer(data[:2000], name="amp")
    assert str(caught.value) == "amp: the interpreter refuses it: The model is not a valid Flatbuffer buffer"


def test_a_measurement_has_the_errors_of_reading(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match=r"gone\.tflite: can't be read: no such file or directory$"):
        litert_process.measure(tmp_path / "gone.tflite", 0.5)


@pytest.mark.parametrize(
    ("does", "text"),
    [
        ("os.kill(os.getpid(), 11)", "LiteRT crashed on it (SIGSEGV)"),
        ("os.abort()", "LiteRT crashed on it (SIGABRT)"),
        ("os._exit(3)", "LiteRT crashed on it (exit code 3)"),
        ("os.kill(os.getpid(), 24)", "LiteRT took too long or too much memory with it and was ended"),
        ("time.sleep(60)", "LiteRT took too long with it and was ended"),
        ("print('no answer', flush=True); os._exit(0)", "LiteRT crashed on it (exit code 0)"),
        ("print('x' * 100_000, flush=True); time.sleep(60)", "LiteRT took too long with it and was ended"),
    ],
)
def test_a_process_that_goes_wrong_is_one_line(does: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(litert_process, "_CHILD", (sys.executable, "-c", f"import os, time; {does}"))
    monkeypatch.setattr(litert_process, "MAX_S", 3.0)
    with pytest.raises(NampedalError) as caught:
        ChildProcessPlayer(b"model", name="amp.tflite")
    assert str(caught.value) == f"amp.tflite: {text}; convert the .nam again"
