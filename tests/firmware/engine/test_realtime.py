"""The real-time side allocates nothing, calls nothing, throws nothing; and the tests that say so bite."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from nampedal.converter.nam import nam_file
from nampedal.firmware.engine import artifact, litert_engine
from support.makers import nam_maker, tflite_maker
from support.rigs.realtime_symbols import foreign_symbols, realtime_objects


def test_realtime_objects_call_nothing_but_a_short_list(probes: Path, root: Path) -> None:
    objects = realtime_objects(probes)
    folders = [root / "firmware" / name for name in ("dsp/kernels", "dsp/rt", "jack")]
    sources = {p.stem for folder in folders for p in folder.iterdir() if p.suffix in {".cpp", ".S"}}
    built = {p.name.split(".")[0] for p in objects}
    # The other architecture's kernels are built there only.
    assert built <= sources
    assert sources - built <= {"neon", "neon_tiles", "avx2", "avx512"}
    for path in objects:
        assert not foreign_symbols(path), path.name


@pytest.mark.parametrize(
    ("code", "caught"),
    [
        ("#include <vector>\nvoid f(std::vector<float>& v) { v.push_back(1); }", "_Znwm"),
        ("#include <mutex>\nstd::mutex m; void f() { m.lock(); }", "pthread_mutex_lock"),
        ('#include <cstdio>\nvoid f() { std::puts("x"); }', "puts"),
        ("void f(int x) { if (x) throw x; }", "__cxa_throw"),
    ],
)
def test_the_symbol_list_catches_what_may_not_be_called(tmp_path: Path, code: str, caught: str) -> None:
    source, obj = tmp_path / "sinner.cpp", tmp_path / "sinner.o"
    source.write_text(code + "\n")
    subprocess.run(["g++", "-std=c++20", "-O1", "-fPIC", "-c", source, "-o", obj], check=True)
    assert caught in foreign_symbols(obj)


CASES = {
    "linear": nam_maker.linear(taps=20, bias=True),
    "convnet": nam_maker.convnet(),
    "lstm": nam_maker.lstm(layers=2, hidden=8),
    "wavenet": nam_maker.a1(),
    **{f"wavenet with options {seed}": nam_maker.random_wavenet(seed) for seed in range(12)},
    "sequential": nam_maker.sequential(nam_maker.a1(), nam_maker.lstm(), nam_maker.convnet(), nam_maker.linear()),
}


def count_allocations(probes: Path, *arguments: str | Path) -> tuple[int, int, int]:
    """Of memory taken, of memory given back, of blocks."""
    out = subprocess.run([probes / "allocation_probe", *arguments], check=True, capture_output=True, text=True).stdout
    allocations, frees, blocks = map(int, out.split()[1::2])
    return allocations, frees, blocks


@pytest.mark.parametrize("name", CASES)
def test_process_allocates_nothing_for_any_block_size(probes: Path, tmp_path: Path, name: str) -> None:
    capture = nam_file.read(nam_maker.write(tmp_path / "x.nam", CASES[name]))
    path = tmp_path / "x.stomp"
    path.write_bytes(artifact.pack(capture))
    allocations, frees, blocks = count_allocations(probes, path, "128")
    assert blocks >= 2 * 128
    assert (allocations, frees) == (0, 0)


def test_a_stage_with_every_block_allocates_nothing_while_it_switches(probes: Path, tmp_path: Path) -> None:
    capture = nam_file.read(nam_maker.write(tmp_path / "x.nam", nam_maker.container((1.0, nam_maker.a1()))))
    path = tmp_path / "x.stomp"
    path.write_bytes(artifact.pack(capture))
    allocations, frees, blocks = count_allocations(probes, "--stage", path, "128")
    assert blocks >= 10 * 128
    assert (allocations, frees) == (0, 0)


def test_the_allocation_counter_counts(probes: Path) -> None:
    allocations, frees, _ = count_allocations(probes, "--bite")
    assert allocations >= 2
    assert frees >= 1


def test_litert_takes_and_gives_back_the_same_memory_every_block(probes: Path, tmp_path: Path) -> None:
    in_a_block = set()
    for taps, frames in ((5, 16), (5, 1024), (500, 64)):
        path = tmp_path / "x.tflite"
        path.write_bytes(tflite_maker.fir([0.1] * taps))
        allocations, frees, blocks = count_allocations(
            probes, "--litert", litert_engine.library_path(), path, str(frames)
        )
        assert allocations == frees
        assert allocations % blocks == 0
        in_a_block.add(allocations // blocks)
    # Neither the block nor the past makes it more: what docs/explanation/performance.md counts, and inspect says.
    (count,) = in_a_block
    assert f" {count} heap allocations " in litert_engine.LIMITS
