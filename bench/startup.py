"""Measures how long `nampedal` takes to start: CPU time and number of imported modules of commands that do nothing.

    .venv/bin/python bench/startup.py
    .venv/bin/python bench/startup.py --repeats 20 -- convert --help

CPU time is user plus system time. Unlike wall-clock time it depends little on other programs. The minimum of several
runs is shown.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence

# No pedal answers in this folder, so commands that talk to one fail, but only after all imports.
NOWHERE = {"XDG_RUNTIME_DIR": "/nonexistent"}
COMMANDS = (
    *(("--help",), ("--version",), ("status",), ("preset", "next"), ("set", "gain", "6"), ("bank", "--help")),
    *(("play", "--help"), ("convert", "--help")),
)
REPEATS = 7


def command_line(words: Sequence[str], *options: str) -> list[str]:
    return [sys.executable, *options, "-m", "nampedal.firmware.cli", *words]


def imported(words: Sequence[str], environment: Mapping[str, str]) -> set[str]:
    """Return the names of the modules that are imported when the command ends."""
    done = subprocess.run(
        command_line(words, "-X", "importtime"),
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return set(re.findall(r"^import time: +\d+ \| +\d+ \| +(\S+)$", done.stderr, re.MULTILINE))


def among(modules: Collection[str], packages: Collection[str]) -> set[str]:
    """Return those packages that are in `modules` themselves, or have a submodule there."""
    return {one for one in packages if any(f"{name}.".startswith(f"{one}.") for name in modules)}


def cpu_ms(words: Sequence[str]) -> float:
    """Return the CPU milliseconds of one run, user plus system."""
    child = subprocess.Popen(
        command_line(words), env={**os.environ, **NOWHERE}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, _, used = os.wait4(child.pid, 0)
    # wait4 has reaped the process: tell Popen not to wait for it.
    child.returncode = 0
    return 1e3 * (used.ru_utime + used.ru_stime)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("words", nargs="*", help="Of a command, behind --. Default: several.")
    given = parser.parse_args()
    print(f"{'nampedal':24}{'CPU ms':>8}{'modules':>9}")
    for words in (tuple(given.words),) if given.words else COMMANDS:
        least = min(cpu_ms(words) for _ in range(given.repeats))
        print(f"{' '.join(words):24}{least:8.0f}{len(imported(words, NOWHERE)):9}")


if __name__ == "__main__":
    main()
