"""A small capture to slim, and what it is slimmed with."""

from __future__ import annotations

from pathlib import Path

import pytest
from nampedal.converter.listening import test_signals
from nampedal.converter.nam import nam_file
from nampedal.converter.slim.dataset import TrainingAudio
from nampedal.firmware.engine.capture import Capture
from nampedal.firmware.engine.network import WaveNet
from support.makers import nam_maker


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    """8/4 channels, six layers each, random weights."""
    nam = nam_maker.a1((8, 4), (1, 2, 4, 8, 16, 32), seed=3)
    return nam_file.read(nam_maker.write(tmp_path_factory.mktemp("small") / "small.nam", nam))


@pytest.fixture(scope="session")
def network(small: Capture) -> WaveNet:
    found = small.tiers[0].network
    assert isinstance(found, WaveNet)
    return found


@pytest.fixture(scope="session")
def plucked() -> TrainingAudio:
    """Three seconds to learn from, one to be judged by."""
    return TrainingAudio(test_signals.excitation(48_000.0, 3.0), test_signals.plucks(48_000.0, 1.0), "plucks")


@pytest.fixture(scope="session")
def demo(root: Path) -> Capture:
    return nam_file.read(root / "demo" / "overdriven-amp.nam")
