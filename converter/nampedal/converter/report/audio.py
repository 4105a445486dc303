"""Sound for a page: short clips as data URIs."""

from __future__ import annotations

import base64
import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import soundfile
import soxr
from nampedal.converter.report.facts import Report
from nampedal.firmware.audio_file import QUALITY
from numpy.typing import NDArray

Signal = NDArray[np.floating[Any]]

MATERIAL_PEAK_DBFS = -1.0
# A difference is enlarged in such steps, as far as it stays below the sound that it is of, and no further than this:
# what is further down is float32's own.
ENLARGED_STEP_DB = 10
MOST_ENLARGED_DB = 100

# What MPEG layer III has, at most as much as anyone hears.
_MP3_RATES_HZ = (48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000)


@dataclass(frozen=True, slots=True)
class Clip:
    """Something to listen to. uri: data."""

    title: str
    uri: str


@dataclass(frozen=True, slots=True)
class Clips:
    """original, tiers: as loud beside each other as they are.

    differences: of each tier, as it is, and enlarged where there is room; none where there is no difference.
    """

    original: Clip
    tiers: tuple[Clip, ...]
    differences: tuple[tuple[Clip, ...], ...]
    gain_db: float
    format: str


def clips(report: Report) -> Clips:
    """The original, every tier, and what is left of the two subtracted, as it is and enlarged."""
    original = report.original.audio
    sounds = [tier.sound.audio for tier in report.tiers]
    peak = max(float(np.max(np.abs(np.nan_to_num(sound)))) for sound in [original, *sounds])
    gain = 10 ** (MATERIAL_PEAK_DBFS / 20) / peak if peak > 0.0 else 1.0
    rate = report.sample_rate
    differences: list[tuple[Clip, ...]] = []
    for tier in report.tiers:
        difference = np.nan_to_num(tier.sound.audio.astype(np.float64) - original)
        if not difference.any():
            differences.append(())
            continue
        title = f"difference of {tier.label}"
        found = [Clip(title, _data_uri(difference * gain, rate))]
        larger_db = enlarged_db(original, difference)
        if larger_db:
            larger = difference * (gain * 10 ** (larger_db / 20))
            found.append(Clip(f"{title}, {larger_db} dB louder", _data_uri(larger, rate)))
        differences.append(tuple(found))
    return Clips(
        Clip("original", _data_uri(original * gain, rate)),
        tuple(Clip(tier.label, _data_uri(tier.sound.audio * gain, rate)) for tier in report.tiers),
        tuple(differences),
        20 * math.log10(gain),
        _format(),
    )


def enlarged_db(original: Signal, difference: Signal) -> int:
    """By how much a difference can be turned up with neither its RMS nor its peak above the original's."""

    def room_db(of: float, to: float) -> float:
        return 20 * math.log10(to / of) if of > 0.0 and to > 0.0 else 0.0

    rms = room_db(float(np.sqrt(np.mean(difference**2))), float(np.sqrt(np.mean(original.astype(np.float64) ** 2))))
    peak = room_db(float(np.max(np.abs(difference))), float(np.max(np.abs(original))))
    steps = math.floor(min(rms, peak, MOST_ENLARGED_DB) / ENLARGED_STEP_DB)
    return max(0, steps) * ENLARGED_STEP_DB


def _format() -> str:
    """MP3 plays in every browser; libsndfile before 1.1 does not write it, and FLAC plays in nearly every one."""
    return "MP3" if "MP3" in soundfile.available_formats() else "FLAC"


def _data_uri(audio: Signal, rate: float) -> str:
    to_hz = next((hz for hz in _MP3_RATES_HZ if hz <= rate), _MP3_RATES_HZ[-1])
    resampled = soxr.resample(np.nan_to_num(audio.astype(np.float64)), rate, to_hz, QUALITY)
    form = _format()
    written = io.BytesIO()
    soundfile.write(written, np.clip(resampled, -1.0, 1.0), to_hz, format=form)
    kind = {"MP3": "audio/mpeg", "FLAC": "audio/flac"}[form]
    return f"data:{kind};base64,{base64.b64encode(written.getvalue()).decode()}"
