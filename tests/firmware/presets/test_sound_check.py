"""A capture that plays nothing finite, or silence, is refused wherever it comes in, in one line."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from nampedal.converter.nam import nam_file
from nampedal.converter.nam.capture_player import check_playable, play
from nampedal.firmware.base.errors import NampedalError
from nampedal.firmware.engine import artifact
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.banks import bank, bank_edit
from nampedal.firmware.presets.chain import Chain
from nampedal.firmware.presets.preset import Nam, Preset
from nampedal.firmware.presets.sound_check import peak_of, problem_of
from support.makers import nam_maker

Run = Callable[..., subprocess.CompletedProcess[str]]

NO_SOUND = "plays numbers that are no sound: not finite, or above +120 dBFS"
SILENT = "is silent: of a guitar nothing above -140 dBFS comes out"


def linear(gain: float, bias: float = 0.0) -> nam_maker.Nam:
    return {**nam_maker.linear(taps=1, bias=True), "weights": [gain, bias]}


def diverged() -> nam_maker.Nam:
    nam = nam_maker.convnet(batch_norm=False, activation="ReLU")
    return {**nam, "weights": [1e15 * weight for weight in nam["weights"]]}


CASES = {
    "diverged": (diverged(), NO_SOUND),
    "far too loud": (linear(1e8), NO_SOUND),
    "zeros": (linear(0.0), SILENT),
    "nothing but DC": (linear(0.0, 0.5), SILENT),
    "far too quiet": (linear(1e-8), SILENT),
    "a tier": (nam_maker.container((0.5, linear(0.0)), (1.0, nam_maker.a1())), f"tier 1: {SILENT}"),
}


@pytest.mark.parametrize("name", CASES)
def test_convert_refuses_it_in_one_line_and_writes_nothing(tmp_path: Path, nampedal: Run, name: str) -> None:
    nam, text = CASES[name]
    path = nam_maker.write(tmp_path / "x.nam", nam)
    for more in ((), ("--precision", "f32"), ("-o", "x.tflite")):
        done = nampedal("convert", path, *more)
        assert done.returncode == 2
        assert done.stderr == f"nampedal: {path}: {text}; train it again, or take another capture\n"
        assert done.stdout == ""
    assert [file.name for file in tmp_path.iterdir()] == ["x.nam"]


@pytest.mark.parametrize("name", CASES)
def test_a_pedal_and_a_bank_refuse_the_artifact(tmp_path: Path, name: str) -> None:
    nam, text = CASES[name]
    path = tmp_path / "x.stomp"
    path.write_bytes(artifact.pack(nam_file.read(nam_maker.write(tmp_path / "x.nam", nam))))
    one = Preset("x", (Nam("x.stomp"),))
    wanted = f"{path}: {text}; train it again, or take another capture"
    for loudness in (None, -20.0):
        with pytest.raises(NampedalError) as caught:
            Chain.prepare(one, tmp_path, sample_rate=48_000.0, max_frames=64, loudness_lufs=loudness)
        assert str(caught.value) == wanted
    preset.write(one, tmp_path / "x.toml")
    assert bank.check_preset(tmp_path / "x.toml").problems == (wanted,)
    folder = tmp_path / "bank"
    bank_edit.make_bank(folder)
    for given in ("x.stomp", "x.toml"):
        with pytest.raises(NampedalError, match="take another capture"):
            bank_edit.add(folder, [tmp_path / given])


@pytest.mark.parametrize("gain", [1e-5, 1e-3, 1.0, 1e3, 1e5])
def test_a_capture_that_is_merely_quiet_or_loud_is_taken(tmp_path: Path, gain: float) -> None:
    check_playable(tmp_path, nam_file.read(nam_maker.write(tmp_path / "x.nam", linear(gain, 0.3))))


def test_convert_tells_of_what_is_too_quiet_and_of_levels_that_can_not_be(tmp_path: Path, nampedal: Run) -> None:
    metadata = {"input_level_dbu": -9999, "output_level_dbu": "loud", "loudness": -20}
    path = nam_maker.write(tmp_path / "x.nam", {**linear(1e-5), "metadata": metadata})
    lines = nampedal("convert", path, "--precision", "f32").stdout.splitlines()
    assert "  taken as not known: input_level_dbu is -9999; -20 to +40 dBu can be" in lines
    assert "  taken as not known: output_level_dbu is 'loud'; a number is needed" in lines
    assert any("too quiet for its loudness to be measured, below -70 LUFS" in line for line in lines)
    for file in (path, tmp_path / "x.stomp"):
        told = nampedal("inspect", file).stdout
        assert "input level     not known: input_level_dbu is -9999; -20 to +40 dBu can be\n" in told
        assert "loudness        -20.0 dB\n" in told


def test_what_is_judged_is_the_sound_without_its_dc() -> None:
    assert problem_of(peak_of(np.full((100, 1), 0.5, np.float32))) == SILENT
    assert problem_of(peak_of(np.array([[1.0], [np.nan]], np.float32))) == NO_SOUND
    assert problem_of(float("inf")) == NO_SOUND
    assert problem_of(1e-6) == problem_of(1e6) == ""


def test_playing_for_comparison_changes_nothing(tmp_path: Path) -> None:
    """The engine alone plays what the network plays, DC and all."""
    capture = nam_file.read(nam_maker.write(tmp_path / "x.nam", linear(1.0, 0.25)))
    one = replace(capture, tiers=capture.tiers[:1])
    assert np.all(play(one, np.zeros(64, np.float32)) == 0.25)
