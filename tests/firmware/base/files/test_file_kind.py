"""What is no capture, artifact or recording is called what it is."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nampedal.firmware.base.files.file_kind import what_it_is

AIDA_X = {"in_shape": [None, None, 1], "in_skip": 1, "samplerate": 48000, "layers": [{"type": "lstm", "weights": []}]}
PROTEUS = {"model_data": {"model": "SimpleRNN", "hidden_size": 40}, "state_dict": {"rec.weight_ih_l0": []}}
NAM = {"version": "0.5.4", "architecture": "LSTM", "config": {}, "weights": [], "layers": 1, "in_shape": 1}


def zipped(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\n<!DOCTYPE html>\n<html lang='en'>", "a web page (HTML), not the file itself; download the file with"),
        (b"\xef\xbb\xbf<html>", "a web page (HTML)"),
        (b"<!-- saved from url --><HTML>", "a web page (HTML)"),
        (zipped("a.nam"), "a zip archive; unpack it"),
        (b"Rar!\x1a\x07\x01\0", "a RAR archive; unpack it"),
        (b"7z\xbc\xaf\x27\x1c\0\4", "a 7z archive; unpack it"),
        (b"\x1f\x8b\x08\0", "packed by gzip; unpack it"),
        (b"\x89PNG\r\n\x1a\n", "a picture (PNG)"),
        (b"\xff\xd8\xff\xe0", "a picture (JPEG)"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "a sound file (WAV)"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "a picture (WebP)"),
        (b"%PDF-1.7", "a PDF document"),
        (json.dumps(AIDA_X).encode(), "an AIDA-X (RTNeural) model; only Neural Amp Modeler's .nam is read"),
        (b"\xef\xbb\xbf" + json.dumps(PROTEUS).encode(), "a Proteus or NeuralPi (GuitarML) model"),
        (zipped("best/data.pkl", "best/version"), "a PyTorch checkpoint (.pt, .pth or .ckpt)"),
        (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", "a PyTorch checkpoint"),
        (b"\x08\x07\x12\x07pytorch\x1a\x051.9", "an ONNX model"),
        (b"\x1c\0\0\0STMP", "a nampedal artifact (.stomp)"),
        (b"\x1c\0\0\0TFL3", "a TensorFlow Lite model (.tflite)"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer"),
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b"\0" * 99, "nothing but zero bytes"),
        (b"\0\5\x16\7\0\2\0\0Mac OS X", "a companion file of macOS"),
        (json.dumps(NAM).encode(), ""),
        (b'{"version": "0.5.4"', ""),
        (b"name = 1", ""),
    ],
)
def test_it_is_known_by_its_bytes(data: bytes, what: str) -> None:
    found = what_it_is(data)
    assert found.startswith(what)
    assert bool(found) == bool(what)
    assert found.isprintable()


@given(st.binary(max_size=300))
def test_any_bytes_are_looked_at(data: bytes) -> None:
    assert what_it_is(data).isprintable()
