from __future__ import annotations

import numpy as np
import pytest
from nampedal.converter.listening import test_signals
from nampedal.converter.listening.metrics import peak_dbfs

RATES = (8_000.0, 44_100.0, 48_000.0, 96_000.0)


def level_db(audio: np.ndarray[tuple[int], np.dtype[np.float32]]) -> float:
    return float(10 * np.log10(np.mean(audio.astype(np.float64) ** 2) + 1e-30))


@pytest.mark.parametrize("rate", RATES)
def test_the_decay_fades_by_ninety_decibels_evenly(rate: float) -> None:
    decay = test_signals.validation_signal(rate)[test_signals.validation_sections(rate)[test_signals.DECAY]]
    assert len(decay) == round(test_signals.DECAY_S * rate)
    pieces = [level_db(piece) for piece in np.array_split(decay, 9)]
    steps = np.diff(pieces)
    assert np.all(np.abs(steps + 10.0) < 3.0)
    assert peak_dbfs(decay) == pytest.approx(-3.0, abs=3.0)


@pytest.mark.parametrize("rate", RATES)
def test_what_is_judged_on_has_every_kind_of_playing_at_its_level_and_then_silence(rate: float) -> None:
    audio, kinds, silence = (
        test_signals.validation_signal(rate),
        test_signals.validation_sections(rate),
        test_signals.silence_section(rate),
    )
    peaks = {name: peak_dbfs(audio[part]) for name, part in kinds.items()}
    assert peaks["low strings"] == pytest.approx(-1.0, abs=0.01)
    assert peaks["hot"] == 0.0
    assert np.mean(np.abs(audio[kinds["hot"]]) == 1.0) > 0.005
    assert peaks["quiet"] == pytest.approx(-42.0, abs=0.01)
    ends = [part.stop for part in kinds.values()]
    assert [part.start for part in kinds.values()] == [0, *ends[:-1]]
    assert not audio[ends[-1] :].any()
    assert silence.start - ends[-1] == pytest.approx(rate / 2, abs=1)
    assert silence.stop == len(audio)


def test_a_bass_is_lower_than_the_others() -> None:
    audio, kinds = test_signals.validation_signal(48_000.0), test_signals.validation_sections(48_000.0)

    def low_share(name: str) -> float:
        power = np.abs(np.fft.rfft(audio[kinds[name]])) ** 2
        hz = np.fft.rfftfreq(len(audio[kinds[name]]), 1 / 48_000)
        return float(np.sum(power[hz < 75.0]) / np.sum(power))

    assert low_share("bass") > 0.3
    assert low_share("bass") > 5 * max(low_share(name) for name in ("chords", "lead"))


@pytest.mark.parametrize("rate", RATES)
def test_the_golden_input_is_loud_at_once_then_quiet(rate: float) -> None:
    audio = test_signals.golden_input(rate)
    assert len(audio) == round(test_signals.GOLDEN_S * rate)
    assert np.max(np.abs(audio)) == pytest.approx(1.0)
    assert level_db(audio[: len(audio) // 8]) > -20.0
    assert level_db(audio[-len(audio) // 5 :]) < -35.0


@pytest.mark.long
def test_what_is_judged_on_is_not_what_is_rounded_with() -> None:
    heard, judged = test_signals.excitation(48_000.0), test_signals.validation_signal(48_000.0)
    window = 2048
    for at in range(0, test_signals.silence_section(48_000.0).start - window, 9_600):
        piece = judged[at : at + window].astype(np.float64)
        size = len(heard) + window
        found = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(piece, size)), size)
        energy = np.convolve(heard.astype(np.float64) ** 2, np.ones(window), "valid")
        likeness = np.abs(found[: len(energy)]) / np.sqrt(energy * np.sum(piece**2) + 1e-12)
        assert np.max(likeness) < 0.98


@pytest.mark.parametrize("rate", RATES)
def test_material_is_finite_and_within_full_scale(rate: float) -> None:
    for audio in (test_signals.excitation(rate), test_signals.validation_signal(rate), test_signals.golden_input(rate)):
        assert np.isfinite(audio).all()
        assert np.max(np.abs(audio)) <= 1.0
