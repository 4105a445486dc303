"""Each way for a .nam to be wrong: its own exception, and one line that says what was found and what is allowed."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest
from nampedal.converter import errors
from nampedal.converter.nam import nam_file
from nampedal.firmware.base.errors import ArtifactError
from nampedal.firmware.engine.inference import Engine
from support.makers import nam_maker
from support.makers.nam_maker import ARRAY, container

Change = Callable[[nam_maker.Nam], object]
Error = type[errors.CaptureError]


def config(**changes: object) -> Change:
    """Changes in the configuration of the first layer array; None takes the key away."""

    def change(nam: nam_maker.Nam) -> None:
        layer = nam["config"]["layers"][0]
        for key, value in changes.items():
            if value is None:
                layer.pop(key, None)
            else:
                layer[key] = value

    return change


def top(**changes: object) -> Change:
    return lambda nam: nam.update(changes)


def without(key: str) -> Change:
    return lambda nam: nam.pop(key)


def weight(value: object) -> Change:
    return lambda nam: nam["weights"].__setitem__(7, value)


KNOWN_ARCHITECTURES = "known are ConvNet, LSTM, Linear, Sequential, SlimmableContainer, WaveNet"
NEEDS = "a .nam needs version, architecture, config and weights"
FIRST = "config.layers[0]"

WAVENET: list[tuple[str, Error, Change, str]] = [
    ("no version", errors.CaptureError, without("version"), f" has no 'version'; {NEEDS}"),
    ("no architecture", errors.CaptureError, without("architecture"), f" has no 'architecture'; {NEEDS}"),
    ("no config", errors.CaptureError, without("config"), f" has no 'config'; {NEEDS}"),
    ("no weights", errors.CaptureError, without("weights"), f" has no 'weights'; {NEEDS}"),
    ("old version", errors.CaptureError, top(version="0.4.9"), " version is '0.4.9'; versions 0.5.0 to 0.7.x are read"),
    ("new version", errors.CaptureError, top(version="0.8.0"), " version is '0.8.0'; versions 0.5.0 to 0.7.x are read"),
    ("far version", errors.CaptureError, top(version="1.0.0"), " version is '1.0.0'; versions 0.5.0 to 0.7.x are read"),
    ("odd version", errors.CaptureError, top(version="0.7"), " version is '0.7'; versions 0.5.0 to 0.7.x are read"),
    ("version number", errors.CaptureError, top(version=0.7), " version is 0.7; a text is needed"),
    ("architecture", errors.CaptureError, top(architecture="CatLSTM"), f" architecture is 'CatLSTM'; {KNOWN_ARCHITECTURES}"),
    ("config list", errors.CaptureError, top(config=[]), " config is a list of 0; an object is needed"),
    ("weights text", errors.CaptureError, top(weights="abc"), " weights is 'abc'; a list of numbers is needed"),
    ("weight text", errors.CaptureError, weight("1"), " weights[7] is '1'; a number is needed"),
    ("weight list", errors.CaptureError, weight([1.0]), " weights[7] is a list of 1; a number is needed"),
    ("weight true", errors.CaptureError, weight(True), " weights[7] is true; a number is needed"),
    ("weight null", errors.CaptureError, weight(None), " weights[7] is null; a number is needed"),
    ("weight nan", errors.CaptureError, weight(float("nan")), " weights[7] is nan; every weight must be a finite float32"),
    ("weight inf", errors.CaptureError, weight(float("-inf")), " weights[7] is -inf; every weight must be a finite float32"),
    ("weight huge", errors.CaptureError, weight(1e39), " weights[7] is 1e+39; every weight must be a finite float32"),
    ("few weights", errors.CaptureError, lambda nam: nam["weights"].pop(), " weights has 161 entries; this configuration needs 162"),
    ("many weights", errors.CaptureError, lambda nam: nam["weights"].append(0.0), " weights has 163 entries; this configuration needs 162"),
    ("no weights at all", errors.CaptureError, top(weights=[]), " weights has 0 entries; this configuration needs 162"),
    ("sample rate", errors.CaptureError, top(sample_rate=100), " sample_rate is 100; allowed are 8000 to 768000 Hz, 0 and -1 for unknown"),
    ("sample rate text", errors.CaptureError, top(sample_rate="48k"), " sample_rate is '48k'; a finite number is needed"),
    ("no layers", errors.CaptureError, top(config={"layers": []}), " config.layers has 0 entries; allowed are 1 to 1024"),
    ("layers absent", errors.CaptureError, top(config={}), " config.layers is null; a list is needed"),
    ("layer number", errors.CaptureError, top(config={"layers": [3]}), f" {FIRST} is 3; an object is needed"),
    ("no channels", errors.CaptureError, config(channels=0), f" {FIRST}.channels is 0; allowed are 1 to 1024"),
    ("many channels", errors.CaptureError, config(channels=100_000), f" {FIRST}.channels is 100000; allowed are 1 to 1024"),
    ("half channels", errors.CaptureError, config(channels=2.5), f" {FIRST}.channels is 2.5; a whole number is needed"),
    ("channels true", errors.CaptureError, config(channels=True), f" {FIRST}.channels is true; a whole number is needed"),
    ("channels absent", errors.CaptureError, config(channels=None), f" {FIRST}.channels is null; a whole number is needed"),
    ("input size", errors.CaptureError, config(input_size=2), f" {FIRST}.input_size is 2; 1 channels come in"),
    ("condition size", errors.CaptureError, config(condition_size=2), f" {FIRST}.condition_size is 2; the condition has 1 channels"),
    ("no dilations", errors.CaptureError, config(dilations=[]), f" {FIRST}.dilations has 0 entries; allowed are 1 to 1024"),
    ("dilation zero", errors.CaptureError, config(dilations=[1, 0]), f" {FIRST}.dilations[1] is 0; allowed are 1 to 1048576"),
    ("far lookback", errors.CaptureError, config(dilations=[1, 1_000_000]), f" {FIRST} looks back 2000000 frames in one layer; allowed are 1048576"),
    ("no kernel", errors.CaptureError, config(kernel_size=None), f" {FIRST} has neither 'kernel_size' nor 'kernel_sizes'; exactly one of them is needed"),
    ("two kernels", errors.CaptureError, config(kernel_sizes=[3, 3]), f" {FIRST} has both 'kernel_size' and 'kernel_sizes'; exactly one of them is needed"),
    ("kernel count", errors.CaptureError, config(kernel_size=None, kernel_sizes=[3]), f" {FIRST}.kernel_sizes has 1 entries; one for each of the 2 layers is needed"),
    ("kernel zero", errors.CaptureError, config(kernel_size=0), f" {FIRST}.kernel_size is 0; allowed are 1 to 1048576"),
    ("activation", errors.CaptureError, config(activation="GELU"), f" {FIRST}.activation is 'GELU'; known are Fasttanh, Hardswish, Hardtanh, LeakyHardTanh, LeakyHardtanh, LeakyReLU, PReLU, ReLU, SiLU, Sigmoid, Softsigmoid, Softsign, Tanh"),
    ("activation number", errors.CaptureError, config(activation=3), f" {FIRST}.activation is 3; a text is needed"),
    ("activation count", errors.CaptureError, config(activation=["Tanh"]), f" {FIRST}.activation has 1 entries; one for each of the 2 layers is needed"),
    ("slopes", errors.CaptureError, config(activation={"type": "PReLU", "negative_slopes": [0.1, 0.2]}), f" {FIRST}.activation.negative_slopes has 2 entries; 1 or one for each of 4 channels is needed"),
    ("slope", errors.CaptureError, config(activation={"type": "LeakyReLU", "negative_slope": "x"}), f" {FIRST}.activation.negative_slope is 'x'; a finite number is needed"),
    ("gating", errors.CaptureError, config(gating_mode="mixed"), f" {FIRST}.gating_mode is 'mixed'; allowed are none, gated, blended"),
    ("gated", errors.CaptureError, config(gated="yes"), f" {FIRST}.gated is 'yes'; true or false is needed"),
    ("groups", errors.CaptureError, config(groups_input=3), f" {FIRST}.groups_input has 3 groups; they must divide 4 inputs and 4 outputs"),
    ("film", errors.CaptureError, config(conv_pre_film=5), f" {FIRST}.conv_pre_film is 5; an object is needed"),
    ("film without head1x1", errors.CaptureError, config(head1x1_post_film={"active": True}, head1x1={"active": False}), f" {FIRST}.head1x1_post_film is on; it needs an active head1x1"),
    ("bottleneck", errors.CaptureError, config(layer1x1={"active": False, "groups": 1}, bottleneck=2), f" {FIRST}.bottleneck is 2; without a layer1x1 it must equal channels, 4"),
    ("no head", errors.CaptureError, config(head=None), f" {FIRST} has neither 'head' nor 'head_size'; one of them is needed"),
    ("head text", errors.CaptureError, config(head="x"), f" {FIRST}.head is 'x'; an object is needed"),
    ("head bias", errors.CaptureError, config(head={"out_channels": 1, "kernel_size": 1}), f" {FIRST}.head.bias is null; true or false is needed"),
    ("slimmable", errors.CaptureError, config(slimmable={"method": "melt"}), f" {FIRST}.slimmable.method is 'melt'; known is 'slice_channels_uniform'"),
    ("widths", errors.CaptureError, config(slimmable={"method": "slice_channels_uniform", "kwargs": {"allowed_channels": [2, 1, 4]}}), f" {FIRST}.slimmable.kwargs.allowed_channels is [2, 1, 4]; it must ascend and end at the array's 4 channels"),
    ("absurd sizes", errors.CaptureError, config(channels=1024, bottleneck=1024, kernel_size=1000), " weights would need more than 4000000 entries, the most allowed"),
]  # fmt: skip


def refusal(path: Path) -> errors.CaptureError:
    with pytest.raises(errors.CaptureError) as caught:
        nam_file.read(path)
    return caught.value


@pytest.mark.parametrize(("error", "change", "text"), [case[1:] for case in WAVENET], ids=[case[0] for case in WAVENET])
def test_damaged_wavenet_is_refused_in_one_line(tmp_path: Path, error: Error, change: Change, text: str) -> None:
    nam = nam_maker.wavenet([copy.deepcopy(ARRAY)])
    change(nam)
    path = nam_maker.write(tmp_path / "amp.nam", nam)
    found = refusal(path)
    assert str(found) == f"{path}:{text}"
    assert type(found) is error


def two_arrays() -> nam_maker.Nam:
    return nam_maker.a1(channels=(4, 2))


LINEAR = nam_maker.linear
OTHERS: list[tuple[str, Error, nam_maker.Nam, Change, str]] = [
    ("second array", errors.CaptureError, two_arrays(), lambda nam: nam["config"]["layers"][1].update(input_size=3), "config.layers[1].input_size is 3; 4 channels come in"),
    ("head chain", errors.CaptureError, two_arrays(), lambda nam: nam["config"]["layers"][0].update(head_size=3), "config.layers[1] adds 2 channels to the head; the array before hands it 3"),
    ("linear taps", errors.CaptureError, LINEAR(), lambda nam: nam["config"].update(receptive_field=0), "config.receptive_field is 0; allowed are 1 to 1048576"),
    ("linear bias", errors.CaptureError, LINEAR(), lambda nam: nam["config"].pop("bias"), "config.bias is null; true or false is needed"),
    ("linear count", errors.CaptureError, LINEAR(), lambda nam: nam["config"].update(receptive_field=9), "weights has 4 entries; this configuration needs 9"),
    ("convnet groups", errors.CaptureError, nam_maker.convnet(), lambda nam: nam["config"].update(groups=2), "config.groups is 2; it must divide 1 and 3 channels"),
    ("convnet variance", errors.CaptureError, nam_maker.convnet(), lambda nam: nam["weights"].__setitem__(9, -1.0), "config.batchnorm has a variance that is not above 0"),
    ("lstm sizes", errors.CaptureError, nam_maker.lstm(), lambda nam: nam["config"].update(hidden_size=5000), "config.hidden_size is 5000; allowed are 1 to 1024"),
    ("lstm input", errors.CaptureError, nam_maker.lstm(), lambda nam: nam["config"].update(input_size=2), "config.input_size is 2; it must equal in_channels, 1"),
    ("empty container", errors.CaptureError, container(), lambda nam: None, "config.submodels has 0 entries; allowed are 1 to 64"),
    ("container order", errors.CaptureError, container((0.5, LINEAR()), (0.5, LINEAR())), lambda nam: None, "config.submodels[1].max_value is 0.5; it must be above 0.5, the one before"),
    ("container end", errors.CaptureError, container((0.5, LINEAR())), lambda nam: None, "config.submodels ends at max_value 0.5; the last must reach 1"),
    ("container rates", errors.CaptureError, container((1.0, LINEAR())), lambda nam: nam.update(sample_rate=44100), "config.submodels[0].model.sample_rate is 48000; the model around it runs at 44100"),
    ("submodel version", errors.CaptureError, container((1.0, LINEAR())), lambda nam: nam["config"]["submodels"][0]["model"].update(version="9.0.0"), "config.submodels[0].model.version is '9.0.0'; versions 0.5.0 to 0.7.x are read"),
    ("submodel number", errors.CaptureError, container((1.0, LINEAR())), lambda nam: nam["config"]["submodels"].__setitem__(0, 4), "config.submodels[0] is 4; an object is needed"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("error", "nam", "change", "text"), [case[1:] for case in OTHERS], ids=[case[0] for case in OTHERS]
)
def test_damage_elsewhere_is_refused_in_one_line(
    tmp_path: Path, error: Error, nam: nam_maker.Nam, change: Change, text: str
) -> None:
    broken = copy.deepcopy(nam)
    change(broken)
    path = nam_maker.write(tmp_path / "amp.nam", broken)
    found = refusal(path)
    assert str(found) == f"{path}: {text}"
    assert type(found) is error


GOOD = json.dumps(nam_maker.a1())
BYTES: list[tuple[str, Error, bytes, str]] = [
    ("empty", errors.CaptureError, b"", "is empty; a .nam holds JSON"),
    ("zeros", errors.CaptureError, bytes(500), "is empty; a .nam holds JSON"),
    ("half", errors.CaptureError, GOOD[:900].encode(), "ends in the middle, at character 900; copy or download it again"),
    ("cut text", errors.CaptureError, b'{"version": "0.5', "ends in the middle, at character 16; copy or download it again"),
    ("cut brace", errors.CaptureError, b"{", "ends in the middle, at character 1; copy or download it again"),
    ("html", errors.CaptureError, b"<!DOCTYPE html><html>not found</html>", "is a web page (HTML), not the file itself; download the file with the page's download or raw button; a .nam is needed"),
    ("picture", errors.CaptureError, b"\x89PNG\r\n\x1a\n", "is a picture (PNG); a .nam is needed"),
    ("binary", errors.CaptureError, b"\x89abc\x1a\n", "is not JSON: byte 0 is no UTF-8; a .nam holds JSON"),
    ("zip", errors.CaptureError, b"PK\x03\x04abc", "is a zip archive; unpack it, and give the files that are in it; a .nam is needed"),
    ("comma", errors.CaptureError, b'{"version" "0.5.0"}', "is not JSON: expecting ':' delimiter, line 1 column 12; a .nam holds JSON"),
    ("artifact", errors.CaptureError, b"\x10\0\0\0STMP" + bytes(100), "is an artifact already; a .nam is needed"),
    ("list", errors.CaptureError, b"[1, 2]", "holds a list of 2; a .nam holds an object"),
    ("number", errors.CaptureError, b"5", "holds 5; a .nam holds an object"),
    ("other object", errors.CaptureError, b'{"hello": 1}', "has no 'version'; a .nam needs version, architecture, config and weights"),
    ("deep", errors.CaptureError, b"[" * 100_000, "is not JSON that is read here: line 1 column 65: is nested more than 64 deep"),
    ("long number", errors.CaptureError, b'{"version": ' + b"1" * 10_000 + b"}", "is not JSON that is read here: line 1 column 13: 11111111... of 10000 digits is beyond 64 bits"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "data", "text"), [case[1:] for case in BYTES], ids=[case[0] for case in BYTES])
def test_files_that_are_no_capture_are_refused_in_one_line(
    tmp_path: Path, error: Error, data: bytes, text: str
) -> None:
    path = tmp_path / "amp.nam"
    path.write_bytes(data)
    found = refusal(path)
    assert str(found) == f"{path}: {text}"
    assert type(found) is error


def test_more_than_forty_kinds_of_damage_are_covered() -> None:
    assert len(WAVENET) + len(OTHERS) + len(BYTES) >= 40


def test_a_capture_within_captures_ends_somewhere(tmp_path: Path) -> None:
    nam = nam_maker.linear()
    for _ in range(6):
        nam = container((1.0, nam))
    assert str(refusal(nam_maker.write(tmp_path / "amp.nam", nam))).endswith("stands within more than 4 other models")


def test_what_is_read_but_too_large_to_play_is_refused_by_the_engine(tmp_path: Path) -> None:
    nam = nam_maker.wavenet([{**ARRAY, "channels": 64, "dilations": [500_000]}])
    capture = nam_file.read(nam_maker.write(tmp_path / "amp.nam", nam))
    with pytest.raises(ArtifactError, match=r"amp\.nam: tier 0: needs more than 64 MiB of memory"):
        Engine.prepare(capture)


@pytest.mark.parametrize(
    ("value", "count", "text"),
    [
        (b"{}", 100_001, "may hold 100004 objects and lists; allowed are 100000"),
        (b"1", 5_000_001, "may hold 5000006 values; allowed are 5000000"),
    ],
    ids=["objects", "numbers"],
)
def test_what_a_text_takes_in_memory_is_counted_before_it_is_parsed(
    value: bytes, count: int, text: str, tmp_path: Path
) -> None:
    path = tmp_path / "amp.nam"
    head = b'{"version": "0.5.4", "architecture": "Linear", "config": {}, "weights": [%s]}'
    path.write_bytes(head % b",".join([value] * count))
    with mock.patch("nampedal.firmware.base.files.bounded_json.loads", side_effect=AssertionError("it is parsed")):
        found = refusal(path)
    assert str(found) == f"{path}: {text}"
    assert type(found) is errors.CaptureError


def test_a_sparse_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "amp.nam"
    with path.open("wb") as file:
        file.truncate(3 << 30)
    found = refusal(path)
    assert str(found) == f"{path}: is {3 << 30} bytes; allowed are {64 << 20}"
    assert type(found) is errors.CaptureError
