from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nampedal.converter.nam import nam_file
from nampedal.converter.tflite.tflite_network import QuantizationPlan, build
from nampedal.converter.tflite.tflite_writer import write
from nampedal.firmware.base.errors import ArtifactError, FileAccessError
from nampedal.firmware.engine import tflite_artifact
from nampedal.firmware.engine.network import Linear
from support.makers import nam_maker

LINEAR = Linear(np.array([0.5, 0.25], np.float32))
FACTS = {"name": "a Ä", "esr": 1e-6, "tier": 0, "text": None}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    nam = nam_maker.write(tmp_path_factory.mktemp("nam") / "x.nam", nam_maker.a1())
    return write(nam_file.read(nam).tiers[0].network, sample_rate=48_000.0, facts=FACTS).data


def entry(**changes: Any) -> dict[str, Any]:
    values = {"format": 1, "sample_rate": 48_000, "block": 64, "any_block": True, "mode": "weights"}
    return {**values, "float_layers": ["a"], "prewarm_frames": 3, "facts": {}, **changes}


def with_entry(path: Path, values: Any) -> Path:
    text = values if isinstance(values, bytes) else json.dumps(values).encode()
    path.write_bytes(
        tflite_artifact.add_checksum(build(LINEAR, 64, QuantizationPlan(), {}).pack({tflite_artifact.ENTRY: text}))
    )
    return path


def test_what_was_written_is_read(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.tflite"
    path.write_bytes(data)
    file = tflite_artifact.read(path)
    assert (file.path, file.data) == (path, data)
    assert (file.sample_rate, file.block, file.any_block, file.mode) == (48_000.0, 64, True, "weights")
    assert file.float_layers == tuple(f"array{i}.layer{j}" for i in range(2) for j in range(3))
    assert file.prewarm_frames == 1 + 2 * 2 * (1 + 2 + 4)
    assert file.facts == FACTS


def test_reading_needs_no_tensorflow_lite_package(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.tflite"
    path.write_bytes(data)
    code = (
        "import sys; sys.modules['ai_edge_litert'] = sys.modules['tflite_runtime'] = None\n"
        "from pathlib import Path; from nampedal.firmware.engine import tflite_artifact; "
        "print(tflite_artifact.read(Path(sys.argv[1])).block)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert done.stdout == "64\n"


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError) as caught:
        tflite_artifact.read(tmp_path / "x.tflite")
    assert str(caught.value) == f"{tmp_path}/x.tflite: can't be read: no such file or directory"


@pytest.mark.parametrize(
    ("contents", "what"),
    [
        (b"", "empty; a .tflite is needed"),
        (b"TFL3", "no TensorFlow Lite model; a .tflite has TFL3 at byte 4"),
        (b"\0\0\0\0STMP and more", "a nampedal artifact (.stomp); a .tflite is needed"),
    ],
)
def test_bytes_that_are_no_model_are_told(contents: bytes, what: str, tmp_path: Path) -> None:
    path = tmp_path / "x.tflite"
    path.write_bytes(contents)
    with pytest.raises(ArtifactError) as caught:
        tflite_artifact.read(path)
    assert str(caught.value) == f"{path}: is {what}"


@pytest.mark.parametrize("metadata", [{}, {"min_runtime_version": b"1.5.0"}])
def test_a_model_of_somebody_elses_is_told(metadata: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "x.tflite"
    path.write_bytes(build(LINEAR, 64, QuantizationPlan(), {}).pack(metadata))
    with pytest.raises(ArtifactError) as caught:
        tflite_artifact.read(path)
    assert str(caught.value) == (
        f"{path}: has no metadata 'nampedal'; only a .tflite that nampedal wrote is played: convert the .nam"
    )


def test_a_cut_file_is_told_wherever_it_was_cut(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.tflite"
    for length in range(8, len(data), len(data) // 200):
        path.write_bytes(data[:length])
        with pytest.raises(ArtifactError):
            tflite_artifact.read(path)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.floats(0.0, 1.0, exclude_max=True), bit=st.integers(0, 7))
def test_a_changed_bit_is_told_wherever_it_is(at: float, bit: int, data: bytes, tmp_path: Path) -> None:
    changed = bytearray(data)
    changed[int(at * len(data))] ^= 1 << bit
    path = tmp_path / "x.tflite"
    path.write_bytes(changed)
    with pytest.raises(ArtifactError):
        tflite_artifact.read(path)


def test_damage_is_told_in_one_line(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.tflite"
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(ArtifactError) as caught:
        tflite_artifact.read(path)
    assert str(caught.value) == f"{path}: is damaged: its checksum does not match; copy or convert it again"
    path.write_bytes(data[:1000])
    with pytest.raises(ArtifactError) as caught:
        tflite_artifact.read(path)
    assert str(caught.value) == f"{path}: is damaged: its tables do not hold together; copy it again"


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (b"not JSON", "metadata is no JSON object; convert the .nam again"),
        ([1], "metadata is no JSON object; convert the .nam again"),
        (entry(format=2), "metadata format is 2; 1 is read here; convert the .nam again"),
        (entry(sample_rate=0), "metadata sample_rate is 0; it must be 8000 to 768000 Hz"),
        (
            json.dumps(entry()).replace("48000", "9" * 400).encode(),
            "metadata, line 1 column 30: 99999999... of 400 digits is beyond 64 bits; convert the .nam again",
        ),
        (entry(block=True), "metadata block is True; it must be a whole number above 0"),
        (entry(any_block=1), "metadata any_block is 1; it must be true or false"),
        (entry(mode="int4"), "metadata mode is 'int4'; it must be one of weights, mixed, int8"),
        (entry(float_layers=[1]), "metadata float_layers is [1]; it must be a list of names"),
        (entry(prewarm_frames=-1), "metadata prewarm_frames is -1; it must be 0 to 1048576"),
        (entry(facts=None), "metadata facts is None; it must be an object"),
    ],
)
def test_metadata_that_is_not_ours_to_read_is_told(values: Any, text: str, tmp_path: Path) -> None:
    path = with_entry(tmp_path / "x.tflite", values)
    with pytest.raises(ArtifactError) as caught:
        tflite_artifact.read(path)
    assert str(caught.value) == f"{path}: {text}"


def test_good_metadata_is_taken(tmp_path: Path) -> None:
    assert tflite_artifact.read(with_entry(tmp_path / "x.tflite", entry())).float_layers == ("a",)
