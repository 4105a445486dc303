"""Plays a .tflite offline, through the interpreter of ai-edge-litert or tflite-runtime, whichever is installed."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from nampedal.converter.errors import ConversionError
from nampedal.firmware.base.errors import MissingPackageError
from nampedal.firmware.engine import tflite_artifact
from nampedal.firmware.engine.litert_engine import install_advice
from numpy.typing import NDArray

Audio = NDArray[np.float32]
PACKAGES = ("ai_edge_litert", "tflite_runtime")


@cache
def _interpreter_class() -> Any | None:
    """Return the interpreter's class; None if no package with it is installed."""
    for package in PACKAGES:
        try:
            return importlib.import_module(f"{package}.interpreter").Interpreter
        except ImportError:
            continue
    return None


@contextmanager
def _quiet() -> Iterator[None]:
    """Discard everything written to standard error. The interpreter logs there; its errors arrive as exceptions."""
    sys.stderr.flush()
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


class TflitePlayer:
    """A mono .tflite and its state, on one thread. It starts in the steady state of endless silence.

    block: frames that `play` takes; None: the block length of the file.
    any_block: True if the graph can play other block lengths.

    Raises MissingPackageError, ConversionError.
    """

    def __init__(self, data: bytes, *, block: int | None = None, name: str = "tflite") -> None:
        self._data = data
        self._name = name
        self._wanted = block
        self.reset()

    @classmethod
    def open(cls, path: Path, *, block: int | None = None) -> TflitePlayer:
        """Read a file and return its player.

        Raises the errors of the class, and ArtifactError if the file is damaged or not written by nampedal.
        """
        return cls(tflite_artifact.read(path).data, block=block, name=str(path))

    def reset(self) -> None:
        """Return to the steady state. Variables can't be reset, so a new interpreter is made."""
        interpreter = _interpreter_class()
        if interpreter is None:
            raise MissingPackageError(
                f"{self._name}: is played by LiteRT, which is not installed; {install_advice(offline=True)}"
            )
        try:
            with _quiet():
                self._interpreter = interpreter(model_content=self._data, num_threads=1)
                self._allocate()
        except (RuntimeError, ValueError) as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else "no reason given"
            raise ConversionError(f"{self._name}: the interpreter refuses it: {reason}") from error

    def _allocate(self) -> None:
        (audio,) = self._interpreter.get_input_details()
        own = int(audio["shape"][2])
        self.any_block = bool(audio["shape_signature"][2] == -1)
        self.block = own if self._wanted is None else self._wanted
        if self.block != own:
            if self.block < 1 or not self.any_block:
                allowed = "1 or more" if self.any_block else f"{own} alone"
                raise ConversionError(f"{self._name}: block is {self.block} frames; this graph takes {allowed}")
            self._interpreter.resize_tensor_input(audio["index"], [1, 1, self.block, 1])
        self._interpreter.allocate_tensors()
        self._audio = audio["index"]
        self._outputs = {out["name"]: out["index"] for out in self._interpreter.get_output_details()}
        self._output = self._interpreter.get_output_details()[0]["index"]

    def play(self, block: Audio) -> Audio:
        """Play the next block, (block,) -> (block,). Raises ConversionError."""
        if block.shape != (self.block,):
            raise ConversionError(f"{self._name}: a block has shape {block.shape}; this player takes ({self.block},)")
        self._interpreter.set_tensor(self._audio, np.asarray(block, np.float32).reshape(1, 1, -1, 1))
        self._interpreter.invoke()
        return np.asarray(self._interpreter.get_tensor(self._output), np.float32).reshape(-1)

    def settle(self, frames: int) -> None:
        """Play silence: whole blocks, at least this many frames."""
        for _ in range(-(-frames // self.block)):
            self.play(np.zeros(self.block, np.float32))

    def outputs(self) -> dict[str, NDArray[Any]]:
        """Return all outputs of the graph for the last block, by name, in their stored format."""
        return {name: self._interpreter.get_tensor(index) for name, index in self._outputs.items()}

    def render(self, audio: Audio) -> Audio:
        """Play audio (frames,) of any length from the steady state. The last block is padded with zeros."""
        self.reset()
        padded = np.pad(audio, (0, -len(audio) % self.block))
        blocks = [self.play(padded[at : at + self.block]) for at in range(0, len(padded), self.block)]
        return np.concatenate(blocks)[: len(audio)] if blocks else np.zeros(0, np.float32)
