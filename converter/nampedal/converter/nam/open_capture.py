"""Opens capture files: reads them and tests that they play. All commands use it, so all report the same errors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nampedal.converter.nam import nam_file
from nampedal.converter.nam.capture_player import check_playable
from nampedal.firmware.engine import artifact
from nampedal.firmware.engine.capture import Capture


@dataclass(frozen=True, slots=True)
class OpenedCapture:
    """A file that holds a capture. kind: 'capture' (.nam) or 'artifact' (.stomp)."""

    path: Path
    kind: str
    capture: Capture


def open_capture(path: Path) -> OpenedCapture:
    """Read a .nam or an artifact and test that it plays. The first bytes decide which of the two it is.

    Raises CaptureError or ArtifactError; the message is one line that begins with the path.
    """
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError:
        head = b""
    if artifact.is_artifact(head) or path.suffix.lower() == artifact.SUFFIX:
        capture = artifact.read(path)
        check_playable(path, capture)
        return OpenedCapture(path, "artifact", capture)
    return OpenedCapture(path, "capture", read_nam(path))


def read_nam(path: Path) -> Capture:
    """Read a .nam and test that it plays.

    Raises CaptureError, or the engine's ArtifactError if something is too large; the message begins with the path.
    """
    capture = nam_file.read(path)
    check_playable(path, capture)
    return capture
