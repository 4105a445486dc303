"""Compares models and recordings, for users of the Python API."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from nampedal.converter.api.audio_arrays import rows_of
from nampedal.converter.api.models import Model, StrPath, load
from nampedal.converter.rendering.backends import SUFFIXES
from nampedal.converter.rendering.comparison import ComparisonResult, Side, compare_sides
from nampedal.firmware.audio.audio_file import Recording, read_recording
from nampedal.firmware.engine.inference import Audio


def compare(
    reference: Model | StrPath | Audio,
    test: Model | StrPath | Audio,
    *,
    on: StrPath | Audio | None = None,
    sample_rate: float = 48000,
    align: bool = False,
    tier: int | str | None = None,
    reference_tier: int | str | None = None,
    exact: bool = False,
) -> ComparisonResult:
    """Measure how one model or recording differs from another, as `nampedal compare` does.

    reference, test: models, paths of models or audio files, or audio: (frames,) or (frames, channels), float.
    on: what models play: audio, or the path of an audio file; None: built-in playing of eight kinds.
    sample_rate: of arrays, in Hz.
    align: correct delay, gain and polarity first.
    tier, reference_tier: number or name of the tier that `test` and `reference` play; None: their `default_tier`.
    exact: of models, see `Model.render`.
    Raises ArgumentError for what is no audio; AudioError if the two do not fit together; the errors of `load`.
    """
    wanted = _side(reference, "reference", sample_rate, reference_tier, exact)
    got = _side(test, "test", sample_rate, tier, exact)
    return compare_sides(wanted, got, _playing(on, sample_rate), align=align)


def _side(given: Model | StrPath | Audio, name: str, sample_rate: float, tier: int | str | None, exact: bool) -> Side:
    if isinstance(given, np.ndarray):
        return Side(name, sample_rate, rows_of(given, sample_rate, name), None)
    if not isinstance(given, Model):
        path = Path(given)
        if path.suffix.lower() not in SUFFIXES:
            recording = read_recording(path)
            return Side(str(path), recording.sample_rate, recording.audio, None)
        given = load(path)
    return Side.model(name if given.path is None else str(given.path), given.player(tier, exact))


def _playing(on: StrPath | Audio | None, sample_rate: float) -> Recording | None:
    if on is None:
        return None
    if isinstance(on, np.ndarray):
        return Recording(Path("on"), rows_of(on, sample_rate, "on"), round(sample_rate))
    return read_recording(Path(on))
