"""What of a guitar is kept, and when it is enough."""

from __future__ import annotations

import numpy as np
import pytest
from nampedal.firmware.audio.guitar_take import MAX_S, GuitarTake
from nampedal.firmware.engine.inference import Audio

RATE = 48_000.0


def sound(dbfs: float, seconds: float) -> Audio:
    """A square wave, whose RMS is its peak."""
    frames = np.arange(round(seconds * RATE))
    return np.asarray(10 ** (dbfs / 20) * np.sign(np.sin(0.05 * (frames + 0.5))), np.float32)


def test_pauses_do_not_count_and_long_ones_are_not_kept() -> None:
    take = GuitarTake(RATE, 2.0)
    for part in (sound(-90, 5.0), sound(-20, 1.0), sound(-90, 20.0)):
        take.add(part)
    assert take.played_s == pytest.approx(1.0)
    assert not take.over
    take.add(sound(-49, 1.0))
    assert (take.enough, take.over) == (True, True)
    # The first note, about a second of its decay, and the second one.
    assert len(take.audio()) / RATE == pytest.approx(3.0, abs=0.2)


def test_it_is_the_same_however_the_sound_comes() -> None:
    audio = np.concatenate([sound(-20, 0.73), sound(-80, 1.9), sound(-30, 1.0)])
    whole, pieces = GuitarTake(RATE, 1.5), GuitarTake(RATE, 1.5)
    whole.add(audio)
    for at in range(0, len(audio), 777):
        pieces.add(audio[at : at + 777])
    assert np.array_equal(whole.audio(), pieces.audio())
    assert whole.played_s == pieces.played_s


def test_nothing_is_heard_any_more_once_it_is_over() -> None:
    take = GuitarTake(RATE, 1.0)
    take.add(sound(-20, 3.0))
    length = len(take.audio())
    take.add(sound(-20, 3.0))
    assert len(take.audio()) == length


def test_who_never_plays_is_not_waited_for_for_ever() -> None:
    take = GuitarTake(RATE, 1.0)
    for _ in range(round(MAX_S)):
        assert not take.over
        take.add(sound(-60, 1.0))
    assert (take.over, take.enough) == (True, False)
    assert take.level_dbfs == pytest.approx(-60.0, abs=0.1)
    assert len(take.audio()) == 0
