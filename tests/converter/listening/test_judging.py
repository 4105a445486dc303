from __future__ import annotations

import math

import numpy as np
import pytest
from nampedal.converter.listening import metrics, test_signals
from nampedal.converter.listening.judging import judge

RATE = 48_000.0
AUDIO = test_signals.validation_signal(RATE)
KINDS = test_signals.validation_sections(RATE)


def with_error(kind: str, part: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """The material, with an error in one kind that is such a part of its amplitude."""
    changed = AUDIO.copy()
    changed[KINDS[kind]] *= 1.0 + part
    return changed


@pytest.mark.parametrize("kind", KINDS)
def test_the_kind_that_differs_most_is_named_and_its_figures_count(kind: str) -> None:
    judged = judge(AUDIO, with_error(kind, 1e-2), RATE)
    assert judged.worst_kind == kind
    assert judged.comparison.esr == pytest.approx(1e-4, rel=1e-3)
    assert judged.comparison.pre_emphasised_esr == pytest.approx(1e-4, rel=0.1)
    assert judged.comparison.a_weighted_esr == pytest.approx(1e-4, rel=0.1)


def test_an_error_in_quiet_playing_is_not_lost_beside_the_loud() -> None:
    changed = with_error("quiet", 1e-2)
    assert metrics.esr(AUDIO, changed) < 1e-7
    assert judge(AUDIO, changed, RATE).comparison.esr > 9e-5


def test_equal_networks_differ_in_nothing_and_silence_has_no_noise() -> None:
    found = judge(AUDIO + np.float32(0.01), AUDIO + np.float32(0.01), RATE).comparison
    assert (found.esr, found.mr_stft_distance, found.max_error) == (0.0, 0.0, 0.0)
    assert (found.reference_noise_floor_dbfs, found.test_noise_floor_dbfs) == (-math.inf, -math.inf)


def test_noise_in_the_silence_is_the_floor_and_a_fading_chord_is_not() -> None:
    hiss = AUDIO + 1e-4 * np.sin(2 * np.pi * 1000.0 * np.arange(len(AUDIO)) / RATE)
    found = judge(AUDIO, hiss, RATE).comparison
    assert found.reference_noise_floor_dbfs == -math.inf
    assert found.test_noise_floor_dbfs == pytest.approx(-83.01, abs=0.05)


def test_a_kind_that_is_no_number_is_the_worst() -> None:
    broken = AUDIO.copy()
    broken[KINDS["lead"].start] = math.nan
    judged = judge(AUDIO, broken, RATE)
    assert judged.worst_kind == "lead"
    assert math.isnan(judged.comparison.esr)
