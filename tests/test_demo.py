"""The demo's capture is what it says: a capture of the demo's own amplifier."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile
from conftest import Audio
from nampedal.converter.listening import metrics
from nampedal.converter.nam import nam_file
from nampedal.firmware.engine.inference import Engine
from nampedal.firmware.engine.network import describe_channels, macs_per_frame


@pytest.fixture(scope="module")
def make_demo(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_demo", root / "demo" / "make_demo.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_capture_is_an_a1_standard(root: Path) -> None:
    capture = nam_file.read(root / "demo" / "overdriven-amp.nam")
    assert describe_channels(capture.tiers[0].network) == "16/8"
    assert capture.tiers[0].parameters == 13_802
    assert macs_per_frame(capture.tiers[0].network) == 13_320


@pytest.mark.parametrize("what", ["the held-back part of the training signal", "the riff"])
def test_the_capture_sounds_like_the_amplifier(root: Path, make_demo: ModuleType, what: str) -> None:
    engine = Engine.prepare(nam_file.read(root / "demo" / "overdriven-amp.nam"), max_frames=4096)
    if what == "the riff":
        dry = np.asarray(soundfile.read(root / "demo" / "riff.wav", dtype="float32")[0], np.float32)
    else:
        dry = np.asarray(make_demo.training_signal()[-round(9.5 * 48_000) :], np.float32)
    wanted: Audio = np.asarray(make_demo.amplifier(dry), np.float32)
    esr = metrics.esr(wanted, engine.render(dry))
    print(f"ESR of the demo capture on {what}: {esr:.1e}")
    assert esr < 0.01


def test_the_riff_is_what_the_script_makes(root: Path, make_demo: ModuleType) -> None:
    stored = soundfile.read(root / "demo" / "riff.wav")[0]
    assert float(np.max(np.abs(stored - make_demo.riff()))) < 1e-3
