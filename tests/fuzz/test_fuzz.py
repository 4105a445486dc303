"""A short run of each fuzzer, the same every time, and that they notice what they are there for.

`make fuzz` is the long one.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from conftest import ROOT
from fuzz import compiled
from fuzz.__main__ import TARGETS
from fuzz.explore import Explorer, Limits, Target
from fuzz.mutators import havoc, json_text
from nampedal.firmware.base.errors import SettingsError

pytestmark = pytest.mark.long

COUNT = 150
# Of each seed so many mutations, or thereabouts.
COMPILED_COUNT = {"stomp": 3_000, "chain": 600}
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}


@pytest.fixture(scope="module")
def counted() -> dict[str, list[str]]:
    """What a short run says of each reader: its line, and what was found."""
    command = [sys.executable, "-m", "fuzz", "count", str(COUNT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=ENVIRONMENT, timeout=900)
    said: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        if not line.startswith(" "):
            name = line.split()[0]
            said[name] = []
        said[name].append(line)
    assert list(said) == list(TARGETS), done.stderr
    return said


@pytest.mark.parametrize("name", TARGETS)
def test_a_reader_gives_a_value_or_one_line(name: str, counted: dict[str, list[str]]) -> None:
    line, *findings = counted[name]
    assert not findings, "\n".join(findings)
    numbers = re.findall(r"([\d,]+) (?:executions|refused|lines|findings)", line)
    executions, refused, lines, _ = (int(number.replace(",", "")) for number in numbers)
    assert executions >= 20
    assert lines > 5 or name in ("serial", "midi")
    # Both ways must have been taken, or the mutations are too wild or too tame to tell anything.
    if name not in ("bank", "card", "remembered", "serial", "midi", "control"):
        assert 0 < refused < executions


@pytest.mark.parametrize("name", compiled.NAMES)
def test_the_engine_refuses_or_plays_any_bytes(name: str, sanitized: Path, tmp_path: Path) -> None:
    seeds = compiled.write_seeds(tmp_path / "seeds")
    count = COMPILED_COUNT[name]
    kept = ROOT / "build" / "fuzz" / "findings" / f"{name}-of-the-short-run"
    kept.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sanitized / f"replay_{name}", "20261130", str(count), *seeds],
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
        env={**os.environ, "NAMPEDAL_FUZZ_KEEP": str(kept)},
    )
    assert done.returncode == 0, f"{sanitized / f'replay_{name}'} 1 0 {kept}\n{done.stderr[-4000:]}"
    kept.unlink()
    words = done.stdout.split()
    assert int(words[1]) == count + len(seeds)
    assert int(words[3]) > count // 10
    assert int(words[5]) > count // 50


# ---- that it bites ----


def found_by(run: Callable[[bytes], object], folder: Path, limits: Limits | None = None) -> list[str]:
    target = Target("one", lambda work: [b"seed"], lambda work: run, havoc)
    explorer = Explorer(target, folder, limits or Limits())
    explorer.execute(b"seed")
    return [one.what for one in explorer.result.findings]


class UncleanError(SettingsError):
    """A kind of error that has its own idea of its text."""

    def __str__(self) -> str:
        return str(self.args[0])


def refuse(text: str) -> Callable[[bytes], object]:
    def run(data: bytes) -> None:
        raise UncleanError(text)

    return run


def test_a_refusal_in_one_line_is_no_finding(tmp_path: Path) -> None:
    assert found_by(refuse("a.toml: is empty"), tmp_path) == []


@pytest.mark.parametrize(
    "text", ["", "a.toml:\nis empty", "a.toml: \x1b[2J", "nampedal itself went wrong: KeyError: 1"]
)
def test_a_refusal_that_is_no_line_is_one(text: str, tmp_path: Path) -> None:
    assert found_by(refuse(text), tmp_path) == [f"text UncleanError: {text.partition(':')[0]}"]


def test_json_that_is_deeply_nested_is_mutated_too() -> None:
    depth = 900
    data = b'{"a":' * depth + b"1" + b"}" * depth
    dice = Random(1)
    assert all(isinstance(json_text(dice, data), bytes) for _ in range(200))


def test_any_other_error_is_one(tmp_path: Path) -> None:
    assert found_by(lambda data: {b"": 1}[data], tmp_path) == ["KeyError: b'seed'"]


def test_too_much_memory_is_one(tmp_path: Path) -> None:
    assert found_by(lambda data: len(bytearray(b"x") * (80 << 20)), tmp_path, Limits(mebibytes=64)) == ["memory"]


def test_the_memory_of_the_parent_is_not_counted(sanitized: Path, tmp_path: Path) -> None:
    seeds = compiled.write_seeds(tmp_path / "seeds")
    code = (
        "import subprocess, sys\n"
        "much = bytearray(b'x') * (1100 << 20)\n"
        "sys.exit(subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode)"
    )
    command = [sys.executable, "-c", code, str(sanitized / "replay_stomp"), "1", "0", *map(str, seeds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr


def test_what_never_ends_is_one(tmp_path: Path) -> None:
    def run(data: bytes) -> None:
        while True:
            time.monotonic()

    assert found_by(run, tmp_path, Limits(cpu_s=0.2)) == ["_TooSlowError: took more than 0.2 s of the processor's time"]


def test_what_ends_the_process_is_one() -> None:
    code = (
        "import os\nfrom fuzz.apart import explore_apart\nfrom fuzz.explore import Limits, Target\n"
        "from fuzz.mutators import havoc\n"
        "target = Target('one', lambda work: [], lambda work: lambda data: data == b'bad' and os.abort(), havoc)\n"
        "result = explore_apart(target, [b'good', b'bad', b'well'], 1, 3, None, Limits())\n"
        "print(result.executions, [(one.what, one.data) for one in result.findings])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=ENVIRONMENT, timeout=60
    )
    assert done.stdout == "4 [('death one signal SIGABRT', b'bad')]\n", done.stderr


def test_inputs_that_reach_more_are_kept_and_a_run_is_the_same_again(tmp_path: Path) -> None:
    results = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        target = TARGETS["serial"]
        explorer = Explorer(target, folder, Limits())
        explorer.explore(target.seeds(folder), 3, 200, None)
        results.append((explorer.result.executions, explorer.result.lines, explorer.result.refused))
    assert results[0] == results[1]
    assert results[0][1] > 10
