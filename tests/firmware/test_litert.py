"""A .tflite is played through LiteRT as its graph says, frame by frame, from the first block on."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import metadata, util
from pathlib import Path

import numpy as np
import pytest
import tflite_maker
from ai_edge_litert import schema_py_generated as schema
from conftest import Audio
from nampedal.converter import material, metrics, nam_file
from nampedal.converter.quantize import quantize
from nampedal.converter.tflite_writer import write
from nampedal.firmware import litert
from nampedal.firmware.capture import Capture
from nampedal.firmware.engine import MAX_FRAMES, Engine
from nampedal.firmware.errors import (
    ArtifactLimitError,
    ArtifactStructureError,
    ArtifactUnreadableError,
    BlockShapeError,
    FixedBlockError,
    LiteRtMissingError,
    LiteRtRefusedError,
    LiteRtVersionError,
    NotAnArtifactError,
)

TAPS = (0.5, 0.25, -1.0, 0.0, 0.125)
BIAS = 0.25


def noise(frames: int, seed: int = 0) -> Audio:
    """Multiples of 1/256: with the taps above, every sum is exact in float32."""
    return np.asarray(np.random.default_rng(seed).integers(-128, 128, frames) / 256, np.float32)


def by_hand(audio: Audio, past: float = 0.0) -> Audio:
    """The filter's output, its input having been `past` for ever."""
    before = np.full(len(TAPS) - 1, past)
    return np.asarray(np.convolve(np.concatenate([before, audio]) + BIAS, TAPS, "valid"), np.float32)


def prepare(data: bytes, max_frames: int | None = None, prewarm_frames: int = 0) -> Engine:
    return litert.prepare(data, sample_rate=48_000.0, prewarm_frames=prewarm_frames, max_frames=max_frames)


def steady(**options: int | bool) -> bytes:
    """A filter that starts where endless silence would have left it."""
    return tflite_maker.fir(TAPS, bias=BIAS, past=BIAS, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("frames", [1, 2, 5, 16, 64, 100, 1024])
def test_the_graph_is_played_exactly_block_after_block(frames: int) -> None:
    engine = prepare(steady(), frames)
    audio = noise(7 * frames)
    blocks = [engine.process(audio[at : at + frames]) for at in range(0, len(audio), frames)]
    assert np.array_equal(np.concatenate(blocks), by_hand(audio))


def test_a_fixed_block_is_played_as_well_as_an_open_one() -> None:
    audio = noise(5 * 24)
    assert np.array_equal(prepare(steady(block=24, dynamic=False)).render(audio), by_hand(audio))


def test_the_block_is_the_files_where_none_is_asked_for() -> None:
    assert prepare(steady(block=48)).max_frames == 48
    assert prepare(steady(block=48, dynamic=False)).max_frames == 48
    assert prepare(steady(block=48), 96).max_frames == 96
    assert prepare(steady(block=48, dynamic=False), 48).max_frames == 48


def test_a_block_that_the_file_does_not_allow_is_refused() -> None:
    with pytest.raises(FixedBlockError) as caught:
        prepare(steady(block=48, dynamic=False), 64)
    assert (
        str(caught.value)
        == "model: plays blocks of 48 frames and no other; 64 were asked for: convert the capture for that"
    )


def test_a_block_of_another_length_is_refused() -> None:
    engine = prepare(steady(), 64)
    for frames in (63, 65):
        with pytest.raises(BlockShapeError) as caught:
            engine.process(noise(frames))
        wanted = f"block is ({frames}, 1) -> ({frames}, 1); prepared for 64 frames of (1) -> (1) channels"
        assert str(caught.value) == wanted
    assert np.array_equal(engine.process(noise(64)), by_hand(noise(64)))


def test_any_length_is_rendered() -> None:
    for frames in (1, 63, 64, 65, 1000):
        audio = noise(frames)
        assert np.array_equal(prepare(steady(), 64).render(audio), by_hand(audio)), frames
        assert prepare(steady(), 64).render(audio[:, None]).shape == (frames, 1)
    assert prepare(steady(), 64).render(noise(0)).shape == (0,)


@pytest.mark.parametrize("frames", [16, 64, 500])
def test_reset_returns_to_the_first_block(frames: int) -> None:
    taps = np.random.default_rng(3).uniform(-1, 1, 200).tolist()
    engine = prepare(tflite_maker.fir(taps, bias=BIAS, past=BIAS), frames, prewarm_frames=199)
    first = engine.process(noise(frames))
    engine.render(np.full(10 * frames, np.nan, np.float32))
    engine.reset()
    assert np.array_equal(engine.process(noise(frames)), first)


def test_prewarm_is_played_in_whole_blocks_now_and_at_reset() -> None:
    # Nine taps before it, four frames a block: what the graph starts with is out of sight after three blocks.
    taps = (1.0, *[0.0] * 8, 1.0)
    data = tflite_maker.fir(taps, past=7.0)
    ones = np.ones(4, np.float32)
    assert prepare(data, 4, prewarm_frames=9).process(ones).tolist() == [1, 1, 1, 1]
    # Of two blocks one frame is left.
    engine = prepare(data, 4, prewarm_frames=8)
    assert engine.process(ones).tolist() == [8, 1, 1, 1]
    # One block is played even when none is asked for.
    assert prepare(data, 4).process(ones).tolist() == [8, 8, 8, 8]
    engine.process(3 * ones)
    engine.process(3 * ones)
    engine.reset()
    assert engine.process(ones).tolist() == [4, 1, 1, 1]


@pytest.fixture
def garbage_in_fresh_memory() -> Iterator[None]:
    """What malloc hands out is filled by glibc with 0xfe: as float32, -1.7e38."""
    m_perturb = -6
    libc = ctypes.CDLL(None)
    assert libc.mallopt(m_perturb, 1) == 1
    yield
    libc.mallopt(m_perturb, 0)


@pytest.mark.usefixtures("garbage_in_fresh_memory")
def test_the_first_block_of_every_cold_start_is_right() -> None:
    data = steady()
    for start in range(1000):
        audio = noise(64, seed=start)
        played = prepare(data, 64).process(audio)
        assert np.isfinite(played).all(), start
        assert float(np.max(np.abs(played - by_hand(audio)))) <= 1e-6, start


def test_two_engines_of_one_file_keep_their_own_state() -> None:
    data = steady()
    one, other = prepare(data, 16), prepare(data, 16)
    first, second = noise(160, seed=1), noise(160, seed=2)
    turns = [(one.process(first[at : at + 16]), other.process(second[at : at + 16])) for at in range(0, 160, 16)]
    assert np.array_equal(np.concatenate([turn[0] for turn in turns]), by_hand(first))
    assert np.array_equal(np.concatenate([turn[1] for turn in turns]), by_hand(second))


def test_an_engine_prepared_here_plays_on_another_thread() -> None:
    engine = prepare(steady(), 64)
    audio = noise(6400)
    played: list[Audio] = []
    thread = threading.Thread(target=lambda: played.append(engine.render(audio)))
    thread.start()
    thread.join()
    assert np.array_equal(played[0], by_hand(audio))


def test_denormal_input_is_played_as_silence_and_flush_to_zero_is_undone() -> None:
    engine = prepare(tflite_maker.fir((1.0, 1.0)), 64)
    assert not engine.process(np.full(64, 1e-41, np.float32)).any()
    assert np.float32(1e-40) * np.float32(0.5) > 0.0


def test_it_says_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "amp.tflite"
    path.write_bytes(steady(block=32))
    engine = litert.prepare(path, sample_rate=44_100.0, prewarm_frames=0)
    assert isinstance(engine, Engine)
    assert engine.isa == f"litert {litert.VERSION}"
    assert engine.sample_rate == 44_100.0
    assert (engine.in_channels, engine.out_channels) == (1, 1)
    assert (engine.min_frames, engine.max_frames) == (32, 32)
    assert engine.memory_bytes >= path.stat().st_size + 2 * 4 * 32


def test_what_is_no_tflite_is_refused(tmp_path: Path) -> None:
    for data in (b"", b"TFL3", b"\x1c\0\0\0STMP" + bytes(64)):
        with pytest.raises(NotAnArtifactError) as caught:
            prepare(data)
        assert str(caught.value) == "model: is not a TensorFlow Lite model; a .tflite was expected"
    with pytest.raises(ArtifactUnreadableError) as missing:
        litert.prepare(tmp_path / "none.tflite", sample_rate=48_000.0, prewarm_frames=0)
    assert str(missing.value) == f"{tmp_path / 'none.tflite'}: can't be read: No such file or directory"


@pytest.mark.parametrize(
    ("damage", "step"),
    [
        (lambda whole: whole[:200], "read this model (status 501)"),
        (lambda whole: whole[:-100], "read this model (status 501)"),
        (lambda whole: whole[:8] + bytes(len(whole) - 8), "find the graph (status 1000)"),
    ],
    ids=["cut short", "cut at the end", "emptied"],
)
def test_a_damaged_tflite_is_refused(damage: Callable[[bytes], bytes], step: str) -> None:
    with pytest.raises(LiteRtRefusedError) as caught:
        prepare(damage(steady()))
    assert str(caught.value) == f"model: LiteRT {litert.VERSION} can't {step}: convert the capture again"


def test_a_graph_that_is_not_audio_in_audio_out_is_refused() -> None:
    def refused(graph: tflite_maker.Graph) -> str:
        with pytest.raises(ArtifactStructureError) as caught:
            prepare(graph.bytes())
        return str(caught.value)

    two = tflite_maker.Graph()
    two.subgraph("main")
    two.now.inputs = [two.tensor("left", [1, 1, 64, 1]), two.tensor("right", [1, 1, 64, 1])]
    two.now.outputs = [two.tensor("sum", [1, 1, 64, 1])]
    two.add("ADD", two.now.inputs, two.now.outputs)
    assert refused(two) == "model: has 2 inputs and 1 outputs; one of each, audio, can be played"

    def doubled(shape: list[int], kind: int = schema.TensorType.FLOAT32) -> tflite_maker.Graph:
        graph = tflite_maker.Graph()
        graph.subgraph("main")
        graph.now.inputs, graph.now.outputs = [graph.tensor("in", shape, kind)], [graph.tensor("out", shape, kind)]
        graph.add("ADD", graph.now.inputs * 2, graph.now.outputs)
        return graph

    assert refused(doubled([1, 64])) == "model: its input is (1, 64); audio is (1, 1, frames, 1)"
    assert refused(doubled([1, 1, 64, 2])) == "model: its input is (1, 1, 64, 2); audio is (1, 1, frames, 1)"
    whole_numbers = doubled([1, 1, 64, 1], schema.TensorType.INT32)
    assert refused(whole_numbers) == "model: its input has element type 2; audio has 1, float32"

    shorter = tflite_maker.Graph()
    shorter.subgraph("main")
    shorter.now.inputs = [shorter.tensor("in", [1, 1, 64, 1])]
    shorter.now.outputs = [shorter.tensor("out", [1, 1, 62, 1])]
    weights = [shorter.constant("taps", np.ones((1, 1, 3, 1))), shorter.constant("no bias", [0.0])]
    padding = schema.Padding.VALID
    shorter.add("CONV_2D", [0, *weights], shorter.now.outputs, padding=padding, strideW=1, strideH=1)
    wanted = "model: its output is (1, 1, 62, 1); for this input, audio is (1, 1, 64, 1)"
    assert refused(shorter) == wanted


def test_blocks_and_prewarm_have_limits() -> None:
    for frames in (0, -1, MAX_FRAMES + 1):
        with pytest.raises(ArtifactLimitError) as caught:
            prepare(steady(), frames)
        assert str(caught.value) == f"model: max_frames is {frames}; allowed are 1 to {MAX_FRAMES}"
    with pytest.raises(ArtifactLimitError) as prewarm:
        prepare(steady(), 64, prewarm_frames=-1)
    assert str(prewarm.value) == "model: prewarm_frames is -1; allowed are 0 to 1048576"


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NAMPEDAL_LITERT", raising=False)
    monkeypatch.setattr(util, "find_spec", lambda name: None)
    with pytest.raises(LiteRtMissingError) as caught:
        prepare(steady())
    assert str(caught.value) == (
        "LiteRT is not installed, and NAMPEDAL_LITERT names no libLiteRt.so: "
        f"pip install ai-edge-litert=={litert.VERSION}"
    )


def test_another_version_of_the_package_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NAMPEDAL_LITERT", raising=False)
    monkeypatch.setattr(metadata, "version", lambda name: "2.1.6")
    with pytest.raises(LiteRtVersionError) as caught:
        prepare(steady())
    assert str(caught.value) == (
        f"ai-edge-litert 2.1.6 is installed; {litert.VERSION} alone is known here: "
        f"pip install ai-edge-litert=={litert.VERSION}"
    )


def test_the_environment_names_the_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NAMPEDAL_LITERT", raising=False)
    packaged = litert.library_path()
    link = tmp_path / "libLiteRt.so"
    link.symlink_to(packaged)
    monkeypatch.setenv("NAMPEDAL_LITERT", str(link))
    monkeypatch.setattr(util, "find_spec", lambda name: None)
    assert litert.library_path() == link
    assert prepare(steady(), 64).isa == f"litert {litert.VERSION}"

    nowhere = tmp_path / "nowhere.so"
    monkeypatch.setenv("NAMPEDAL_LITERT", str(nowhere))
    with pytest.raises(LiteRtMissingError) as missing:
        prepare(steady())
    assert str(missing.value).startswith(f"{nowhere}: LiteRT's library can't be loaded: {nowhere}: cannot open")

    # Some other library, that lacks what this version of LiteRT has.
    other = tmp_path / "other.so"
    subprocess.run(["gcc", "-shared", "-x", "c", "/dev/null", "-o", other], check=True)
    monkeypatch.setenv("NAMPEDAL_LITERT", str(other))
    with pytest.raises(LiteRtVersionError) as old:
        prepare(steady())
    assert str(old.value) == (
        f"{other}: has no function LiteRtCompiledModelIsNonCpuFullyAccelerated; LiteRT {litert.VERSION} has: "
        "use that version"
    )


def test_nothing_of_litert_is_loaded_until_it_is_asked_for() -> None:
    code = (
        "import sys, nampedal.firmware.litert as l; l.library_path(); "
        "print('ai_edge_litert' in sys.modules, 'libLiteRt' in open('/proc/self/maps').read())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


@pytest.fixture(scope="module")
def demo(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Capture]:
    """The demo amplifier, int8 weights: as .tflite, and as what the native engine plays."""
    capture = nam_file.read(root / "demo" / "overdriven-amp.nam")
    network = quantize(capture.tiers[0].network, material.excitation(48_000.0, 0.2))
    path = tmp_path_factory.mktemp("tflite") / "amp.tflite"
    path.write_bytes(write(network, sample_rate=48_000.0, facts={}).data)
    return path, replace(capture, tiers=(replace(capture.tiers[0], network=network),))


@pytest.mark.parametrize("frames", [16, 64, 128])
def test_a_converted_capture_sounds_as_in_the_native_engine(
    demo: tuple[Path, Capture], guitar: Audio, frames: int
) -> None:
    path, capture = demo
    engine = litert.open_tflite(path, frames)
    wanted = Engine.prepare(capture, exact=True).render(guitar)
    assert metrics.esr(wanted, engine.render(guitar)) <= 1e-9
    engine.reset()
    assert metrics.esr(wanted, engine.render(guitar)) <= 1e-9


def test_every_cold_start_of_a_converted_capture_begins_at_rest(demo: tuple[Path, Capture]) -> None:
    """With one block of prewarm, the least: it would not hide a past that the graph did not set."""
    path, capture = demo
    silence = np.zeros(64, np.float32)
    rest = Engine.prepare(capture, exact=True).render(silence)
    for start in range(1000):
        played = litert.prepare(path, sample_rate=48_000.0, prewarm_frames=0).process(silence)
        assert np.isfinite(played).all(), start
        assert float(np.max(np.abs(played - rest))) <= 1e-6, start
