from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest
from nampedal.converter.nam import nam_file
from nampedal.firmware.base.errors import FileAccessError, NampedalError
from nampedal.firmware.engine.capture import Capture
from nampedal.firmware.engine.inference import Engine
from nampedal.firmware.engine.network import ActivationKind, ConvNet, Gating, Linear, Lstm, WaveNet
from support.makers import nam_maker


def read(tmp_path: Path, nam: nam_maker.Nam) -> Capture:
    return nam_file.read(nam_maker.write(tmp_path / "amp.nam", nam))


def wavenet(tmp_path: Path, nam: nam_maker.Nam) -> WaveNet:
    network = read(tmp_path, nam).tiers[0].network
    assert isinstance(network, WaveNet)
    return network


def test_every_corpus_capture_is_read(corpus: Path) -> None:
    paths = sorted((corpus / "models").glob("*.nam"))
    assert len(paths) > 30
    for path in paths:
        capture = nam_file.read(path)
        assert capture.sample_rate == 48_000.0
        assert capture.tiers[0].parameters > 0
        assert capture.source.file_name == path.name


@pytest.mark.parametrize("version", ["0.5.0", "0.5.4", "0.6.0", "0.7.0", "0.7.12"])
def test_versions_from_0_5_0_to_0_7_are_read(tmp_path: Path, version: str) -> None:
    nam = nam_maker.a1()
    nam["version"] = version
    assert read(tmp_path, nam).source.version == version


def test_missing_or_null_sample_rate_means_48_khz(tmp_path: Path) -> None:
    nam = nam_maker.a1()
    del nam["sample_rate"]
    assert read(tmp_path, nam).sample_rate == 48_000.0
    nam["sample_rate"] = None
    assert read(tmp_path, nam).sample_rate == 48_000.0
    nam["sample_rate"] = 44_100
    assert read(tmp_path, nam).sample_rate == 44_100.0


@pytest.mark.parametrize("metadata", [None, {}, [], "text", {"loudness": None, "name": 5}, {"gain": {"deep": [1e400]}}])
def test_missing_null_or_odd_metadata_is_fine(tmp_path: Path, metadata: object) -> None:
    nam = nam_maker.a1()
    nam["metadata"] = metadata
    source = read(tmp_path, nam).source
    assert source.level("loudness").value is None
    assert source.text("name") is None


def test_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "amp.nam"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(nam_maker.a1()).encode())
    assert nam_file.read(path).source.architecture == "WaveNet"


def test_linear_keeps_its_taps_in_order(tmp_path: Path) -> None:
    nam = nam_maker.linear(taps=3, bias=True)
    nam["weights"] = [1.0, 0.5, 0.25, 0.125]
    network = read(tmp_path, nam).tiers[0].network
    assert isinstance(network, Linear)
    assert network.impulse_response.tolist() == [1.0, 0.5, 0.25]
    assert network.bias == 0.125


def test_batch_norm_is_folded_into_the_convolution(tmp_path: Path) -> None:
    nam = nam_maker.convnet(channels=1)
    nam["config"]["dilations"] = [3]
    # Kernel; mean, variance, gain, offset, epsilon; head weight and bias.
    nam["weights"] = [2.0, 4.0, 0.5, 3.75, 6.0, 1.0, 0.25, 1.0, 0.0]
    network = read(tmp_path, nam).tiers[0].network
    assert isinstance(network, ConvNet)
    conv = network.blocks[0].conv
    assert np.asarray(conv.weight).ravel().tolist() == [6.0, 12.0]
    assert conv.bias is not None
    assert conv.bias.tolist() == [1.0 - 3.0 * 0.5]
    assert conv.lookback == 3


def test_lstm_layers_have_their_shapes(tmp_path: Path) -> None:
    network = read(tmp_path, nam_maker.lstm(layers=3, hidden=5)).tiers[0].network
    assert isinstance(network, Lstm)
    assert [layer.weight.shape for layer in network.layers] == [(20, 6), (20, 10), (20, 10)]
    assert network.prewarm_frames == 24_000


def test_legacy_and_current_spelling_are_the_same_network(tmp_path: Path) -> None:
    legacy = nam_maker.a1(gated=True)
    current = copy.deepcopy(legacy)
    for layer in current["config"]["layers"]:
        layer["gating_mode"] = "gated" if layer.pop("gated") else "none"
        layer["head"] = {"out_channels": layer.pop("head_size"), "kernel_size": 1, "bias": layer.pop("head_bias")}
        layer["kernel_sizes"] = [layer.pop("kernel_size")] * 3
        layer["secondary_activation"] = {"type": "Sigmoid"}
        layer["activation"] = [{"type": "Tanh"}] * 3
        layer |= {"bottleneck": layer["channels"], "layer1x1": {"active": True, "groups": 1}, "slimmable": None}
    audio = np.linspace(-1, 1, 300, dtype=np.float32)
    one, other = (Engine.prepare(read(tmp_path, nam)).render(audio) for nam in (legacy, current))
    assert np.array_equal(one, other)


def test_gating_and_activations_may_differ_by_layer(tmp_path: Path) -> None:
    array = {
        **nam_maker.ARRAY,
        "gating_mode": ["none", "blended"],
        "activation": ["ReLU", {"type": "LeakyReLU", "negative_slope": 0.2}],
        "secondary_activation": [None, "Softsign"],
    }
    array["secondary_activation"] = ["Tanh", "Softsign"]
    layers = wavenet(tmp_path, nam_maker.wavenet([array])).arrays[0].layers
    assert [layer.gating for layer in layers] == [Gating.OFF, Gating.BLENDED]
    assert layers[0].secondary is None
    assert layers[1].activation.parameters == (0.2,)
    assert layers[1].secondary is not None
    assert layers[1].secondary.kind is ActivationKind.SOFTSIGN


def test_gate_without_a_secondary_activation_is_a_sigmoid(tmp_path: Path) -> None:
    layer = wavenet(tmp_path, nam_maker.wavenet([{**nam_maker.ARRAY, "gating_mode": "gated"}])).arrays[0].layers[0]
    assert layer.secondary is not None
    assert layer.secondary.kind is ActivationKind.SIGMOID


@pytest.mark.parametrize("name", sorted({*nam_maker.ACTIVATIONS, "Softsigmoid", "LeakyHardTanh"}))
def test_every_activation_is_known_by_name_and_as_an_object(tmp_path: Path, name: str) -> None:
    for spelling in (name, {"type": name}):
        wavenet(tmp_path, nam_maker.wavenet([{**nam_maker.ARRAY, "activation": spelling}]))


def test_the_head_scale_among_the_weights_counts(tmp_path: Path) -> None:
    nam = nam_maker.wavenet([nam_maker.ARRAY])
    nam["config"]["head_scale"] = 99.0
    assert wavenet(tmp_path, nam).head_scale == pytest.approx(nam["weights"][-1])


def test_layer1x1_film_counts_in_blended_layers_only(tmp_path: Path) -> None:
    """As in NeuralAmpModelerCore, which reads its weights everywhere and applies it there."""
    film = {"active": True, "shift": True, "groups": 1}
    for mode, there in (("none", False), ("gated", False), ("blended", True)):
        nam = nam_maker.wavenet([{**nam_maker.ARRAY, "gating_mode": mode, "layer1x1_post_film": film}])
        layer = wavenet(tmp_path, nam).arrays[0].layers[0]
        assert (layer.layer1x1_post_film is not None) == there


def test_condition_network_is_read_with_its_own_weights(tmp_path: Path) -> None:
    inner = nam_maker.wavenet([{**nam_maker.ARRAY, "head": {"out_channels": 3, "kernel_size": 1, "bias": True}}])
    network = wavenet(tmp_path, nam_maker.wavenet([{**nam_maker.ARRAY, "condition_size": 3}], condition_dsp=inner))
    assert network.condition is not None
    assert network.condition.out_channels == 3


def test_container_becomes_tiers_full_first(tmp_path: Path) -> None:
    nam = nam_maker.container((0.4, nam_maker.linear(taps=2)), (0.7, nam_maker.lstm()), (1.0, nam_maker.a1()))
    capture = read(tmp_path, nam)
    assert [type(tier.network) for tier in capture.tiers] == [WaveNet, Lstm, Linear]
    sizes = {0.0: 2, 0.39: 2, 0.4: 1, 0.69: 1, 0.7: 0, 1.0: 0}
    assert {size: capture.tier_for_size(size) for size in sizes} == sizes


def test_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "gone.nam"
    with pytest.raises(FileAccessError) as caught:
        nam_file.read(path)
    assert str(caught.value) == f"{path}: can't be read: no such file or directory"
    with pytest.raises(FileAccessError, match="can't be read: is a directory"):
        nam_file.read(tmp_path)


@pytest.mark.long
def test_random_bytes_of_json_never_raise_anything_but_our_errors(tmp_path: Path) -> None:
    """Every value of a capture replaced by every kind of wrong value, one at a time."""
    nam = nam_maker.random_wavenet(3)
    places = list(_places(nam))
    rng = np.random.default_rng(1)
    refused = 0
    for place in [places[i] for i in rng.permutation(len(places))[:250]]:
        wrong: object
        for wrong in (None, True, -1, 0, 1e300, 10**400, 2.5, "Tanh", [], {}, [[]], "\ud800"):
            broken = copy.deepcopy(nam)
            _put(broken, place, wrong)
            path = tmp_path / "broken.nam"
            path.write_text(json.dumps(broken))
            try:
                Engine.prepare(nam_file.read(path))
            except NampedalError as error:
                refused += 1
                assert str(error).startswith(str(path)), error
                assert "\n" not in str(error)
    assert refused > 1000


def _places(value: object, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [at] if at else []
    if isinstance(value, dict):
        for key, item in value.items():
            found += _places(item, (*at, key))
    elif isinstance(value, list):
        for i, item in enumerate(value[:5]):
            found += _places(item, (*at, i))
    return found


def _put(value: object, place: tuple[str | int, ...], wrong: object) -> None:
    for key in place[:-1]:
        value = value[key]  # type: ignore[index]
    value[place[-1]] = wrong  # type: ignore[index]
