"""Runs LiteRT in its own process, so that a memory error in it can't damage another process.

`litert_process` starts this module as its child. Requests arrive on standard input, replies go to standard output. Each
is one line of JSON. If it has `frames`, that many float32 values follow; if it has `bytes`, a file of that length does:

    {"do": "open", "name", "bytes", "large_block"}     -> {"block"}
    {"do": "play", "frames"} and audio                 -> {"frames"} and audio
    {"do": "reset"}                                    -> {}
    {"do": "bench", "path", "seconds"}                 -> {"isa", "costs"}

The reply to a request that failed is {"error", "text"}: the class name of the exception, and its one-line message.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from nampedal.converter.listening import bench
from nampedal.converter.tflite.tflite_player import TflitePlayer
from nampedal.firmware.base.errors import NampedalError
from nampedal.firmware.base.memory_limit import set_limit
from nampedal.firmware.engine import tflite_artifact
from nampedal.firmware.engine.inference import MAX_FRAMES

if sys.platform != "win32":
    import resource

# Maximum writable memory: enough for the signals, file and constants of the largest graph, and for Python and LiteRT.
MAX_BYTES = 1 << 30
# Maximum CPU time for one request.
MAX_CPU_S = 120

# Maximum audio in one request, so that it holds at least one block of any length.
MAX_QUESTION_FRAMES = 8 * MAX_FRAMES

Answer = tuple[dict[str, Any], bytes]


class _Child:
    def __init__(self, reading: BinaryIO) -> None:
        self._reading = reading
        self._player: TflitePlayer | None = None

    def answer(self, asked: dict[str, Any]) -> Answer:
        known: dict[str, Callable[[dict[str, Any]], Answer]] = {
            "open": self._open,
            "play": self._play,
            "reset": self._reset,
            "bench": self._bench,
        }
        return known[asked["do"]](asked)

    def _open(self, asked: dict[str, Any]) -> Answer:
        data, name = self._reading.read(asked["bytes"]), asked["name"]
        player = TflitePlayer(data, name=name)
        if player.any_block and asked["large_block"]:
            player = TflitePlayer(data, block=asked["large_block"], name=name)
        self._player = player
        return {"block": player.block}, b""

    def _play(self, asked: dict[str, Any]) -> Answer:
        audio = np.frombuffer(self._reading.read(4 * asked["frames"]), np.float32)
        assert self._player is not None
        blocks = [self._player.play(block) for block in audio.reshape(-1, self._player.block)]
        return {"frames": len(audio)}, np.concatenate(blocks).tobytes()

    def _reset(self, _: dict[str, Any]) -> Answer:
        assert self._player is not None
        self._player.reset()
        return {}, b""

    def _bench(self, asked: dict[str, Any]) -> Answer:
        isa, costs = bench.measure(bench.tflite_engines(tflite_artifact.read(Path(asked["path"]))), asked["seconds"])
        return {"isa": isa, "costs": [asdict(cost) for cost in costs]}, b""


def main() -> None:
    """Answer requests until standard input is closed."""
    reading, writing = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # Redirect other output to standard error; on standard output it would be read as a reply.
    os.dup2(2, 1)
    if sys.platform != "win32":
        set_limit(resource.RLIMIT_DATA, MAX_BYTES)
        set_limit(resource.RLIMIT_CORE, 0)
    child = _Child(reading)
    while line := reading.readline():
        asked = json.loads(line)
        _allow_cpu(MAX_CPU_S + 12 * asked.get("seconds", 0))
        try:
            said, data = child.answer(asked)
        except NampedalError as error:
            said, data = {"error": type(error).__name__, "text": str(error)}, b""
        except MemoryError:
            said, data = {"error": "MemoryError", "text": ""}, b""
        writing.write(json.dumps(said).encode() + b"\n" + data)
        writing.flush()


def _allow_cpu(seconds: float) -> None:
    """Limit the CPU time of this process to `seconds` more than it has used until now. Windows has no such limit."""
    if sys.platform != "win32":
        used = resource.getrusage(resource.RUSAGE_SELF)
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        most = int(used.ru_utime + used.ru_stime + seconds) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


if __name__ == "__main__":
    main()
