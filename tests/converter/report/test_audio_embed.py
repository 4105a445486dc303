from __future__ import annotations

import base64
import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import soundfile
from nampedal.converter.report import audio_embed
from nampedal.converter.report.audio_embed import Clip, clips
from nampedal.converter.report.report_model import Report, Sound
from numpy.typing import NDArray
from support.makers.report_maker import small


def louder(sound: Sound, factor: float) -> Sound:
    return replace(sound, heard=sound.heard * np.float32(factor))


def scaled(*factors: float) -> Report:
    """A tier for each factor, which plays the original that much louder."""
    report = small()
    tiers = [
        replace(report.tiers[0], index=i, label=f"tier {i}", sound=louder(report.original, f))
        for i, f in enumerate(factors)
    ]
    return replace(report, tiers=tuple(tiers))


def decoded(clip: Clip) -> tuple[NDArray[np.float64], int]:
    head, data = clip.uri.split(",")
    assert head == "data:audio/mpeg;base64"
    heard, rate = soundfile.read(io.BytesIO(base64.b64decode(data)))
    return np.asarray(heard, np.float64), rate


def rms(signal: NDArray[np.floating[Any]]) -> float:
    return float(np.sqrt(np.mean(signal**2)))


def test_clips_stand_beside_each_other_as_loud_as_they_are() -> None:
    report = scaled(0.5)
    found = clips(report)
    original, rate = decoded(found.original)
    tier, _ = decoded(found.tiers[0])
    assert (len(original), rate) == (len(report.original.heard), 48_000)
    assert rms(tier) / rms(original) == pytest.approx(0.5, rel=0.01)
    assert np.max(np.abs(original)) < 1.0
    assert rms(original) == pytest.approx(rms(report.original.heard) * 10 ** (found.gain_db / 20), rel=0.01)


def test_a_difference_is_as_much_louder_as_is_said() -> None:
    (found,) = clips(scaled(1.0 + 1e-3)).differences
    assert found is not None
    # 60 dB below, give or take the rounding of float32.
    assert (found.title, found.enlarged_db) == ("difference of tier 0, 50 dB louder", 50)
    assert rms(decoded(found)[0]) == pytest.approx(
        10**2.5 * 1e-3 * rms(decoded(clips(scaled(1.0)).original)[0]), rel=0.05
    )


def test_what_differs_in_nothing_has_no_difference_to_hear() -> None:
    same, other = clips(scaled(1.0, 0.5)).differences
    assert same is None
    assert other is not None
    assert (other.title, other.enlarged_db) == ("difference of tier 1", 0)


@pytest.mark.parametrize(("factor", "match_db"), [(0.5, 6.02), (1.0, 0.0), (2.0, -6.02), (0.0, 0.0)])
def test_a_tier_says_what_makes_it_as_loud_as_the_original(factor: float, match_db: float) -> None:
    assert clips(scaled(factor)).tiers[0].match_db == pytest.approx(match_db, abs=0.01)


def test_a_difference_as_loud_as_the_sound_is_not_enlarged() -> None:
    rng = np.random.default_rng(1)
    sound = rng.standard_normal(1000)
    assert audio_embed.enlarged_db(sound, -sound) == 0
    assert audio_embed.enlarged_db(sound, 2 * sound) == 0
    assert audio_embed.enlarged_db(sound, 1e-9 * sound) == 100
    assert audio_embed.enlarged_db(np.zeros(1000), sound) == 0


@pytest.mark.parametrize(("rate", "played"), [(96_000.0, 48_000), (44_100.0, 44_100), (30_000.0, 24_000)])
def test_sound_has_a_sample_rate_that_mp3_has(rate: float, played: int) -> None:
    found, is_rate = decoded(clips(replace(scaled(1.0), sample_rate=rate)).original)
    assert is_rate == played
    assert len(found) == pytest.approx(len(small().original.heard) * played / rate, abs=1)


def test_where_no_mp3_is_written_there_is_flac(monkeypatch: pytest.MonkeyPatch) -> None:
    formats = soundfile.available_formats()
    monkeypatch.setattr(soundfile, "available_formats", lambda: {key: formats[key] for key in formats if key != "MP3"})
    found = clips(scaled(1.0))
    assert found.format == "FLAC"
    assert found.original.uri.startswith("data:audio/flac;base64,")
