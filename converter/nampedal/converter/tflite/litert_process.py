"""Plays and measures a .tflite offline through LiteRT, in a child process with limits.

LiteRT is third-party native code that trusts the graphs it is given. Graphs are verified before LiteRT gets them
(`tflite_artifact.read`). If LiteRT still crashes, only the child process ends, and a one-line error is raised here.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import weakref
from pathlib import Path
from threading import Event, Timer
from typing import Any

import numpy as np
from nampedal.converter import errors
from nampedal.converter.errors import ConversionError
from nampedal.converter.listening.bench import BlockCost
from nampedal.converter.tflite.litert_child import MAX_BYTES, MAX_QUESTION_FRAMES
from nampedal.converter.tflite.tflite_player import Audio
from nampedal.firmware.base import errors as base_errors
from nampedal.firmware.base.errors import NampedalError

# Timeout for one reply, wall-clock time; long, because the computer may be busy.
MAX_S = 600.0
_MAX_LINE_BYTES = 1 << 16
_PIECE = 1 << 16
# -P: do not import modules from the current folder.
_CHILD = (sys.executable, "-P", "-m", "nampedal.converter.tflite.litert_child")


class _Process:
    """The child process, and the requests to it. name: of the file, for messages."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._is_late = Event()
        self._child = subprocess.Popen(
            _CHILD, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
        )
        self.end = weakref.finalize(self, _end, self._child)

    def ask(self, question: dict[str, Any], data: bytes = b"", more_s: float = 0.0) -> tuple[dict[str, Any], bytes]:
        """Send a request, and return the reply and the bytes of the float32 audio that follows it.

        data: bytes sent after the request.  more_s: seconds added to the timeout.  Raises a NampedalError.
        """
        assert self._child.stdin is not None
        # Not select(): Windows has it for sockets only. A child that was killed has no more to read.
        timer = Timer(MAX_S + more_s, _end_late, (self._child, self._is_late))
        timer.daemon = True
        timer.start()
        try:
            self._child.stdin.write(json.dumps(question).encode() + b"\n")
            rest = memoryview(data)
            while rest:
                rest = rest[self._child.stdin.write(rest) :]
            line, begun = self._line()
            said = json.loads(line)
            self._raise(said)
            return said, self._bytes(4 * said.get("frames", 0), begun)
        except (OSError, ValueError, EOFError) as error:
            if isinstance(error, NampedalError):
                raise
            raise ConversionError(f"{self._name}: {self._how()}; convert the .nam again") from error
        finally:
            timer.cancel()

    def _line(self) -> tuple[bytes, bytes]:
        said = b""
        while b"\n" not in said:
            if len(said) > _MAX_LINE_BYTES:
                raise EOFError
            said += self._piece()
        line, _, rest = said.partition(b"\n")
        return line, rest

    def _bytes(self, count: int, begun: bytes) -> bytes:
        said = bytearray(begun)
        while len(said) < count:
            said += self._piece()
        if len(said) > count:
            raise EOFError
        return bytes(said)

    def _piece(self) -> bytes:
        assert self._child.stdout is not None
        piece = os.read(self._child.stdout.fileno(), _PIECE)
        if not piece:
            raise EOFError
        return piece

    def _raise(self, said: dict[str, Any]) -> None:
        if "error" not in said:
            return
        if said["error"] == "MemoryError":
            most = f"more than {MAX_BYTES >> 20} MiB of memory"
            raise ConversionError(f"{self._name}: LiteRT needs {most} for it; convert for smaller blocks")
        kind: type[NampedalError] = getattr(errors, said["error"], getattr(base_errors, said["error"], NampedalError))
        raise kind(said["text"])

    def _how(self) -> str:
        """Say in words why the process gave no readable reply: timeout, memory limit or crash."""
        try:
            status = self._child.wait(1.0)
        except subprocess.TimeoutExpired:
            self.end()
            return "LiteRT took too long with it and was ended"
        if self._is_late.is_set():
            return "LiteRT took too long with it and was ended"
        if sys.platform != "win32" and -status in (signal.SIGXCPU, signal.SIGKILL):
            return "LiteRT took too long or too much memory with it and was ended"
        return f"LiteRT crashed on it ({signal.Signals(-status).name if status < 0 else f'exit code {status}'})"


def _end_late(child: subprocess.Popen[bytes], is_late: Event) -> None:
    is_late.set()
    child.kill()


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.communicate()


class ChildProcessPlayer:
    """A mono .tflite and its state, played by the interpreter in a child process.

    data: bytes of a file that `tflite_artifact.read` has accepted, or that was just written.
    large_block: block length in frames if the graph takes any; None: the graph's own.
    block: the block length that is used.

    Raises ConversionError, MissingPackageError.
    """

    def __init__(self, data: bytes, *, large_block: int | None = None, name: str = "tflite") -> None:
        self._name = name
        self._process = _Process(name)
        question = {"do": "open", "name": name, "bytes": len(data), "large_block": large_block}
        self.block = int(self._process.ask(question, data)[0]["block"])

    def reset(self) -> None:
        """Return to the steady state."""
        self._process.ask({"do": "reset"})

    def play(self, audio: Audio) -> Audio:
        """Play the next blocks, (n * block,) -> (n * block,). Raises ConversionError."""
        if audio.ndim != 1 or len(audio) % self.block:
            raise ConversionError(
                f"{self._name}: audio has shape {audio.shape}; whole blocks of {self.block} are played"
            )
        step = max(1, MAX_QUESTION_FRAMES // self.block) * self.block
        played = [self._some(audio[at : at + step]) for at in range(0, len(audio), step)]
        return np.concatenate([*played, np.zeros(0, np.float32)])

    def _some(self, audio: Audio) -> Audio:
        question = {"do": "play", "frames": len(audio)}
        _, data = self._process.ask(question, np.ascontiguousarray(audio, np.float32).tobytes())
        return np.frombuffer(data, np.float32)

    def render(self, audio: Audio) -> Audio:
        """Play audio (frames,) of any length from the steady state. The last block is padded with zeros."""
        self.reset()
        return self.play(np.pad(audio, (0, -len(audio) % self.block)))[: len(audio)]


def measure(path: Path, seconds: float) -> tuple[str, list[BlockCost]]:
    """Run `bench.measure` for a .tflite in a child process, through LiteRT's library, and return its result.

    Raises ConversionError, and the errors of `tflite_artifact.read` and `litert_engine.prepare`.
    """
    process = _Process(str(path))
    try:
        said, _ = process.ask({"do": "bench", "path": str(path), "seconds": seconds}, more_s=100 * seconds)
    finally:
        process.end()
    return str(said["isa"]), [BlockCost(**cost) for cost in said["costs"]]
