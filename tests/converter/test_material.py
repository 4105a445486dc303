from __future__ import annotations

import numpy as np
import pytest
from nampedal.converter import material
from nampedal.converter.metrics import peak_dbfs

RATES = (8_000.0, 44_100.0, 48_000.0, 96_000.0)


def level_db(audio: np.ndarray[tuple[int], np.dtype[np.float32]]) -> float:
    return float(10 * np.log10(np.mean(audio.astype(np.float64) ** 2) + 1e-30))


@pytest.mark.parametrize("rate", RATES)
def test_the_decay_fades_by_ninety_decibels_evenly(rate: float) -> None:
    decay = material.held_back(rate)[-round(material.DECAY_S * rate) :]
    pieces = [level_db(piece) for piece in np.array_split(decay, 9)]
    steps = np.diff(pieces)
    assert np.all(np.abs(steps + 10.0) < 3.0)
    assert peak_dbfs(decay) == pytest.approx(-3.0, abs=3.0)


@pytest.mark.parametrize("rate", RATES)
def test_the_golden_input_is_loud_at_once_then_quiet(rate: float) -> None:
    audio = material.golden(rate)
    assert len(audio) == round(material.GOLDEN_S * rate)
    assert np.max(np.abs(audio)) == pytest.approx(1.0)
    assert level_db(audio[: len(audio) // 8]) > -20.0
    assert level_db(audio[-len(audio) // 5 :]) < -35.0


def test_what_is_judged_on_is_not_what_is_rounded_with() -> None:
    heard, judged = material.excitation(48_000.0), material.held_back(48_000.0)
    window = 2048
    for at in range(0, len(judged) - window, 9_600):
        piece = judged[at : at + window].astype(np.float64)
        size = len(heard) + window
        found = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(piece, size)), size)
        energy = np.convolve(heard.astype(np.float64) ** 2, np.ones(window), "valid")
        likeness = np.abs(found[: len(energy)]) / np.sqrt(energy * np.sum(piece**2) + 1e-12)
        assert np.max(likeness) < 0.98


@pytest.mark.parametrize("rate", RATES)
def test_material_is_finite_and_within_full_scale(rate: float) -> None:
    for audio in (material.excitation(rate), material.held_back(rate), material.golden(rate)):
        assert np.isfinite(audio).all()
        assert np.max(np.abs(audio)) <= 1.0
