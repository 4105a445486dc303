from __future__ import annotations

import dataclasses
import math
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
import nampedal.firmware.engine.stomp_generated as fbs
import numpy as np
import pytest
from nampedal.converter.listening import test_signals
from nampedal.converter.nam import nam_file
from nampedal.converter.rounding.tier_conversion import convert
from nampedal.firmware.base.errors import ArtifactError, FileAccessError, NampedalError, NotAnArtifactError
from nampedal.firmware.engine import _engine, artifact
from nampedal.firmware.engine.capture import Calibration, Capture
from nampedal.firmware.engine.inference import Engine
from nampedal.firmware.engine.network import Int8Weights
from support.makers import nam_maker

# Enough to round with, where nobody listens.
SHORT = (test_signals.plucks(48_000, 0.1), Calibration("a tenth of a second", -3.0, "nobody knows"))


@pytest.fixture
def capture(tmp_path: Path) -> Capture:
    nam = nam_maker.a1()
    nam["metadata"] = {"name": "Bläck \ud83c", "loudness": -18.5, "input_level_dbu": float("nan")}
    return nam_file.read(nam_maker.write(tmp_path / "amp.nam", nam))


def same(left: Any, right: Any) -> Any:
    """Deep equality of dataclasses that hold arrays, bit for bit."""
    if isinstance(left, np.ndarray):
        return left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()
    if dataclasses.is_dataclass(left):
        return type(left) is type(right) and all(
            same(getattr(left, f.name), getattr(right, f.name)) for f in dataclasses.fields(left)
        )
    if isinstance(left, tuple):
        return len(left) == len(right) and all(same(a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, float):
        return float(np.float32(left)) == float(np.float32(right))
    return left == right


@pytest.mark.long
@pytest.mark.parametrize("precision", ["f32", "w8"])
def test_what_was_packed_is_what_is_unpacked(tmp_path: Path, precision: str) -> None:
    makers = [nam_maker.linear(bias=True), nam_maker.convnet(), nam_maker.lstm(layers=2), nam_maker.a1()]
    for nam in [*makers, *(nam_maker.random_wavenet(seed) for seed in range(4))]:
        before = convert(nam_file.read(nam_maker.write(tmp_path / "x.nam", nam)), precision, SHORT)
        path = tmp_path / "x.stomp"
        path.write_bytes(artifact.pack(before))
        assert same(before, artifact.read(path))


def test_same_capture_gives_same_bytes(capture: Capture) -> None:
    assert artifact.pack(capture) == artifact.pack(capture)


def test_facts_of_the_source_travel(capture: Capture, tmp_path: Path) -> None:
    path = tmp_path / "amp.stomp"
    path.write_bytes(artifact.pack(capture))
    source = artifact.read(path).source
    assert (source.file_name, source.version, source.architecture) == ("amp.nam", "0.7.0", "WaveNet")
    assert len(source.sha256) == 64
    assert source.level("loudness").value == -18.5
    # Not a number in the file: not stated. Half a character: a mark.
    assert source.level("input_level_dbu").value is None
    assert source.text("name") == "Bläck ?"


def test_int8_artifact_is_smaller_and_holds_int8(capture: Capture) -> None:
    rounded, plain = (convert(capture, precision, SHORT, golden=False) for precision in ("w8", "f32"))
    layer = rounded.tiers[0].network.arrays[0].layers[0]  # type: ignore[union-attr]
    assert isinstance(layer.conv.weight, Int8Weights)
    assert isinstance(layer.mixin.weight, np.ndarray)
    assert len(artifact.pack(rounded)) < len(artifact.pack(plain))


def test_one_damaged_byte_anywhere_is_refused(capture: Capture) -> None:
    good = artifact.pack(capture)
    for at in range(len(good)):
        bad = bytearray(good)
        bad[at] ^= 0x10
        with pytest.raises(ArtifactError):
            _engine.Artifact.from_bytes(bytes(bad), "x")


def test_every_truncation_is_refused(capture: Capture) -> None:
    good = artifact.pack(capture)
    for length in range(0, len(good), 7):
        with pytest.raises(ArtifactError):
            _engine.Artifact.from_bytes(good[:length], "x")


def refusal(data: bytes | Path) -> NampedalError:
    with pytest.raises((ArtifactError, FileAccessError)) as caught:
        _engine.Artifact.from_bytes(data, "x.stomp") if isinstance(data, bytes) else artifact.read(data)
    return caught.value


def test_files_that_are_none_are_refused(tmp_path: Path, capture: Capture) -> None:
    missing = refusal(tmp_path / "gone.stomp")
    assert type(missing) is FileAccessError
    assert str(missing) == f"{tmp_path / 'gone.stomp'}: can't be read: no such file or directory"
    assert str(refusal(tmp_path)) == f"{tmp_path}: can't be read: is a directory"
    (tmp_path / "empty.stomp").touch()
    assert str(refusal(tmp_path / "empty.stomp")).endswith("empty.stomp: is empty; a .stomp artifact is needed")
    text = refusal(b"this is no artifact at all")
    assert type(text) is NotAnArtifactError
    assert str(text) == "x.stomp: is not a .stomp artifact: the file identifier 'STMP' is missing"
    damaged = bytearray(artifact.pack(capture))
    damaged[100] ^= 1
    bad_sum = refusal(bytes(damaged))
    assert type(bad_sum) is ArtifactError
    assert str(bad_sum) == ("x.stomp: is damaged: its checksum does not match its bytes; convert or copy it again")
    with (tmp_path / "huge.stomp").open("wb") as file:
        file.truncate((64 << 20) + 1)
    huge = refusal(tmp_path / "huge.stomp")
    assert type(huge) is ArtifactError
    assert str(huge).endswith("is 67108865 bytes; an artifact may have 67108864")


def altered(capture: Capture, alter: Callable[[Any], None]) -> bytes:
    """The artifact with some of its tables changed, its checksum right."""
    body = artifact.pack(capture)[:-4]
    root = fbs.ArtifactT.InitFromObj(fbs.Artifact.GetRootAs(body, 0))
    for tier in root.tiers:
        tier.network.numbers = np.array(tier.network.numbers, np.uint8)
    alter(root)
    builder = flatbuffers.Builder(0)
    builder.Finish(root.Pack(builder), file_identifier=b"STMP")
    data = bytes(builder.Output())
    return data + zlib.crc32(data).to_bytes(4, "little")


def test_the_proof_of_an_earlier_version_names_no_kind_and_no_noise_floor(root: Path) -> None:
    def prove(root: Any) -> None:
        root.tiers[0].proof = fbs.ProofT()
        root.tiers[0].proof.material = "plucks"
        root.tiers[0].proof.esr = 2e-5

    capture = nam_file.read(root / "demo" / "overdriven-amp.nam")
    proof = artifact.unpack(_engine.Artifact.from_bytes(altered(capture, prove), "x.stomp")).tiers[0].proof
    assert proof is not None
    assert (proof.material, proof.worst_kind, proof.esr) == ("plucks", "", 2e-5)
    assert math.isnan(proof.noise_floor_dbfs)
    assert math.isnan(proof.source_noise_floor_dbfs)


def first_array(root: Any) -> Any:
    return root.tiers[0].network.architecture.arrays[0]


def set_first_weight(root: Any) -> None:
    # Behind the rechannel's four float32.
    root.tiers[0].network.numbers.view(np.float32)[4 + 3] = np.nan


def set_scale(root: Any) -> None:
    root.tiers[0].network.architecture.headScale = float("inf")


def set_long_dilations(root: Any) -> None:
    first_array(root).dilations = np.full(3, 1 << 19, np.uint32)


def first_conv(name: str, value: Any) -> Callable[[Any], None]:
    return lambda root: setattr(first_array(root).layers[0].conv, name, value)


def drop_numbers(root: Any) -> None:
    root.tiers[0].network.numbers = root.tiers[0].network.numbers[:40]


def add_numbers(root: Any) -> None:
    network = root.tiers[0].network
    network.numbers = np.concatenate([network.numbers, np.zeros(3, np.uint8)])


def golden(alter: Callable[[Any], None]) -> Callable[[Any], None]:
    """Golden vectors that would be right, altered."""

    def altering(root: Any) -> None:
        root.goldenInput = np.zeros(4, np.float32)
        root.tiers[0].golden = fbs.GoldenT()
        root.tiers[0].golden.output = np.zeros(4, np.float32)
        root.tiers[0].golden.tolerance = 1e-3
        alter(root)

    return altering


GOLDEN_SHAPE = "tier 0: golden vectors: {} frames in, {} samples out; 1 to 1048576 frames of 1 -> 1 channels are needed"
WRONG: list[tuple[str, type[ArtifactError], Callable[[Any], None], str]] = [
    (
        "format",
        ArtifactError,
        lambda root: setattr(root, "format", 1),
        "has format 1; this nampedal reads formats 2 to 3: convert the capture again",
    ),
    (
        "sample rate",
        ArtifactError,
        lambda root: setattr(root, "sampleRate", 1.0),
        "sample rate is 1.000000 Hz; allowed are 8000 to 768000",
    ),
    (
        "newer format",
        ArtifactError,
        lambda root: setattr(root, "format", 4),
        "has format 4; this nampedal reads formats 2 to 3: update nampedal",
    ),
    ("no tiers", ArtifactError, lambda root: setattr(root, "tiers", []), "has 0 tiers; allowed are 1 to 64"),
    (
        "no network",
        ArtifactError,
        lambda root: setattr(root.tiers[0], "network", None),
        "tier 0: network is missing",
    ),
    (
        "no architecture",
        ArtifactError,
        lambda root: setattr(root.tiers[0].network, "architectureType", 0),
        "tier 0: network is of unknown architecture 0",
    ),
    (
        "no layers",
        ArtifactError,
        lambda root: setattr(first_array(root), "layers", []),
        "tier 0: arrays[0].layers has 0 entries; allowed are 1 to 1024",
    ),
    (
        "no head",
        ArtifactError,
        lambda root: setattr(first_array(root), "head", None),
        "tier 0: arrays[0].head is missing",
    ),
    (
        "not finite",
        ArtifactError,
        set_first_weight,
        "tier 0: arrays[0].layers[0].conv.weight[3] is not a finite number",
    ),
    ("head scale", ArtifactError, set_scale, "tier 0: head_scale is not a finite number"),
    (
        "too few numbers",
        ArtifactError,
        drop_numbers,
        "tier 0: arrays[0].layers[0].conv.weight needs 192 bytes of numbers; 24 are left",
    ),
    (
        "too many numbers",
        ArtifactError,
        add_numbers,
        "tier 0: network holds 1271 bytes of numbers; it needs 1268",
    ),
    (
        "no output",
        ArtifactError,
        first_conv("outChannels", 0),
        "tier 0: arrays[0].layers[0].conv.out_channels is 0; allowed are 1 to 8192",
    ),
    (
        "no kernel",
        ArtifactError,
        first_conv("kernel", 0),
        "tier 0: arrays[0].layers[0].conv.kernel is 0; allowed are 1 to 1048577",
    ),
    (
        "channels",
        ArtifactError,
        first_conv("inChannels", 3),
        "tier 0: arrays[0].layers[0].conv takes 3 channels; 4 come in",
    ),
    (
        "forms",
        ArtifactError,
        first_conv("weight", 9),
        "tier 0: arrays[0].layers[0].conv has numbers of unknown forms 9 and 1",
    ),
    (
        "groups",
        ArtifactError,
        first_conv("groups", 3),
        "tier 0: arrays[0].layers[0].conv has 3 groups for 4 outputs; groups must divide them",
    ),
    (
        "dilation",
        ArtifactError,
        lambda root: setattr(first_array(root), "dilations", np.array([1, 1 << 20, 1], np.uint32)),
        "tier 0: arrays[0].layers[1].conv looks back 2097152 frames (dilation 1048576); allowed are 1048576",
    ),
    (
        "no dilation",
        ArtifactError,
        lambda root: setattr(first_array(root), "dilations", np.array([1, 0, 1], np.uint32)),
        "tier 0: arrays[0].layers[1].conv has dilation 0; allowed are 1 and more",
    ),
    (
        "dilations",
        ArtifactError,
        lambda root: setattr(first_array(root), "dilations", np.array([1], np.uint32)),
        "tier 0: arrays[0].dilations has 1 entries; 3 are needed",
    ),
    (
        "golden",
        ArtifactError,
        golden(lambda root: setattr(root, "goldenInput", None)),
        GOLDEN_SHAPE.format(0, 4),
    ),
    (
        "golden output",
        ArtifactError,
        golden(lambda root: setattr(root.tiers[0].golden, "output", np.zeros(3, np.float32))),
        GOLDEN_SHAPE.format(4, 3),
    ),
    (
        "golden value",
        ArtifactError,
        golden(lambda root: setattr(root.tiers[0].golden, "tolerance", float("nan"))),
        "tier 0: golden vectors: a sample is not finite",
    ),
    (
        "gating",
        ArtifactError,
        lambda root: setattr(first_array(root).layers[0], "gating", 7),
        "tier 0: arrays[0].layers[0].gating is 7; allowed are 0 to 2",
    ),
    (
        "activation",
        ArtifactError,
        lambda root: setattr(first_array(root).layers[0].activation, "kind", 99),
        "tier 0: arrays[0].layers[0].activation is of unknown kind 99",
    ),
    (
        "parameters",
        ArtifactError,
        lambda root: setattr(first_array(root).layers[0].activation, "kind", fbs.ActivationKind.LeakyReLU),
        "tier 0: arrays[0].layers[0].activation has 0 parameters; it needs 1",
    ),
    (
        "memory",
        ArtifactError,
        set_long_dilations,
        "tier 0: needs more than 64 MiB of memory, the most a model may take",
    ),
]


@pytest.mark.parametrize(("error", "alter", "text"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_parts_that_do_not_fit_are_named(
    capture: Capture, error: type[ArtifactError], alter: Callable[[Any], None], text: str
) -> None:
    found = refusal(altered(capture, alter))
    assert str(found) == f"x.stomp: {text}"
    assert type(found) is error


def test_an_artifact_altered_in_nothing_loads(capture: Capture) -> None:
    _engine.Artifact.from_bytes(altered(capture, lambda root: None), "x.stomp")


def test_networks_within_one_another_end_somewhere(tmp_path: Path) -> None:
    layer = {"input_size": 1, "condition_size": 1, "channels": 1, "kernel_size": 1, "dilations": [1]}
    layers = [{**layer, "activation": "ReLU", "head_size": 1, "head_bias": False}]
    innermost = nam_file.read(nam_maker.write(tmp_path / "x.nam", nam_maker.wavenet(layers)))
    network: Any = innermost.tiers[0].network
    for _ in range(5):
        network = dataclasses.replace(innermost.tiers[0].network, condition=network)
    deep = dataclasses.replace(innermost, tiers=(dataclasses.replace(innermost.tiers[0], network=network),))
    found = refusal(artifact.pack(deep))
    assert type(found) is ArtifactError
    assert str(found).endswith("condition: network stands within more than 4 others")


def test_the_artifact_may_go_once_the_engine_is_prepared(capture: Capture, tmp_path: Path) -> None:
    path = tmp_path / "amp.stomp"
    path.write_bytes(artifact.pack(capture))
    engine = Engine.prepare(path)
    path.unlink()
    assert np.isfinite(engine.process(np.zeros(64, np.float32))).all()
