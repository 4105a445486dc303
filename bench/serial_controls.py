"""Measures what the driver of a microcontroller costs: the share of a core that its process takes, on a
pseudo-terminal.

    python bench/serial_controls.py [--seconds 10]

The kinds of traffic:

- idle: nothing moves.
- bare: as knobs, but a thread only reads the bytes and decodes nothing.
- knobs: 100 positions a second, one frame at a time.
- bytes: the same, every byte by itself at the pace of 115200 baud, as the worst UART would deliver them.
- line: a megabyte of garbage with frames in it, at that pace, 16 bytes at a time, for so many seconds.
- flood: the same megabyte as fast as the pseudo-terminal takes it.

Prints the CPU time, and how many frames were sent and heard. The microcontroller is another process on another core and
is not counted. On a busy machine, take the smallest of several runs.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import queue
import select
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Iterator

import numpy as np
from nampedal.board.drivers.serial_link import SerialDriver
from nampedal.board.drivers.serial_protocol import Decoder, Hello, KnobPosition, Who, encode
from nampedal.board.inputs.control_events import Event, Failure, Post

BYTES_PER_S = 115_200 / 10
GARBAGE_BYTES = 1 << 20
FRAMES = 2000
KINDS = {
    "idle": "idle",
    "bare": "100 knob positions a second, bytes read, no more",
    "knobs": "100 knob positions a second",
    "bytes": "the same, byte by byte",
    "line": "garbage and frames, a full line",
    "flood": "1 MB of garbage and 2000 frames, as fast as can be",
}
CORES = sorted(os.sched_getaffinity(0))
Timed = tuple[float, bytes]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--far-end", nargs=2, metavar=("KIND", "FD"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.far_end:
        kind, master = arguments.far_end
        os.sched_setaffinity(0, CORES[:-1] or CORES)
        play(int(master), traffic(kind, arguments.seconds))
        return
    os.sched_setaffinity(0, CORES[-1:])
    print(f"{'traffic':52} {'frames':>7} {'heard':>7} {'CPU':>9} {'of':>8}   share")
    for kind, what in KINDS.items():
        measure(kind, what, arguments.seconds)


class Bare:
    """A driver that only reads bytes and decodes nothing."""

    def __init__(self, port: int) -> None:
        self._port = port

    def open(self, post: Post) -> None:
        threading.Thread(target=self._run, args=(post,), daemon=True).start()

    def close(self) -> None:
        """Do nothing: the thread ends when the other end closes."""

    def _run(self, post: Post) -> None:
        heard = Failure(0.0, "bare", "")
        with contextlib.suppress(OSError):
            while os.read(self._port, 4096):
                post(heard)


def measure(kind: str, what: str, seconds: float) -> None:
    master, slave = os.openpty()
    tty.setraw(slave)
    command = [sys.executable, __file__, "--seconds", str(seconds), "--far-end", kind, str(master)]
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    driver = (
        Bare(slave) if kind == "bare" else SerialDriver("bench", os.ttyname(slave), 115_200, {}, {"gain": 0}, {}, {})
    )
    with subprocess.Popen(
        command, pass_fds=[master], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as far_end:
        assert far_end.stdin is not None
        assert far_end.stdout is not None
        far_end.stdout.readline()
        driver.open(events.put)
        if kind != "bare":
            events.get()
        cpu_s, start_s = time.process_time(), time.monotonic()
        print(file=far_end.stdin, flush=True)
        frames = int(far_end.stdout.readline())
        # Wait for the frames that were sent but not heard yet.
        until_s = time.monotonic() + 1.0
        while events.qsize() < frames and time.monotonic() < until_s:
            time.sleep(0.01)
        cpu_s, wall_s = time.process_time() - cpu_s, time.monotonic() - start_s
        driver.close()
        far_end.kill()
    os.close(master)
    os.close(slave)
    share = 100.0 * cpu_s / wall_s
    print(f"{what:52} {frames:7} {events.qsize():7} {1e3 * cpu_s:6.1f} ms {wall_s:6.2f} s {share:6.2f} %", flush=True)


def play(master: int, what: Iterator[Timed]) -> None:
    """Act as the microcontroller: answer until a line comes on stdin, then send the traffic and print its number of
    frames.
    """
    print("ready", flush=True)
    decoder, frames, state = Decoder(), Decoder(), 0
    while sys.stdin not in select.select([master, sys.stdin], [], [])[0]:
        answer(master, decoder, state)
    start_s = time.monotonic()
    for due_s, data in what:
        while time.monotonic() < start_s + due_s:
            # A busy loop: sleep() would be late by more than the time of a byte.
            pass
        os.write(master, data)
        for message in frames.feed(data):
            state = message.position if isinstance(message, KnobPosition) else state
        if select.select([master], [], [], 0.0)[0]:
            answer(master, decoder, state)
    print(frames.good, flush=True)
    while True:
        select.select([master], [], [])
        answer(master, decoder, state)


def answer(master: int, decoder: Decoder, state: int) -> None:
    """Answer Who with the position that was sent last, so that the answer brings no change."""
    for message in decoder.feed(os.read(master, 4096)):
        if isinstance(message, Who):
            os.write(master, encode(Hello(1, 0, 1, 0, 0)) + encode(KnobPosition(0, state)))


def traffic(kind: str, seconds: float) -> Iterator[Timed]:
    """Yield when to send, in seconds from the beginning, and the bytes."""
    if kind == "idle":
        yield seconds, b""
        return
    if kind in ("bare", "knobs", "bytes"):
        for n in range(round(100 * seconds)):
            frame = encode(KnobPosition(0, 1 + n % 65535))
            parts = [frame[i : i + 1] for i in range(len(frame))] if kind == "bytes" else [frame]
            for i, part in enumerate(parts):
                yield n / 100.0 + i / BYTES_PER_S, part
        return
    data = garbage()
    if kind == "flood":
        yield from ((0.0, data[at : at + 4096]) for at in range(0, len(data), 4096))
        return
    for at in range(0, min(len(data), round(seconds * BYTES_PER_S)), 16):
        yield at / BYTES_PER_S, data[at : at + 16]


def garbage() -> bytes:
    """Return random bytes with evenly spread frames. Each frame differs from the one before it."""
    rng = np.random.default_rng(7)
    parts = [
        rng.integers(0, 256, GARBAGE_BYTES // FRAMES, np.uint8).tobytes() + encode(KnobPosition(0, 1 + n))
        for n in range(FRAMES)
    ]
    return b"".join(parts)


if __name__ == "__main__":
    main()
