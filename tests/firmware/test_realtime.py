"""The real-time side allocates nothing, calls nothing, throws nothing; and the tests that say so bite."""

from __future__ import annotations

import subprocess
from pathlib import Path

import nam_maker
import pytest
from nampedal.converter import nam_file
from nampedal.firmware import artifact

# What the real-time objects may call. Keep it short, and say why.
ALLOWED = {
    "memcpy",  # histories
    "memmove",
    "memset",
    "tanhf",  # exact activations
    "expf",
    "__cxa_pure_virtual",  # the table of an interface; never called
    "_GLOBAL_OFFSET_TABLE_",  # position-independent code
    "__stack_chk_fail",  # where the distribution's compiler guards the stack
}
OURS = "nampedal"


def undefined_symbols(path: Path) -> set[str]:
    out = subprocess.run(["nm", "--undefined-only", "--format=posix", path], check=True, capture_output=True, text=True)
    return {line.split()[0] for line in out.stdout.splitlines() if line}


def realtime_objects(probes: Path) -> list[Path]:
    return [*probes.glob("CMakeFiles/nampedal_kernels.dir/**/*.o"), *probes.glob("CMakeFiles/nampedal_rt.dir/**/*.o")]


def test_realtime_objects_call_nothing_but_a_short_list(probes: Path, root: Path) -> None:
    objects = realtime_objects(probes)
    sources = {p.stem for folder in ("kernels", "rt") for p in (root / "firmware" / "dsp" / folder).glob("*.cpp")}
    built = {p.name.removesuffix(".cpp.o") for p in objects}
    # The other architecture's kernels are built there only.
    assert built <= sources
    assert sources - built <= {"neon", "avx2", "avx512"}
    for path in objects:
        foreign = {name for name in undefined_symbols(path) if OURS not in name}
        assert foreign <= ALLOWED, f"{path.name} calls {sorted(foreign - ALLOWED)}"


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
    foreign = undefined_symbols(obj) - ALLOWED
    assert caught in foreign


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
