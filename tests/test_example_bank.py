"""The bank in examples/ can be played as it is: all its files are there, and each preset sounds as its name says."""

from __future__ import annotations

import hashlib
import runpy
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from nampedal.firmware.audio.loudness import loudness_lufs
from nampedal.firmware.engine import artifact
from nampedal.firmware.engine.inference import Audio
from nampedal.firmware.presets import preset
from nampedal.firmware.presets.banks.bank import check_all_presets, read_bank
from nampedal.firmware.presets.chain import Chain

RATE = 48_000
NAMES = ["clean", "edge", "crunch", "lead"]
LARGEST_BYTES = 300_000


@pytest.fixture(scope="module")
def bank(root: Path) -> Path:
    return root / "examples" / "bank"


def played(path: Path, audio: Audio) -> Audio:
    chain = Chain.prepare(preset.read(path), path.parent, sample_rate=RATE, max_frames=512)
    return chain.render(audio)


def distortion_db(path: Path) -> float:
    """Energy of harmonics 2 to 7 of a tone of 330 Hz at -14 dBFS, in relation to the tone's."""
    times = np.arange(RATE) / RATE
    tone = np.asarray(0.2 * np.sin(2.0 * np.pi * 330.0 * times), np.float32)
    # Half a second, behind the beginning: 330 Hz is line 165 of it.
    spectrum = np.abs(np.fft.rfft(played(path, tone)[RATE // 2 :] * np.hanning(RATE // 2)))
    lines = [spectrum[165 * k - 2 : 165 * k + 3].max() for k in range(1, 8)]
    return float(20.0 * np.log10(np.linalg.norm(lines[1:]) / lines[0]))


def test_it_has_all_it_needs_and_is_small(bank: Path) -> None:
    read = read_bank(bank)
    assert ([path.stem for path in read.presets], read.name, read.problem) == (NAMES, "First sounds", "")
    for entry in check_all_presets(read):
        assert (entry.missing, entry.problems, entry.warning) == ((), (), ""), entry.path
    assert sum(path.stat().st_size for path in bank.iterdir()) < LARGEST_BYTES


@pytest.mark.parametrize("name", NAMES)
def test_each_preset_sounds_at_the_loudness_of_all(bank: Path, guitar: Audio, name: str) -> None:
    sound = played(bank / f"{name}.toml", guitar)
    assert np.isfinite(sound).all()
    assert np.max(np.abs(sound)) < 1.0
    assert loudness_lufs(sound, RATE) == pytest.approx(-18.0, abs=4.0)


def test_from_preset_to_preset_there_is_more_distortion(bank: Path) -> None:
    found = [distortion_db(bank / f"{name}.toml") for name in NAMES]
    assert found == sorted(found)
    assert found[0] < -30.0
    assert found[-1] > -12.0


def test_the_artifact_is_the_demos_capture(bank: Path, root: Path) -> None:
    capture = artifact.read(bank / "overdriven-amp.stomp")
    assert capture.source.sha256 == hashlib.sha256((root / "demo" / "overdriven-amp.nam").read_bytes()).hexdigest()


def test_the_cabinet_is_what_its_script_makes(bank: Path, root: Path) -> None:
    made = runpy.run_path(str(root / "examples" / "make_bank.py"))["impulse_response"]()
    kept, rate = soundfile.read(bank / "speaker-12-inch.wav")
    assert (rate, kept.shape) == (RATE, (2048,))
    # Half a step of 24 bits, and what transforms differ by from machine to machine.
    np.testing.assert_allclose(kept, made, rtol=0.0, atol=1.5 * 2.0**-23)


def test_it_can_be_exported(
    bank: Path, tmp_path: Path, nampedal: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    shutil.copytree(bank, tmp_path / "bank")
    done = nampedal("bank", "export", "bank")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("bank.nampedal-bank: 4 presets, ")
