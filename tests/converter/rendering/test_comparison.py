from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import Audio
from nampedal.converter.listening import test_signals
from nampedal.converter.listening.metrics import ratio_db
from nampedal.converter.rendering.comparison import CompareOptions, compare
from nampedal.firmware.base.errors import AudioError
from support.makers import nam_maker


def write(path: Path, audio: Audio, rate: int = 48_000) -> Path:
    soundfile.write(path, audio, rate, "FLOAT")
    return path


def gain(folder: Path, name: str, factor: float, channels: int = 1) -> Path:
    nam = nam_maker.linear(taps=1)
    nam["weights"] = [factor]
    nam["config"] |= {"in_channels": channels, "out_channels": channels}
    return nam_maker.write(folder / f"{name}.nam", nam)


def test_channels_are_compared_apart_and_the_longer_is_cut(guitar: Audio, tmp_path: Path) -> None:
    left, right = guitar[:48_000], guitar[48_000:]
    reference = write(tmp_path / "a.wav", np.stack([left, right], axis=1))
    test = write(tmp_path / "b.wav", np.stack([left, 0.5 * right], axis=1)[:40_000])
    judged = compare(reference, test, CompareOptions())
    assert judged.seconds == pytest.approx(40_000 / 48_000)
    assert [channel.esr for channel in judged.channels] == pytest.approx([0.0, 0.25])
    assert judged.probed == ()


def test_models_of_another_gain_differ_by_that_alone(tmp_path: Path) -> None:
    judged = compare(gain(tmp_path, "a", 1.0), gain(tmp_path, "b", 0.5), CompareOptions())
    (found,) = judged.channels
    assert judged.material == test_signals.VALIDATION_LABEL
    assert found.esr == pytest.approx(0.25)
    # The absolute gate lets a little less of the quieter one pass.
    assert found.loudness_difference_lu == pytest.approx(ratio_db(0.5, 1.0), abs=0.3)
    levels = [row.difference_db for row in judged.probed if row.figure == "fundamental"]
    assert levels == pytest.approx([ratio_db(0.5, 1.0)] * 5, abs=1e-3)
    assert all(abs(row.difference_db) < 1e-3 for row in judged.probed if row.figure == "THD")


def test_gain_is_undone_when_asked(guitar: Audio, tmp_path: Path) -> None:
    di = write(tmp_path / "di.wav", guitar)
    judged = compare(gain(tmp_path, "a", 1.0), gain(tmp_path, "b", -2.0), CompareOptions(on=di, align=True))
    assert judged.channels[0].esr < 1e-9
    assert judged.alignments[0].inverted
    assert judged.alignments[0].gain_db == pytest.approx(6.02, abs=0.01)


def test_a_recording_of_a_model_equals_it(guitar: Audio, tmp_path: Path) -> None:
    di, made = write(tmp_path / "di.wav", guitar), write(tmp_path / "made.wav", 0.25 * guitar)
    judged = compare(made, gain(tmp_path, "b", 0.25), CompareOptions(on=di))
    assert judged.channels[0].esr < 1e-12
    assert judged.material == "di.wav"


def test_what_does_not_fit_together_is_refused(guitar: Audio, tmp_path: Path) -> None:
    mono, slow = write(tmp_path / "a.wav", guitar), write(tmp_path / "b.wav", guitar, 44_100)
    stereo = write(tmp_path / "c.wav", np.stack([guitar] * 2, axis=1))
    wide = gain(tmp_path, "wide", 1.0, channels=2)
    for paths, text in (
        ((mono, slow), f"{slow}: does not have {mono}'s sample rate, 48000 and 44100 Hz; resample one of them"),
        ((mono, stereo), f"{stereo}: does not have {mono}'s number of channels, 1 and 2; leave some away"),
        ((wide, mono), f"{wide}: has 2 -> 2 channels; models of 1 -> 1 are compared"),
    ):
        with pytest.raises(AudioError) as caught:
            compare(*paths, CompareOptions(on=mono if wide in paths else None))
        assert str(caught.value) == text
