"""Runs the fuzzers of the engine, which libFuzzer drives: stomp.cpp and chain.cpp, as `make fuzz` has built them."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

from fuzz.file_targets import artifacts

NAMES = ("stomp", "chain")
OPTION_BYTES = 8
# One input, in MiB and in seconds: what the sanitizers and a busy machine add is in it.
MAX_MIB = 1024
MAX_S = 60
# libFuzzer ends with each. Then whoever mends the first ones goes on.
MAX_DEATHS = 10
_COVERAGE = re.compile(r"cov: (\d+) ft: (\d+)")
_EXECUTIONS = re.compile(r"stat::number_of_executed_units: +(\d+)")
_KEPT = re.compile(r"Test unit written to (\S+)")
_WHAT = re.compile(r"^(?:fault: .*|.*runtime error: .*|==\d+== ?ERROR: .*|SUMMARY: .*)$", re.MULTILINE)
_ENVIRONMENT = {
    "ASAN_OPTIONS": "allocator_may_return_null=0:quarantine_size_mb=16:detect_leaks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
}


def write_seeds(folder: Path) -> list[Path]:
    """Artifacts, each with options before it that differ from the others'."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with tempfile.TemporaryDirectory() as work:
        for number, data in enumerate(artifacts(Path(work))):
            paths.append(folder / f"{number:02}")
            paths[-1].write_bytes(bytes((number * (7 + at) + at) % 256 for at in range(OPTION_BYTES)) + data)
    return paths


def run(name: str, seconds: float, folder: Path, findings: Path) -> int:
    """For so long, printing what came of it. Returns how many findings there are."""
    program = folder / "build" / f"fuzz_{name}"
    seeds, corpus = folder / "seeds" / name, folder / "corpus" / name
    write_seeds(seeds)
    for one in (corpus, findings):
        one.mkdir(parents=True, exist_ok=True)
    executions, coverage, features, deaths = 0, 0, 0, 0
    found: dict[str, str] = {}
    end_s = time.monotonic() + seconds
    while (left_s := end_s - time.monotonic()) > 1.0 and deaths < MAX_DEATHS:
        command = [
            *(str(program), str(corpus), str(seeds), f"-max_total_time={left_s:.0f}", "-print_final_stats=1"),
            *(f"-artifact_prefix={findings}/{name}-", f"-rss_limit_mb={MAX_MIB}", f"-timeout={MAX_S}"),
            *("-max_len=65536", f"-seed={20261130 + deaths}", "-reload=0", "-verbosity=1"),
        ]
        done = subprocess.run(
            command, env=os.environ | _ENVIRONMENT, capture_output=True, check=False, encoding="utf-8", errors="replace"
        )
        executions += sum(map(int, _EXECUTIONS.findall(done.stderr)))
        for edges, kinds in _COVERAGE.findall(done.stderr):
            coverage, features = max(coverage, int(edges)), max(features, int(kinds))
        if done.returncode == 0:
            break
        deaths += 1
        what, kept = _WHAT.search(done.stderr), _KEPT.search(done.stderr)
        found.setdefault(
            what[0] if what else done.stderr[-400:], f"{program} {kept[1]}" if kept else "no input was kept"
        )
        if kept is None:
            break
        _leave_out(Path(kept[1]).read_bytes(), seeds, corpus)
    print(f"{name:12} {executions:9,} executions {coverage:6,} edges {features:6,} features {len(found):3} findings")
    print(*(f"  {text}\n    {command}\n" for text, command in found.items()), sep="", end="", flush=True)
    return len(found)


def _leave_out(data: bytes, *folders: Path) -> None:
    """What is fatal as it is would be the first to be run again."""
    for folder in folders:
        for path in folder.iterdir():
            if path.read_bytes() == data:
                path.unlink()
