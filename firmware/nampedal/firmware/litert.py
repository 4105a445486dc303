"""The other engine: plays a .tflite through LiteRT, from native code, behind the same face.

LiteRT is optional. Its library is the one inside the ai-edge-litert package, in the one version whose functions are
known here; the package itself is not imported. NAMPEDAL_LITERT names another copy of the library, for a pedal that
carries nothing else of the package.
"""

from __future__ import annotations

import os
from importlib import metadata, util
from pathlib import Path

from nampedal.firmware import _engine, tflite
from nampedal.firmware.engine import Engine
from nampedal.firmware.errors import ArtifactUnreadableError, LiteRtMissingError, LiteRtVersionError

VERSION = _engine.LITERT_VERSION

# Counted with build/probes/allocation_probe --litert: docs/performance.md.
LIMITS = "through LiteRT: 5 heap allocations and a lock in every block; a .stomp needs none"

_PACKAGE = "ai-edge-litert"
_INSTALL = f"pip install {_PACKAGE}=={VERSION}"


def library_path() -> Path:
    """Where libLiteRt.so is: what NAMPEDAL_LITERT says, or else in the package. Raises LiteRtMissingError."""
    given = os.environ.get("NAMPEDAL_LITERT", "")
    if given:
        return Path(given)
    spec = util.find_spec(_PACKAGE.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise LiteRtMissingError(f"LiteRT is not installed, and NAMPEDAL_LITERT names no libLiteRt.so: {_INSTALL}")
    try:
        installed = metadata.version(_PACKAGE)
    except metadata.PackageNotFoundError:
        installed = "of unknown version"
    if installed != VERSION:
        raise LiteRtVersionError(f"{_PACKAGE} {installed} is installed; {VERSION} alone is known here: {_INSTALL}")
    return Path(spec.submodule_search_locations[0]) / "libLiteRt.so"


def open_tflite(path: Path, max_frames: int | None = None) -> Engine:
    """Prepare a .tflite that nampedal wrote. max_frames: as `prepare` has it. Raises a TfliteError, or as `prepare`."""
    file = tflite.read(path)
    return prepare(path, sample_rate=file.sample_rate, prewarm_frames=file.prewarm_frames, max_frames=max_frames)


def prepare(
    source: Path | str | bytes, *, sample_rate: float, prewarm_frames: int, max_frames: int | None = None
) -> Engine:
    """Prepare a .tflite (a path, or its bytes): an Engine, to be used as one that `Engine.prepare` made.

    It differs in the blocks that it takes: all have max_frames frames. A file whose input leaves the length open (-1 in
    its shape signature) is prepared for any; another has its own, which is what None stands for in both.
    sample_rate: Hz, of the network.  prewarm_frames: of silence, after which nothing that was played before is heard:
    the receptive field less one. Played now and at every `reset()`, in whole blocks and at least one.

    Raises LiteRtMissingError, LiteRtVersionError, LiteRtRefusedError, FixedBlockError, or another ArtifactError.
    """
    if isinstance(source, bytes):
        data, name = source, "model"
    else:
        try:
            data, name = Path(source).read_bytes(), str(source)
        except OSError as error:
            raise ArtifactUnreadableError(f"{source}: can't be read: {error.strerror}") from error
    player = _engine.LiteRtModel(data, name, str(library_path()), max_frames, prewarm_frames)
    return Engine(player, sample_rate)
