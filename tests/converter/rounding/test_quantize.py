from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Audio
from hypothesis import given, settings
from hypothesis import strategies as st
from nampedal.converter.listening import calibration_audio, metrics
from nampedal.converter.nam import nam_file
from nampedal.converter.nam.capture_player import play
from nampedal.converter.rounding import reference
from nampedal.converter.rounding.quantize import int8_paths, quantize
from nampedal.converter.rounding.reference import Signal
from nampedal.converter.rounding.round_weights import round_to_nearest
from nampedal.firmware.engine import artifact
from nampedal.firmware.engine.capture import Capture
from nampedal.firmware.engine.inference import Engine
from nampedal.firmware.engine.network import (
    Conv,
    Int8Weights,
    Network,
    WaveNet,
    convolutions,
    expand,
    prewarm_frames,
    replace_convolutions,
)
from support.makers import nam_maker

SECOND = calibration_audio.built_in(48_000)[0][:48_000]


def read(folder: Path, nam: dict[str, Any]) -> Capture:
    return nam_file.read(nam_maker.write(folder / "x.nam", nam))


def rounded_to_nearest(value: Any) -> Any:
    """A network whose layers' weights are rounded one by one: what `quantize` has to be better than."""
    if isinstance(value, tuple):
        return tuple(rounded_to_nearest(part) for part in value)
    if not is_dataclass(value) or isinstance(value, Int8Weights):
        return value
    changes = {}
    for field in fields(value):
        part = getattr(value, field.name)
        if field.name in ("conv", "layer1x1", "head1x1") and part is not None:
            changes[field.name] = replace(part, weight=round_to_nearest(part.weight))
        else:
            changes[field.name] = rounded_to_nearest(part)
    return replace(value, **changes)  # type: ignore[type-var]


def esr_of(capture: Capture, network: Network, audio: Audio) -> float:
    stored = replace(capture, tiers=(replace(capture.tiers[0], network=network),))
    return metrics.esr(play(capture, audio, exact=True), play(stored, audio, exact=True))


def test_w8_makes_layers_int8_and_the_rest_float16(tmp_path: Path) -> None:
    film = {"active": True, "shift": True, "groups": 1}
    array = {**nam_maker.ARRAY, "conv_pre_film": film, "head1x1": {"active": True, "out_channels": 2, "groups": 1}}
    network = quantize(read(tmp_path, nam_maker.wavenet([array])).tiers[0].network, SECOND)
    assert isinstance(network, WaveNet)
    layer = network.arrays[0].layers[0]
    for conv in (layer.conv, layer.layer1x1, layer.head1x1):
        assert conv is not None
        assert isinstance(conv.weight, Int8Weights)
    assert layer.conv_pre_film is not None
    for conv in (layer.mixin, layer.conv_pre_film.conv, network.arrays[0].rechannel, network.arrays[0].head):
        assert isinstance(conv.weight, np.ndarray)
        assert np.array_equal(conv.weight, conv.weight.astype(np.float16).astype(np.float32))


def test_lstm_and_linear_stay_as_they_are(tmp_path: Path) -> None:
    for nam in (nam_maker.lstm(), nam_maker.linear()):
        network = read(tmp_path, nam).tiers[0].network
        assert quantize(network, SECOND) is network


def plain_networks(seed: int) -> Iterator[dict[str, Any]]:
    yield nam_maker.random_plain_wavenet(seed)
    yield nam_maker.random_wavenet(seed)


@pytest.mark.long
@given(st.integers(0, 10_000))
@settings(max_examples=8, deadline=None)
def test_silence_stays_what_it_was(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """Whatever was rounded, layers rest where they rested, and the output to a few millionths."""
    folder = tmp_path_factory.mktemp("nam")
    for nam in plain_networks(seed):
        network = read(folder, nam).tiers[0].network
        stored = quantize(network, SECOND[:12_000])
        silence = np.zeros((prewarm_frames(network) + 8, network.in_channels), np.float32)
        wanted, got = (reference.render(n, silence) for n in (network, stored))
        if np.max(np.abs(wanted)) < 10.0:
            assert np.max(np.abs(wanted - got)) < 2e-5 * max(1.0, float(np.max(np.abs(wanted))))


@pytest.mark.long
def test_the_same_audio_gives_the_same_network(tmp_path: Path) -> None:
    network = read(tmp_path, nam_maker.random_plain_wavenet(3)).tiers[0].network
    first, second = (convolutions(quantize(network, SECOND[:12_000])).values() for _ in range(2))
    for a, b in zip(first, second, strict=True):
        assert expand(a.weight).tobytes() == expand(b.weight).tobytes()


def test_progress_counts_every_convolution(tmp_path: Path) -> None:
    network = read(tmp_path, nam_maker.a1()).tiers[0].network
    told: list[tuple[int, int]] = []
    quantize(network, SECOND[:4800], lambda done, total: told.append((done, total)))
    count = len(convolutions(network))
    assert told == [(i + 1, count) for i in range(count)]


@pytest.mark.long
def test_the_demo_amplifier_sounds_better_than_rounded_to_nearest(root: Path, guitar: Audio) -> None:
    capture = nam_file.read(root / "demo" / "overdriven-amp.nam")
    network = capture.tiers[0].network
    fitted, plain = quantize(network, SECOND), rounded_to_nearest(network)
    assert len(int8_paths(network)) > 0
    assert esr_of(capture, fitted, guitar) < 0.25 * esr_of(capture, plain, guitar)
    assert esr_of(capture, fitted, guitar) < 2e-5


def test_silent_calibration_rounds_to_something_that_plays(root: Path, guitar: Audio) -> None:
    capture = nam_file.read(root / "demo" / "overdriven-amp.nam")
    stored = quantize(capture.tiers[0].network, np.zeros(4800, np.float32))
    assert esr_of(capture, stored, guitar) < 1e-2


def test_every_convolution_plays_once_under_its_path(tmp_path: Path) -> None:
    a1 = nam_maker.a1()
    nams = [*(nam_maker.random_wavenet(seed) for seed in range(12)), nam_maker.sequential(a1, nam_maker.convnet(), a1)]
    for nam in [*nams, nam_maker.lstm(), nam_maker.linear()]:
        network = read(tmp_path, nam).tiers[0].network
        played: list[tuple[str, Conv]] = []

        def convolve(path: str, conv: Conv, x: Signal, played: list[tuple[str, Conv]] = played) -> Signal:
            played.append((path, conv))
            return reference.causal(conv, x)

        reference.forward(network, np.zeros((4, network.in_channels)), convolve)
        assert sorted(path for path, _ in played) == sorted(convolutions(network))
        assert all(convolutions(network)[path] is conv for path, conv in played)


def test_one_convolution_in_two_places_is_rounded_for_each(tmp_path: Path) -> None:
    network = read(tmp_path, nam_maker.a1()).tiers[0].network
    first, second = "arrays[0].layers[1].conv", "arrays[0].layers[2].conv"
    shared = convolutions(network)[first]
    rounded = convolutions(quantize(replace_convolutions(network, {second: shared}), SECOND[:12_000]))
    assert expand(rounded[first].weight).tobytes() != expand(rounded[second].weight).tobytes()


def test_replacing_changes_the_convolution_at_that_path_alone(tmp_path: Path) -> None:
    before = read(tmp_path, nam_maker.random_wavenet(3)).tiers[0].network
    path = "arrays[0].layers[0].conv"
    new = replace(convolutions(before)[path], bias=None)
    after = replace_convolutions(before, {path: new})
    assert convolutions(after) == {**convolutions(before), path: new}
    with pytest.raises(KeyError, match="arrays"):
        replace_convolutions(before, {"arrays[99].head": new})


HARD = ("hm2-swede-feather", "5150-lead-standard", "boss-sd1-nano")


@pytest.mark.long
@pytest.mark.parametrize("name", HARD)
def test_hard_captures_keep_their_sound_on_playing_never_heard(
    corpus: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Built-in calibration; the whole corpus is bench/rounding.py's."""
    capture = nam_file.read(corpus / "models" / f"{name}.nam")
    audio = calibration_audio.built_in(capture.sample_rate)[0][: 4 * 48_000]
    dis = [calibration_audio.from_files([path], 48_000)[0][:96_000] for path in sorted((corpus / "di").glob("*.wav"))]
    for i, tier in enumerate(capture.tiers):
        original = replace(capture, tiers=(tier,))
        network = quantize(tier.network, audio)
        esrs = [esr_of(original, network, di) for di in dis]
        with capsys.disabled():
            print(f"  w8 {name} tier {i}: worst ESR {max(esrs):.1e} on {len(dis)} recordings")
        assert max(esrs) <= 1e-4


@pytest.mark.long
def test_every_corpus_capture_converts_reloads_and_renders(corpus: Path, golden_input: Audio) -> None:
    audio = SECOND[:4_800]
    for path in sorted((corpus / "models").glob("*.nam")):
        capture = nam_file.read(path)
        tiers = tuple(replace(tier, network=quantize(tier.network, audio)) for tier in capture.tiers)
        stored = artifact.pack(replace(capture, precision="w8", tiers=tiers))
        for i in range(len(tiers)):
            assert np.isfinite(Engine.prepare(stored, tier=i).render(golden_input[:4800])).all(), path.name
