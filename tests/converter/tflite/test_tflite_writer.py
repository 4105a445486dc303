from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from conftest import Audio
from nampedal.converter.errors import ConversionError
from nampedal.converter.listening import metrics, test_signals
from nampedal.converter.nam import nam_file
from nampedal.converter.rounding.quantize import quantize
from nampedal.converter.tflite import tflite_calibration, tflite_file
from nampedal.converter.tflite.tflite_network import layer_names
from nampedal.converter.tflite.tflite_player import TflitePlayer
from nampedal.converter.tflite.tflite_writer import Tflite, write
from nampedal.firmware.base.errors import MissingPackageError
from nampedal.firmware.engine import tflite_artifact
from nampedal.firmware.engine.inference import Engine
from nampedal.firmware.engine.network import Network
from support.makers import nam_maker

RATE = 48_000.0
EXCITATION = test_signals.excitation(RATE, 0.5)


@pytest.fixture
def network(tmp_path: Path) -> Network:
    return quantize(
        nam_file.read(nam_maker.write(tmp_path / "x.nam", nam_maker.a1(channels=(8, 4)))).tiers[0].network, EXCITATION
    )


@pytest.fixture
def demo(root: Path) -> Network:
    return quantize(nam_file.read(root / "demo" / "overdriven-amp.nam").tiers[0].network, EXCITATION)


@pytest.fixture
def lstm(tmp_path: Path) -> Network:
    return nam_file.read(nam_maker.write(tmp_path / "x.nam", nam_maker.lstm())).tiers[0].network


def written(network: Network, mode: str, calibration: Audio | None = None, **facts: Any) -> Tflite:
    return write(network, sample_rate=RATE, mode=mode, calibration=calibration, facts=facts)


def float_signals(tensors: list[dict[str, Any]]) -> set[str]:
    """Names of the float32 signals: what has as many axes as audio and is no weight."""
    return {t["name"] for t in tensors if t["dtype"] is np.float32 and len(t["shape"]) == 4}


def tensors(data: bytes) -> list[dict[str, Any]]:
    interpreter = pytest.importorskip("ai_edge_litert.interpreter")
    details: list[dict[str, Any]] = interpreter.Interpreter(model_content=data).get_tensor_details()
    return details


def test_the_audio_tensors_are_named_and_float(network: Network, guitar: Audio) -> None:
    for mode in tflite_artifact.MODES:
        found = {t["name"]: t for t in tensors(written(network, mode, guitar[:9600]).data)}
        for name in ("audio", "output"):
            assert found[name]["dtype"] is np.float32
            assert found[name]["shape"].tolist() == [1, 1, 64, 1]


def test_int8_has_no_float_signal_between_audio_and_output(network: Network, guitar: Audio) -> None:
    strict = written(network, "int8", guitar[:9600])
    assert strict.float_layers == ()
    assert float_signals(tensors(strict.data)) == {"audio", "output"}
    assert len(float_signals(tensors(written(network, "weights").data))) > 2


def test_an_int8_graph_sounds_like_its_network(demo: Network, guitar: Audio) -> None:
    loud = guitar / np.max(np.abs(guitar))
    wanted = TflitePlayer(written(demo, "weights").data).render(loud)
    found = TflitePlayer(written(demo, "int8", guitar).data).render(loud)
    # One wrong grid of the many would be worse than 1.
    assert 1e-4 < metrics.esr(wanted, found) < 0.1


def test_every_mode_begins_in_its_steady_state(network: Network, guitar: Audio) -> None:
    for mode in tflite_artifact.MODES:
        played = TflitePlayer(written(network, mode, guitar[:9600]).data).render(np.zeros(6400, np.float32))
        assert np.ptp(played) <= 1e-6, mode


@pytest.mark.long
def test_mixed_makes_layers_int8_while_the_measured_error_allows(demo: Network, guitar: Audio) -> None:
    mixed = written(demo, "mixed", guitar)
    layers = layer_names(demo)
    assert set() < set(mixed.float_layers) < set(layers)
    assert list(mixed.float_layers) == [name for name in layers if name in mixed.float_layers]
    player, whole = TflitePlayer(mixed.data), TflitePlayer(written(demo, "weights").data)
    for level in tflite_calibration.LEVELS:
        audio = np.asarray(level * guitar / np.max(np.abs(guitar)), np.float32)
        assert 0.0 < metrics.esr(whole.render(audio), player.render(audio)) <= 1.01 * tflite_calibration.MAX_MIXED_ESR


def test_the_level_of_the_calibration_does_not_matter(network: Network, guitar: Audio) -> None:
    half = np.asarray(0.5 * guitar, np.float32)
    assert written(network, "int8", guitar[:9600]).data == written(network, "int8", half[:9600]).data


@pytest.mark.parametrize("mode", tflite_artifact.MODES)
def test_the_same_arguments_give_the_same_bytes(mode: str, network: Network, guitar: Audio) -> None:
    first = written(network, mode, guitar[:9600], name="amp", esr=1e-6)
    assert first.data == written(network, mode, guitar[:9600], esr=1e-6, name="amp").data


def test_what_was_told_is_read_back(network: Network, guitar: Audio, tmp_path: Path) -> None:
    mixed = write(network, sample_rate=44_100.0, block=32, mode="mixed", calibration=guitar[:9600], facts={"n": [1, 2]})
    (tmp_path / "x.tflite").write_bytes(mixed.data)
    file = tflite_artifact.read(tmp_path / "x.tflite")
    assert (file.sample_rate, file.block, file.any_block, file.mode) == (44_100.0, 32, True, "mixed")
    assert file.float_layers == mixed.float_layers
    assert file.prewarm_frames == 1 + 2 * 2 * (1 + 2 + 4)
    assert file.facts == {"n": [1, 2]}


def test_an_lstm_is_fixed_to_its_block(lstm: Network, tmp_path: Path) -> None:
    (tmp_path / "x.tflite").write_bytes(write(lstm, sample_rate=RATE, block=16, facts={}).data)
    file = tflite_artifact.read(tmp_path / "x.tflite")
    assert (file.block, file.any_block, file.mode, file.float_layers) == (16, False, "weights", ())


@pytest.mark.long
@pytest.mark.parametrize("name", ["5150-lead-standard", "hm2-swede-feather", "core-a2"])
def test_mixed_keeps_hard_captures_on_guitars_it_has_not_heard(corpus: Path, name: str) -> None:
    capture = nam_file.read(corpus / "models" / f"{name}.nam")
    mixed = written(quantize(capture.tiers[0].network, EXCITATION), "mixed", test_signals.plucks(RATE, 2.0))
    assert set(mixed.float_layers) < set(layer_names(capture.tiers[0].network))
    player = TflitePlayer(mixed.data)
    engine = Engine.prepare(capture, exact=True)
    for path in sorted((corpus / "di").glob("*.wav")):
        audio = np.asarray(soundfile.read(path, 96_000, 96_000, dtype="float32")[0], np.float32)
        engine.reset()
        assert metrics.esr(engine.render(audio), player.render(audio)) <= 2e-3, path.stem


def test_an_unknown_mode_is_refused(network: Network) -> None:
    with pytest.raises(ConversionError) as caught:
        written(network, "int4")
    assert str(caught.value) == "mode: is 'int4'; known are weights, mixed, int8"


@pytest.mark.parametrize("mode", ["mixed", "int8"])
def test_int8_activations_are_refused_where_they_ruin_the_sound(mode: str, lstm: Network, guitar: Audio) -> None:
    with pytest.raises(ConversionError) as caught:
        written(lstm, mode, guitar)
    assert str(caught.value) == "network: LSTM has no layers that bear int8 activations; write mode weights"


@pytest.mark.parametrize(
    ("calibration", "found"),
    [
        (None, "absent"),
        (np.zeros(64, np.float32), "silent"),
        (np.zeros(0, np.float32), "silent"),
        (np.full(64, np.nan, np.float32), "not finite"),
    ],
)
def test_int8_activations_need_audio(calibration: Audio | None, found: str, network: Network) -> None:
    with pytest.raises(ConversionError) as caught:
        written(network, "mixed", calibration)
    assert str(caught.value) == (
        f"calibration: is {found}; mode mixed measures ranges with audio: give a dry recording"
    )


def test_without_ai_edge_litert_the_error_says_what_to_install(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert.schema_py_generated", None)
    tflite_file.schema.cache_clear()
    with pytest.raises(MissingPackageError) as caught:
        written(network, "weights")
    tflite_file.schema.cache_clear()
    assert str(caught.value) == (
        "ai-edge-litert: is not installed, and no .tflite can be written without it; pip install 'nampedal[tflite]'"
    )
