"""The real-time side allocates nothing, calls nothing, throws nothing; and the tests that say so bite."""

from __future__ import annotations

import subprocess
from pathlib import Path

import nam_maker
import pytest
from nampedal.converter import nam_file
from nampedal.firmware import artifact
from realtime_symbols import foreign_symbols, realtime_objects


def test_realtime_objects_call_nothing_but_a_short_list(probes: Path, root: Path) -> None:
    objects = realtime_objects(probes)
    folders = [root / "firmware" / "dsp" / name for name in ("kernels", "rt")]
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
}


def count_allocations(probes: Path, *arguments: str) -> tuple[int, int]:
    out = subprocess.run([probes / "allocation_probe", *arguments], check=True, capture_output=True, text=True).stdout
    words = out.split()
    return int(words[1]), int(words[3])


@pytest.mark.parametrize("name", CASES)
def test_process_allocates_nothing_for_any_block_size(probes: Path, tmp_path: Path, name: str) -> None:
    capture = nam_file.read(nam_maker.write(tmp_path / "x.nam", CASES[name]))
    path = tmp_path / "x.stomp"
    path.write_bytes(artifact.pack(capture))
    allocations, blocks = count_allocations(probes, str(path), "128")
    assert blocks >= 2 * 128
    assert allocations == 0


def test_the_allocation_counter_counts(probes: Path) -> None:
    allocations, _ = count_allocations(probes, "--bite")
    assert allocations >= 3
