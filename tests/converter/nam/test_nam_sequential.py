"""Sequential: whole captures one behind the other, as in NeuralAmpModelerCore's branch 142-sequential-2 (a3408d5)."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nampedal.firmware.engine.stomp_generated as fbs
import numpy as np
import pytest
from nampedal.converter.errors import CaptureError
from nampedal.converter.listening import metrics
from nampedal.converter.nam import nam_file
from nampedal.converter.rounding import reference
from nampedal.converter.rounding.tier_conversion import convert
from nampedal.converter.tflite.tflite_export import TfliteOptions, export, offline_player
from nampedal.firmware.base.errors import ArtifactError
from nampedal.firmware.cost.cost_model import counts
from nampedal.firmware.engine import artifact
from nampedal.firmware.engine.capture import Capture
from nampedal.firmware.engine.inference import Engine
from nampedal.firmware.engine.network import Lstm, Sequential, describe_channels, macs_per_frame, receptive_field
from support.makers import nam_maker

Nam = nam_maker.Nam
AUDIO = np.random.default_rng(2).uniform(-0.5, 0.5, 3000).astype(np.float32)


def read(tmp_path: Path, nam: Nam) -> Capture:
    return nam_file.read(nam_maker.write(tmp_path / "pair.nam", nam))


def gain(factor: float) -> Nam:
    return nam_maker.linear(taps=1) | {"weights": [factor]}


def members() -> list[Nam]:
    """One of each architecture, each loud enough for the next."""
    drive = gain(30.0)
    return [
        *(drive, nam_maker.a1(), drive, nam_maker.convnet(), drive, nam_maker.lstm()),
        *(drive, nam_maker.linear(bias=True), nam_maker.random_wavenet(3)),
    ]


def test_it_plays_its_members_one_behind_the_other(tmp_path: Path) -> None:
    """To the bit, once what each rests at has come through to the last: alone each begins with silence at its input."""
    several = [nam for nam in members() if nam["architecture"] != "LSTM"]
    together = Engine.prepare(read(tmp_path, nam_maker.sequential(*several)), exact=True)
    silence = np.zeros(20_000, np.float32)
    sound = np.concatenate([silence, AUDIO])
    for nam in several:
        sound = Engine.prepare(read(tmp_path, nam), exact=True).render(sound)
    assert np.array_equal(together.render(AUDIO), sound[len(silence) :])
    assert np.ptp(sound[len(silence) :]) > 1e-3


@pytest.mark.parametrize("general", [False, True])
def test_it_begins_where_endless_silence_leaves_it(tmp_path: Path, general: bool) -> None:
    network = read(tmp_path, nam_maker.sequential(*members())).tiers[0].network
    capture = read(tmp_path, nam_maker.sequential(*members()))
    engine = Engine.prepare(capture, exact=True, general=general)
    wanted = reference.render(network, AUDIO)
    assert metrics.esr(wanted, engine.render(AUDIO)) < 1e-9
    engine.reset()
    parts = [engine.process(AUDIO[at : at + 37]) for at in range(0, len(AUDIO), 37)]
    assert metrics.esr(wanted, np.concatenate(parts)) < 1e-9


SPELLINGS: list[tuple[str, Callable[[Nam], Any]]] = [
    ("lower case", lambda nam: nam.update(architecture="sequential")),
    ("no weights", lambda nam: nam.update(weights=[])),
    ("null weights", lambda nam: nam.update(weights=None)),
    ("layers", lambda nam: nam["config"].update(layers=nam["config"].pop("models"))),
    ("wrapped", lambda nam: nam["config"].update(models=[{"model": one} for one in nam["config"]["models"]])),
    ("an unknown rate", lambda nam: nam["config"]["models"][0].update(sample_rate=-1)),
]


@pytest.mark.parametrize("change", [case[1] for case in SPELLINGS], ids=[case[0] for case in SPELLINGS])
def test_every_spelling_of_the_reference_is_read(tmp_path: Path, change: Callable[[Nam], Any]) -> None:
    plain = nam_maker.sequential(nam_maker.a1(), nam_maker.linear())
    wanted = Engine.prepare(read(tmp_path, plain)).render(AUDIO)
    nam = copy.deepcopy(plain)
    change(nam)
    assert np.array_equal(Engine.prepare(read(tmp_path, nam)).render(AUDIO), wanted)


def two_channels() -> Nam:
    nam = nam_maker.linear()
    nam["config"]["in_channels"] = 2
    return nam


def within_each_other(depth: int) -> Nam:
    nam = nam_maker.linear()
    for _ in range(depth):
        nam = nam_maker.sequential(nam)
    return nam


LINEAR = nam_maker.linear
REFUSED: list[tuple[type[CaptureError], Callable[[], Nam], str]] = [
    (CaptureError, nam_maker.sequential, "config.models has 0 entries; allowed are 1 to 64"),
    (
        CaptureError,
        lambda: nam_maker.sequential(*[LINEAR()] * 65),
        "config.models has 65 entries; allowed are 1 to 64",
    ),
    (
        CaptureError,
        lambda: nam_maker.sequential() | {"config": {"weights_version": 2}},
        "config has neither 'models' nor 'layers'; a list of whole models is needed",
    ),
    (
        CaptureError,
        lambda: nam_maker.sequential() | {"config": {"models": [LINEAR()]}},
        "config.weights_version is not there, which means 1; 2 is needed, each model with its own weights: export it"
        " again",
    ),
    (
        CaptureError,
        lambda: nam_maker.sequential() | {"config": {"models": [LINEAR()], "weights_version": 3}},
        "config.weights_version is 3; 2 is needed, each model with its own weights: export it again",
    ),
    (
        CaptureError,
        lambda: nam_maker.sequential(LINEAR(), weights=[1.0, 2.0]),
        "weights is a list of 2; each of config.models has its own weights",
    ),
    (
        CaptureError,
        lambda: nam_maker.sequential() | {"config": {"models": [3], "weights_version": 2}},
        "config.models[0] is 3; an object is needed",
    ),
    (
        CaptureError,
        lambda: nam_maker.sequential({"architecture": "Linear", "config": LINEAR()["config"]}),
        "config.models[0] has no 'version'; a .nam needs version, architecture, config and weights",
    ),
    (
        CaptureError,
        lambda: nam_maker.sequential(LINEAR() | {"version": "0.9.0"}),
        "config.models[0].version is '0.9.0'; versions 0.5.0 to 0.7.x are read",
    ),
    (
        CaptureError,
        lambda: nam_maker.sequential(LINEAR(), LINEAR() | {"sample_rate": 44100}),
        "config.models[1].sample_rate is 44100; the model around it runs at 48000",
    ),
    (
        CaptureError,
        lambda: nam_maker.sequential(LINEAR(), two_channels()),
        "model 1 takes 2 channels; the one before puts out 1",
    ),
    (
        CaptureError,
        lambda: within_each_other(5),
        f"{'.'.join(['config.models[0]'] * 5)} stands within more than 4 other models",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("error", "make", "text"), REFUSED, ids=[case[2][:40] for case in REFUSED])
def test_what_can_not_be_played_is_refused_in_one_line(
    tmp_path: Path, error: type[CaptureError], make: Callable[[], Nam], text: str
) -> None:
    path = nam_maker.write(tmp_path / "pair.nam", make())
    with pytest.raises(CaptureError) as caught:
        nam_file.read(path)
    assert str(caught.value) == f"{path}: {text}"
    assert type(caught.value) is error


def test_its_rate_is_the_first_that_a_member_states(tmp_path: Path) -> None:
    first, second = LINEAR(), LINEAR() | {"sample_rate": 44100}
    del first["sample_rate"]
    capture = read(tmp_path, nam_maker.sequential(first, second))
    assert (capture.sample_rate, capture.source.states_sample_rate) == (44_100.0, True)


def test_levels_are_those_of_the_whole(tmp_path: Path) -> None:
    inner = LINEAR() | {"metadata": {"loudness": -10.0, "input_level_dbu": 3.0}}
    source = read(tmp_path, nam_maker.sequential(inner, metadata={"input_level_dbu": 12.5})).source
    assert source.level("input_level_dbu").value == 12.5
    assert source.level("loudness").value is None


def test_sizes_of_its_members_are_sizes_of_the_whole(tmp_path: Path) -> None:
    slim = {
        **nam_maker.ARRAY,
        "slimmable": {"method": "slice_channels_uniform", "kwargs": {"allowed_channels": [2, 4]}},
    }
    container = nam_maker.container((0.25, LINEAR(taps=2)), (1.0, LINEAR(taps=4)))
    capture = read(tmp_path, nam_maker.sequential(nam_maker.wavenet([slim]), container, nam_maker.lstm()))
    assert [describe_channels(tier.network) for tier in capture.tiers] == [
        "4 + 4 taps + 1x3",
        "2 + 4 taps + 1x3",
        "2 + 2 taps + 1x3",
    ]
    assert [capture.tier_for_size(size) for size in (0.0, 0.24, 0.25, 0.49, 0.5, 1.0)] == [2, 2, 1, 1, 0, 0]
    assert len({tier.parameters for tier in capture.tiers}) == 3


def test_what_it_costs_and_sees_is_the_sum_of_its_members(tmp_path: Path) -> None:
    plain = [nam for nam in members() if nam["architecture"] != "LSTM"]
    alone = [read(tmp_path, nam).tiers[0].network for nam in plain]
    network = Sequential(tuple(alone))
    assert macs_per_frame(network) == sum(map(macs_per_frame, alone))
    assert receptive_field(network) == 1 + sum((receptive_field(one) or 0) - 1 for one in alone)
    assert receptive_field(read(tmp_path, nam_maker.sequential(*members())).tiers[0].network) is None
    for kernels in ("avx2", "neon", "scalar"):
        every = [counts(one, 64, kernels) for one in alone]
        found = counts(network, 64, kernels)
        assert found["blocks"] == 1
        for term in ("samples", "conv_macs", "tanh", "fir_macs"):
            assert found[term] == pytest.approx(sum(one[term] for one in every))


@pytest.mark.long
def test_it_is_rounded_packed_and_read_back(tmp_path: Path) -> None:
    capture = read(tmp_path, nam_maker.sequential(nam_maker.a1(channels=(8, 4)), nam_maker.lstm(), nam_maker.convnet()))
    rounded = convert(capture, "w8")
    proof = rounded.tiers[0].proof
    assert proof is not None
    assert proof.esr < 1e-3
    path = tmp_path / "pair.stomp"
    path.write_bytes(artifact.pack(rounded))
    back = artifact.read(path).tiers[0].network
    assert isinstance(back, Sequential)
    assert isinstance(back.networks[1], Lstm)
    assert np.array_equal(Engine.prepare(path).render(AUDIO), Engine.prepare(rounded).render(AUDIO))


@pytest.mark.long
def test_it_is_written_as_a_tflite(tmp_path: Path) -> None:
    capture = read(tmp_path, nam_maker.sequential(nam_maker.a1(), nam_maker.convnet()))
    exported = export(capture, TfliteOptions(mode="weights", block=64, tier=0, precision="f32"))
    played = offline_player(exported.data).render(AUDIO)
    assert metrics.esr(Engine.prepare(capture, exact=True).render(AUDIO), played) < 1e-6


def test_its_artifact_is_of_a_newer_format_and_others_stay_what_they_were(tmp_path: Path) -> None:
    nested = nam_maker.wavenet([{**nam_maker.ARRAY}], condition_dsp=nam_maker.sequential(LINEAR(), LINEAR()))
    formats = {
        name: fbs.Artifact.GetRootAs(artifact.pack(read(tmp_path, nam)), 0).Format()
        for name, nam in {
            "plain": nam_maker.a1(),
            "sequential": nam_maker.sequential(LINEAR(), LINEAR()),
            "within a network": nested,
            "within a size": nam_maker.container((0.5, nam_maker.sequential(LINEAR())), (1.0, LINEAR())),
        }.items()
    }
    assert formats == {"plain": 2, "sequential": 3, "within a network": 3, "within a size": 3}


def altered(network: Sequential, tmp_path: Path) -> str:
    capture = read(tmp_path, LINEAR())
    data = artifact.pack(replace(capture, tiers=(replace(capture.tiers[0], network=network),)))
    with pytest.raises(ArtifactError) as caught:
        Engine.prepare(data)
    return str(caught.value)


def test_the_loader_checks_how_networks_fit_behind_one_another(tmp_path: Path) -> None:
    one, two = (read(tmp_path, nam).tiers[0].network for nam in (LINEAR(), two_channels()))
    assert altered(Sequential((one, two)), tmp_path) == (
        "artifact: tier 0: networks[1]: network takes 2 channels; 1 come in"
    )
    assert altered(Sequential(()), tmp_path).startswith("artifact: tier 0: networks has 0 entries; allowed are 1 to ")
    assert altered(Sequential((one,) * 65), tmp_path) == (
        "artifact: tier 0: networks has 65 entries; allowed are 1 to 64"
    )
    deep = Sequential((one,))
    for _ in range(5):
        deep = Sequential((deep,))
    assert altered(deep, tmp_path).endswith(": network stands within more than 4 others")
