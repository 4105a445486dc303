"""Provides the audio that weights are rounded with: the user's own recordings, or built-in signals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from nampedal.converter.listening import test_signals
from nampedal.converter.listening.metrics import peak_dbfs
from nampedal.converter.listening.synthetic_guitar import phrases
from nampedal.firmware.audio.audio_file import read_recording
from nampedal.firmware.base.errors import AudioError
from nampedal.firmware.engine.capture import Calibration
from nampedal.firmware.engine.inference import Audio

# More audio gives no measurable gain, and takes more time and memory.
FRAMES = 384_000
BUILT_IN_S = 8.0
BUILT_IN = "built-in playing, sweeps and noise, 8 s"
# Share of the built-in audio that is playing. The rest covers what the playing lacks, because the later input is
# unknown.
PLAYING_SHARE = 0.7
# Range of a phrase's peak in dB of full scale (samples above full scale are clipped), and range of its length.
PEAKS_DB = (-40.0, 6.0)
PHRASE_S = (0.4, 1.2)
SEED = 1976
EXCERPT_S = 0.5
SILENT_DBFS = -80.0
BEYOND = "nothing clips: weights alone are rounded, and louder input meets the same weights"


def built_in(sample_rate: float) -> tuple[Audio, Calibration]:
    """Return built-in audio (frames,) and its description."""
    frames = min(round(BUILT_IN_S * sample_rate), FRAMES)
    played = phrases(sample_rate, round(PLAYING_SHARE * frames), SEED, PEAKS_DB, PHRASE_S)
    odd = test_signals.excitation(sample_rate, (frames - len(played)) / sample_rate)
    audio = np.concatenate([played, odd])
    return audio, Calibration(BUILT_IN, peak_dbfs(audio), BEYOND)


def from_files(paths: Sequence[Path], sample_rate: float) -> tuple[Audio, Calibration]:
    """Return audio from recordings, the loudest channel of each: all of it, or evenly spaced excerpts if it is long.

    Raises FileAccessError, AudioError.
    """
    audio = np.concatenate([_loud(path, sample_rate) for path in paths])
    if len(audio) > FRAMES:
        length = round(EXCERPT_S * sample_rate)
        starts = np.linspace(0, len(audio) - length, max(1, FRAMES // length)).astype(int)
        audio = np.concatenate([audio[start : start + length] for start in starts])
    return audio, Calibration(", ".join(path.name for path in paths), peak_dbfs(audio), BEYOND)


def _loud(path: Path, sample_rate: float) -> Audio:
    audio = read_recording(path).at_rate(sample_rate).loudest_channel()
    if peak_dbfs(audio) < SILENT_DBFS:
        raise AudioError(f"{path}: peaks at {peak_dbfs(audio):.0f} dBFS; calibrate with audible playing")
    return audio
