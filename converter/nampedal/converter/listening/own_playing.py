"""Reads the user's own playing, to be listened to through a capture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from nampedal.converter.listening.calibration_audio import SILENT_DBFS
from nampedal.converter.listening.metrics import peak_dbfs
from nampedal.firmware.audio.audio_file import Recording, read_recording
from nampedal.firmware.audio.loudness import faded_in_and_out
from nampedal.firmware.base.errors import ArgumentError, AudioError
from nampedal.firmware.engine.inference import Audio

# Of all recordings together. More would make a page too large to mail.
MAX_S = 20.0
# A part that begins or ends within a note would click.
_FADE_S = 0.005


@dataclass(frozen=True, slots=True, eq=False)
class OwnPlaying:
    """Parts of recordings, one after the other.

    audio: (frames,).
    described: names of the recordings, and which parts.
    """

    audio: Audio
    described: str


def from_files(paths: Sequence[Path], sample_rate: float, begin_s: float = 0.0) -> OwnPlaying:
    """Return the part of each recording that begins at begin_s; of all together, at most MAX_S.

    Each part has the same maximum length. Of several channels, the one that is loudest in the part is used.

    sample_rate: of the result, Hz.
    Raises FileAccessError, ArgumentError for a recording that ends before begin_s, AudioError for a silent part.
    """
    most_s = MAX_S / len(paths)
    parts, described = [], []
    for path in paths:
        whole = read_recording(path)
        rate = whole.sample_rate
        length_s = len(whole.audio) / rate
        begin = round(begin_s * rate)
        part = whole.audio[begin : begin + round(most_s * rate)]
        if not len(part):
            raise ArgumentError(f"{path}: lasts {length_s:.1f} s; begin before its end, not at {begin_s:g} s")
        span = f"{_minutes(begin_s)} to {_minutes(begin_s + len(part) / rate)}"
        audio = Recording(path, part, rate).at_rate(sample_rate).loudest_channel()
        if peak_dbfs(audio) < SILENT_DBFS:
            level = f"peaks at {peak_dbfs(audio):.0f} dBFS from {span}"
            raise AudioError(f"{path}: {level}; choose a part with audible playing, with --listen-from")
        parts.append(np.asarray(faded_in_and_out(audio.astype(np.float64), round(_FADE_S * sample_rate)), np.float32))
        described.append(f"{path.name}, {span}")
    return OwnPlaying(np.concatenate(parts), "; ".join(described))


def _minutes(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"
