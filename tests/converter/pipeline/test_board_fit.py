from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from nampedal.board.profiles.boards import board_keys, read_board
from nampedal.converter.budget.sizing import BudgetTarget
from nampedal.converter.nam import nam_file
from nampedal.converter.pipeline.board_fit import fits
from nampedal.firmware.engine.capture import Capture
from support.makers import nam_maker


@pytest.fixture
def capture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Capture:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    nam = nam_maker.container((0.5, nam_maker.a1((2, 2))), (1.0, nam_maker.a1()))
    return nam_file.read(nam_maker.write(tmp_path / "two.nam", nam))


def test_every_board_whose_costs_are_known_is_told_for_every_tier(capture: Capture) -> None:
    found = fits(capture, None)
    assert [(one.board_key, one.tier) for one in found] == [(key, tier) for key in board_keys() for tier in (0, 1)]
    for one in found:
        assert one.status == "estimated"
        assert one.fits
        assert one.latency_ms == pytest.approx(2000.0 * one.period_frames / 48_000.0)


def test_of_the_board_that_was_asked_for_it_tells_alone(capture: Capture) -> None:
    target = BudgetTarget(replace(read_board("5"), name="Mine"), 32, 0.001, 48_000.0)
    found = fits(capture, target)
    assert [(one.board_name, one.tier, one.fits) for one in found] == [("Mine", 0, False), ("Mine", 1, False)]
    assert found[0].percent == target.percent(capture.tiers[0].network)
    assert (found[0].period_frames, found[0].budget_percent) == (32, 0.001)
