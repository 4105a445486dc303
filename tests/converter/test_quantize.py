from __future__ import annotations

from pathlib import Path

import nam_maker
import numpy as np
import pytest
from conftest import Audio
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from nampedal.converter import nam_file
from nampedal.converter.convert import convert
from nampedal.converter.quantize import quantize, round_to_nearest
from nampedal.firmware import artifact
from nampedal.firmware.engine import Engine
from nampedal.firmware.network import Int8Weights, WaveNet


@given(arrays.arrays(np.float32, (3, 2, 3), elements=st.floats(-2.0, 2.0, width=32)))
def test_every_weight_is_within_half_a_step(weight: np.ndarray[tuple[int, int, int], np.dtype[np.float32]]) -> None:
    rounded = round_to_nearest(weight)
    error = np.abs(rounded.expand().astype(np.float64) - weight).reshape(3, -1).max(axis=1)
    largest = np.abs(weight).reshape(3, -1).max(axis=1)
    kept = largest > 1e-35
    assert (error[kept] <= 0.5001 * rounded.scale[kept].astype(np.float64) + 1e-45).all()


def test_each_channel_has_its_own_scale_and_zero_is_zero() -> None:
    rounded = round_to_nearest(np.array([[[1.0, -0.5]], [[0.0, 0.0]], [[0.004, 0.002]]], np.float32))
    assert rounded.values.reshape(3, 2).tolist() == [[127, -64], [0, 0], [127, 64]]
    assert rounded.scale == pytest.approx([1 / 127, 1.0, 0.004 / 127])


def test_w8_rounds_the_layers_and_leaves_the_rest(tmp_path: Path) -> None:
    film = {"active": True, "shift": True, "groups": 1}
    array = {**nam_maker.ARRAY, "conv_pre_film": film, "head1x1": {"active": True, "out_channels": 2, "groups": 1}}
    capture = nam_file.read(nam_maker.write(tmp_path / "x.nam", nam_maker.wavenet([array])))
    network = quantize(capture.tiers[0].network)
    assert isinstance(network, WaveNet)
    layer = network.arrays[0].layers[0]
    for conv in (layer.conv, layer.layer1x1, layer.head1x1):
        assert conv is not None
        assert isinstance(conv.weight, Int8Weights)
    assert layer.conv_pre_film is not None
    for conv in (layer.mixin, layer.conv_pre_film.conv, network.arrays[0].rechannel, network.arrays[0].head):
        assert isinstance(conv.weight, np.ndarray)


def test_lstm_and_linear_stay_float(tmp_path: Path) -> None:
    for nam in (nam_maker.lstm(), nam_maker.linear()):
        capture = nam_file.read(nam_maker.write(tmp_path / "x.nam", nam))
        assert quantize(capture.tiers[0].network) is capture.tiers[0].network
        assert convert(capture, "w8").tiers[0].esr == 0.0


def test_corpus_captures_convert_reload_and_render(
    corpus: Path, golden_input: Audio, capsys: pytest.CaptureFixture[str]
) -> None:
    """ESR of w8, round to nearest, on the built-in plucks: printed for each; random-weight models are no sound."""
    lines = []
    for path in sorted((corpus / "models").glob("*.nam")):
        capture = convert(nam_file.read(path), "w8")
        stored = artifact.pack(capture)
        for i, tier in enumerate(capture.tiers):
            assert np.isfinite(Engine.prepare(stored, tier=i).render(golden_input[:4800])).all()
            assert tier.esr is not None
            lines.append(f"{path.stem} tier {i}: {tier.esr:.1e}")
            assert tier.esr < 0.1, lines[-1]
            if not path.stem.startswith(("core-", "trainer-")):
                assert tier.esr < 2e-3, lines[-1]
    with capsys.disabled():
        print("", "w8 ESR against float32, built-in plucks:", *lines, sep="\n  ")
