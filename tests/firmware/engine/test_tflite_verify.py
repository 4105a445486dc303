"""Only a .tflite whose graph is one of ours reaches LiteRT, which trusts what it is given."""

from __future__ import annotations

import os
import resource
import struct
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nampedal.converter.errors import ConversionError
from nampedal.converter.nam import nam_file
from nampedal.converter.tflite.tflite_player import TflitePlayer
from nampedal.converter.tflite.tflite_writer import write
from nampedal.firmware.base.errors import ArtifactError
from nampedal.firmware.engine import _engine, tflite_artifact
from support.makers import nam_maker
from support.makers.tflite_maker import AlignedBuffer

NOISE = np.asarray(np.random.default_rng(5).standard_normal(4800) * 0.3, np.float32)
CHANGES = 120
NOT_OURS = "; no .tflite of nampedal's has that: copy it again, or convert the .nam again"
Change = Callable[[Any], object]


def made(folder: Path, nam: nam_maker.Nam, mode: str = "weights", block: int = 16) -> bytes:
    network = nam_file.read(nam_maker.write(folder / "x.nam", nam)).tiers[0].network
    return write(network, sample_rate=48_000.0, block=block, mode=mode, calibration=NOISE, facts={}).data


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("tflite")
    return {
        "wavenet": made(folder, nam_maker.a1()),
        "int8": made(folder, nam_maker.a1(), "int8"),
        "lstm": made(folder, nam_maker.lstm(), block=8),
    }


# ---- what we write passes ----


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1 << 30), mode=st.sampled_from(tflite_artifact.MODES), block=st.sampled_from([1, 3, 64]))
def test_whatever_the_converter_writes_is_taken(seed: int, mode: str, block: int, tmp_path: Path) -> None:
    try:
        data = made(tmp_path, nam_maker.random_wavenet(seed), mode, block)
    except ConversionError:
        return
    found = _engine.verify_tflite(data, "x", 1024)
    assert (found.block, found.any_block) == (block, True)
    assert found.macs > 0


@pytest.mark.parametrize("make", [nam_maker.lstm, nam_maker.convnet, nam_maker.linear])
def test_every_architecture_is_taken(make: Callable[[], nam_maker.Nam], tmp_path: Path) -> None:
    nam = make()
    found = _engine.verify_tflite(made(tmp_path, nam), "x")
    assert (found.block, found.any_block) == (16, nam["architecture"] != "LSTM")


# ---- one word ----


def words(data: bytes, count: int, seed: int) -> Iterator[bytes]:
    """The file with one 32-bit word changed and its checksum made right, so many times."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        model = bytearray(data[:-4])
        at = 4 * int(rng.integers(len(model) // 4))
        (word,) = struct.unpack_from("<I", model, at)
        others = (
            word ^ (1 << int(rng.integers(32))),
            word + int(rng.choice([-4, -1, 1, 4])),
            int(rng.integers(1 << 32)),
        )
        struct.pack_into("<I", model, at, others[int(rng.integers(3))] & 0xFFFFFFFF)
        yield tflite_artifact.add_checksum(bytes(model))


def ends_well(do: Callable[[], object]) -> bool:
    """Whether a process that does it ends by itself, with or without an exception."""
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
        try:
            do()
        finally:
            os._exit(0)
    return not os.WIFSIGNALED(os.waitpid(child, 0)[1])


def played(data: bytes) -> None:
    player = TflitePlayer(data)
    for block in NOISE[:64].reshape(-1, player.block):
        player.play(block)
    if player.any_block:
        TflitePlayer(data, block=5).play(NOISE[:5])


@pytest.mark.parametrize("kind", ["wavenet", "int8", "lstm"])
def test_a_changed_word_is_refused_or_played_without_harm(kind: str, files: dict[str, bytes]) -> None:
    refused = 0
    for data in words(files[kind], CHANGES, seed=len(kind)):
        try:
            _engine.verify_tflite(data, "x")
        except (ArtifactError, ValueError) as error:
            assert "\n" not in str(error)
            refused += 1
            continue
        assert ends_well(partial(played, data)), data
    assert 0 < refused < CHANGES


# ---- what can be wrong ----


def altered(data: bytes, change: Change) -> bytes:
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
    model.buffers = [AlignedBuffer(data=buffer.data) for buffer in model.buffers]
    change(model)
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), b"TFL3")
    return tflite_artifact.add_checksum(bytes(builder.Output()))


def tensor(model: Any, name: str, graph: int = 0) -> Any:
    return next(t for t in model.subgraphs[graph].tensors if t.name == name.encode())


def operator(model: Any, output: str) -> Any:
    main = model.subgraphs[0]
    index = main.tensors.index(tensor(model, output))
    return next(op for op in main.operators if index in list(op.outputs))


def put(what: Callable[[Any], Any], **values: Any) -> Change:
    def change(model: Any) -> None:
        for name, value in values.items():
            setattr(what(model), name, value)

    return change


def number(what: Callable[[Any], Any], values: str, at: int, number: float) -> Change:
    def change(model: Any) -> None:
        changed = np.array(getattr(what(model), values))
        changed[at] = number
        setattr(what(model), values, changed)

    return change


def first(code: str) -> Callable[[Any], Any]:
    number = getattr(schema.BuiltinOperator, code)
    return lambda model: next(
        op for op in model.subgraphs[0].operators if model.operatorCodes[op.opcodeIndex].builtinCode == number
    )


def options(code: str) -> Callable[[Any], Any]:
    return lambda model: first(code)(model).builtinOptions


def longer_state(model: Any) -> None:
    for op in model.subgraphs[1].operators:
        if model.operatorCodes[op.opcodeIndex].builtinCode == schema.BuiltinOperator.BROADCAST_TO:
            filled = model.subgraphs[1].tensors[op.outputs[0]]
            filled.shape = [*filled.shape[:2], filled.shape[2] + 1, filled.shape[3]]
            return


def quantized(model: Any) -> Any:
    return next(t for t in model.subgraphs[0].tensors if t.quantization is not None).quantization


WRONG: list[tuple[str, Change, str]] = [
    ("version", put(lambda m: m, version=4), "has schema version 4"),
    ("signature", put(lambda m: m, signatureDefs=[schema.SignatureDefT()]), "field 7 of the model is in use"),
    ("metadata", put(lambda m: m.metadata[0], name="min_runtime_version"), "has metadata that is not nampedal's"),
    ("metadata buffer", put(lambda m: m.metadata[0], buffer=999), "has metadata in buffer 999, which is not there"),
    ("operator code", put(lambda m: m.operatorCodes[0], builtinCode=32, deprecatedBuiltinCode=32),
     "has operator 32 (32) in version 1"),
    ("custom code", put(lambda m: m.operatorCodes[0], customCode="Flex"), "field 1 of an operator code is in use"),
    ("subgraph", lambda m: m.subgraphs.pop(), "has 1 subgraphs"),
    ("tensor buffer", put(lambda m: m.subgraphs[0].tensors[0], buffer=999),
     "has a tensor in buffer 999, which is not there"),
    ("variable tensor", put(lambda m: m.subgraphs[0].tensors[0], isVariable=True), "field 5 of a tensor is in use"),
    ("type", put(lambda m: m.subgraphs[0].tensors[0], type=schema.TensorType.STRING), "has a tensor of type 5"),
    ("custom options", put(first("CONV_2D"), customOptions=np.zeros(4, np.uint8)), "field 5 of an operator is in use"),
    ("code index", put(first("CONV_2D"), opcodeIndex=99), "has an operator of code 99, which is not there"),
    ("input", number(first("CONV_2D"), "inputs", 0, 9999), "tensor 9999, which is not there"),
    ("no input", number(first("CONV_2D"), "inputs", 2, -1), "tensor -1, which is not there"),
    ("stride", put(options("CONV_2D"), strideW=2), "CONV_2D: is not a convolution of stride 1 without padding"),
    ("height dilation", put(options("CONV_2D"), dilationHFactor=2), "field 5 of CONV_2D is in use"),
    ("fused", put(options("ADD"), fusedActivationFunction=1), "field 0 of ADD is in use"),
    ("axis", put(options("CONCATENATION"), axis=7), "CONCATENATION: has no such axis"),
    ("other axis", put(options("CONCATENATION"), axis=3), "CONCATENATION: its inputs do not fit together"),
    ("called", put(options("CALL_ONCE"), initSubgraphIndex=0), "CALL_ONCE: does not call the second subgraph"),
    ("state name", put(options("VAR_HANDLE"), sharedName="other"), "names a state that is not set at the start"),
    ("state shape", longer_state, "its second subgraph does not set each state once"),
    ("order", lambda m: m.subgraphs[0].operators.reverse(), "is not the first, which sets the states, or is it twice"),
    ("missing", lambda m: m.subgraphs[0].operators.remove(first("ADD")(m)),
     "an input is no signal, or nothing has made it yet"),
    ("twice", lambda m: m.subgraphs[0].operators.append(first("ADD")(m)), "ADD: writes what is there already"),
    ("scale", number(quantized, "scale", 0, np.inf), "has a scale that is not above 0 and finite"),
    ("zero point", number(quantized, "zeroPoint", 0, 500), "has a zero point beyond int8"),
    ("axis of scales", lambda m: setattr(quantized(m), "quantizedDimension", 3), "field 6 of a quantization is in use"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "text"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_what_no_file_of_ours_has_is_named(change: Change, text: str, files: dict[str, bytes], tmp_path: Path) -> None:
    assert altered(files["int8"], lambda model: None)
    path = tmp_path / "amp.tflite"
    path.write_bytes(altered(files["int8"], change))
    with pytest.raises(ArtifactError) as caught:
        _engine.verify_tflite(path.read_bytes(), str(path))
    assert text in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")
    assert str(caught.value).endswith(NOT_OURS)
    assert "\n" not in str(caught.value)


def test_an_altered_file_is_refused_when_it_is_read(files: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "amp.tflite"
    path.write_bytes(altered(files["wavenet"], lambda model: None))
    assert tflite_artifact.read(path).block == 16
    path.write_bytes(altered(files["wavenet"], put(options("CONV_2D"), strideW=2)))
    with pytest.raises(ArtifactError, match=r"amp\.tflite: operator \d+, CONV_2D: is not a convolution of stride 1"):
        tflite_artifact.read(path)


def test_a_graph_that_asks_for_too_much_memory_is_refused(tmp_path: Path) -> None:
    data = made(tmp_path, nam_maker.wavenet([{**nam_maker.ARRAY, "channels": 64, "dilations": [1] * 24}]))
    assert _engine.verify_tflite(data, "x", 1024).block == 16
    with pytest.raises(ArtifactError) as caught:
        _engine.verify_tflite(data, "x", 8192)
    assert str(caught.value) == "x: needs more than 256 MiB of memory at blocks of 8192 frames"


def test_a_list_that_many_share_is_no_long_work(files: dict[str, bytes]) -> None:
    def shared(model: Any) -> None:
        main = model.subgraphs[0]
        main.operators += [first("CONCATENATION")(model)] * 200_000

    data = altered(files["wavenet"], shared)
    with pytest.raises(ArtifactError):
        _engine.verify_tflite(data, "x")
