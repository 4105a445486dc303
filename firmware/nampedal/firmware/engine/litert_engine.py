"""Plays a .tflite through LiteRT, from native code, with the same interface as the engine for .stomp files.

LiteRT is optional: it is nampedal's extra `tflite`. Its library is part of the ai-edge-litert package; only the version
VERSION is supported, because its functions are called directly. The Python package itself is not imported. The
environment variable NAMPEDAL_LITERT can name another copy of the library.
"""

from __future__ import annotations

import os
import platform
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import metadata, util
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from nampedal.firmware.base.errors import FileAccessError, MissingPackageError
from nampedal.firmware.base.files.bounded_file import read_bounded
from nampedal.firmware.base.files.toml_schema import os_error_text
from nampedal.firmware.engine import _engine, tflite_artifact
from nampedal.firmware.engine.inference import Engine

VERSION = _engine.LITERT_VERSION

# Counted with build/probes/allocation_probe --litert: docs/explanation/performance.md.
LIMITS = "through LiteRT: 5 heap allocations and a lock in every block; a .stomp needs none"

# Block length in a chain, in frames, for a .tflite that takes any length. The block delays the sound by its length.
CHAIN_BLOCK = 64

_NOTE = b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n"
# Held while a model is made that LiteRT may write the note with, and for good once it has.
_note_comes = threading.Lock()

_PACKAGE = "ai-edge-litert"
# (sys.platform, machine) for which the package has wheels, as in pyproject.toml.
WHEELS = (("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"), ("win32", "AMD64"))
# Names of the library in the wheels of ai-edge-litert 2.3.0, by sys.platform.
_LIBRARIES = {"linux": "libLiteRt.so", "darwin": "libLiteRt.dylib", "win32": "libLiteRt.dll"}
_PIP = "pip install 'nampedal[tflite]'"


def install_advice(*, offline: bool = False) -> str:
    """Return what to do here if LiteRT is missing, for the end of an error message.

    offline: an interpreter is enough; for a 32-bit Raspberry Pi the extra brings tflite-runtime.
    """
    if util.find_spec("nampedal.converter") is None:
        # A pedal: it has no converter, and often no pip and a read-only system.
        return "convert the .nam to a .stomp, or add --tflite to 'nampedal image build' or 'nampedal install'"
    machine = platform.machine()
    has_interpreter = offline and machine == "armv7l" and sys.version_info[:2] == (3, 11)
    if (sys.platform, machine) in WHEELS or has_interpreter:
        return _PIP
    return f"there is no {_PACKAGE} for {sys.platform} on {machine}: take the .nam, or a .stomp of it"


def library_path(name: str = "a .tflite") -> Path:
    """Return the path of LiteRT's library: the value of NAMPEDAL_LITERT, or the file in the ai-edge-litert package.

    name: of the file that will be played, for messages.
    Raises MissingPackageError.
    """
    given = os.environ.get("NAMPEDAL_LITERT", "")
    if given:
        return Path(given)
    spec = util.find_spec(_PACKAGE.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise MissingPackageError(f"{name}: is played by LiteRT, which is not installed; {install_advice()}")
    try:
        installed = metadata.version(_PACKAGE)
    except metadata.PackageNotFoundError:
        installed = "of unknown version"
    if installed != VERSION:
        raise MissingPackageError(
            f"{name}: is played by LiteRT {VERSION} alone, and {_PACKAGE} {installed} is installed; {install_advice()}"
        )
    return Path(spec.submodule_search_locations[0]) / _LIBRARIES.get(sys.platform, _LIBRARIES["linux"])


def open_tflite(path: Path, max_frames: int | None = None) -> Engine:
    """Prepare a .tflite that nampedal wrote. max_frames: see `prepare`.

    Raises a ArtifactError, or the errors of `prepare`.
    """
    file = tflite_artifact.read(path)
    return prepare(path, sample_rate=file.sample_rate, prewarm_frames=file.prewarm_frames, max_frames=max_frames)


def add_to(chain: _engine.Chain, file: tflite_artifact.TfliteFile) -> int:
    """Append a .tflite that nampedal wrote to a chain, and return its link. It delays the sound by one of its blocks.

    Raises the errors of `prepare`.
    """
    frames = CHAIN_BLOCK if file.any_block else None
    library = str(library_path(str(file.path)))
    with _without_note():
        return chain.add_litert(file.data, str(file.path), library, frames, file.prewarm_frames, file.sample_rate)


def prepare(
    source: Path | str | bytes, *, sample_rate: float, prewarm_frames: int, max_frames: int | None = None
) -> Engine:
    """Prepare a .tflite (a path, or its bytes), and return an Engine that is used like one from `Engine.prepare`.

    One difference: every block must have exactly max_frames frames.

    sample_rate: Hz, of the network.
    prewarm_frames: frames of silence after which earlier input has no effect: the receptive field minus one. They are
    played now and at each `reset()`, in whole blocks and at least one.
    max_frames: the block length. It can be chosen if the file leaves the length of its input open (-1 in its shape
    signature); otherwise it must be the file's own. None: the file's own length.

    The graph is verified before LiteRT gets it, because LiteRT does not check its input.
    Raises ArtifactError, MissingPackageError, ArgumentError, or another
    ArtifactError.
    """
    if isinstance(source, bytes):
        data, name = source, "model"
    else:
        try:
            data, name = read_bounded(Path(source), _engine.MAX_FILE_BYTES), str(source)
        except OSError as error:
            raise FileAccessError(f"{source}: can't be read: {os_error_text(error)}") from error
    library = str(library_path(name))
    with _without_note():
        player = _engine.LiteRtModel(data, name, library, max_frames, prewarm_frames)
    return Engine(player, sample_rate)


@contextmanager
def _without_note() -> Iterator[None]:
    """Keep LiteRT's note that it computes on the CPU from standard error. LiteRT has no setting for that.

    It writes the note with the first model of a process, so nothing is done after that. What other threads write
    meanwhile is written when the call ends.
    """
    if not _note_comes.acquire(blocking=False):
        yield
        return
    lines: list[bytes] = []
    try:
        with _held_stderr(lines):
            yield
    finally:
        if _NOTE not in lines:
            # A refused model: LiteRT did not get it.
            _note_comes.release()


@contextmanager
def _held_stderr(lines: list[bytes]) -> Iterator[None]:
    """Hold back what is written to standard error, and write it at the end without _NOTE. lines: gets all of it."""
    try:
        kept = os.dup(2)
    except OSError:
        # Standard error is closed.
        yield
        return
    with _nameless_file() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            held.seek(0)
            # The reader of a pipe may be gone.
            with suppress(OSError), open(kept, "wb", buffering=0) as stderr:
                lines += held
                stderr.writelines(line for line in lines if line != _NOTE)


def _nameless_file() -> IO[bytes]:
    """Return an empty file for this process alone; on Linux it needs no folder that can be written."""
    if sys.platform == "linux":
        return open(os.memfd_create("stderr"), "w+b")
    return TemporaryFile()
