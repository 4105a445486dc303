"""What recordings have too little of to learn from."""

from __future__ import annotations

import numpy as np
import pytest
from nampedal.converter.listening.synthetic_guitar import synthetic_playing
from nampedal.converter.slim.coverage import describe_gaps
from numpy.typing import NDArray

RATE = 48_000.0
EVERYWHERE = (82.4, 110.0, 220.0, 440.0)


def plucked(
    seconds: float = 40.0, notes_hz: tuple[float, ...] = EVERYWHERE, peaks_db: tuple[float, ...] = (-30.0, -6.0)
) -> NDArray[np.float32]:
    """Notes of half a second that do not fade, one behind the other, each with its octave, at peaks in turn."""
    count = round(seconds / 0.5)
    at = np.arange(round(0.5 * RATE)) / RATE
    parts = []
    for number in range(count):
        hz = notes_hz[number % len(notes_hz)]
        level = 10 ** (peaks_db[(number // len(notes_hz)) % len(peaks_db)] / 20)
        parts.append(level * (np.sin(2 * np.pi * hz * at) + 0.5 * np.sin(4 * np.pi * hz * at)) / 1.3)
    return np.asarray(np.concatenate(parts), np.float32)


@pytest.mark.parametrize(
    ("audio", "lacks"),
    [
        (plucked(), []),
        (synthetic_playing(RATE, 60.0), []),
        (plucked(12.0), ["it is 12 s long"]),
        (plucked(notes_hz=(220.0, 440.0)), ["little low playing (below 165 Hz)"]),
        (plucked(notes_hz=(82.4, 110.0)), ["little high playing (above 250 Hz)"]),
        (plucked(peaks_db=(-6.0,)), ["one level: soft and hard within 0 dB"]),
        (plucked(peaks_db=(-50.0, -26.0)), ["no hard playing: it peaks at -26 dBFS"]),
        (plucked(2.0, (440.0,), (-6.0,)), None),
    ],
)
def test_what_is_lacking_is_named(audio: NDArray[np.float32], lacks: list[str] | None) -> None:
    found = list(describe_gaps(audio, RATE))
    if lacks is None:
        assert len(found) == 3
        return
    assert [one.split(": ")[0] if "little" in one else one for one in found] == lacks


def test_pauses_and_hum_are_no_playing() -> None:
    """Neither a long silence nor 50 Hz far below the notes counts as low or soft."""
    audio = plucked(notes_hz=(220.0, 440.0), peaks_db=(-6.0,))
    hum = 10 ** (-50 / 20) * np.sin(2 * np.pi * 50.0 * np.arange(2 * len(audio)) / RATE)
    quiet = np.concatenate([audio, np.zeros_like(audio)]) + hum.astype(np.float32)
    assert [one.split(" (")[0].split(":")[0] for one in describe_gaps(quiet, RATE)] == [
        "little low playing",
        "one level",
    ]


def test_audio_of_a_few_frames_is_no_error() -> None:
    assert next(describe_gaps(np.full(10, 0.5, np.float32), RATE)) == "it is 0 s long"
