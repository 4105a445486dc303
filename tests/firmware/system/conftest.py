from __future__ import annotations

from pathlib import Path

import pytest
from support.rigs.card_rig import Card


@pytest.fixture
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Card:
    """A pedal that was installed, with a card that says nothing yet."""
    made = Card(tmp_path / "root")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(made.config))
    return made


@pytest.fixture
def banks(tmp_path: Path) -> Path:
    folder = tmp_path / "banks"
    folder.mkdir()
    return folder
