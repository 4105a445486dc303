from __future__ import annotations

from pathlib import Path

import pytest
from support.rigs.sick_pedal import Patient, make_patient


@pytest.fixture(autouse=True)
def nothing_of_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nobody"))


@pytest.fixture
def pedal(tmp_path: Path) -> Patient:
    """Well, on an installed Raspberry Pi OS."""
    return make_patient(tmp_path / "root")
