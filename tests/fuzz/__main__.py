"""Fuzzing: `make fuzz`, and what a finding does. docs: CONTRIBUTING.md.

PYTHONPATH=tests .venv/bin/python -m fuzz run [--minutes N] [--only NAME]...
PYTHONPATH=tests .venv/bin/python -m fuzz count N [--only NAME]...   so many inputs a reader, each time the same
PYTHONPATH=tests .venv/bin/python -m fuzz replay FILE...             a finding of a reader in Python
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from conftest import ROOT
from fuzz import compiled
from fuzz.apart import explore_apart
from fuzz.explore import Explorer, Limits, Result, Target, name_of
from fuzz.file_targets import TARGETS as FILES
from fuzz.pedal_targets import TARGETS as PEDAL
from fuzz.text_targets import TARGETS as TEXTS

TARGETS = {target.name: target for target in (*TEXTS, *FILES, *PEDAL)}
FOLDER = ROOT / "build" / "fuzz"
FINDINGS = FOLDER / "findings"
SEED = 20261130


def keep(target: Target, result: Result) -> list[str]:
    """Store what was found. Returns a line for each: what it is, and how to see it again."""
    FINDINGS.mkdir(parents=True, exist_ok=True)
    lines = []
    for found in result.findings:
        path = FINDINGS / f"{target.name}-{name_of(found.data)}"
        path.write_bytes(found.data)
        path.with_suffix(".txt").write_text(f"{found.what}\n{found.detail}\n", errors="backslashreplace")
        lines.append(f"  {found.what}")
        lines.append(f"    PYTHONPATH=tests .venv/bin/python -m fuzz replay {path.relative_to(ROOT)}")
    return lines


def seeds_of(target: Target) -> list[bytes]:
    """Made anew; kept in build/fuzz/seeds for who wants to look at them."""
    folder = FOLDER / "seeds" / target.name
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        seeds = target.seeds(Path(work))
    for number, data in enumerate(seeds):
        (folder / str(number)).write_bytes(data)
    return seeds


def told(name: str, result: Result) -> str:
    return (
        f"{name:12} {result.executions:9,} executions {result.refused:9,} refused {result.lines:6,} lines "
        f"{len(result.findings):3} findings"
    )


def run(targets: list[Target], count: int | None, seconds: float | None, limits: Limits) -> int:
    """Returns how many findings there are."""
    findings = 0
    for target in targets:
        most = max(20, count // target.slow) if count is not None else None
        result = explore_apart(target, seeds_of(target), SEED, most, seconds, limits)
        print(told(target.name, result), *keep(target, result), sep="\n", flush=True)
        findings += len(result.findings)
    return findings


def replay(paths: list[Path]) -> int:
    """Prints what each does. Returns how many are findings."""
    findings = 0
    for path in paths:
        name = path.name.rpartition("-")[0]
        if name not in TARGETS:
            sys.exit(f"{path}: its name begins with no reader's; known are {', '.join(TARGETS)}")
        with tempfile.TemporaryDirectory() as work:
            explorer = Explorer(TARGETS[name], Path(work), Limits())
            explorer.execute(path.read_bytes())
        found = explorer.result.findings
        print(f"{path}:", f"{found[0].what}\n{found[0].detail}" if found else "no finding")
        findings += len(found)
    return findings


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m fuzz", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=("run", "count", "replay"))
    parser.add_argument("given", nargs="*")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--only", action="append", choices=[*TARGETS, *compiled.NAMES])
    options = parser.parse_args()
    if options.what == "replay":
        return 1 if replay([Path(one) for one in options.given]) else 0
    targets = [TARGETS[name] for name in options.only or TARGETS if name in TARGETS]
    if options.what == "count":
        return 1 if run(targets, int(options.given[0]), None, Limits(cpu_s=60.0)) else 0
    native = [name for name in options.only or compiled.NAMES if name in compiled.NAMES]
    # What is compiled has more behind it, and gets three times as much.
    seconds = 60.0 * options.minutes / (len(targets) + 3 * len(native))
    findings = sum(compiled.run(name, 3 * seconds, FOLDER, FINDINGS) for name in native)
    findings += run(targets, None, seconds, Limits())
    print(f"{findings} findings" + (f", in {FINDINGS.relative_to(ROOT)}" if findings else ""))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
