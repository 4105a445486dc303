from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.fakes import fake_lgpio
from support.fakes.fake_lgpio import Pins


@pytest.fixture
def pins(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pins]:
    """The real rpi-lgpio's."""
    with fake_lgpio.installed(monkeypatch) as found:
        yield found
