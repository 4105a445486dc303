"""A .tflite is played through LiteRT as its graph says, frame by frame, from the first block on."""

from __future__ import annotations

import ctypes
import itertools
import platform
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import metadata, util
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from conftest import Audio
from nampedal.converter.listening import metrics, test_signals
from nampedal.converter.nam import nam_file
from nampedal.converter.rounding.quantize import quantize
from nampedal.converter.tflite.tflite_writer import write
from nampedal.firmware.base.errors import (
    ArgumentError,
    ArtifactError,
    FileAccessError,
    MissingPackageError,
    NotAnArtifactError,
)
from nampedal.firmware.engine import litert_engine
from nampedal.firmware.engine.capture import Capture
from nampedal.firmware.engine.inference import MAX_FRAMES, Engine
from packaging.requirements import Requirement
from support.makers import tflite_maker

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
    return litert_engine.prepare(data, sample_rate=48_000.0, prewarm_frames=prewarm_frames, max_frames=max_frames)


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
    with pytest.raises(ArgumentError) as caught:
        prepare(steady(block=48, dynamic=False), 64)
    assert (
        str(caught.value)
        == "model: plays blocks of 48 frames and no other; 64 were asked for: convert the capture for that"
    )


def test_a_block_of_another_length_is_refused() -> None:
    engine = prepare(steady(), 64)
    for frames in (63, 65):
        with pytest.raises(ArgumentError) as caught:
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
    engine = litert_engine.prepare(path, sample_rate=44_100.0, prewarm_frames=0)
    assert isinstance(engine, Engine)
    assert engine.isa == f"litert {litert_engine.VERSION}"
    assert engine.sample_rate == 44_100.0
    assert (engine.in_channels, engine.out_channels) == (1, 1)
    assert (engine.min_frames, engine.max_frames) == (32, 32)
    assert engine.memory_bytes >= path.stat().st_size + 2 * 4 * 32


def test_what_is_no_tflite_is_refused(tmp_path: Path) -> None:
    for data in (b"", b"TFL3", b"\x1c\0\0\0STMP" + bytes(64)):
        with pytest.raises(NotAnArtifactError) as caught:
            prepare(data)
        assert str(caught.value) == "model: is not a TensorFlow Lite model; a .tflite was expected"
    with pytest.raises(FileAccessError) as missing:
        litert_engine.prepare(tmp_path / "none.tflite", sample_rate=48_000.0, prewarm_frames=0)
    assert str(missing.value) == f"{tmp_path / 'none.tflite'}: can't be read: no such file or directory"


NOT_OURS = "; no .tflite of nampedal's has that: copy it again, or convert the .nam again"


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (lambda whole: whole[:200], "an offset points outside of it"),
        (lambda whole: whole[:-100], "an offset points outside of it"),
        (lambda whole: whole[:8] + bytes(len(whole) - 8), "a table's layout is malformed"),
    ],
    ids=["cut short", "cut at the end", "emptied"],
)
def test_a_damaged_tflite_is_refused(damage: Callable[[bytes], bytes], found: str) -> None:
    with pytest.raises(ArtifactError) as caught:
        prepare(damage(steady()))
    assert str(caught.value) == f"model: {found}{NOT_OURS}"


def test_a_graph_that_is_not_audio_in_audio_out_is_refused() -> None:
    def refused(graph: tflite_maker.Graph) -> str:
        graph.subgraph("init")
        with pytest.raises(ArtifactError) as caught:
            prepare(graph.bytes())
        return str(caught.value).removeprefix("model: ").removesuffix(NOT_OURS)

    def begun() -> tflite_maker.Graph:
        graph = tflite_maker.Graph()
        graph.subgraph("main")
        graph.add("CALL_ONCE", [], [], initSubgraphIndex=1)
        return graph

    two = begun()
    two.now.inputs = [two.tensor("left", [1, 1, 64, 1]), two.tensor("right", [1, 1, 64, 1])]
    two.now.outputs = [two.tensor("sum", [1, 1, 64, 1])]
    two.add("ADD", two.now.inputs, two.now.outputs)
    assert refused(two) == "has 2 inputs; audio is one"

    def doubled(shape: list[int], kind: int = schema.TensorType.FLOAT32) -> tflite_maker.Graph:
        graph = begun()
        graph.now.inputs, graph.now.outputs = [graph.tensor("in", shape, kind)], [graph.tensor("out", shape, kind)]
        graph.add("ADD", graph.now.inputs * 2, graph.now.outputs)
        return graph

    assert refused(doubled([1, 64])) == "its input has the shape (1, 64)"
    assert refused(doubled([1, 1, 64, 2])) == "operator 0: gives the shape (1, 1, 64, 1); the file says (1, 1, 64, 2)"
    assert refused(doubled([1, 1, 64, 1], schema.TensorType.INT32)) == "operator 0: the input is not float32"

    shorter = begun()
    shorter.now.inputs = [shorter.tensor("in", [1, 1, 64, 1])]
    shorter.now.outputs = [shorter.tensor("out", [1, 1, 62, 1])]
    weights = [shorter.constant("taps", np.ones((1, 1, 3, 1))), shorter.constant("no bias", [0.0])]
    padding = schema.Padding.VALID
    shorter.add("CONV_2D", [0, *weights], shorter.now.outputs, padding=padding, strideW=1, strideH=1)
    assert refused(shorter) == "operator 2: the output is not the audio that came in, played"


def test_blocks_and_prewarm_have_limits() -> None:
    for frames in (0, -1, MAX_FRAMES + 1):
        with pytest.raises(ArtifactError) as caught:
            prepare(steady(), frames)
        assert str(caught.value) == f"model: max_frames is {frames}; allowed are 1 to {MAX_FRAMES}"
    with pytest.raises(ArtifactError) as prewarm:
        prepare(steady(), 64, prewarm_frames=-1)
    assert str(prewarm.value) == "model: prewarm_frames is -1; allowed are 0 to 1048576"


def packages(monkeypatch: pytest.MonkeyPatch, *missing: str) -> None:
    """Make these top-level packages look as if they were not installed."""
    real = util.find_spec
    monkeypatch.setattr(util, "find_spec", lambda name: None if name in missing else real(name))


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NAMPEDAL_LITERT", raising=False)
    packages(monkeypatch, "ai_edge_litert")
    with pytest.raises(MissingPackageError) as caught:
        prepare(steady())
    assert str(caught.value) == "model: is played by LiteRT, which is not installed; pip install 'nampedal[tflite]'"
    path = tmp_path / "amp.tflite"
    path.write_bytes(steady())
    with pytest.raises(MissingPackageError, match=rf"^{path}: is played by LiteRT, which is not installed; "):
        litert_engine.prepare(path, sample_rate=48_000.0, prewarm_frames=0)


def test_on_a_pedal_which_has_no_pip_it_says_what_helps_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NAMPEDAL_LITERT", raising=False)
    packages(monkeypatch, "ai_edge_litert", "nampedal.converter")
    with pytest.raises(MissingPackageError) as caught:
        prepare(steady())
    assert str(caught.value) == (
        "model: is played by LiteRT, which is not installed; convert the .nam to a .stomp, or add --tflite to "
        "'nampedal image build' or 'nampedal install'"
    )


def test_where_there_are_no_wheels_nobody_is_told_to_install_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "armv7l")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(sys, "version_info", (3, 13, 0))
    no_wheels = "there is no ai-edge-litert for linux on armv7l: take the .nam, or a .stomp of it"
    assert litert_engine.install_advice() == litert_engine.install_advice(offline=True) == no_wheels
    # tflite-runtime has wheels there, but no library that the engine could use.
    monkeypatch.setattr(sys, "version_info", (3, 11, 0))
    assert litert_engine.install_advice() == no_wheels
    assert litert_engine.install_advice(offline=True) == "pip install 'nampedal[tflite]'"


def test_the_extra_brings_the_version_that_is_known_where_there_are_wheels(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    asked = [Requirement(text) for text in project["optional-dependencies"]["tflite"]]
    litert = [one for one in asked if one.name == "ai-edge-litert"]
    assert {str(one.specifier) for one in litert} == {f"=={litert_engine.VERSION}"}
    for system, machine in itertools.product(("linux", "darwin", "win32"), ("x86_64", "aarch64", "arm64", "AMD64")):
        here = {"sys_platform": system, "platform_machine": machine}
        brought = any(one.marker is not None and one.marker.evaluate(here) for one in litert)
        assert brought == ((system, machine) in litert_engine.WHEELS), here


def test_only_the_extra_and_the_tests_need_litert(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    groups = {"": project["dependencies"], **project["optional-dependencies"]}
    names = {group: {Requirement(text).name for text in texts} for group, texts in groups.items()}
    assert [group for group, found in names.items() if found & {"ai-edge-litert", "tflite-runtime"}] == ["tflite"]
    assert "nampedal[tflite]" in groups["dev"]


def test_another_version_of_the_package_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NAMPEDAL_LITERT", raising=False)
    monkeypatch.setattr(metadata, "version", lambda name: "2.1.6")
    with pytest.raises(MissingPackageError) as caught:
        prepare(steady())
    assert str(caught.value) == (
        f"model: is played by LiteRT {litert_engine.VERSION} alone, and ai-edge-litert 2.1.6 is installed; "
        "pip install 'nampedal[tflite]'"
    )


def test_the_environment_names_the_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NAMPEDAL_LITERT", raising=False)
    packaged = litert_engine.library_path()
    link = tmp_path / "libLiteRt.so"
    link.symlink_to(packaged)
    monkeypatch.setenv("NAMPEDAL_LITERT", str(link))
    monkeypatch.setattr(util, "find_spec", lambda name: None)
    assert litert_engine.library_path() == link
    assert prepare(steady(), 64).isa == f"litert {litert_engine.VERSION}"

    nowhere = tmp_path / "nowhere.so"
    monkeypatch.setenv("NAMPEDAL_LITERT", str(nowhere))
    with pytest.raises(MissingPackageError) as missing:
        prepare(steady())
    assert str(missing.value).startswith(f"{nowhere}: LiteRT's library can't be loaded: {nowhere}: cannot open")

    # Some other library, that lacks what this version of LiteRT has.
    other = tmp_path / "other.so"
    subprocess.run(["gcc", "-shared", "-x", "c", "/dev/null", "-o", other], check=True)
    monkeypatch.setenv("NAMPEDAL_LITERT", str(other))
    with pytest.raises(MissingPackageError) as old:
        prepare(steady())
    assert str(old.value) == (
        f"{other}: has no function LiteRtCompiledModelIsNonCpuFullyAccelerated; LiteRT {litert_engine.VERSION} has: "
        "use that version"
    )


def test_litert_notes_are_not_shown_and_what_others_write_meanwhile_is() -> None:
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); from support.makers import tflite_maker\n"
        "from nampedal.firmware.engine import _engine, litert_engine\n"
        "made = _engine.LiteRtModel\n"
        "def model(*words):\n"
        "    os.write(2, b'another thread\\n')\n"
        "    return made(*words)\n"
        "_engine.LiteRtModel = model\n"
        "data = tflite_maker.fir((1.0, 0.5))\n"
        # One that is refused before LiteRT gets it.
        "try: litert_engine.prepare(data[:200], sample_rate=48e3, prewarm_frames=0)\n"
        "except ValueError: pass\n"
        "for _ in range(2): litert_engine.prepare(data, sample_rate=48e3, prewarm_frames=0)\n"
        "os.write(2, b'the end\\n')"
    )
    words = [sys.executable, "-c", code, str(Path(tflite_maker.__file__).parents[2])]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stderr == 3 * "another thread\n" + "the end\n"


def test_nothing_of_litert_is_loaded_until_it_is_asked_for() -> None:
    code = (
        "import sys, nampedal.firmware.engine.litert_engine as l; l.library_path(); "
        "print('ai_edge_litert' in sys.modules, 'libLiteRt' in open('/proc/self/maps').read())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


@pytest.fixture(scope="module")
def demo(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Capture]:
    """The demo amplifier, int8 weights: as .tflite, and as what the native engine plays."""
    capture = nam_file.read(root / "demo" / "overdriven-amp.nam")
    network = quantize(capture.tiers[0].network, test_signals.excitation(48_000.0, 0.2))
    path = tmp_path_factory.mktemp("tflite") / "amp.tflite"
    path.write_bytes(write(network, sample_rate=48_000.0, facts={}).data)
    return path, replace(capture, tiers=(replace(capture.tiers[0], network=network),))


@pytest.mark.parametrize("frames", [16, 64, 128])
def test_a_converted_capture_sounds_as_in_the_native_engine(
    demo: tuple[Path, Capture], guitar: Audio, frames: int
) -> None:
    path, capture = demo
    engine = litert_engine.open_tflite(path, frames)
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
        played = litert_engine.prepare(path, sample_rate=48_000.0, prewarm_frames=0).process(silence)
        assert np.isfinite(played).all(), start
        assert float(np.max(np.abs(played - rest))) <= 1e-6, start
