"""What NeuralAmpModelerCore accepts, and what it takes each spelling to mean: rule by rule, as its source says.

Every rule names the place in NeuralAmpModelerCore daae2d0 that it comes from. What a file must sound like is a plain
spelling of the same network.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nampedal.converter.nam import nam_file
from nampedal.firmware.base.errors import NampedalError
from nampedal.firmware.engine.inference import Engine
from nampedal.firmware.engine.network import describe_channels
from support.makers import nam_maker

Nam = nam_maker.Nam
AUDIO = np.random.default_rng(5).uniform(-1.0, 1.0, 400).astype(np.float32)
SLIM: Nam = {"method": "slice_channels_uniform"}


def played(path: Path) -> list[float]:
    played = Engine.prepare(nam_file.read(path), exact=True).render(AUDIO)
    return [float(sample) for sample in played]


def wavenet(**array: Any) -> Nam:
    return nam_maker.wavenet([{**copy.deepcopy(nam_maker.ARRAY), **array}])


def config(nam: Nam, **more: Any) -> Nam:
    return {**nam, "config": {**nam["config"], **more}}


def gated(**more: Any) -> Nam:
    return wavenet(gated=True, **more)


# ---- one sound, two spellings: rule, file, the same in plain words ----

SPELLINGS: list[tuple[str, Nam, Nam]] = [
    # wavenet/model.cpp parse_config_json: 'gated' (old) sets Sigmoid and does not look at secondary_activation.
    ("gated and a secondary", gated(secondary_activation="Tanh"), wavenet(gating_mode="gated")),
    ("gated and a list", gated(secondary_activation=["Tanh"]), wavenet(gating_mode="gated")),
    ("gated and nonsense", gated(secondary_activation=5), wavenet(gating_mode="gated")),
    # The same: gating_mode wins where both are there.
    ("both say gated", wavenet(gated=True, gating_mode="none"), wavenet()),
    ("both, the other way", wavenet(gated=False, gating_mode="blended"), wavenet(gating_mode="blended")),
    # The same: secondary_activation is read for what is gated or blended, and is a sigmoid unless stated.
    ("ungated and a secondary", wavenet(gating_mode="none", secondary_activation=["GELU"]), wavenet()),
    ("gated without", wavenet(gating_mode="gated"), wavenet(gating_mode="gated", secondary_activation="Sigmoid")),
    # activations.cpp from_json: both spellings of one name; an object's other keys do not count.
    ("casing", wavenet(activation="LeakyHardTanh"), wavenet(activation="LeakyHardtanh")),
    ("object", wavenet(activation={"type": "Tanh", "negative_slope": "x"}), wavenet()),
    ("hard tanh", wavenet(activation={"type": "Hardtanh", "max_val": 3}), wavenet(activation="Hardtanh")),
    ("slope of its own", wavenet(activation="PReLU"), wavenet(activation={"type": "PReLU", "negative_slope": 0.01})),
    (
        "one slope before many",
        wavenet(activation={"type": "PReLU", "negative_slope": 0.2, "negative_slopes": [0.5]}),
        wavenet(activation={"type": "PReLU", "negative_slope": 0.2}),
    ),
    # model.cpp: a FiLM that is absent or false is off; another is on, with shift and one group.
    ("film false", wavenet(conv_pre_film=False), wavenet()),
    (
        "film in few words",
        wavenet(conv_pre_film={"groups": 1}),
        wavenet(conv_pre_film={"active": True, "shift": True, "groups": 1}),
    ),
    # model.cpp: 'head' wins over head_size; unknown keys in it do not count.
    ("two heads", wavenet(head_size=5, head_bias=False), wavenet()),
    ("head dilation", wavenet(head={**nam_maker.ARRAY["head"], "dilation": 7}), wavenet()),
    # model.cpp: head_scale is required in the file, and the last weight is what counts (set_weights_).
    ("head scale", config(wavenet(), head_scale=7.0), wavenet()),
    # wavenet/slimmable.cpp create: 'model' wraps a slimmable one only.
    ("a key that means nothing", config(wavenet(), model={"layers": []}), wavenet()),
    ("wrapped", config(wavenet(slimmable=SLIM), model=wavenet(slimmable=SLIM)["config"]), wavenet()),
    # slimmable.cpp create: no method, no slimming; a list of no widths: the array keeps its own.
    ("no method", wavenet(slimmable={"method": ""}), wavenet()),
    ("no widths", wavenet(slimmable={**SLIM, "kwargs": {"allowed_channels": []}}), wavenet()),
    # json.hpp get<int>: a whole float is an integer.
    ("whole floats", config(nam_maker.linear(), receptive_field=4.0, in_channels=1.0), nam_maker.linear()),
    # linear.cpp parse_config_json: how it is computed does not change the sound.
    ("implementation", config(nam_maker.linear(), implementation="Partitioned-FFT"), nam_maker.linear()),
]


@pytest.mark.parametrize(("nam", "plain"), [case[1:] for case in SPELLINGS], ids=[case[0] for case in SPELLINGS])
def test_each_spelling_sounds_as_in_the_reference(tmp_path: Path, nam: Nam, plain: Nam) -> None:
    one = played(nam_maker.write(tmp_path / "one.nam", nam))
    assert one == played(nam_maker.write(tmp_path / "plain.nam", plain))
    assert max(map(abs, one)) > 1e-3


# ---- text: nam_file.cpp validate_nam_file reads one value from a stream, json.hpp (3.11) parses it ----

GOOD = json.dumps(nam_maker.a1()).encode()
TEXTS: list[tuple[str, bytes]] = [
    # operator>>: what stands behind the value is not read.
    ("a brace behind", GOOD + b"}"),
    ("zero bytes behind", GOOD + bytes(4096)),
    ("the file twice", GOOD + GOOD),
    ("no UTF-8 behind", GOOD + b"\xff\xfe\x80"),
    ("depth behind", GOOD + b"[" * 1000),
    ("a line behind", GOOD + b"\n"),
    # lexer::skip_bom, skip_whitespace.
    ("a byte order mark", b"\xef\xbb\xbf" + GOOD),
    ("blanks before", b" \r\n\t" + GOOD),
    # json_sax_dom_parser::key: the last one of equal keys counts.
    ("two versions", b'{"version": "9.9.9", ' + GOOD[1:]),
    ("two lists of weights", b'{"weights": [1, 2], ' + GOOD[1:]),
    # lexer::scan_number: an integer beyond 64 bits is a float.
    ("a long integer", GOOD[:-1] + b', "metadata": {"date": 123456789012345678901234567890}}'),
]


@pytest.mark.parametrize("text", [case[1] for case in TEXTS], ids=[case[0] for case in TEXTS])
def test_each_text_is_the_same_capture(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "good.nam").write_bytes(GOOD)
    (tmp_path / "odd.nam").write_bytes(text)
    assert played(tmp_path / "odd.nam") == played(tmp_path / "good.nam")


def test_a_byte_that_is_no_utf8_within_the_object_is_named_by_its_place_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "amp.nam"
    path.write_bytes(b'\xef\xbb\xbf{"version": "caf\xe9"}')
    with pytest.raises(NampedalError) as caught:
        nam_file.read(path)
    assert str(caught.value) == f"{path}: is not JSON: byte 19 is no UTF-8; a .nam holds JSON"


# ---- sample rates: get_dsp.cpp get_sample_rate_from_nam_file, container.cpp ContainerModel ----

ABSENT = object()
# NeuralAmpModelerPlugin feb4f8c (NeuralAmpModeler.h, GetNAMSampleRate) plays what is not above 0 at 48 kHz.
UNKNOWN = [ABSENT, None, -1, 0, -1.0, 0.0, -48000]


def at(rate: Any, nam: Nam) -> Nam:
    found = {key: value for key, value in nam.items() if key != "sample_rate"}
    return found if rate is ABSENT else {**found, "sample_rate": rate}


@pytest.mark.parametrize("rate", UNKNOWN)
def test_an_unknown_rate_is_48_khz_and_not_stated(tmp_path: Path, rate: Any) -> None:
    capture = nam_file.read(nam_maker.write(tmp_path / "amp.nam", at(rate, nam_maker.linear())))
    assert (capture.sample_rate, capture.source.states_sample_rate) == (48_000.0, False)


@pytest.mark.parametrize("rate", UNKNOWN)
@pytest.mark.parametrize("within", [UNKNOWN[0], -1, 0, 44100])
def test_a_container_without_a_rate_runs_at_that_of_its_submodels(tmp_path: Path, rate: Any, within: Any) -> None:
    small, full = at(within, nam_maker.linear(taps=2)), at(44100, nam_maker.linear())
    nam = at(rate, nam_maker.container((0.5, small), (1.0, full)))
    capture = nam_file.read(nam_maker.write(tmp_path / "amp.nam", nam))
    assert (capture.sample_rate, capture.source.states_sample_rate) == (44_100.0, True)
    assert [tier.parameters for tier in capture.tiers] == [4, 2]
    assert capture.left_out == ()


def test_a_submodel_without_a_rate_runs_at_the_containers(tmp_path: Path) -> None:
    nam = at(44100, nam_maker.container((1.0, at(-1, nam_maker.lstm()))))
    capture = nam_file.read(nam_maker.write(tmp_path / "amp.nam", nam))
    assert capture.sample_rate == 44_100.0


def test_a_submodel_of_another_rate_than_the_full_one_is_left_out(tmp_path: Path) -> None:
    sizes = ((0.3, 44100), (0.6, 48000), (1.0, 48000))
    entries = [(size, at(rate, nam_maker.linear(taps=i + 1))) for i, (size, rate) in enumerate(sizes)]
    nam = at(ABSENT, nam_maker.container(*entries))
    capture = nam_file.read(nam_maker.write(tmp_path / "amp.nam", nam))
    assert [tier.parameters for tier in capture.tiers] == [3, 2]
    assert capture.left_out == ("config.submodels[0] is left out: it runs at 44100 Hz, and the full size at 48000",)


def test_a_container_of_another_rate_than_the_one_around_it_is_refused(tmp_path: Path) -> None:
    inner = at(ABSENT, nam_maker.container((1.0, at(44100, nam_maker.linear()))))
    path = nam_maker.write(tmp_path / "amp.nam", at(48000, nam_maker.container((1.0, inner))))
    with pytest.raises(NampedalError) as caught:
        nam_file.read(path)
    assert str(caught.value) == (
        f"{path}: config.submodels[0].model.config.submodels runs at 44100 Hz; the model around it runs at 48000"
    )


def test_models_where_none_can_be_say_nothing_about_the_rate(tmp_path: Path) -> None:
    nam = at(ABSENT, config(nam_maker.linear(), submodels=[{"model": {"sample_rate": 44100}}], models=[3]))
    assert nam_file.read(nam_maker.write(tmp_path / "amp.nam", nam)).sample_rate == 48_000.0


# ---- slimmable ones: NeuralAmpModelerCore plays the full size of each; see slimmable.cpp for the others ----


def two_arrays(**second: Any) -> Nam:
    first = {**nam_maker.ARRAY, "channels": 2, "slimmable": SLIM}
    first["head"] = {"out_channels": 2, "kernel_size": 1, "bias": False}
    return nam_maker.wavenet([first, {**nam_maker.ARRAY, "input_size": 2, "channels": 2, "slimmable": SLIM, **second}])


def one_array(**more: Any) -> Nam:
    return wavenet(channels=2, slimmable=SLIM, **more)


HEAD1X1 = {"active": True, "out_channels": 2, "groups": 1}
POST_HEAD: Nam = {"channels": 2, "out_channels": 1, "kernel_sizes": [1], "activation": "ReLU"}
NARROW: list[tuple[str, Callable[[], Nam], list[str], tuple[str, ...]]] = [
    ("sound", two_arrays, ["2/2", "1/1"], ()),
    (
        # A head1x1 keeps its outputs, while the head of the array before is cut.
        "head1x1 in the second",
        lambda: two_arrays(head1x1=HEAD1X1),
        ["2/2"],
        (
            "its size of 1/1 channels is left out: layers[1] adds 2 channels to the head, and the array before hands"
            " it 1",
        ),
    ),
    (
        "head1x1, and the second keeps its width",
        lambda: two_arrays(head1x1=HEAD1X1, slimmable=None),
        ["2/2", "1/2"],
        (),
    ),
    (
        "width 0",
        lambda: one_array() | wavenet(channels=2, slimmable={**SLIM, "kwargs": {"allowed_channels": [0, 1, 2]}}),
        ["2", "1"],
        ("its size of 0 channels is left out: layers[0] would have no channels",),
    ),
    (
        "groups",
        lambda: one_array(groups_input=2),
        ["2"],
        ("its smaller sizes are left out: layers of several groups can't be sliced",),
    ),
    (
        "head kernel",
        lambda: one_array(head={"out_channels": 1, "kernel_size": 3, "bias": True}),
        ["2"],
        ("its smaller sizes are left out: layers[0].head has kernel_size 3, and only 1 can be sliced",),
    ),
    (
        "head behind the stack",
        lambda: nam_maker.wavenet([{**nam_maker.ARRAY, "channels": 2, "slimmable": SLIM}], head=POST_HEAD),
        ["2"],
        ("its smaller sizes are left out: a head behind the stack can't be sliced",),
    ),
]


@pytest.mark.parametrize(("make", "sizes", "left_out"), [case[1:] for case in NARROW], ids=[case[0] for case in NARROW])
def test_what_can_not_be_sliced_is_left_out_with_its_reason(
    tmp_path: Path, make: Callable[[], Nam], sizes: list[str], left_out: tuple[str, ...]
) -> None:
    capture = nam_file.read(nam_maker.write(tmp_path / "amp.nam", make()))
    assert [describe_channels(tier.network) for tier in capture.tiers] == sizes
    assert capture.left_out == left_out
    for tier in range(len(sizes)):
        assert np.all(np.isfinite(Engine.prepare(capture, tier=tier).render(AUDIO)))
