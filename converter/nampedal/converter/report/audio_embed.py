"""Makes short audio clips for a page, as data URIs."""

from __future__ import annotations

import base64
import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import soundfile
import soxr
from nampedal.converter.report.report_model import Report
from nampedal.firmware.audio.audio_file import QUALITY
from numpy.typing import NDArray

Signal = NDArray[np.floating[Any]]

# An MP3 peaks up to 1.2 dB higher than its source.
MATERIAL_PEAK_DBFS = -2.0
# A difference is amplified in steps of this size while it stays below the original. Beyond the maximum there are only
# float32 rounding errors.
ENLARGED_STEP_DB = 10
MAX_ENLARGED_DB = 100

# The sample rates of MPEG layer III.
_MP3_RATES_HZ = (48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000)


@dataclass(frozen=True, slots=True)
class Clip:
    """One audio clip.

    uri: a data URI.
    enlarged_db: by how much a difference was amplified, compared with the other clips.
    match_db: gain that gives a tier the RMS of the original.
    """

    title: str
    uri: str
    enlarged_db: int = 0
    match_db: float = 0.0


@dataclass(frozen=True, slots=True)
class Clips:
    """All clips of a report. Original and tiers keep their relative loudness.

    differences: of each tier, amplified if there is room; None if there is no difference.
    gain_db: applied to all clips.
    format: 'MP3' or 'FLAC'.
    """

    original: Clip
    tiers: tuple[Clip, ...]
    differences: tuple[Clip | None, ...]
    gain_db: float
    format: str


def clips(report: Report) -> Clips:
    """Return clips of the original, of every tier, and of their differences."""
    original, rate = report.original.heard, report.sample_rate
    sounds = [tier.sound.heard for tier in report.tiers]
    peak = max(float(np.max(np.abs(np.nan_to_num(sound)))) for sound in [original, *sounds])
    gain = 10 ** (MATERIAL_PEAK_DBFS / 20) / peak if peak > 0.0 else 1.0
    tiers: list[Clip] = []
    differences: list[Clip | None] = []
    for tier, sound in zip(report.tiers, sounds, strict=True):
        tiers.append(Clip(tier.label, _data_uri(sound * gain, rate), match_db=_room_db(_rms(sound), _rms(original))))
        difference = np.nan_to_num(sound.astype(np.float64) - original)
        if not difference.any():
            differences.append(None)
            continue
        larger_db = enlarged_db(original, difference)
        title = f"difference of {tier.label}{f', {larger_db} dB louder' if larger_db else ''}"
        differences.append(Clip(title, _data_uri(difference * (gain * 10 ** (larger_db / 20)), rate), larger_db))
    return Clips(
        Clip("original", _data_uri(original * gain, rate)),
        tuple(tiers),
        tuple(differences),
        20 * math.log10(gain),
        _format(),
    )


def enlarged_db(original: Signal, difference: Signal) -> int:
    """Return by how many dB a difference can be amplified with its RMS and peak not above the original's."""
    rms_db = _room_db(_rms(difference), _rms(original))
    peak_db = _room_db(float(np.max(np.abs(difference))), float(np.max(np.abs(original))))
    steps = math.floor(min(rms_db, peak_db, MAX_ENLARGED_DB) / ENLARGED_STEP_DB)
    return max(0, steps) * ENLARGED_STEP_DB


def _room_db(of: float, to: float) -> float:
    return 20 * math.log10(to / of) if of > 0.0 and to > 0.0 else 0.0


def _rms(signal: Signal) -> float:
    return float(np.sqrt(np.mean(np.nan_to_num(signal.astype(np.float64)) ** 2)))


def _format() -> str:
    """Return the format for the clips. Every browser plays MP3, and nearly every one FLAC.

    libsndfile before 1.1 can't write MP3.
    """
    return "MP3" if "MP3" in soundfile.available_formats() else "FLAC"


def _data_uri(audio: Signal, rate: float) -> str:
    to_hz = next((hz for hz in _MP3_RATES_HZ if hz <= rate), _MP3_RATES_HZ[-1])
    resampled = soxr.resample(np.nan_to_num(audio.astype(np.float64)), rate, to_hz, QUALITY)
    form = _format()
    written = io.BytesIO()
    soundfile.write(written, np.clip(resampled, -1.0, 1.0), to_hz, format=form)
    kind = {"MP3": "audio/mpeg", "FLAC": "audio/flac"}[form]
    return f"data:{kind};base64,{base64.b64encode(written.getvalue()).decode()}"
