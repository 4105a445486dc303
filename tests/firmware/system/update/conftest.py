from __future__ import annotations

from pathlib import Path

import pytest
from support.rigs.update_rig import FakePedal


@pytest.fixture
def pedal(tmp_path: Path) -> FakePedal:
    """It plays what was installed."""
    pedal = FakePedal(tmp_path / "root")
    pedal.start()
    return pedal
