"""Finds what training recordings lack: length, low or high notes, soft or hard playing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from nampedal.firmware.engine.inference import Audio

MIN_LENGTH_S = 30.0
# The lowest strong partial of a moment is taken as its note. Below LOW_HZ (about E3) is the low register, above HIGH_HZ
# (about B3) the high one.
LOW_HZ, HIGH_HZ = 165.0, 250.0
# Minimum share of the audible moments in each register, and minimum difference between soft and hard moments.
MIN_SHARE = 0.02
MIN_RANGE_DB = 8.0
# Minimum peak level: softer playing does not drive the amplifier, so the network can't learn its distortion.
QUIET_DBFS = -20.0

_MOMENT_S = 0.17
# A moment is audible above the first level, relative to the loudest moment. A partial is strong above the second level,
# relative to the strongest partial of its moment.
_SOUNDS_DB, _STRONG_DB = -40.0, -15.0
_LOWEST_HZ = 35.0


def describe_gaps(audio: Audio, sample_rate: float) -> Iterator[str]:
    """Yield one short text for each thing that the audio has too little of.

    Nothing is yielded if the audio is long and varied enough. audio: (frames,).
    """
    seconds = len(audio) / sample_rate
    if seconds < MIN_LENGTH_S:
        yield f"it is {seconds:.0f} s long"
    levels_db, notes_hz = _moments(audio, sample_rate)
    for share, words in (
        (np.mean(notes_hz < LOW_HZ), f"little low playing (below {LOW_HZ:.0f} Hz)"),
        (np.mean(notes_hz > HIGH_HZ), f"little high playing (above {HIGH_HZ:.0f} Hz)"),
    ):
        if share < MIN_SHARE:
            yield f"{words}: {100 * share:.0f} % of it"
    range_db = float(np.subtract(*np.percentile(levels_db, (95, 10))))
    if range_db < MIN_RANGE_DB:
        yield f"one level: soft and hard within {range_db:.0f} dB"
    peak_db = 20 * np.log10(max(float(np.max(np.abs(audio))), 1e-9))
    if peak_db < QUIET_DBFS:
        yield f"no hard playing: it peaks at {peak_db:.0f} dBFS"


def _moments(audio: Audio, sample_rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Return, for each audible moment, its RMS level in dB and the frequency of its lowest strong partial in Hz."""
    length = min(len(audio), round(_MOMENT_S * sample_rate))
    blocks = audio[: len(audio) // length * length].reshape(-1, length).astype(np.float64)
    levels_db = 10 * np.log10(np.mean(blocks**2, axis=1) + 1e-12)
    sounding = levels_db > np.max(levels_db) + _SOUNDS_DB
    hz = np.fft.rfftfreq(length, 1.0 / sample_rate)
    notes = []
    for block in blocks[sounding]:
        power = np.abs(np.fft.rfft(block * np.hanning(length))) ** 2 * (hz >= _LOWEST_HZ)
        notes.append(hz[np.argmax(power >= 10 ** (_STRONG_DB / 10) * np.max(power))])
    return levels_db[sounding], np.array(notes)
