"""The engine as a library: installed, found by another program's CMake, and heard to be the engine that Python has."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Audio
from nampedal.converter.nam import nam_file
from nampedal.firmware.engine import artifact, inference
from nampedal.firmware.engine.network import macs_per_frame, receptive_field
from support.makers import nam_maker

KINDS = re.findall(
    r"^  (k\w+)", (Path(__file__).parents[3] / "firmware/include/nampedal/engine.h").read_text(), re.MULTILINE
)
Play = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def installed(probes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    prefix = tmp_path_factory.mktemp("prefix")
    subprocess.run(["cmake", "--install", probes, "--prefix", prefix], check=True, capture_output=True)
    return prefix


@pytest.fixture(scope="module")
def consumer(installed: Path, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    # A copy: nothing of this repository is beside it.
    source = tmp_path_factory.mktemp("consumer") / "source"
    shutil.copytree(root / "tests" / "consumer", source)
    build = source.parent / "build"
    commands: list[list[str | Path]] = [
        ["cmake", "-S", source, "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={installed}"],
        ["cmake", "--build", build],
    ]
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return build / "consumer"


@pytest.fixture(scope="module")
def demo(root: Path) -> bytes:
    return artifact.pack(nam_file.read(root / "demo" / "overdriven-amp.nam"))


@pytest.fixture
def play(consumer: Path, tmp_path: Path, guitar: Audio) -> Play:
    """A function that plays an artifact with the consumer: into out.f32."""

    def run(
        data: bytes, tier: int = 0, max_frames: int = 64, block: int = 64, isa: str = ""
    ) -> subprocess.CompletedProcess[str]:
        (tmp_path / "x.stomp").write_bytes(data)
        guitar.tofile(tmp_path / "in.f32")
        numbers = [str(tier), str(max_frames), str(block)]
        command: list[str | Path] = [
            consumer,
            tmp_path / "x.stomp",
            *numbers,
            isa,
            tmp_path / "in.f32",
            tmp_path / "out.f32",
        ]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run


def test_what_is_installed(installed: Path) -> None:
    files = sorted(p.relative_to(installed).as_posix() for p in installed.rglob("*") if p.is_file())
    assert [name for name in files if not name.endswith(".cmake")] == [
        "include/nampedal/engine.h",
        next(name for name in files if name.endswith("libnampedal.a")),
    ]
    # The rest is what find_package() reads.
    assert {Path(name).name for name in files if name.endswith(".cmake")} == {
        "nampedal-config-version.cmake",
        "nampedal-config.cmake",
        "nampedal-targets-release.cmake",
        "nampedal-targets.cmake",
    }


def test_the_header_stands_alone(installed: Path, tmp_path: Path) -> None:
    source = tmp_path / "first.cpp"
    source.write_text("#include <nampedal/engine.h>\n")
    options = ["-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror", f"-I{installed / 'include'}"]
    subprocess.run(["g++", *options, "-fsyntax-only", source], check=True)
    assert not re.findall(r'#include "', (installed / "include" / "nampedal" / "engine.h").read_text())


def test_the_document_s_program_and_its_cmake_build(installed: Path, root: Path, tmp_path: Path) -> None:
    page = (root / "docs" / "reference" / "engine-library.md").read_text()
    (cmake,), (program,) = (re.findall(rf"```{kind}\n(.*?)```", page, re.DOTALL) for kind in ("cmake", "cpp"))
    (tmp_path / "main.cpp").write_text(program)
    top = "cmake_minimum_required(VERSION 3.24)\nproject(amp LANGUAGES CXX)\nadd_executable(my_amp main.cpp)\n"
    (tmp_path / "CMakeLists.txt").write_text(top + cmake)
    configure = [
        "cmake",
        "-S",
        str(tmp_path),
        "-B",
        f"{tmp_path}/build",
        "-G",
        "Ninja",
        f"-DCMAKE_PREFIX_PATH={installed}",
    ]
    subprocess.run(configure, check=True, capture_output=True)
    subprocess.run(["cmake", "--build", tmp_path / "build"], check=True, capture_output=True)
    done = subprocess.run([tmp_path / "build" / "my_amp"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "amp.stomp: can't be opened: No such file or directory\n")


@pytest.mark.parametrize("block", [1, 64, 1000])
@pytest.mark.parametrize("isa", inference.isas())
def test_it_plays_the_bits_that_python_plays(
    play: Play, demo: bytes, guitar: Audio, tmp_path: Path, isa: str, block: int
) -> None:
    done = play(demo, block=block, isa=isa)
    assert done.returncode == 0, done.stderr
    wanted = inference.Engine.prepare(demo, isa=isa).render(guitar)
    assert np.array_equal(np.fromfile(tmp_path / "out.f32", np.float32), wanted)
    assert done.stdout.splitlines()[0] == f"48000 Hz 64 {isa} ready"


def test_every_tier_is_told_and_played(play: Play, guitar: Audio, tmp_path: Path) -> None:
    nam = nam_maker.container((0.5, nam_maker.convnet()), (1.0, nam_maker.a1()))
    capture = nam_file.read(nam_maker.write(tmp_path / "x.nam", nam))
    data = artifact.pack(capture)
    for index, tier in enumerate(capture.tiers):
        done = play(data, tier=index)
        assert done.returncode == 0, done.stderr
        wanted = inference.Engine.prepare(data, tier=index).render(guitar)
        assert np.array_equal(np.fromfile(tmp_path / "out.f32", np.float32), wanted)
        size, parameters, macs, field = map(float, done.stdout.splitlines()[1 + index].split())
        assert size == tier.size_below
        assert parameters == tier.parameters
        assert macs == macs_per_frame(tier.network)
        assert field == receptive_field(tier.network)
    assert len(capture.tiers) == 2


def test_calls_longer_than_max_frames_are_played_in_pieces(
    play: Play, demo: bytes, guitar: Audio, tmp_path: Path
) -> None:
    outs = []
    for max_frames in (16, 8192):
        assert play(demo, max_frames=max_frames, block=len(guitar)).returncode == 0
        outs.append((tmp_path / "out.f32").read_bytes())
    assert outs[0] == outs[1]


def damaged(data: bytes) -> bytes:
    return data[:1000] + bytes([data[1000] ^ 1]) + data[1001:]


@pytest.mark.parametrize(
    ("change", "given", "kind", "text"),
    [
        (damaged, {}, "kChecksum", "PATH: is damaged: its checksum does not match its bytes; convert or copy it again"),
        (
            lambda _: b"RIFF" * 100,
            {},
            "kNotAnArtifact",
            "PATH: is not a .stomp artifact: the file identifier 'STMP' is missing",
        ),
        (bytes, {"tier": 1}, "kTier", "copy: no tier 1; it has tiers 0 to 0"),
        (bytes, {"max_frames": 0}, "kLimit", "max_frames is 0; allowed are 1 to 8192"),
        (bytes, {"isa": "mmx"}, "kIsa", f"isa is 'mmx'; this CPU runs: {', '.join(inference.isas())}"),
    ],
    ids=["damaged", "another file", "tier", "max_frames", "isa"],
)
def test_what_is_refused_is_one_line_with_its_kind(
    play: Play,
    demo: bytes,
    tmp_path: Path,
    change: Callable[[bytes], bytes],
    given: dict[str, int],
    kind: str,
    text: str,
) -> None:
    done = play(change(demo), **given)
    assert done.returncode == 1
    assert done.stderr == f"{KINDS.index(kind)} {text.replace('PATH', str(tmp_path / 'x.stomp'))}\n"


def test_a_file_that_is_not_there_is_refused(consumer: Path) -> None:
    done = subprocess.run(
        [consumer, "/nowhere.stomp", "0", "1", "1", "", "", ""], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.split(" ", 1)[0]) == (1, str(KINDS.index("kUnreadable")))
    assert done.stderr.split(" ", 1)[1].startswith("/nowhere.stomp: ")
