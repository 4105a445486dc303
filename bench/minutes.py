"""Checks that --minutes is kept in wall-clock time, and that the time shown as left is right.

    python bench/minutes.py standard.nam                               idle, then beside two busy processes
    python bench/minutes.py standard.nam --minutes 3 --busy 0 2 4 --piped -- --material my-guitar.wav
    python bench/minutes.py standard.nam --interrupt 45 100        instead: how soon it ends after Ctrl-C

Runs `nampedal convert --board` on a terminal (or a pipe), as a user would, and reads the time left from its output.
Words after -- go to the command. Prints the largest error of the time left. Outputs before 20 s and in the last 3 s do
not count, because the time is shown in whole seconds.
"""

from __future__ import annotations

import argparse
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FROM_S = 20.0
MIN_LEFT_S = 3.0
LEFT = re.compile(rb"(\d+):(\d\d) left")
BUSY = "while True: sum(range(10000))"


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Run so many processes that compute while the context is open."""
    processes = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def told(
    model: Path, minutes: float, board: str, words: list[str], *, piped: bool
) -> tuple[float, list[tuple[float, float]]]:
    """Run the conversion. Return its seconds, and the times left that it printed: (seconds since the start, seconds
    left).
    """
    reads, writes = os.pipe() if piped else pty.openpty()
    with tempfile.TemporaryDirectory() as folder:
        output = ["-o", f"{folder}/out.stomp", "--board", board, "--minutes", f"{minutes:g}", "--max-esr", "1"]
        command = [sys.executable, "-m", "nampedal.firmware.cli", "convert", str(model), *output, *words]
        begin_s = time.monotonic()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=writes, stderr=writes, env=os.environ | {"COLUMNS": "200"}
        )
        os.close(writes)
        found = []
        while data := _read(reads):
            for at_minutes, at_seconds in LEFT.findall(data)[-1:]:
                found.append((time.monotonic() - begin_s, 60.0 * int(at_minutes) + int(at_seconds)))
        took_s = time.monotonic() - begin_s
        os.close(reads)
        if process.wait() != 0:
            raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}")
    return took_s, found


def interrupted(model: Path, minutes: float, board: str, after_s: float) -> float:
    """Send Ctrl-C so many seconds after the start. Return the seconds until the conversion has ended."""
    with tempfile.TemporaryDirectory() as folder:
        output = ["-o", f"{folder}/out.stomp", "--board", board, "--minutes", f"{minutes:g}", "--max-esr", "1"]
        command = [sys.executable, "-m", "nampedal.firmware.cli", "convert", str(model), *output]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(after_s)
        began_s = time.monotonic()
        process.send_signal(signal.SIGINT)
        if process.wait() != 0:
            raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}")
        return time.monotonic() - began_s


def _read(reads: int) -> bytes:
    try:
        return os.read(reads, 65536)
    except OSError:  # The other end of the terminal was closed.
        return b""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("words", nargs="*", help="more options of nampedal convert")
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--board", default="zero-2-w")
    parser.add_argument("--busy", type=int, nargs="+", default=[0, 2], metavar="N")
    parser.add_argument("--piped", action="store_true")
    parser.add_argument("--interrupt", type=float, nargs="+", metavar="SECONDS", help="send Ctrl-C after so long")
    arguments = parser.parse_args()
    for after_s in arguments.interrupt or ():
        took_s = interrupted(arguments.model, arguments.minutes, arguments.board, after_s)
        print(f"Ctrl-C after {after_s:g} s: it ended {took_s:.1f} s later", flush=True)
    for count in () if arguments.interrupt else arguments.busy:
        with busy(count):
            took_s, found = told(
                arguments.model, arguments.minutes, arguments.board, arguments.words, piped=arguments.piped
            )
        promised_s = 60.0 * arguments.minutes
        print(f"beside {count} busy processes: {took_s:.1f} s of {promised_s:g} promised, {took_s / promised_s:.3f}")
        judged = [
            (left_s / (took_s - at_s) - 1.0, at_s, left_s)
            for at_s, left_s in found
            if at_s >= FROM_S and took_s - at_s >= MIN_LEFT_S
        ]
        first = f"{found[0][1]:.0f} s left after {found[0][0]:.1f} s" if found else "nothing"
        print(f"  said first: {first}; said in all {len(found)} times")
        if judged:
            error, at_s, left_s = max(judged, key=lambda one: abs(one[0]))
            print(
                f"  worst from {FROM_S:g} s on: {100 * error:+.0f} %, {left_s:.0f} s left after {at_s:.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
