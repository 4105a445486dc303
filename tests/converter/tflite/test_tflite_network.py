from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Audio
from nampedal.converter.errors import ConversionError
from nampedal.converter.listening import metrics, test_signals
from nampedal.converter.nam import nam_file
from nampedal.converter.rounding.quantize import quantize
from nampedal.converter.tflite.tflite_network import layer_names
from nampedal.converter.tflite.tflite_player import TflitePlayer
from nampedal.converter.tflite.tflite_writer import write
from nampedal.firmware.engine.capture import Capture, CaptureSource, Tier
from nampedal.firmware.engine.inference import Engine
from nampedal.firmware.engine.network import Int8Weights, Linear, Network, convolutions
from support.makers import nam_maker

Nam = nam_maker.Nam

# The same float32 sums in another order. Where a network amplifies, so does what is lost there.
SAME_ARITHMETIC = 1e-9
EXCITATION = test_signals.excitation(48_000.0, 0.2)


def network_of(folder: Path, nam: Nam) -> Network:
    return nam_file.read(nam_maker.write(folder / "x.nam", nam)).tiers[0].network


def written(network: Network, block: int = 64) -> bytes:
    return write(network, sample_rate=48_000.0, block=block, facts={}).data


def engine(network: Network) -> Engine:
    source = CaptureSource("x.nam", "0" * 64, "0.7.0", "any")
    return Engine.prepare(Capture(source, 48_000.0, (Tier(network, 1),)), exact=True)


def esr_to_engine(network: Network, audio: Audio) -> float:
    return metrics.esr(engine(network).render(audio), TflitePlayer(written(network)).render(audio))


def array(**more: Any) -> Nam:
    return {**nam_maker.ARRAY, **more}


FILM = {"active": True, "shift": True, "groups": 1}
NETWORKS: dict[str, Nam] = {
    "a1": nam_maker.a1(),
    "gated": nam_maker.a1(gated=True),
    "blended": nam_maker.wavenet([array(gating_mode="blended", secondary_activation="Sigmoid")]),
    "a2": nam_maker.wavenet(
        [
            {
                "input_size": 1,
                "condition_size": 1,
                "channels": 8,
                "kernel_sizes": [6, 15, 6],
                "dilations": [1, 7, 41],
                "activation": {"type": "LeakyReLU", "negative_slope": 0.01},
                "head": {"out_channels": 1, "kernel_size": 16, "bias": True},
            }
        ]
    ),
    "head1x1, bottleneck, groups": nam_maker.wavenet(
        [
            array(
                bottleneck=2,
                groups_input=2,
                layer1x1={"active": True, "groups": 2},
                head1x1={"active": True, "out_channels": 4, "groups": 2},
            )
        ]
    ),
    "no 1x1": nam_maker.wavenet([array(layer1x1={"active": False, "groups": 1})]),
    "FiLMs": nam_maker.wavenet([array(**dict.fromkeys(nam_maker.FILM_KEYS[:-1], FILM))]),
    "head behind the stack": nam_maker.wavenet(
        [array()], head={"channels": 3, "out_channels": 1, "kernel_sizes": [3, 1], "activation": "SiLU"}
    ),
    "ConvNet": nam_maker.convnet(),
    "Linear": nam_maker.linear(taps=300, bias=True),
    "LSTM": nam_maker.lstm(hidden=5),
    "LSTM of two layers": nam_maker.lstm(layers=2),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_float_graph_is_what_the_engine_plays(name: str, tmp_path: Path, guitar: Audio) -> None:
    assert esr_to_engine(network_of(tmp_path, NETWORKS[name]), guitar[:20_000]) <= SAME_ARITHMETIC


@pytest.mark.parametrize("name", nam_maker.ACTIVATIONS)
def test_every_activation_is_the_engines(name: str, tmp_path: Path, guitar: Audio) -> None:
    network = network_of(tmp_path, nam_maker.wavenet([array(activation=name)], scale=1.5))
    assert esr_to_engine(network, guitar[:20_000]) <= SAME_ARITHMETIC


@pytest.mark.parametrize("seed", range(16))
def test_any_mixture_of_wavenet_options_is_what_the_engine_plays(seed: int, tmp_path: Path, guitar: Audio) -> None:
    network = network_of(tmp_path, nam_maker.random_wavenet(seed))
    assert esr_to_engine(network, guitar[:10_000]) <= SAME_ARITHMETIC


def test_int8_weights_stay_int8_and_sound_as_the_engine_plays_them(tmp_path: Path, guitar: Audio) -> None:
    full = network_of(tmp_path, nam_maker.a1(channels=(32, 16)))
    rounded = quantize(full, EXCITATION)
    assert esr_to_engine(rounded, guitar[:20_000]) <= SAME_ARITHMETIC
    int8_bytes = sum(conv.macs for conv in convolutions(rounded).values() if isinstance(conv.weight, Int8Weights))
    assert len(written(full)) - len(written(rounded)) > 2.5 * int8_bytes


@pytest.mark.long
def test_corpus_captures_play_as_in_the_engine(corpus: Path, golden_input: Audio) -> None:
    audio = golden_input[:24_000]
    for path in sorted((corpus / "models").glob("*.nam")):
        for tier in nam_file.read(path).tiers:
            for network in (tier.network, quantize(tier.network, EXCITATION)):
                assert esr_to_engine(network, audio) <= SAME_ARITHMETIC, path.stem


@pytest.mark.parametrize("name", NETWORKS)
def test_the_first_block_is_in_the_steady_state(name: str, tmp_path: Path) -> None:
    network = network_of(tmp_path, NETWORKS[name])
    silence = np.zeros(640, np.float32)
    played = TflitePlayer(written(network)).render(silence)
    assert played == pytest.approx(np.full(640, engine(network).render(silence)[-1]), abs=1e-6)


@pytest.mark.parametrize("frames", [1, 48, 333])
def test_a_wavenet_plays_blocks_of_any_length(frames: int, tmp_path: Path, guitar: Audio) -> None:
    data = written(network_of(tmp_path, NETWORKS["a1"]))
    other = TflitePlayer(data, block=frames).render(guitar[:5000])
    assert other == pytest.approx(TflitePlayer(data).render(guitar[:5000]), abs=1e-6)


def test_layers_are_named_from_input_to_output(tmp_path: Path) -> None:
    first, second = (tuple(f"array{i}.layer{j}" for j in range(3)) for i in range(2))
    assert layer_names(network_of(tmp_path, NETWORKS["a1"])) == first + second
    assert layer_names(network_of(tmp_path, NETWORKS["ConvNet"])) == ("block0", "block1", "block2")
    assert layer_names(network_of(tmp_path, NETWORKS["LSTM"])) == ()


def test_more_than_one_channel_is_refused() -> None:
    with pytest.raises(ConversionError) as caught:
        written(Linear(np.ones(3, np.float32), in_channels=2, out_channels=2))
    assert str(caught.value) == (
        "network: has 2 channels in and 2 out; a .tflite is written for one and one; write a .stomp"
    )


@pytest.mark.parametrize(("name", "block", "most"), [("a1", 0, 8192), ("a1", 8193, 8192), ("LSTM", 257, 256)])
def test_a_block_out_of_bounds_is_refused(name: str, block: int, most: int, tmp_path: Path) -> None:
    with pytest.raises(ConversionError) as caught:
        written(network_of(tmp_path, NETWORKS[name]), block)
    assert str(caught.value) == f"block: is {block} frames; this network takes 1 to {most} in a .tflite"
